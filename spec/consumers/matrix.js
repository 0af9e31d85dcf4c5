/**
 * Who uses the package, as data: each way to build TypeScript, and each way to load a package, is a folder with these
 * files in which these commands must succeed. `run.js` runs them, and writes the table of docs/toolchains.md.
 */

/** What the consumers are built with, in versions that were tried. They are installed beside the tarball, never in the project. */
export const TOOLS = {
  typescript: '5.9.3', // under this name for ts-jest, which needs one before 7
  typescript7: 'npm:typescript@7.0.2',
  typescript6: 'npm:typescript@6.0.3',
  typescript52: 'npm:typescript@5.2.2',
  '@types/node': '^20.19.43',
  '@swc/core': '1.16.22',
  '@swc/jest': '0.2.39',
  jest: '30.5.2',
  'ts-jest': '29.4.15',
  tsx: '4.23.15',
  esbuild: '0.28.2',
  vite: '8.3.8',
  vitest: '4.1.12',
  '@babel/core': '^7.29.0',
  '@babel/plugin-transform-typescript': '^7.28.0',
  '@babel/plugin-proposal-decorators': '^7.29.0',
  bun: '1.4.5',
  deno: '2.9.6',
  publint: '0.3.25',
  '@arethetypeswrong/cli': '0.18.5',
};

const ESM = 'ES modules';
const CJS = 'CommonJS';
const MAIN = "import { main } from './program.js';\n\nmain().then(console.log);\n";
const RUN = ['node', 'out/main.js'];

/** A project of the TypeScript compiler. */
function tsc(tool, type, options, more = {}) {
  const compilerOptions = { outDir: 'out', target: 'es2022', module: 'nodenext', strict: true, types: ['node'], ...options };
  return {
    modules: type === 'module' ? ESM : CJS,
    decorators: options.experimentalDecorators ? 'legacy' : 'standard',
    infers: options.emitDecoratorMetadata === true,
    define: options.useDefineForClassFields ?? true,
    files: { 'package.json': { type }, 'tsconfig.json': { compilerOptions }, 'main.ts': MAIN },
    program: 'program.ts',
    commands: [[tool, '-p', '.'], RUN],
    ...more,
  };
}

const LEGACY = { experimentalDecorators: true };
const EMITTING = { ...LEGACY, emitDecoratorMetadata: true };
const NO_DEFINE = { useDefineForClassFields: false };

const COMPILED = {
  'tsc 7': tsc('tsc7', 'module', EMITTING),
  'tsc 7, no metadata': tsc('tsc7', 'module', { ...LEGACY, ...NO_DEFINE }),
  'tsc 7, standard': tsc('tsc7', 'module', {}),
  'tsc 7, CommonJS': tsc('tsc7', 'commonjs', { ...EMITTING, ...NO_DEFINE, module: 'node16' }),
  'tsc 7, CommonJS, no metadata': tsc('tsc7', 'commonjs', LEGACY),
  'tsc 7, CommonJS, standard': tsc('tsc7', 'commonjs', { ...NO_DEFINE, module: 'node16' }),
  'tsc 5.9, moduleResolution node10': tsc('tsc5', 'commonjs', {
    ...EMITTING,
    module: 'commonjs',
    moduleResolution: 'node10',
    esModuleInterop: true,
  }),
  'tsc 5.2, standard': tsc('tsc52', 'module', { module: 'node16' }),
};

function swc(transform, extra) {
  const options = { swcrc: false, jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true }, transform } };
  const build = [
    "import { readFileSync, writeFileSync } from 'node:fs';",
    "import { transformSync } from '@swc/core';",
    "for (const file of ['program', 'main']) {",
    `  const options = ${JSON.stringify(options)};`,
    "  writeFileSync(file + '.js', transformSync(readFileSync(file + '.ts', 'utf8'), { ...options, filename: file + '.ts' }).code);",
    '}',
  ].join('\n');
  return {
    modules: ESM,
    files: { 'package.json': { type: 'module' }, 'main.ts': MAIN, 'build.js': build },
    program: 'program.ts',
    commands: [
      ['node', 'build.js'],
      ['node', 'main.js'],
    ],
    ...extra,
  };
}

