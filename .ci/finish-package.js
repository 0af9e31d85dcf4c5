/**
 * Makes what is packed out of what was built: the CommonJS side, and types that need nothing of the user's settings.
 *
 * Node itself loads the ES modules for `require` too (the condition `module-sync`), so that a process has one worktable
 * however it asks for it. What cannot load an ES module synchronously, such as Jest in its CommonJS mode, finds
 * `dist/cjs`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from '@swc/core';

const SOURCES = ['lib', 'decorators'];
/** Programs of their own, which nobody requires. */
const LEFT_OUT = ['lib/cli'];
const COMMONJS = 'dist/cjs';

/** @type {import('@swc/core').Options} */
const TO_COMMONJS = {
  swcrc: false,
  configFile: false,
  jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } },
  module: { type: 'commonjs', importInterop: 'node' },
};

/** What declarations use beyond ECMAScript 2022, and what says it to compilers that were not told of it. */
const NEEDED = [
  [/\[Symbol\.(asyncDispose|dispose)\]|\b(Async)?Disposable\b/, '/// <reference lib="esnext.disposable" />'],
  // Node's Buffer where its types are installed, and what it extends elsewhere.
  [/\bBuffer\b/, 'type Buffer = typeof globalThis extends { Buffer: { alloc(size: number): infer B } } ? B : Uint8Array;'],
];

rmSync(COMMONJS, { recursive: true, force: true });
for (const path of SOURCES.flatMap(filesBelow)) {
  if (path.endsWith('.js') && !LEFT_OUT.some((folder) => path.startsWith(folder))) makeCommonJs(path);
  if (path.endsWith('.d.ts')) nameNeeds(join('dist', path));
}
write(join(COMMONJS, 'package.json'), `${JSON.stringify({ type: 'commonjs', sideEffects: false })}\n`);

const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const { import: module, require: commonJs } of Object.values(entries)) {
  if (commonJs !== undefined) declareAgain(commonJs.types, module.types);
}

function filesBelow(folder) {
  return readdirSync(join('dist', folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file));
}

function makeCommonJs(path) {
  const { code } = transformSync(readFileSync(join('dist', path), 'utf8'), { ...TO_COMMONJS, filename: path });
  write(join(COMMONJS, path), code);
}

function nameNeeds(path) {
  const text = readFileSync(path, 'utf8');
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  const needs = NEEDED.flatMap(([use, line]) => (use.test(code) ? [`${line}\n`] : []));
  if (needs.length > 0) writeFileSync(path, needs.join('') + text);
}

/** For `require`: the very types of the ES module, which Node gives to both. */
function declareAgain(path, types) {
  const module = relative(dirname(path), types).replace(/\.d\.ts$/, '.js');
  // TypeScript believes under `module: node16` that CommonJS cannot require an ES module, and Node 20.19 can.
  write(path, `// @ts-ignore TS1479\nexport * from './${module}';\n`);
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
