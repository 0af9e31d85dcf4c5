import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { announced, programsOf, unlike } from './support/documents/blocks.js';
import { compileAndRun, type Findings, nameOf } from './support/documents/compile-and-run.js';

const FENCE = '```';

function pagesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return pagesBelow(path);
    return path.endsWith('.md') ? [path] : [];
  });
}

const PAGES = ['README.md', ...pagesBelow('docs').sort()];
const programs = PAGES.flatMap((page) => programsOf(page, readFileSync(page, 'utf8')));

/** A page in which everything is wrong in another way: what finds nothing here finds nothing anywhere. */
const WRONG = [
  ...[`${FENCE}ts setup`, "import { Column, Database, PrimaryKey, Table } from 'worktable';"],
  ...['@Table() class Note { @PrimaryKey("autoincrement") id!: number; @Column() text!: string }', FENCE],
  ...[`${FENCE}ts`, 'const notes = new Database({ tables: [Note] }).table(Note);', 'notes.insert({ text: 1 });', FENCE],
  ...[`${FENCE}ts`, 'new Database({ tables: [Note] })', '  .table(Note).updateBy(7, { text: "a" });', FENCE],
  ...[`${FENCE}ts`, "console.log('one'); // prints: two", FENCE],
  ...[`${FENCE}ts`, "console.log('three');", FENCE],
  ...[`${FENCE}ts`, 'await new Promise(() => {});', FENCE],
  ...[`${FENCE}ts`, "setImmediate(() => { throw new Error('late'); });", 'await new Promise(() => {});', FENCE],
  ...[`${FENCE}ts compile-only: it would fail`, "throw new Error('not run');", FENCE],
  ...[`${FENCE}ts`, 'console.log(1); // prints: 1', FENCE, `${FENCE}ts continue`, 'console.log([2]); // prints: [ 2 ]', FENCE],
  ...[`${FENCE}ts standard`, 'const decorate = (_: unknown, { kind }: ClassDecoratorContext) => console.log(kind);'],
  ...['@decorate class Note {}', 'new Note(1);', FENCE],
  ...[`${FENCE}js`, 'console.log(new Database({ tables: [] }).tables.length);', FENCE],
  ...[`${FENCE}ts foreign: another language`, 'SELECT 1', FENCE],
].join('\n');
const wrong = programsOf('wrong.md', WRONG);

describe('the documentation', () => {
  let findings: Findings;
  beforeAll(() => {
    findings = compileAndRun([...programs, ...wrong]);
  });

  it('stands beside sources that compile', () => {
    expect(findings.others).toEqual([]);
    expect(programs.length).toBeGreaterThan(10);
  });

  it.each(programs.map((program) => [nameOf(program)]))('has code that compiles, runs and prints what it says: %s', (name) => {
    expect(findings.programs.get(name)).toEqual([]);
  });

  it('is found wrong where it is', () => {
    const found = (line: number) => findings.programs.get(`wrong.md:${line}`)?.map((text) => text.split('\n')[0]);
    expect(found(2)).toEqual([]);
    expect(found(6)).toEqual([expect.stringMatching(/^wrong\.md:7: TS2322: .*'number'.*'string'/)]);
    expect(found(10)).toEqual(['wrong.md:11: NotFoundError: note: no row has this primary key']);
    expect(found(14)).toEqual(['wrong.md:14: prints: one']);
    expect(found(17)).toEqual(['wrong.md:17: prints what no comment tells: // prints: three']);
    expect(found(20)).toEqual(['wrong.md:20: it does not end']);
    expect(found(23)).toEqual(['wrong.md:23: Error: late']);
    expect(found(27)).toEqual([]);
    expect(found(30)).toEqual([]);
    expect(found(36)).toEqual([expect.stringMatching(/^wrong\.md:38: TS2554: Expected 0 arguments/)]);
    expect(found(41)).toEqual(['wrong.md:41: ReferenceError: Database is not defined']);
    expect(findings.programs.size).toBe(programs.length + 11);
  });
});

describe('blocks of code', () => {
  it.each([
    ['ts compile-only', /a\.md:1: say why/],
    ['ts foreign:', /a\.md:1: say why/],
    ['ts later', /a\.md:1: 'later' is none of/],
    ['ts continue', /a\.md:2: there is nothing to continue from/],
    ['typescript', /a\.md:1: call it ts or js/],
  ])('are refused where %s says too little', (info, cause) => {
    expect(() => programsOf('a.md', `${FENCE}${info}\n1;\n${FENCE}`)).toThrow(cause);
  });

  it('are refused where they do not end', () => {
    expect(() => programsOf('a.md', `text\n${FENCE}ts\n1;\n`)).toThrow(/a\.md:2: the block does not end/);
  });

  it('keep the lines of their page', () => {
    const page = `${FENCE}ts setup\none;\n${FENCE}\ntext\n${FENCE}ts\ntwo;\n${FENCE}\n${FENCE}sh\nls\n${FENCE}\n${FENCE}ts continue\nthree;\n${FENCE}`;
    const [, program, ...more] = programsOf('a.md', page);
    expect(more).toEqual([]);
    expect(program?.source.split('\n')).toEqual(['', 'one;', '', '', '', 'two;', '', '', '', '', '', 'three;', 'export {};', '']);
  });

  it('announce what they print over several lines, and in part', () => {
    expect(announced('a(); // prints: {\n//   b: 1 }\n// no more\n  // prints: c')).toEqual(['{ b: 1 }', 'c']);
    expect(unlike(['{ b: 1 }', '… rows (…)'], ['{\n  b: 1\n}', '12 rows (1.5 ms)'])).toBeUndefined();
    expect(unlike(['1 row…'], ['12 rows'])).toMatch(/^prints: 12 rows/);
    expect(unlike(['1'], [])).toBe('does not print: 1');
  });
});

describe('links', () => {
  it.each(PAGES.map((page) => [page]))('of %s lead to files and headings that exist', (page) => {
    const broken: string[] = [];
    for (const [, target = ''] of readFileSync(page, 'utf8')
      .replaceAll(/```[\s\S]*?```/g, '')
      .matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', heading] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(file)) broken.push(target);
      else if (heading !== undefined && !anchorsOf(file).includes(heading)) broken.push(target);
    }
    expect(broken).toEqual([]);
  });
});

/** Headings as links name them: lower case, without punctuation, joined by hyphens. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm);
  const plain = Array.from(headings, ([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
  // A heading that stands there again gets a number.
  return plain.map((anchor, at) => {
    const earlier = plain.slice(0, at).filter((other) => other === anchor).length;
    return earlier === 0 ? anchor : `${anchor}-${earlier}`;
  });
}
