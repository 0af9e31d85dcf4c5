import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { Type } from 'avsc';
import fc from 'fast-check';
import { avscType } from '../../lib/schema/avro-schema.js';
import { CompiledCodec } from '../../lib/schema/compiled-codec.js';
import { createCodec } from '../../lib/schema/create-codec.js';
import { InterpretedCodec } from '../../lib/schema/interpreted-codec.js';
import { patchRow } from '../../lib/schema/patch-row.js';
import type { RowCodec } from '../../lib/schema/row-codec.js';
import { elementToUser, type Stored } from '../../lib/schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../../lib/schema/table-schema.js';
import { verifyRow } from '../../lib/schema/verify.js';
import { codecBehaves } from '../support/codec-cases.js';
import { type RowSample, rowSample } from '../support/row-arbitrary.js';
import { schemaOf, schemaWith, tableSpec } from '../support/schema-arbitrary.js';

codecBehaves('CompiledCodec', (schema) => new CompiledCodec(schema));
codecBehaves('InterpretedCodec', (schema) => new InterpretedCodec(schema));

describe('createCodec', () => {
  it('compiles where code may be generated', () => {
    expect(createCodec(schemaWith({}))).toBeInstanceOf(CompiledCodec);
  });
});

const LEAST_ROWS = 100_000;
const TABLES = 1_100;
/** As many as make up `LEAST_ROWS`, whatever the lengths that are drawn. */
const FEWEST_ROWS = Math.ceil(LEAST_ROWS / TABLES);
const MOST_ROWS = FEWEST_ROWS + 20;
/** Types, each in every form that a property can have. */
const KINDS = 22;
const GUARD = 0xa5;
const MARGIN = 7;

/** What is asserted of every row, some hundred thousand times: plainly, since `expect` would take minutes. */
function assert(holds: boolean, what: string, ...facts: unknown[]): void {
  if (!holds) throw new Error(`${what}: ${facts.map((fact) => fc.stringify(fact)).join(' / ')}`);
}

const counted = { rows: 0, avsc: 0, tables: 0, known: 0 };
const seen = new Set<string>();

/** One random table with both codecs and avsc's type. */
class Subject {
  readonly codecs: readonly RowCodec[];
  readonly columnTypes: readonly Type[];
  private readonly memory = Buffer.alloc(1 << 16, GUARD);
  private before: { bytes: Buffer; values: readonly Stored[] } | undefined;

  constructor(readonly schema: TableSchema) {
    this.codecs = [new CompiledCodec(schema), new InterpretedCodec(schema)];
    const type = avscType(schema.avro) as unknown as Type & { fields: readonly { type: Type }[] };
    this.columnTypes = type.fields.map((field) => field.type);
    counted.tables++;
    for (const column of schema.columns) {
      const as = 'as' in column.type ? column.type.as : '';
      seen.add(`${column.type.kind} ${as} ${column.nullable ? 'nullable' : ''}`.replaceAll(/ +/g, ' ').trim());
    }
  }

  holds(sample: RowSample): void {
    const parts = sample.forAvsc ? this.avscParts(sample) : undefined;
    const values = this.collect(sample.given);
    const bytes = this.encodings(values, parts && Buffer.concat(parts));
    this.decodings(sample, bytes);
    if (parts !== undefined) this.avscReads(sample, parts);
    verifyRow(this.schema.columns, bytes, 0, bytes.length);
    this.tooSmall(values, bytes);
    if (this.before !== undefined) this.patches(this.before.bytes, values, this.before.values);
    this.before = { bytes, values };
    counted.rows++;
    if (parts !== undefined) counted.avsc++;
  }

  /** The stored forms: the same of both codecs, and in both modes, since nothing is missing that has a default. */
  private collect(row: object): Stored[] {
    const [compiled, interpreted] = [[], []] as Stored[][] as [Stored[], Stored[]];
    (this.codecs[0] as RowCodec).collect(row, compiled, counted.rows % 2 === 0 ? 'insert' : 'replace');
    (this.codecs[1] as RowCodec).collect(row, interpreted, 'insert');
    assert(isDeepStrictEqual(compiled, interpreted), 'both codecs collect the same', compiled, interpreted);
    return compiled;
  }

  private avscParts(sample: RowSample): Buffer[] {
    return this.columnTypes.map((type, at) => type.toBuffer(sample.avro[(this.schema.columns[at] as ColumnSchema).name]));
  }

  /** Both codecs write avsc's bytes, and nothing beside them. */
  private encodings(values: readonly Stored[], expected: Buffer | undefined): Buffer {
    let first = expected;
    for (const codec of this.codecs) {
      const end = codec.encode(values, this.memory, MARGIN);
      assert(end <= this.memory.length, 'the row fits', end);
      const bytes = Buffer.from(this.memory.subarray(MARGIN, end));
      this.memory.fill(GUARD, MARGIN, end);
      this.assertUntouched(end);
      first ??= bytes;
      assert(first.equals(bytes), 'the bytes are those of Avro', first, bytes);
    }
    return first as Buffer;
  }

  private assertUntouched(end: number): void {
    let untouched = true;
    for (let at = 0; at < MARGIN; at++) untouched &&= this.memory[at] === GUARD && this.memory[end + at] === GUARD;
    assert(untouched, 'nothing is written beside the row');
  }

