/** Node's module hooks for specs that start a process of their own: sources are compiled as jest compiles them. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import jestConfig from '../../jest.config.js';

const [, options] = jestConfig.transform['^.+\\.ts$'];

export async function resolve(specifier, context, next) {
  const isOurs = context.parentURL?.endsWith('.ts') && specifier.startsWith('.');
  return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...options, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