function babel(plugin, decorators) {
  const options = {
    babelrc: false,
    configFile: false,
    // Types before decorators: the other way round, Babel refuses `name!: string`.
    plugins: [
      ['@babel/plugin-transform-typescript', { allowDeclareFields: true }],
      ['@babel/plugin-proposal-decorators', plugin],
    ],
  };
  const build = [
    "import { readFileSync, writeFileSync } from 'node:fs';",
    "import { transformSync } from '@babel/core';",
    `const options = ${JSON.stringify(options)};`,
    "const { code } = transformSync(readFileSync('program.ts', 'utf8'), { ...options, filename: 'program.ts' });",
    "writeFileSync('program.js', code);",
  ].join('\n');
  return {
    modules: ESM,
    decorators,
    infers: false,
    files: { 'package.json': { type: 'module' }, 'main.js': MAIN, 'build.js': build },
    program: 'program.ts',
    commands: [
      ['node', 'build.js'],
      ['node', 'main.js'],
    ],
  };
}

/** What needs no build of its own, and reads what it should know of decorators from tsconfig.json. */
function direct(commands, type, experimentalDecorators, more = {}) {
  return {
    modules: type === 'module' ? ESM : CJS,
    decorators: experimentalDecorators ? 'legacy' : 'standard',
    infers: false,
    files: {
      'package.json': { type },
      'tsconfig.json': { compilerOptions: { target: 'es2022', experimentalDecorators, emitDecoratorMetadata: experimentalDecorators } },
      'main.ts': MAIN.replace('.js', '.ts'),
      ...more.files,
    },
    program: 'program.ts',
    commands,
    ...more.rest,
  };
}

// Without a target, esbuild leaves standard decorators as they are, for engines that know them.
const BUNDLE = ['esbuild', 'main.ts', '--bundle', '--platform=node', '--target=node20', '--minify', '--keep-names'];

const VITE = [
  ['vite', 'build', '--logLevel=warn', '--ssr', 'main.ts', '--outDir', 'out'],
  ['node', 'out/main.js'],
];
const ALL_IN_ONE = 'export default { ssr: { noExternal: true } };\n';
/** Vite’s own compiler knows legacy decorators alone. */
const WITH_SWC = `
import { transformSync } from '@swc/core';
const jsc = { target: 'es2022', parser: { syntax: 'typescript', decorators: true }, transform: { decoratorVersion: '2023-11' } };
const transform = (code, id) => (id.endsWith('.ts') ? transformSync(code, { jsc, filename: id, sourceMaps: true }) : undefined);
export default { plugins: [{ name: 'swc', enforce: 'pre', transform }], ssr: { noExternal: true } };
`;

