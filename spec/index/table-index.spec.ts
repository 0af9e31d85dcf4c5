import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createIndex } from '../../lib/index/create-index.js';
import { KeyHash } from '../../lib/index/key-hash.js';
import { compareKeys, compareValues, HIGH, hashOf, type Key } from '../../lib/index/key-order.js';
import type { IndexDefinition, TableIndex } from '../../lib/index/table-index.js';
import type { ColumnType } from '../../lib/schema/column-type.js';
import type { ColumnSchema } from '../../lib/schema/table-schema.js';
import type { RowId } from '../../lib/storage/link.js';
import { Random } from '../support/random.js';

function column(name: string, position: number, type: ColumnType, nullable = false): ColumnSchema {
  return { name, position, type, nullable, default: undefined };
}

const int: ColumnType = { kind: 'int' };
const text: ColumnType = { kind: 'string' };
const double: ColumnType = { kind: 'double' };

function indexOver(columns: ColumnSchema[], options: Partial<IndexDefinition> = {}): TableIndex {
  const order = { keyOf: (row: RowId) => row, compare: (a: Key, b: Key) => (a as number) - (b as number) };
  const keys = new Map<RowId, Key>();
  const compare = compareKeys(columns);
  const hashes = new KeyHash();
  const access = {
    hash: (key: Key) => hashes.of(key),
    keyOf: (row: RowId) => keys.get(row),
    hasKey: (row: RowId, key: Key) => compare(keys.get(row), key) === 0,
  };
  const index = createIndex({ name: 'index', columns, unique: false, using: 'btree', nullsDistinct: true, ...options }, order, access);
  // Keys are read out of the rows: here, out of this map.
  keysOf.set(index, keys);
  const add = index.add.bind(index);
  index.add = (key, row) => {
    const before = keys.get(row);
    const had = keys.has(row);
    keys.set(row, key);
    const added = add(key, row);
    if (!added && had) keys.set(row, before);
    return added;
  };
  return index;
}

const keysOf = new WeakMap<TableIndex, Map<RowId, Key>>();

describe('key order', () => {
  it('is a total order for every type, null first and NaN last', () => {
    const values = fc.oneof(fc.double(), fc.constantFrom(null, Number.NaN, -0, 0, Number.POSITIVE_INFINITY));
    const compare = compareValues(double, true);
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        expect(Math.sign(compare(a, b))).toBe(-Math.sign(compare(b, a)) + 0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
        expect(compare(a, a) + 0).toBe(0);
      }),
      { numRuns: 2000 },
    );
    const sorted = [1, Number.NaN, null, -0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -1].sort(compare);
    expect(sorted).toEqual([null, Number.NEGATIVE_INFINITY, -1, -0, 1, Number.POSITIVE_INFINITY, Number.NaN]);
  });

  it('compares compound keys part by part, never as joined text', () => {
    const compare = compareKeys([column('n', 0, int), column('t', 1, text)]);
    const keys: Key[] = [
      [10, 'a'],
      [2, 'a'],
      [1, 'a,2'],
      [1, 'a'],
      [1, 'a,1'],
    ];
    expect(keys.sort(compare)).toEqual([
      [1, 'a'],
      [1, 'a,1'],
      [1, 'a,2'],
      [2, 'a'],
      [10, 'a'],
    ]);
    expect(compare([1], [1, 'a'])).toBeLessThan(0);
    expect(compare([1, HIGH], [1, '\uffff'])).toBeGreaterThan(0);
    expect(compare([1, HIGH], [2, ''])).toBeLessThan(0);
  });

  it('gives different compound keys different hashes', () => {
    const hash = hashOf([column('a', 0, text), column('b', 1, text)]) as (key: Key) => Key;
    const part = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom(null, 's1:a', '1:', 'n'));
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        expect(hash([a, b]) === hash([c, d])).toBe(a === c && b === d);
      }),
      { numRuns: 2000 },
    );
    const mixed = hashOf([column('a', 0, double), column('b', 1, { kind: 'bytes' })]) as (key: Key) => Key;
    expect(mixed([0, Uint8Array.of(1)])).toBe(mixed([-0, Uint8Array.of(1)]));
    expect(mixed([Number.NaN, null])).toBe(mixed([Number.NaN, null]));
    expect(mixed([1, Uint8Array.of(49)])).not.toBe(mixed([1, Uint8Array.of(1)]));
  });
});

