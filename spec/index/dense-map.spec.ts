import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DenseMap } from '../../lib/index/dense-map.js';
import { EVERYTHING, type KeyRange } from '../../lib/index/entry-map.js';
import { compareValues, type Key } from '../../lib/index/key-order.js';
import { RowKeys } from '../../lib/index/row-keys.js';
import type { RowId } from '../../lib/storage/link.js';

const compare = compareValues({ kind: 'long', as: 'number' }, false);

function walked(map: DenseMap, range: KeyRange, reverse: boolean): [Key, number][] {
  const met: [Key, number][] = [];
  map.scan(range, reverse, (row, key) => {
    met.push([key, row as number]);
    return false;
  });
  return met;
}

/** All that can be asked of the map, beside a map of what was put into it. */
function expectSame(map: DenseMap, model: ReadonlyMap<number, number>, low: number, high: number): void {
  map.checkStructure();
  const sorted = [...model].sort(([a], [b]) => a - b);
  expect(map.size).toBe(model.size);
  expect([...map.entries()]).toEqual(sorted);
  expect(walked(map, EVERYTHING, true)).toEqual([...sorted].reverse());
  const range = { low, lowInclusive: false, high, highInclusive: true };
  const within = sorted.filter(([key]) => key > low && key <= high);
  expect(walked(map, range, false)).toEqual(within);
  expect(walked(map, range, true)).toEqual([...within].reverse());
}

describe('DenseMap', () => {
  /** The next key of a counter, with the next row or a vacant one; a key of somebody's own; the deletion of one. */
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('run' as const), count: fc.integer({ min: 1, max: 1500 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('key' as const), key: fc.integer({ min: -2, max: 6000 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('key' as const), key: fc.constantFrom(2 ** 30, 2 ** 31, 2 ** 32, 2 ** 40, 0.5) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('last' as const), count: fc.integer({ min: 1, max: 1200 }) }) },
  );

  it('is a map in key order, whether keys come in the order of rows or in any other', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: -1, max: 4000 }),
        fc.integer({ min: 0, max: 4000 }),
        (steps, low, length) => {
          const map = new DenseMap(compare);
          const model = new Map<number, number>();
          const vacant: number[] = [];
          let rows = 0;
          let counter = 0;
          const add = (key: number) => {
            const row = vacant.pop() ?? rows++;
            expect(map.addIfAbsent(key, row as RowId)).toBe(!model.has(key));
            if (model.has(key)) vacant.push(row);
            else model.set(key, row);
          };
          const remove = (key: number) => {
            const row = model.get(key) as number;
            map.delete(key, row as RowId);
            model.delete(key);
            vacant.push(row);
          };
          for (const one of steps) {
            if (one.kind === 'run') for (let n = 0; n < one.count; n++) add(++counter);
            else if (one.kind === 'key') add(one.key);
            else if (one.kind === 'last') for (let n = 0; n < one.count && model.has(counter); n++) remove(counter--);
            else if (model.size > 0) remove([...model.keys()][Math.floor(one.at * model.size)] as number);
            for (const key of [-1, 0, 0.5, 1, counter, counter + 1, 1024, 2048, low]) expect(map.get(key)).toBe(model.get(key));
          }
          expectSame(map, model, low, low + length);
          for (const key of [...model.keys()]) remove(key);
          expectSame(map, model, low, low + length);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('needs no memory for counted keys of rows that came in their order, and little as soon as one is otherwise', () => {
    const map = new DenseMap(compare);
    for (let row = 0; row < 100_000; row++) map.addIfAbsent(row + 1, row as RowId);
    expect(map.bytes).toBeLessThan(100_000 / 50);
    expect(map.heapKeys).toBe(0);
    map.delete(50_000, 49_999 as RowId);
    expect(map.bytes).toBeLessThan(100_000 / 50 + 4096 + 1);
    map.addIfAbsent(100_001, 49_999 as RowId);
    expect(map.get(50_000)).toBeUndefined();
    expect([map.get(49_999), map.get(50_001), map.get(100_000), map.get(100_001)]).toEqual([49_998, 50_000, 99_999, 49_999]);
    map.checkStructure();
  });

  it('takes the place of a tree as keys in no order become dense', () => {
    const map = new DenseMap(compare);
    const keys = Array.from({ length: 20_000 }, (_, n) => ((n * 7919) % 20_000) + 1);
    for (const [row, key] of keys.entries()) map.addIfAbsent(key, row as RowId);
    expect(map.bytes).toBeGreaterThan(20_000 * 4);
    expect(keys.every((key, row) => map.get(key) === row)).toBe(true);
    map.checkStructure();
  });
});

describe('RowKeys', () => {
  it('has the key of each row that it was told, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 5000 }), fc.oneof(fc.constant(undefined), fc.maxSafeInteger())), { maxLength: 200 }),
        (told) => {
          const keys = new RowKeys();
          const model = new Map<number, number>();
          for (const [row, key = row + 1] of told) {
            keys.set(row as RowId, key);
            model.set(row, key);
          }
          for (const [row, key] of model) expect(keys.get(row as RowId)).toBe(key);
          for (const row of model.keys()) keys.forget(row as RowId);
          expect(keys.bytes).toBe(0);
        },
      ),
    );
  });

  it('needs no memory for the keys of a counter', () => {
    const keys = new RowKeys();
    for (let row = 0; row < 10_000; row++) keys.set(row as RowId, row + 1);
    expect(keys.bytes).toBe(0);
    keys.set(7000 as RowId, 1);
    expect(keys.bytes).toBe(8192);
    expect([keys.get(6999 as RowId), keys.get(7000 as RowId), keys.get(7001 as RowId)]).toEqual([7000, 1, 7002]);
  });
});