const TRANSPILED = {
  swc: swc({ legacyDecorator: true, decoratorMetadata: true }, { decorators: 'legacy', infers: true }),
  'swc, standard': swc({ decoratorVersion: '2023-11' }, { decorators: 'standard', infers: false }),
  babel: babel({ version: 'legacy' }, 'legacy'),
  'babel, standard': babel({ version: '2023-11' }, 'standard'),
  tsx: direct([['tsx', 'main.ts']], 'module', true),
  'tsx, CommonJS': direct([['tsx', 'main.ts']], 'commonjs', true),
  'tsx, standard': direct([['tsx', 'main.ts']], 'module', false),
  esbuild: direct(
    [
      [...BUNDLE, '--format=esm', '--outfile=out/main.mjs'],
      ['node', 'out/main.mjs'],
    ],
    'module',
    true,
  ),
  'esbuild, standard': direct(
    [
      [...BUNDLE, '--format=esm', '--outfile=out/main.mjs'],
      ['node', 'out/main.mjs'],
    ],
    'module',
    false,
  ),
  'esbuild, CommonJS': direct(
    [
      [...BUNDLE, '--format=cjs', '--outfile=out/main.cjs'],
      ['node', 'out/main.cjs'],
    ],
    'commonjs',
    true,
  ),
  vite: direct(VITE, 'module', true, { files: { 'vite.config.js': ALL_IN_ONE }, rest: { infers: true } }),
  'vite with swc, standard': direct(VITE, 'module', false, { files: { 'vite.config.js': WITH_SWC } }),
  bun: direct([['bun', 'main.ts']], 'module', true, { files: { 'tsconfig.json': { compilerOptions: LEGACY } } }),
  'bun, standard': direct([['bun', 'main.ts']], 'module', false),
  deno: direct([['deno', 'run', '--allow-all', '--node-modules-dir=manual', 'main.ts']], 'module', true, {
    files: { 'deno.json': { compilerOptions: { experimentalDecorators: true } } },
  }),
  'deno, standard': direct([['deno', 'run', '--allow-all', '--node-modules-dir=manual', 'main.ts']], 'module', false),
};

const TEST = [
  "import { main } from './program';",
  "test('uses the package', async () => { expect(await main()).toBe('every check passed'); }, 60_000);",
].join('\n');

function jest(transform, type, more = {}) {
  const config = { testEnvironment: 'node', transform, ...(type === 'module' ? { extensionsToTreatAsEsm: ['.ts'] } : {}) };
  const node = type === 'module' ? ['node', '--experimental-vm-modules', '--no-warnings'] : ['node'];
  return {
    modules: type === 'module' ? ESM : CJS,
    decorators: 'legacy',
    infers: true,
    files: { 'package.json': { type }, 'jest.config.json': config, 'main.test.ts': TEST, ...more },
    program: 'program.ts',
    commands: [[...node, '$bin/jest', '--config', 'jest.config.json', '--ci', '--watchman=false']],
  };
}

const SWC_JEST = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  },
];
const TS_JEST = {
  compilerOptions: { strict: true, target: 'es2022', module: 'commonjs', esModuleInterop: true, isolatedModules: true, ...EMITTING },
};

const TESTED = {
  vitest: direct([['vitest', 'run', '--globals']], 'module', true, { files: { 'main.test.ts': TEST }, rest: { infers: true } }),
  'ts-jest': jest({ '^.+\\.ts$': ['ts-jest', { diagnostics: false }] }, 'commonjs', { 'tsconfig.json': TS_JEST }),
  '@swc/jest': jest({ '^.+\\.ts$': SWC_JEST }, 'commonjs'),
  '@swc/jest, ES modules': jest({ '^.+\\.ts$': SWC_JEST }, 'module'),
};

function javascript(type, ...flags) {
  return {
    modules: type === 'module' ? ESM : CJS,
    decorators: 'calls',
    infers: false,
    alone: true,
    files: { 'package.json': { type } },
    program: type === 'module' ? 'calls.mjs' : 'calls.cjs',
    commands: [['node', ...flags, type === 'module' ? 'calls.mjs' : 'calls.cjs']],
  };
}

const PLAIN = {
  'JavaScript, import': javascript('module'),
  'JavaScript, require': javascript('commonjs'),
  'JavaScript, require without require(esm)': javascript('commonjs', '--no-experimental-require-module'),
  'JavaScript, no code from strings': javascript('module', '--disallow-code-generation-from-strings'),
};

/** Each toolchain by its name in the table. `infers`: types of properties are emitted. */
export const CONSUMERS = { ...COMPILED, ...TRANSPILED, ...TESTED, ...PLAIN };

/** Types alone, strict, without `skipLibCheck` and without Node's types. */
export const TYPE_CHECKS = [
  ...['node16', 'nodenext', 'bundler'].map((resolution) => ({ tool: 'tsc7', resolution })),
  ...['tsc6', 'tsc5', 'tsc52'].map((tool) => ({ tool, resolution: 'node16' })),
];