describe('TableIndex', () => {
  it('finds, counts and forgets through random additions and removals, sorted or hashed, unique or not', () => {
    const kinds = [
      { using: 'btree', unique: true },
      { using: 'btree', unique: false },
      { using: 'hash', unique: true },
      { using: 'hash', unique: false },
    ] as const;
    const step = fc.tuple(fc.boolean(), fc.integer({ min: -3, max: 3000 }), fc.nat({ max: 50 }));
    for (const kind of kinds) {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
          const index = indexOver([column('n', 0, int)], kind);
          const model = new Map<number, Set<number>>();
          for (const [adds, asked, row] of steps) {
            // Of a hash, a row is under its own key alone, as in a table.
            const key = kind.using === 'hash' ? row % 7 : asked;
            const rows = model.get(key) ?? new Set();
            if (adds && !rows.has(row)) {
              const taken = kind.unique && rows.size > 0;
              expect(index.add(key, row as RowId)).toBe(!taken);
              if (!taken) model.set(key, rows.add(row));
            } else if (rows.has(row)) {
              index.remove(key, row as RowId);
              rows.delete(row);
            }
            if (index.countOf(key) !== (model.get(key)?.size ?? 0)) throw new Error(`key ${key} is miscounted`);
          }
          let entries = 0;
          for (const [key, rows] of model) {
            entries += rows.size;
            expect(index.getOne(key)).toBe(rows.size === 0 ? undefined : Math.min(...rows));
          }
          expect(index.entries).toBe(entries);
          if (kind.using === 'btree') {
            const scanned: number[] = [];
            index.scan({ low: 100, lowInclusive: false, high: 2000, highInclusive: true }, true, (row) => scanned.push(row) < 0);
            const wanted = [...model].filter(([key]) => key > 100 && key <= 2000).sort((a, b) => b[0] - a[0]);
            expect(scanned).toEqual(wanted.flatMap(([, rows]) => [...rows].sort((a, b) => a - b)));
          }
        }),
        { numRuns: 60 },
      );
    }
  });

  it('answers counted keys from its array as from its tree, however they come', () => {
    for (const stride of [1, 3, 50_021]) {
      const index = indexOver([column('n', 0, int)], { unique: true });
      const count = 50_000;
      const key = (n: number) => ((n * 50_021) % count) * stride;
      for (let n = 0; n < count; n++) index.add(key(n), n as RowId);
      for (let n = 0; n < count; n += 2) index.remove(key(n), n as RowId);
      for (let n = 0; n < count; n++) {
        const wanted = n % 2 === 0 ? undefined : n;
        if (index.getOne(key(n)) !== wanted || index.countOf(key(n)) !== n % 2) throw new Error(`key ${key(n)}`);
      }
      for (const odd of [-1, 0.5, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, -0.5]) expect(index.getOne(odd)).toBeUndefined();
    }
  });

  /** What an index says, asked in every way. */
  function answers(index: TableIndex, keys: readonly Key[]): unknown {
    const walk = (low: Key | undefined, high: Key | undefined, inclusive: boolean, reverse: boolean): unknown[] => {
      const met: unknown[] = [];
      index.scanKeys({ low, lowInclusive: inclusive, high, highInclusive: inclusive }, reverse, (row, key) => met.push([key, row]) < 0);
      return met;
    };
    const points = keys.map((key) => [index.getOne(key), index.countOf(key)]);
    const [first, last] = [keys[0], keys.at(-1)];
    const walks = [true, false].flatMap((reverse) => {
      return [walk(undefined, undefined, true, reverse), walk(first, undefined, false, reverse), walk(undefined, last, true, reverse)];
    });
    return [index.entries, index.stats().keys, points, walks];
  }

  const keyTypes: readonly (readonly [ColumnType, (n: number) => Key])[] = [
    [int, (n) => n * 3],
    [int, (n) => n * 1_000_003],
    [text, (n) => `${n % 13} key ${n}`],
    [double, (n) => (n === 7 ? Number.NaN : n === 0 ? -0 : n / 3)],
    [{ kind: 'bytes' }, (n) => Uint8Array.of(n % 7, n >> 8, n & 255)],
    [{ kind: 'long', as: 'bigint' }, (n) => BigInt(n) << 40n],
  ];

  it('is the same whether its rows come at once or one by one, and whether it has been walked before they change', () => {
    const random = new Random();
    random.reported(() => {
      for (const [type, keyOf] of keyTypes) {
        for (const [unique, using] of [
          [true, 'btree'],
          [false, 'btree'],
          [true, 'hash'],
          [false, 'hash'],
          [true, 'packed'],
          [false, 'packed'],
        ] as const) {
          const columns = [column('key', 0, type)];
          const [bulk, walked, plain] = [0, 1, 2].map(() => indexOver(columns, { unique, using })) as [TableIndex, TableIndex, TableIndex];
          const alive = new Map<number, Key>();
          const rows = Array.from({ length: 400 }, (_, row) => row).filter(() => random.chance(0.9));
          const repeats = unique ? 1 : random.pick([2, 50, 300]);
          for (const row of rows) alive.set(row, keyOf(row - (row % repeats)));
          for (const [row, key] of alive) expect([plain.add(key, row as RowId), walked.add(key, row as RowId)]).toEqual([true, true]);
          for (const [row, key] of alive) keysOf.get(bulk)?.set(row as RowId, key);
          expect(bulk.fill(Int32Array.from(rows))).toBe(true);
          const asked = [...alive.values()].sort(plain.compare);
          const isWalked = using !== 'hash';
          if (isWalked) expect(answers(walked, asked)).toEqual(answers(bulk, asked));
          for (let step = 0; step < 300; step++) {
            const row = random.below(400) as RowId;
            const key = alive.get(row);
            for (const index of [bulk, walked, plain]) {
              if (key === undefined) expect(index.add(keyOf(row - (row % repeats)), row)).toBe(true);
              else index.remove(key, row);
            }
            if (key === undefined) alive.set(row, keyOf(row - (row % repeats)));
            else alive.delete(row);
          }
          for (const index of [bulk, walked, plain]) {
            index.checkStructure();
            expect(index.entries).toBe(alive.size);
            if (isWalked) expect(answers(index, asked)).toEqual(answers(plain, asked));
            for (const [row, key] of alive) expect(index.holds(key, row as RowId)).toBe(true);
          }
        }
      }
    });
  });

  it('refuses to be filled with two rows of one key, where it is unique', () => {
    for (const [type, keyOf] of keyTypes) {
      for (const using of ['btree', 'hash', 'packed'] as const) {
        const index = indexOver([column('key', 0, type)], { unique: true, using });
        for (let row = 0; row < 100; row++) keysOf.get(index)?.set(row as RowId, keyOf(row === 99 ? 7 : row));
        expect(index.fill(Int32Array.from({ length: 100 }, (_, row) => row))).toBe(false);
      }
    }
    const nulls = indexOver([column('key', 0, text, true)], { unique: true });
    for (let row = 0; row < 50; row++) keysOf.get(nulls)?.set(row as RowId, row % 2 === 0 ? null : `${row}`);
    expect(nulls.fill(Int32Array.from({ length: 50 }, (_, row) => row))).toBe(true);
    expect([nulls.countOf(null), nulls.stats().keys, nulls.entries]).toEqual([25, 26, 50]);
  });

  it('keeps counted keys in one array, walks over what was deleted, and has a tree while some key is beyond it', () => {
    const index = indexOver([column('n', 0, int)], { unique: true });
    const count = 100_000;
    for (let key = 0; key < count; key++) index.add(key, key as RowId);
    const { bytes } = index.stats();
    expect(bytes / count).toBeLessThan(11);
    for (let key = 0; key < count - 5; key++) if (key !== 50_000) index.remove(key, key as RowId);
    const walk = (low: Key | undefined, high: Key | undefined, reverse = false): number[] => {
      const met: number[] = [];
      index.scan({ low, lowInclusive: false, high, highInclusive: true }, reverse, (row) => met.push(row) < 0);
      return met;
    };
    expect(walk(undefined, undefined)).toEqual([50_000, 99_995, 99_996, 99_997, 99_998, 99_999]);
    expect(walk(undefined, 99_996.5, true)).toEqual([99_996, 99_995, 50_000]);
    expect(walk(50_000, 99_995)).toEqual([99_995]);
    expect([walk(Number.NaN, undefined), walk(-7.5, -1), walk(99_998.5, Number.POSITIVE_INFINITY), walk(99_998, Number.NaN)]).toEqual([
      [],
      [],
      [99_999],
      [99_999],
    ]);
    const left = index.stats().bytes;
    expect(left).toBeLessThan(bytes / 10);
    index.add(-1, 1 as RowId);
    index.add(2 ** 31 - 1, 2 as RowId);
    expect(index.stats().bytes).toBeGreaterThan(left);
    expect(walk(undefined, 60_000)).toEqual([1, 50_000]);
    index.checkStructure();
    for (const key of [50_000, 99_995, 99_996, 99_997, 99_998, 99_999]) index.remove(key, key as RowId);
    index.remove(-1, 1 as RowId);
    index.remove(2 ** 31 - 1, 2 as RowId);
    expect([index.entries, index.stats().bytes < 10_000]).toEqual([0, true]);
  });

  it('has no key on the heap until somebody walks a unique index of text', () => {
    const index = indexOver([column('t', 0, text)], { unique: true });
    for (let row = 0; row < 1000; row++) index.add(`key ${row}`, row as RowId);
    const { bytes } = index.stats();
    expect(bytes / 1000).toBeLessThan(22);
    expect(index.isSorted).toBe(false);
    index.scan({ low: 'key 5', lowInclusive: true, high: undefined, highInclusive: true }, false, () => true);
    expect(index.isSorted).toBe(true);
    expect(index.stats().bytes).toBeGreaterThan(bytes + 1000 * 28);
    for (let row = 0; row < 1000; row++) index.remove(`key ${row}`, row as RowId);
    expect(index.isSorted).toBe(false);
  });

  it('lets nulls repeat in a unique index, unless they are not distinct', () => {
    const columns = [column('a', 0, int, true), column('b', 1, int)];
    const distinct = indexOver(columns, { unique: true });
    expect([distinct.add([null, 1], 1 as RowId), distinct.add([null, 1], 2 as RowId), distinct.add([1, 1], 3 as RowId)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(distinct.add([1, 1], 4 as RowId)).toBe(false);
    expect([distinct.countOf([null, 1]), distinct.entries]).toEqual([2, 3]);
    const alike = indexOver(columns, { unique: true, nullsDistinct: false });
    expect([alike.add([null, 1], 1 as RowId), alike.add([null, 1], 2 as RowId)]).toEqual([true, false]);
  });

  it('stays cheap where a million rows share a value', () => {
    const index = indexOver([column('n', 0, int)]);
    for (let row = 0; row < 1_000_000; row++) index.add(7, row as RowId);
    expect([index.countOf(7), index.stats().keys]).toEqual([1_000_000, 1]);
    expect(index.stats().bytes / 1_000_000).toBeLessThan(6);
    for (let row = 0; row < 1_000_000; row += 2) index.remove(7, row as RowId);
    expect(index.countOf(7)).toBe(500_000);
  });
});
