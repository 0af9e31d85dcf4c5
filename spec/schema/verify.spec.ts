import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Column } from '../../decorators/column.js';
import { CorruptionError } from '../../lib/errors.js';
import { CompiledCodec } from '../../lib/schema/compiled-codec.js';
import type { ColumnOptions } from '../../lib/schema/description.js';
import { InterpretedCodec } from '../../lib/schema/interpreted-codec.js';
import type { RowCodec } from '../../lib/schema/row-codec.js';
import { type RowVerifier, rowVerifier } from '../../lib/schema/row-verifier.js';
import type { Stored } from '../../lib/schema/stored-value.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';
import { decodeUntrusted, verifyRow } from '../../lib/schema/verify.js';
import { Random } from '../support/random.js';
import { rowSample } from '../support/row-arbitrary.js';
import { SCALARS, schemaOf, schemaWith, tableSpec } from '../support/schema-arbitrary.js';

class Node {}
Column({ type: () => Node, nullable: true })(Node.prototype, 'next');

class Tree {}
Column({ items: () => Tree })(Tree.prototype, 'children');

class Dictionary {}
Column({ values: () => Dictionary })(Dictionary.prototype, 'words');

class Pair {}
Column('boolean')(Pair.prototype, 'on');
Column({ type: 'string', nullable: true })(Pair.prototype, 'text');

/** A table of a key, which is always 1 here, and one column. */
function check(options: ColumnOptions, hex: string): object {
  const schema = schemaWith({ value: options });
  return decodeUntrusted(new CompiledCodec(schema), schema, Buffer.from(`02${hex}`, 'hex'));
}

/** Offset and reason of the refusal; offsets count from the column's first byte. */
function refusal(options: ColumnOptions, hex: string): string {
  try {
    check(options, hex);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    expect(error).toMatchObject({ code: 'WT_CORRUPTION', file: undefined });
    return `${error.offsetBytes - 1}: ${error.reason}`;
  }
  return 'accepted';
}

const BEYOND = 'a length beyond the bytes that are left';
const TRUNCATED = 'the bytes end in the middle of a value';
const OVERLONG = 'a varint that is longer than it need be';
const INT64_MIN = 'ffffffffffffffffff01';
const INT64_MAX = 'feffffffffffffffff01';

