import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TYPE_CHECKS } from './matrix.js';
import { follow, followReadme } from './stranger.js';

/** The packages that users are told of. Frameworks are theirs to install. */
const DEPENDENCIES = ['avsc', 'class-transformer', 'eventemitter3', 'reflect-metadata', 'sorted-btree'];
const BEGINNING = 'docs/getting-started.md';
const NEST = {
  before: BEGINNING,
  options: { types: ['node'], skipLibCheck: true }, // as in Nest's own template
  packages: [
    '@nestjs/common@12',
    '@nestjs/core@12',
    '@nestjs/platform-express@12',
    '@nestjs/testing@12',
    '@nestjs/terminus@12',
    'rxjs@7',
    '@types/node@20',
  ],
};
const LARGEST_BYTES = 600_000;

/** What holds of the package itself, apart from those who use it. */
export function checkPacked({ packed, tarball, alone, beside, run }) {
  const manifest = JSON.parse(readFileSync(join(alone, 'node_modules/worktable/package.json'), 'utf8'));
  return [
    ['the packed files', () => checkFiles(packed, manifest)],
    ['what is installed with it', () => checkInstalled(alone, run)],
    ['publint', () => run(join(alone, 'node_modules/worktable'), ['publint', '--strict'])],
    ['are the types wrong', () => run(beside, ['attw', '--format', 'ascii', tarball])],
    ['a stranger who reads the README', () => followReadme(join(alone, '../stranger-readme'), tarball, run)],
    ['a stranger who begins', () => follow(BEGINNING, join(alone, '../stranger'), tarball, run)],
    ['a stranger with Nest', () => follow('docs/nestjs.md', join(alone, '../stranger-nest'), tarball, run, NEST)],
    ...TYPE_CHECKS.map(({ tool, resolution }) => [`types, ${tool}, ${resolution}`, () => checkTypes(beside, run, tool, resolution)]),
  ];
}

function checkFiles({ files, size }, manifest) {
  const paths = files.map(({ path }) => path);
  const odd = paths.filter(
    (path) => !/^(dist\/(lib|decorators|cjs)\/.*\.(js|d\.ts|d\.cts)|docs\/.*\.md|[A-Za-z]+\.md|LICENSE)$/.test(path),
  );
  assert.deepEqual(odd.sort(), ['dist/cjs/package.json', 'package.json']);
  assert.ok(size < LARGEST_BYTES, `${size} bytes packed`);
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), DEPENDENCIES);
  const scripts = ['preinstall', 'install', 'postinstall'].filter((name) => name in manifest.scripts);
  assert.deepEqual(scripts, []);
  for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
    assert.equal(manifest.peerDependenciesMeta?.[peer]?.optional, true, `${peer} is no optional peer`);
  }
}

async function checkInstalled(alone, run) {
  const { stdout } = await run(alone, ['npm', 'ls', '--all', '--parseable']);
  const names = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((path) => path.slice(join(alone, 'node_modules').length + 1));
  assert.deepEqual(names.sort(), [...DEPENDENCIES, 'worktable']);
}

/** Strictly, without `skipLibCheck`, with none of Node's types, from a module of either kind. */
async function checkTypes(beside, run, tool, resolution) {
  const folder = join(beside, `types-${tool}-${resolution}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const source = readFileSync(new URL('./types.ts', import.meta.url), 'utf8');
  const bundled = resolution === 'bundler';
  const names = bundled ? ['module.ts'] : ['module.mts', 'common.cts'];
  for (const name of names) writeFileSync(join(folder, name), source);
  const base = {
    noEmit: true,
    target: 'es2022',
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    module: bundled ? 'esnext' : resolution,
    moduleResolution: resolution,
  };
  for (const experimentalDecorators of [true, false]) {
    const file = `tsconfig-${experimentalDecorators}.json`;
    writeFileSync(join(folder, file), JSON.stringify({ compilerOptions: { ...base, experimentalDecorators }, files: names }));
    await run(folder, [tool, '-p', file]);
  }
}