  /** Both codecs give back the row, whole and column by column, wherever it lies. */
  private decodings(sample: RowSample, bytes: Buffer): void {
    const { columns, ctor } = this.schema;
    const amid = Buffer.concat([Buffer.alloc(MARGIN, 0xff), bytes, Buffer.alloc(MARGIN, 0xff)]);
    for (const codec of this.codecs) {
      const row = codec.decode(amid, MARGIN);
      assert(row instanceof ctor && isDeepStrictEqual(row, sample.got), 'the row comes back', row, sample.got);
      this.knowing(codec, sample, amid);
      for (const { position, name } of columns) {
        const value = elementToUser(columns[position] as ColumnSchema, codec.read(position, amid, MARGIN));
        const expected = (sample.got as Record<string, unknown>)[name];
        assert(isDeepStrictEqual(value, expected), `column ${name} is read by itself`, value, expected);
      }
    }
  }

  /** A row comes back the same where some text in it is given, and not read. */
  private knowing(codec: RowCodec, sample: RowSample, amid: Buffer): void {
    const view = new DataView(amid.buffer, amid.byteOffset, amid.length);
    for (const { position, name, type } of this.schema.columns) {
      const text = (sample.got as Record<string, unknown>)[name];
      if (type.kind !== 'string' || text === null) continue;
      const row = codec.decoder(position)(amid, MARGIN, view, text as string);
      assert(row instanceof this.schema.ctor && isDeepStrictEqual(row, sample.got), `the row comes back by ${name}`, row, sample.got);
      counted.known++;
    }
  }

  /** Columns lie where avsc's encodings of them end, and avsc reads there what was given. */
  private avscReads(sample: RowSample, parts: readonly Buffer[]): void {
    const row = Buffer.concat(parts);
    let at = 0;
    this.schema.columns.forEach(({ position, name }) => {
      for (const codec of this.codecs) {
        const found = codec.locate(position, row, 0);
        assert(found === at, `column ${name} is found`, found, at);
      }
      const read = (this.columnTypes[position] as Type).decode(row, at) as { value: unknown; offset: number };
      assert(sameAvro(read.value, sample.avro[name]), `avsc reads column ${name}`, read.value, sample.avro[name]);
      at += (parts[position] as Buffer).length;
      assert(read.offset === at, `avsc ends column ${name}`, read.offset, at);
    });
  }

  /** A row that does not fit is measured, and stays within its buffer. */
  private tooSmall(values: readonly Stored[], bytes: Buffer): void {
    for (const codec of this.codecs) {
      for (const room of [counted.rows % bytes.length, bytes.length - 1]) {
        const buffer = this.memory.subarray(MARGIN, MARGIN + room);
        const end = codec.encode(values, buffer, 0);
        assert(end === bytes.length, 'a row that does not fit is measured', end, bytes.length);
        this.assertUntouched(MARGIN + room);
        buffer.fill(GUARD);
      }
    }
  }

  /** Replacing columns of a row gives the bytes of the changed row. */
  private patches(source: Buffer, values: readonly Stored[], old: readonly Stored[]): void {
    const { columns } = this.schema;
    const mask = counted.rows & (2 ** columns.length - 1);
    const changed = columns.map((column) => column.position).filter((position) => (mask >> position) & 1);
    const mixed = old.map((value, position) => (changed.includes(position) ? values[position] : value));
    const size = (this.codecs[1] as RowCodec).encode(mixed, this.memory, MARGIN) - MARGIN;
    const expected = Buffer.from(this.memory.subarray(MARGIN, MARGIN + size));
    this.memory.fill(GUARD, MARGIN, MARGIN + size);
    const amid = Buffer.concat([Buffer.alloc(3, 0xff), source, Buffer.alloc(3, 0xff)]);
    for (const codec of this.codecs) {
      for (const room of [size, counted.rows % size]) {
        const buffer = this.memory.subarray(MARGIN, MARGIN + room);
        const end = patchRow(codec, this.schema, amid, 3, source.length, changed, values, buffer, 0);
        assert(end === size, 'a patch is measured', end, size, changed);
        if (room === size) assert(buffer.equals(expected), 'a patch gives the changed row', buffer, expected, changed);
        this.assertUntouched(MARGIN + room);
        buffer.fill(GUARD);
      }
    }
  }
}

/** Equality of what avsc reads with what it was to write: prototypes aside, −0 and NaN told apart. */
function sameAvro(read: unknown, given: unknown): boolean {
  if (Buffer.isBuffer(read)) return read.equals(given as Buffer);
  if (typeof read !== 'object' || read === null) return Object.is(read, given);
  const keys = Object.keys(read);
  return (
    keys.length === Object.keys(given as object).length &&
    keys.every((key) => sameAvro((read as Record<string, unknown>)[key], (given as Record<string, unknown>)[key]))
  );
}

describe('CompiledCodec and InterpretedCodec', () => {
  it('write the bytes of avsc, read them, measure, find and patch, for random rows of random tables', () => {
    const subjects = tableSpec.chain((spec) => {
      const subject = new Subject(schemaOf(spec));
      const rows = fc.array(rowSample(subject.schema), { minLength: FEWEST_ROWS, maxLength: MOST_ROWS, size: 'max' });
      return fc.record({ spec: fc.constant(spec), subject: fc.constant(subject).map(hidden), rows });
    });
    fc.assert(
      fc.property(subjects, ({ subject, rows }) => {
        for (const row of rows) subject().holds(row);
      }),
      { numRuns: TABLES },
    );
    expect(counted.rows).toBeGreaterThanOrEqual(LEAST_ROWS);
    expect(counted.avsc).toBeGreaterThan(counted.rows * 0.9);
    expect(counted.known).toBeGreaterThan(counted.rows / 10);
    expect(seen.size).toBe(2 * KINDS);
  }, 240_000);
});

/** In a failure's report the table is seen by its description, not by its codecs. */
function hidden<T>(value: T): () => T {
  return Object.assign(() => value, { toString: () => 'subject' });
}