/** Bytes that a careless reader takes, by what is wrong with them. */
const REFUSED: readonly (readonly [title: string, options: ColumnOptions, hex: string, refusal: string])[] = [
  ['nothing at all', { type: 'int' }, '', `0: ${TRUNCATED}`],
  ['bytes behind the row', { type: 'int' }, '0200', '1: bytes left over behind the row'],
  ['a boolean of 2', { type: 'boolean' }, '02', '0: a boolean that is neither 0 nor 1'],
  ['a boolean of 255', { type: 'boolean' }, 'ff', '0: a boolean that is neither 0 nor 1'],
  ['a varint that has no end', { type: 'int' }, '80', `1: ${TRUNCATED}`],
  ['an overlong zero', { type: 'int' }, '8000', `0: ${OVERLONG}`],
  ['an overlong one', { type: 'long' }, '828000', `0: ${OVERLONG}`],
  ['an overlong length', { type: 'string' }, '820061', `0: ${OVERLONG}`],
  ['eleven bytes of a varint', { type: 'long', as: 'bigint' }, 'ffffffffffffffffffff01', '0: a varint longer than ten bytes'],
  ['eleven bytes of a varint for an int', { type: 'int' }, 'ffffffffffffffffffff01', '0: a varint longer than ten bytes'],
  ['an int of 33 bits', { type: 'int' }, '8080808010', '0: a number beyond 32 bits'],
  ['a long of 65 bits', { type: 'long', as: 'bigint' }, 'ffffffffffffffffff02', '0: a number beyond 64 bits'],
  ['a long beyond the safe integers', { type: 'long' }, '8080808080808020', '0: a number beyond the safe integers'],
  ['a long below the safe integers', { type: 'long' }, 'ffffffffffffff1f', '0: a number beyond the safe integers'],
  ['a float cut short', { type: 'float' }, '000000', `0: ${BEYOND}`],
  ['a double cut short', { type: 'double' }, '00000000000000', `0: ${BEYOND}`],
  ['a float NaN with a payload', { type: 'float' }, '0100c07f', '0: a NaN with a payload'],
  ['a negative float NaN', { type: 'float' }, '0000c0ff', '0: a NaN with a payload'],
  ['a signalling float NaN', { type: 'float' }, '0100807f', '0: a NaN with a payload'],
  ['a double NaN with a payload', { type: 'double' }, '010000000000f87f', '0: a NaN with a payload'],
  ['a negative double NaN', { type: 'double' }, '000000000000f8ff', '0: a NaN with a payload'],
  ['a signalling double NaN', { type: 'double' }, '010000000000f07f', '0: a NaN with a payload'],
  ['bytes shorter than they say', { type: 'bytes' }, '0401', `0: ${BEYOND}`],
  ['bytes of a negative length', { type: 'bytes' }, '0101', '0: a negative length'],
  ['bytes of the least length of all', { type: 'bytes' }, INT64_MIN, '0: a negative length'],
  ['bytes of the largest length of all', { type: 'bytes' }, INT64_MAX, `0: ${BEYOND}`],
  ['bytes of four gibibytes', { type: 'bytes' }, '808080802000', `0: ${BEYOND}`],
  ['text shorter than it says', { type: 'string' }, '0661', `0: ${BEYOND}`],
  ['text that is not UTF-8', { type: 'string' }, '02ff', '1: text that is not UTF-8'],
  ['text of an overlong slash', { type: 'string' }, '04c0af', '1: text that is not UTF-8'],
  ['text of a surrogate', { type: 'string' }, '06eda080', '1: text that is not UTF-8'],
  ['text beyond Unicode', { type: 'string' }, '08f4908080', '1: text that is not UTF-8'],
  ['text cut within a character', { type: 'string' }, '04e282', '1: text that is not UTF-8'],
  ['a day that no Date holds', { type: 'date' }, '8284af5f', '0: a time that no Date holds'],
  ['a millisecond that no Date holds', { type: 'timestamp-millis' }, '8280e0ad9882d91e', '0: a time that no Date holds'],
  ['a millisecond of 64 bits', { type: 'timestamp-millis' }, INT64_MIN, '0: a time that no Date holds'],
  ['microseconds between milliseconds', { type: 'timestamp-micros' }, '02', '0: microseconds that no Date holds'],
  ['microseconds that no Date holds', { type: 'timestamp-micros' }, INT64_MIN, '0: microseconds that no Date holds'],
  ['an unsafe number of microseconds', { type: 'timestamp-micros', as: 'number' }, INT64_MAX, '0: a number beyond the safe integers'],
  ['a uuid of 35 characters', { type: 'uuid' }, `46${'61'.repeat(35)}`, '0: a uuid that is not 36 characters'],
  ['a uuid without dashes', { type: 'uuid' }, `48${'61'.repeat(36)}`, '9: a uuid of other characters'],
  [
    'a uuid in capitals',
    { type: 'uuid' },
    `48${Buffer.from('123E4567-e89b-12d3-a456-426614174000').toString('hex')}`,
    '4: a uuid of other characters',
  ],
  ['a decimal of no bytes', { type: 'decimal' }, '00', '0: a decimal of the wrong length'],
  ['a decimal with a zero too many', { type: 'decimal' }, '040001', '1: a decimal that is longer than it need be'],
  ['a decimal with a sign too many', { type: 'decimal' }, '04ff80', '1: a decimal that is longer than it need be'],
  ['a decimal of too many digits', { type: 'decimal', precision: 2 }, '0264', '1: a decimal of too many digits'],
  ['a negative decimal of too many digits', { type: 'decimal', precision: 2 }, '029c', '1: a decimal of too many digits'],
  ['a decimal of a thousand bytes', { type: 'decimal' }, `d00f${'11'.repeat(1000)}`, '0: a decimal of the wrong length'],
  ['a symbol that does not exist', { enum: ['a', 'b'] }, '04', '0: an enum symbol that does not exist'],
  ['a negative symbol', { enum: ['a', 'b'] }, '01', '0: an enum symbol that does not exist'],
  ['a branch that does not exist', { type: 'int', nullable: true }, '0400', '0: a union branch that does not exist'],
  ['an overlong branch', { type: 'int', nullable: true }, '8000', '0: a union branch that does not exist'],
  ['five hundred million items', { items: 'int' }, '8094ebdc03', '0: more items than the bytes that are left'],
  ['five hundred million empty records', { items: () => Node }, '8094ebdc0300', '0: more items than the bytes that are left'],
  ['the largest count of all', { items: 'int' }, INT64_MAX, '0: more items than the bytes that are left'],
  ['the least count of all', { items: 'int' }, INT64_MIN, '0: a block with a byte size, which our writers do not write'],
  ['a block with its size', { items: 'int' }, '01020200', '0: a block with a byte size, which our writers do not write'],
  ['a second block', { items: 'int' }, '0202020200', '2: a second block, which our writers do not write'],
  ['no end behind the items', { items: 'int' }, '0202', `2: ${TRUNCATED}`],
  ['no end behind the map', { values: 'int' }, '02026102', `4: ${TRUNCATED}`],
  ['a map’s key that is not UTF-8', { values: 'int' }, '0202ff0200', '2: text that is not UTF-8'],
  ['a key twice in a map', { values: 'int' }, '0402610202610400', '4: a key twice in a map'],
  ['a key twice in a Map', { values: 'int', as: 'map' }, '0402610202610400', '4: a key twice in a map'],
  ['five hundred million entries', { values: 'int' }, '8094ebdc030261', '0: more items than the bytes that are left'],
  ['a record that ends early', { type: () => Pair }, '01', `1: ${TRUNCATED}`],
  ['a wrong field of a record', { type: () => Pair }, '0104', '1: a union branch that does not exist'],
];

