/** @jest-environment ./spec/support/no-code-generation-environment.js */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Options, transformSync } from '@swc/core';
import { readText } from '../../lib/bytes/text.js';
import { avscType } from '../../lib/schema/avro-schema.js';
import { CompiledCodec } from '../../lib/schema/compiled-codec.js';
import { createCodec } from '../../lib/schema/create-codec.js';
import { InterpretedCodec } from '../../lib/schema/interpreted-codec.js';
import { codecBehaves } from '../support/codec-cases.js';
import { schemaWith } from '../support/schema-arbitrary.js';

describe('a context that forbids code generation', () => {
  it('is what this file runs in', () => {
    expect(() => new Function('return 1')).toThrow(EvalError);
    // biome-ignore lint/security/noGlobalEval: that it throws is what is asked here
    expect(() => globalThis.eval('1')).toThrow(EvalError);
  });

  it('gets the interpreted codec', () => {
    expect(createCodec(schemaWith({}))).toBeInstanceOf(InterpretedCodec);
    expect(() => new CompiledCodec(schemaWith({}))).toThrow(EvalError);
  });

  it('reads text of any length', () => {
    const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789é🦊', 'utf8');
    for (let length = 0; length <= 36; length++) expect(readText(letters, 0, length)).toBe(letters.toString('utf8', 0, length));
    expect(readText(letters, 36, 6)).toBe('é🦊');
  });

  it('can do all but make avsc’s type', () => {
    expect(() => avscType(schemaWith({}).avro)).toThrow(/Code generation from strings disallowed/);
  });
});

codecBehaves('createCodec without code generation', createCodec);

/** Uses a table as a stranger would: through the package's entry, in a process of its own. */
const PROGRAM = `
import assert from 'node:assert/strict';
import { Column, Database, Index, PrimaryKey, Table } from './lib/index.js';

assert.throws(() => new Function(''), EvalError);
class Thing {}
PrimaryKey('autoincrement')(Thing.prototype, 'id');
Column('string')(Thing.prototype, 'name');
Index('unique')(Thing.prototype, 'name');
Column({ items: 'double', nullable: true })(Thing.prototype, 'values');
Table()(Thing);
const db = new Database({ tables: [Thing] });
const things = db.table(Thing);
things.insertMany([{ name: 'a', values: [0.5] }, { name: 'b' }]);
db.transaction(() => things.update({ id: 1, name: 'a long name of more than twenty-five characters', values: [0.5] }));
things.delete(2);
assert.throws(() => things.insert({ name: 'a long name of more than twenty-five characters' }), { code: 'WT_UNIQUE_VIOLATION' });
assert.deepEqual({ ...things.selectOneBy('name', 'a long name of more than twenty-five characters') }, {
  id: 1, name: 'a long name of more than twenty-five characters', values: [0.5],
});
assert.deepEqual([...db.check()], []);
console.log('done');
`;

describe('node --disallow-code-generation-from-strings', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'worktable-no-codegen-'));
    const options: Options = { swcrc: false, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } };
    for (const source of ['lib', 'decorators'].flatMap(sourcesIn)) {
      const { code } = transformSync(readFileSync(source, 'utf8'), { ...options, filename: source });
      const target = join(folder, source.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, code);
    }
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'program.js'), PROGRAM);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('loads the whole package and runs a table', () => {
    const flags = ['--disallow-code-generation-from-strings', join(folder, 'program.js')];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8', stdio: 'pipe' })).toBe('done\n');
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}
