import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { announced, type Program, unlike } from './blocks.js';

const ROOT = process.cwd();
const TSC = resolve(ROOT, 'node_modules/typescript/bin/tsc');
const RUNNER = resolve(ROOT, 'spec/support/documents/run.js');

/** What is wrong with each program, by its name, and with the sources around them. */
export interface Findings {
  readonly programs: ReadonlyMap<string, readonly string[]>;
  readonly others: readonly string[];
}

/** `docs/queries.md:12`. */
export function nameOf(program: Program): string {
  return `${program.page}:${program.line}`;
}

/**
 * Type-checks all programs at once, strictly, and runs them one after another in one process, each in a folder of its
 * own. They find `worktable` as any package finds itself: by the `exports` of its package.json, compiled from the sources.
 */
export function compileAndRun(programs: readonly Program[]): Findings {
  const folder = mkdtempSync(join(tmpdir(), 'worktable-documents-'));
  try {
    const found = new Map(programs.map((program) => [nameOf(program), [] as string[]]));
    const others = compile(folder, programs, found);
    run(folder, programs, found);
    return { programs: found, others };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fileOf(program: Program, extension: string = program.language): string {
  return `${program.decorators}/${program.page.replace(/\.md$/, '')}-${program.line}.${extension}`;
}

function compile(folder: string, programs: readonly Program[], found: ReadonlyMap<string, string[]>): string[] {
  const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8')) as { include: string[] };
  const sources = include.filter((name) => name !== 'examples');
  for (const name of [...sources, 'package.json', 'tsconfig.json']) cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
  for (const program of programs) {
    const file = join(folder, fileOf(program));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, program.source);
  }
  const others: string[] = [];
  for (const decorators of ['legacy', 'standard'] as const) {
    const own = programs.filter((program) => program.decorators === decorators);
    if (own.length > 0) others.push(...check(folder, decorators, sources, own, found));
  }
  return others;
}

/** Compiles what is meant for one kind of decorators. @returns what is wrong elsewhere than in programs */
function check(
  folder: string,
  decorators: Program['decorators'],
  sources: readonly string[],
  programs: readonly Program[],
  found: ReadonlyMap<string, string[]>,
): string[] {
  const legacy = decorators === 'legacy';
  const kind = { experimentalDecorators: legacy, emitDecoratorMetadata: legacy };
  const lenient = { allowJs: true, noUnusedLocals: false, noUnusedParameters: false };
  const compilerOptions = { rootDir: '.', outDir: 'dist', sourceMap: true, ...kind, ...lenient };
  const include = [...sources, decorators];
  writeFileSync(join(folder, 'tsconfig.programs.json'), JSON.stringify({ extends: './tsconfig.json', compilerOptions, include }));
  const { stdout, stderr } = spawnSync(process.execPath, [TSC, '-p', 'tsconfig.programs.json', '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const byFile = new Map(programs.map((program) => [fileOf(program), program]));
  const others = stderr === '' ? [] : [stderr];
  for (const text of stdout.split(/\n(?! )/).filter((line) => line.trim() !== '')) {
    const [, file = '', line, cause] = /^(.*?)\((\d+),\d+\): error (TS[\s\S]*)$/.exec(text) ?? [];
    const program = byFile.get(file);
    if (program === undefined) others.push(text);
    else found.get(nameOf(program))?.push(`${program.page}:${line}: ${cause}`);
  }
  return others;
}

interface Outcome {
  readonly printed: readonly string[];
  readonly error?: string;
}

function run(folder: string, programs: readonly Program[], found: ReadonlyMap<string, string[]>): void {
  // What does not compile is not run: one finding is enough.
  const runnable = programs.filter((program) => program.runs && found.get(nameOf(program))?.length === 0);
  const list = join(folder, 'list.json');
  const results = join(folder, 'results.json');
  writeFileSync(list, JSON.stringify(runnable.map((program) => join(folder, 'dist', fileOf(program, 'js')))));
  const { stderr } = spawnSync(process.execPath, ['--enable-source-maps', RUNNER, list, results], { cwd: folder, encoding: 'utf8' });
  const outcomes = JSON.parse(readFileSync(results, 'utf8')) as readonly Outcome[];
  runnable.forEach((program, at) => {
    const { printed, error } = outcomes[at] ?? { printed: [], error: `it was not run: ${stderr}` };
    const name = nameOf(program);
    const difference = error === undefined ? unlike(announced(program.source), printed) : undefined;
    if (error !== undefined) found.get(name)?.push(`${placeOf(program, error)}: ${error}`);
    if (difference !== undefined) found.get(name)?.push(`${name}: ${difference}`);
  });
}

/** The line of the page in which an error arose, as far as its stack tells. */
function placeOf(program: Program, stack: string): string {
  const at = stack.indexOf(`${fileOf(program)}:`);
  const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + fileOf(program).length + 1))?.[0];
  return `${program.page}:${line ?? program.line}`;
}