describe('decodeUntrusted', () => {
  it.each(REFUSED)('refuses %s', (_, options, hex, expected) => {
    expect(refusal(options, hex)).toBe(expected);
  });

  it('refuses keys of an object that an object would give back in another order', () => {
    const order = 'keys in an order that an object does not keep';
    expect(check({ values: 'int' }, '0402310202610400')).toMatchObject({ value: { 1: 1, a: 2 } });
    expect(refusal({ values: 'int' }, '0402610202310400')).toBe(`4: ${order}`);
    expect(refusal({ values: 'int' }, '0402320202310400')).toBe(`4: ${order}`);
    expect(refusal({ values: 'int' }, '040431300202390400')).toBe(`5: ${order}`);
    expect(check({ values: 'int' }, '040239020431300400')).toMatchObject({ value: { 9: 1, 10: 2 } });
    const keys = ['4294967294', '4294967295', '01', '-1', '1.5', ' 1', '9007199254740993'];
    const hex = keys.map((key) => `${Buffer.of(key.length * 2).toString('hex')}${Buffer.from(key).toString('hex')}02`).join('');
    expect(Object.keys((check({ values: 'int' }, `0e${hex}00`) as { value: object }).value)).toEqual(keys);
    expect((check({ values: 'int', as: 'map' }, '0402610202310400') as { value: Map<string, number> }).value).toEqual(
      new Map([
        ['a', 1],
        ['1', 2],
      ]),
    );
  });

  it.each([3, 64, 65, 200_000])('reads %i levels of nested records, or refuses them at the 65th', (levels) => {
    const options = { type: () => Node, nullable: true };
    const bytes = `${'02'.repeat(levels)}00`;
    expect(refusal(options, bytes)).toBe(levels <= 64 ? 'accepted' : '65: nested too deeply');
  });

  it('counts arrays and maps as levels', () => {
    for (const options of [{ items: () => Tree }, { items: () => Dictionary }]) {
      const map = options.items() === Dictionary;
      const nested = (levels: number): string => `02${(map ? '0200' : '02').repeat(levels)}${'00'.repeat(levels + 2)}`;
      expect(refusal(options, nested(30))).toBe('accepted');
      expect(refusal(options, nested(31))).toBe(`${map ? 63 : 32}: nested too deeply`);
    }
  });

  it('reads from the middle of an array, and counts offsets from its start', () => {
    const schema = schemaWith({ value: { type: 'string' } });
    const memory = Uint8Array.of(9, 9, 2, 4, 0x61, 0x62, 9);
    expect(decodeUntrusted(new InterpretedCodec(schema), schema, memory.subarray(2, 6))).toEqual({ id: 1, value: 'ab' });
    expect(() => verifyRow(schema.columns, Buffer.from(memory.buffer), 2, 5)).toThrow(
      expect.objectContaining({ offsetBytes: 3, message: `bytes at offset 3: ${BEYOND}` }),
    );
    expect(() => verifyRow(schema.columns, Buffer.from(memory.buffer), 2, 7)).toThrow(expect.objectContaining({ offsetBytes: 6 }));
  });
});

