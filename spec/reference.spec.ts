import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as worktable from '../lib/index.js';
import type { Declaration } from './support/documents/declarations.js';
import { readReference } from './support/documents/reference.js';

const FOLDER = 'docs/api';
const { names, pages } = readReference();
const all: readonly Declaration[] = [...names.values()].flat();

if (process.env.REFERENCE === 'write') {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [page, text] of pages) writeFileSync(`${FOLDER}/${page}.md`, text);
}

describe('the reference', () => {
  it('says what the sources say; if not, run: npm run reference', () => {
    expect(existsSync(FOLDER) ? readdirSync(FOLDER).sort() : []).toEqual([...pages.keys()].map((page) => `${page}.md`).sort());
    const stale = [...pages].filter(([page, text]) => readFileSync(`${FOLDER}/${page}.md`, 'utf8') !== text).map(([page]) => page);
    expect(stale).toEqual([]);
  });

  it('has every public name', () => {
    const declared = new Set(names.get('worktable')?.map(({ name }) => name));
    expect(Object.keys(worktable).filter((name) => !declared.has(name))).toEqual([]);
    expect(declared.size).toBeGreaterThan(80);
    expect(all.find(({ name }) => name === 'TableWriter')?.members.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['insert', 'insertMany', 'update', 'updateBy', 'upsert', 'delete', 'queries', 'nextKey', 'insertPlain']),
    );
  });

  it('has a comment of every public name, and of every call of a class', () => {
    const silent = all.filter(({ comment }) => comment.length < 10).map(({ file, name }) => `${file}: ${name}`);
    const isField = (signatures: readonly string[]) => signatures.every((text) => !text.includes('('));
    const quiet = all.flatMap(({ file, name, members }) =>
      members
        .filter((member) => member.comment.length < 10 && !isField(member.signatures) && member.name !== 'constructor')
        .map((member) => `${file}: ${name}.${member.name}`),
    );
    expect([...silent, ...quiet]).toEqual([]);
  });
});
