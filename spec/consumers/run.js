/**
 * Packs the package, installs the tarball in empty folders, and has every consumer of `matrix.js` build and use it there.
 *
 *   npm run test:consumers                 all of them; writes the table into docs/toolchains.md when all succeed
 *   npm run test:consumers -- tsx vitest   those whose names contain one of the words
 *
 * `CONSUMERS_IN=folder` leaves everything in that folder, and installs no tools again that are there.
 *
 * The tarball is installed twice: alone, where nothing but its own dependencies can be found, and beside all tools.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPacked } from './checks.js';
import { CONSUMERS, TOOLS } from './matrix.js';
import { withTable } from './table.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../..');
const AT_ONCE = 2;
const TIMEOUT_MS = 300_000;

/** Compilers that are installed under other names than their own. */
const COMPILERS = { tsc5: 'typescript', tsc52: 'typescript52', tsc6: 'typescript6', tsc7: 'typescript7' };

const words = process.argv.slice(2);
const wanted = (name) => words.length === 0 || words.some((word) => name.includes(word));
const kept = process.env.CONSUMERS_IN;
const base = kept ?? mkdtempSync(join(tmpdir(), 'worktable-consumers-'));
mkdirSync(base, { recursive: true });
const alone = join(base, 'alone');
const beside = join(base, 'beside');
const failures = [];

try {
  const started = performance.now();
  const { stdout } = await run(ROOT, ['npm', 'pack', '--json', '--pack-destination', base]);
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  const tarball = join(base, packed.filename);
  await Promise.all([install(alone, [tarball]), install(beside, [tarball, ...Object.entries(TOOLS).map(([name, at]) => `${name}@${at}`)])]);
  console.log(`packed and installed in ${seconds(started)}: ${kilobytes(packed.size)} packed, ${kilobytes(packed.unpackedSize)} unpacked`);

  const checks = checkPacked({ packed, tarball, alone, beside, run: (folder, command) => run(folder, locate(command)) });
  const consumers = Object.entries(CONSUMERS).map(([name, consumer]) => [name, () => consume(name, consumer)]);
  await inTurn([...consumers, ...checks].filter(([name]) => wanted(name)));
  console.log(`${failures.length === 0 ? 'all succeeded' : `failed: ${failures.join(', ')}`} in ${seconds(started)}`);
  if (failures.length === 0 && words.length === 0) writeTable();
} finally {
  if (failures.length === 0 && kept === undefined) rmSync(base, { recursive: true, force: true });
  else console.log(`everything is left in ${base}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function install(folder, packages) {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  await run(folder, ['npm', 'install', '--no-fund', '--no-audit', '--prefer-offline', '--loglevel=error', ...packages]);
}

async function inTurn(jobs) {
  const next = jobs[Symbol.iterator]();
  const work = async () => {
    for (const [name, job] of next) {
      const started = performance.now();
      try {
        await job();
        console.log(`✓ ${name.padEnd(44)} ${seconds(started)}`);
      } catch (error) {
        failures.push(name);
        console.log(`✗ ${name.padEnd(44)} ${seconds(started)}\n${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** One consumer in a folder of its own, below the folder whose packages it finds. */
async function consume(name, { files, program, commands, infers, alone: byItself }) {
  const folder = join(byItself ? alone : beside, name.replaceAll(/[^A-Za-z0-9]+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  cpSync(join(HERE, program), join(folder, program));
  let last = '';
  for (const command of commands) {
    const { stdout, stderr } = await run(folder, locate(command), { INFERS: infers ? '1' : '0' });
    last = stdout + stderr;
  }
  if (!/every check passed|passed/.test(last)) throw new Error(`it ended without a word of success:\n${last}`);
}

/** A command with its program's path: tools are run from where they are installed, with no shell between. */
function locate([tool, ...rest]) {
  const modules = join(beside, 'node_modules');
  const args = rest.map((part) => part.replace('$bin', join(modules, '.bin')));
  if (tool in COMPILERS) return [process.execPath, join(modules, COMPILERS[tool], 'bin/tsc'), ...args];
  if (tool === 'node') return [process.execPath, ...args];
  if (tool === 'bun') return [binary(modules, ['bun/bin/bun.exe', '@oven/*/bin/bun']), ...args];
  if (tool === 'deno') return [binary(modules, ['deno/deno', '@deno/*/deno']), ...args];
  const script = join(modules, '.bin', tool);
  return existsSync(script) ? [script, ...args] : [tool, ...args];
}

/** A program of its own: where its package's script has put it, or, where npm ran none, where it came. */
function binary(modules, patterns) {
  const found = patterns.flatMap((pattern) => filesLike(modules, pattern)).find((file) => statSync(file).size > 1_000_000);
  if (found === undefined) throw new Error(`none of ${patterns.join(', ')} is a program`);
  return found;
}

function filesLike(folder, pattern) {
  const [scope, path] = pattern.split('/*/');
  const files = path === undefined ? [pattern] : readdirSync(join(folder, scope)).map((name) => join(scope, name, path));
  return files.map((file) => join(folder, file)).filter((file) => existsSync(file));
}

function run(folder, [command, ...args], variables = {}) {
  return new Promise((resolve, reject) => {
    // What this run was given of Node's options is not the consumers'.
    const environment = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...variables };
    const child = spawn(command, args, { cwd: folder, env: environment, timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (output[stream] += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${[command, ...args].join(' ')}\nended with ${signal ?? code}\n${output.stdout}${output.stderr}`.trim()));
    });
  });
}

function writeTable() {
  const page = join(ROOT, 'docs/toolchains.md');
  writeFileSync(page, withTable(readFileSync(page, 'utf8')));
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}