describe('rowVerifier', () => {
  it('says of every row what verifyRow says, and passes plain ones without it', () => {
    for (const options of [...SCALARS, { items: 'int' }, { values: 'string' }] as ColumnOptions[]) {
      const schema = schemaWith({ value: options, maybe: { ...options, nullable: true }, last: 'string' } as never);
      const verify = rowVerifier(schema.columns);
      const codec = new CompiledCodec(schema);
      for (const { given } of fc.sample(rowSample(schema), 200)) {
        const bytes = encode(codec, given);
        expect(verdict(verify, bytes, 0, bytes.length)).toBe('accepted');
        const cut = verdict((...range) => verifyRow(schema.columns, ...range), bytes, 0, bytes.length - 1);
        expect(verdict(verify, bytes, 0, bytes.length - 1)).toBe(cut);
      }
    }
  });
});

const INPUTS = 1_000_000;
const MOST_GROWTH_BYTES = 64 * 2 ** 20;
const SLOWEST_MS = 1_000;

/** A table with rows of its own to damage. */
interface Victim {
  readonly schema: TableSchema;
  readonly codecs: readonly RowCodec[];
  readonly rows: readonly Buffer[];
  readonly verify: RowVerifier;
}

function victims(seed: number): Victim[] {
  const fixed = [
    ...SCALARS.map((options) => schemaWith({ value: options, maybe: { ...options, nullable: true } })),
    schemaWith({
      list: { items: 'int' },
      nested: { items: { items: 'string' } },
      map: { values: 'string' },
      ordered: { values: 'long', as: 'map' },
    }),
    schemaWith({
      node: { type: () => Node, nullable: true },
      pairs: { items: () => Pair },
      named: { values: { type: () => Pair, nullable: true } },
    }),
  ];
  const random = fc.sample(tableSpec, { numRuns: 40, seed }).map((spec) => schemaOf(spec));
  return [...fixed, ...random].map((schema) => {
    const codecs = [new CompiledCodec(schema), new InterpretedCodec(schema)];
    const rows = fc.sample(rowSample(schema), { numRuns: 60, seed }).map(({ given }) => encode(codecs[0] as RowCodec, given));
    return { schema, codecs, rows, verify: rowVerifier(schema.columns) };
  });
}

const room = Buffer.alloc(1 << 16);

function encode(codec: RowCodec, row: object): Buffer {
  const values: Stored[] = [];
  codec.collect(row, values, 'replace');
  const end = codec.encode(values, room, 0);
  if (end > room.length) throw new Error('the row is longer than the room for it');
  return Buffer.from(room.subarray(0, end));
}

/** Varints that promise much or are not what they should be. */
const BOMBS = [
  ...[
    '8094ebdc03',
    'feffffff0f',
    'ffffffff0f',
    INT64_MAX,
    INT64_MIN,
    '8000',
    '808000',
    'ffffffffffffffffffff01',
    '01',
    '03',
    '7f',
    'feff03',
    '8080808010',
  ],
  ...['00', '0000', '02', '0200', '04', 'eda080', 'c0af', 'f4908080', '0000c07f', '000000000000f87f', '0100807f', '02310261', '0261'],
].map((hex) => Buffer.from(hex, 'hex'));

