import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const QUIETLY = ['--no-fund', '--no-audit', '--prefer-offline'];

/**
 * Follows a page of the documentation word for word in an empty folder: types its commands, writes its settings and its
 * programs, compiles and runs them, and compares what they print with what the page says. Nothing else is known of the
 * package but the page, and the tarball in place of its name. `before` is a page that was followed up to there, for its
 * commands and settings; `packages` and compiler `options` are those that the page takes for granted.
 */
export async function follow(page, folder, tarball, run, { before = page, packages = [], options = {} } = {}) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const ground = blocksOf(readFileSync(before, 'utf8'));
  for (const { info, text } of ground) if (info === 'sh') await type(text, folder, tarball, run, packages);
  const [settings] = ground.filter(({ info }) => info === 'json');
  if (settings !== undefined) writeFileSync(join(folder, 'tsconfig.json'), withOptions(settings.text, options));
  const programs = programsOf(blocksOf(readFileSync(page, 'utf8')));
  assert.ok(programs.length > 0, `${page} has no program`);
  for (const [n, { source }] of programs.entries()) writeFileSync(join(folder, `program${n}.ts`), `${source}\nexport {};\n`);
  await run(folder, ['npx', 'tsc']);
  for (const [n, { expected }] of programs.entries()) {
    const { stdout } = await run(folder, ['node', `program${n}.js`]);
    assert.match(unspaced(stdout), pattern(expected));
  }
  return programs.length;
}

/** Begins as the README does: its first commands, its first program, and the line under it that compiles and runs it. */
export async function followReadme(folder, tarball, run) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const text = readFileSync('README.md', 'utf8');
  const blocks = blocksOf(text);
  await type(blocks.find(({ info }) => info === 'sh').text, folder, tarball, run, []);
  const [{ source, expected }] = programsOf(blocks);
  writeFileSync(join(folder, 'main.ts'), source);
  const [, compile, start] = /`(npx tsc [^`&]*) && (node [^`&]*)`/.exec(text);
  await run(folder, compile.split(' '));
  const { stdout } = await run(folder, start.split(' '));
  assert.match(unspaced(stdout), pattern(expected));
  return 1;
}

/** Types the commands of a block, with the tarball in place of the package's name. */
async function type(commands, folder, tarball, run, packages) {
  for (const command of commands.split(/\n| && /)) {
    const words = command.split(' ').map((word) => (word === 'worktable' ? tarball : word));
    if (words[0] === 'npm') await run(folder, [...words, ...(words[1] === 'install' ? [...packages, ...QUIETLY] : [])]);
  }
}

function withOptions(settings, options) {
  const { compilerOptions, ...rest } = JSON.parse(settings);
  return JSON.stringify({ ...rest, compilerOptions: { ...compilerOptions, ...options } });
}

function blocksOf(text) {
  return Array.from(text.matchAll(/^```(\w+ ?[\w-]*).*\n([\s\S]*?)\n```$/gm), ([, info, code]) => ({ info: info.trim(), text: code }));
}

/** `ts setup` begins every later program, `ts continue` goes on from the one before. */
function programsOf(blocks) {
  const programs = [];
  let setup = '';
  for (const { info, text } of blocks) {
    if (info === 'ts setup') setup = `${text}\n`;
    else if (info === 'ts continue') programs.at(-1).source += `\n${text}`;
    else if (info === 'ts') programs.push({ source: setup + text });
  }
  const told = /\/\/ prints: (.*(?:\n\/\/ {3}.*)*)$/gm; // lines that begin with three spaces go on from the one before
  for (const program of programs) program.expected = Array.from(program.source.matchAll(told), ([, printed]) => printed);
  return programs;
}

/** What must be printed, as a page tells it: `…` stands for anything, white space for one space. */
function pattern(expected) {
  const text = unspaced(expected.join('\n').replaceAll(/\n\/\/ {3}/g, '\n'));
  const parts = text.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function unspaced(text) {
  return text.replaceAll(/\s+/g, ' ').trim();
}