/** A valid row damaged once or more, or bytes of no origin. */
function damaged(random: Random, { rows }: Victim): Buffer {
  if (random.chance(0.1)) return Buffer.from(Array.from({ length: random.below(40) }, () => random.below(random.chance(0.5) ? 256 : 8)));
  let bytes: Buffer = Buffer.from(random.pick(rows));
  for (let wounds = 1 + random.below(3); wounds > 0; wounds--) bytes = wound(random, bytes, rows);
  return bytes;
}

function wound(random: Random, bytes: Buffer, rows: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.below(8)) {
    case 0:
    case 1:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random.below(256)), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    case 6: {
      const other = random.pick(rows);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(Math.min(at, other.length))]);
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), random.pick(BOMBS), bytes.subarray(at + random.below(3))]);
  }
}

/** What a verifier says of bytes: where the first wrong one is, and what is wrong with it. */
function verdict(verify: RowVerifier, bytes: Buffer, from: number, to: number): string {
  try {
    verify(bytes, from, to);
    return 'accepted';
  } catch (error) {
    if (error instanceof CorruptionError) return `${error.offsetBytes}: ${error.reason}`;
    throw error;
  }
}

/** The compiled verifier says what the other one says, of bytes that stand between others, or at the end of all. */
function agrees({ schema, verify }: Victim, bytes: Buffer, before: Buffer, behind: Buffer): void {
  for (const whole of [Buffer.concat([before, bytes]), Buffer.concat([before, bytes, behind])]) {
    const [from, to] = [before.length, before.length + bytes.length];
    const plain = verdict((...range) => verifyRow(schema.columns, ...range), whole, from, to);
    const compiled = verdict(verify, whole, from, to);
    if (compiled !== plain) throw new Error(`${bytes.toString('hex')}: ${plain}, and the compiled verifier says ${compiled}`);
  }
}

/** Refused as damaged at a place within the bytes, or accepted, and then read and written to the very same bytes. */
function refusedOrExact({ schema, codecs }: Victim, bytes: Buffer): boolean {
  const [first, second] = codecs as [RowCodec, RowCodec];
  let row: object;
  try {
    row = decodeUntrusted(first, schema, bytes);
  } catch (error) {
    if (error instanceof CorruptionError && error.offsetBytes >= 0 && error.offsetBytes <= bytes.length) return false;
    throw error;
  }
  if (!isDeepStrictEqual(row, second.decode(bytes, 0))) throw new Error(`the codecs read ${bytes.toString('hex')} differently`);
  const again = encode(second, row);
  if (!again.equals(bytes)) throw new Error(`${bytes.toString('hex')} was accepted and became ${again.toString('hex')}`);
  return true;
}

describe('verifyRow', () => {
  it('refuses damaged rows, or they are written as they were read; a million times, within little memory', () => {
    const random = new Random();
    const traceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    let accepted = 0;
    let slowestMs = 0;
    const memory = new MemoryWatch();
    random.reported(() => {
      const tables = victims(random.seed);
      for (let n = 0; n < INPUTS; n++) {
        const victim = tables[n % tables.length] as Victim;
        const bytes = damaged(random, victim);
        const start = performance.now();
        if (refusedOrExact(victim, bytes)) accepted++;
        if (n % 4 === 0) agrees(victim, bytes, random.pick(victim.rows), random.pick(victim.rows));
        slowestMs = Math.max(slowestMs, performance.now() - start);
        if (n % 1_000 === 0) memory.look();
      }
    });
    Error.stackTraceLimit = traceLimit;
    expect(accepted).toBeGreaterThan(INPUTS / 100);
    expect(accepted).toBeLessThan(INPUTS * 0.9);
    expect(slowestMs).toBeLessThan(SLOWEST_MS);
    expect(memory.growthBytes).toBeLessThan(MOST_GROWTH_BYTES);
  }, 240_000);
});

/** The most memory in use above what was in use at first. */
class MemoryWatch {
  private readonly first = this.used();
  private most = 0;

  private used(): number {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }

  look(): void {
    this.most = Math.max(this.most, this.used());
  }

  get growthBytes(): number {
    return this.most - this.first;
  }
}
