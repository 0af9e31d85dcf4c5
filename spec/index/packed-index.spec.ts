import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyHash } from '../../lib/index/key-hash.js';
import type { Key } from '../../lib/index/key-order.js';
import { MapIndex } from '../../lib/index/map-index.js';
import { PackedIndex } from '../../lib/index/packed-index.js';
import type { IndexDefinition, TableIndex } from '../../lib/index/table-index.js';
import type { RowId } from '../../lib/storage/link.js';
import { compareOf, KEY_KINDS, type KeyKind } from '../support/key-arbitrary.js';
import { Random } from '../support/random.js';

const RUNS = Number(process.env.PACKED_RUNS ?? 3);
const ROWS = 1200;

/** A packed index and a B-tree over the same rows, whose keys are in a map, and whose primary keys are in another order than their ids. */
class Pair {
  readonly keys = new Map<RowId, Key>();
  readonly packed: TableIndex;
  readonly tree: TableIndex;
  private readonly compare: (a: Key, b: Key) => number;
  /** Rows that no read may touch: their bytes are changing. */
  private changing: RowId | undefined;

  constructor(
    readonly kind: KeyKind,
    options: Partial<IndexDefinition>,
  ) {
    this.compare = compareOf(kind);
    const definition = { name: 'index', columns: kind.columns, unique: false, nullsDistinct: true, ...options };
    const order = { keyOf: (row: RowId) => primaryKeyOf(row), compare: (a: Key, b: Key) => (a as number) - (b as number) };
    const keyOf = (row: RowId): Key => {
      if (row === this.changing || !this.keys.has(row)) throw new Error(`the key of row ${row} was read while it changes`);
      return this.keys.get(row);
    };
    const hasKey = (row: RowId, key: Key) => this.compare(keyOf(row), key) === 0;
    const hashes = new KeyHash();
    const hash = (key: Key) => hashes.of(key);
    this.packed = new PackedIndex({ ...definition, using: 'packed' }, order, { hash, keyOf, hasKey });
    this.tree = new MapIndex({ ...definition, using: 'btree' }, order, {
      hash,
      keyOf: (row) => this.keys.get(row),
      hasKey: (row, key) => this.compare(this.keys.get(row), key) === 0,
    });
  }

  add(row: RowId, key: Key): boolean {
    const before = this.packed.countOf(key);
    this.keys.set(row, key);
    this.changing = row;
    const added = this.packed.add(key, row);
    this.changing = undefined;
    if (this.packed.countOf(key) !== before + (added ? 1 : 0)) throw new Error('a row that was added is not counted');
    if (this.tree.add(key, row) !== added) throw new Error('one index refused a row, and the other one did not');
    if (!added) this.keys.delete(row);
    return added;
  }

  remove(row: RowId): void {
    const key = this.keys.get(row);
    const before = this.packed.countOf(key);
    this.changing = row;
    this.packed.remove(key, row);
    if (this.packed.countOf(key) !== before - 1) throw new Error('a row that was removed is still counted');
    this.changing = undefined;
    this.tree.remove(key, row);
    this.keys.delete(row);
  }

  /** Puts all rows into both at once, as a table that is opened does. */
  fill(rows: readonly RowId[]): boolean {
    const ordered = Int32Array.from(rows).sort((a, b) => primaryKeyOf(a as RowId) - primaryKeyOf(b as RowId));
    const filled = this.packed.fill(ordered);
    expect(this.tree.fill(ordered)).toBe(filled);
    return filled;
  }

  /** Asks both the same: points, counts and walks between the bounds, with every way to include these. */
  compareAnswers(bounds: readonly Key[]): void {
    const { packed, tree } = this;
    expect([packed.entries, packed.stats().keys]).toEqual([tree.entries, tree.stats().keys]);
    for (const key of bounds) {
      if (packed.countOf(key) !== tree.countOf(key) || packed.getOne(key) !== tree.getOne(key)) throw new Error('points differ');
      for (const reverse of [false, true]) {
        same(
          rowsOf((visit) => packed.visit(key, reverse, visit)),
          rowsOf((visit) => tree.visit(key, reverse, visit)),
        );
      }
    }
    for (let at = 0; at < Math.min(bounds.length, 12); at++) {
      const low = at % 5 === 0 ? undefined : bounds[at];
      const high = at % 7 === 0 ? undefined : bounds[(at * 3) % bounds.length];
      for (let way = 0; way < 8; way++) {
        const range = { low, lowInclusive: (way & 1) === 0, high, highInclusive: (way & 2) === 0 };
        const most = at % 3 === 0 ? Number.POSITIVE_INFINITY : 10;
        same(
          rowsOf((visit) => packed.scan(range, way > 3, visit), most),
          rowsOf((visit) => tree.scan(range, way > 3, visit), most),
        );
      }
    }
    for (const [row, key] of this.keys) if (!packed.holds(key, row)) throw new Error('a row is not found');
    packed.checkStructure();
  }
}

function primaryKeyOf(row: RowId): number {
  return (row * 7919) % 1_000_003;
}

function rowsOf(walk: (visit: (row: RowId) => boolean) => unknown, most = Number.POSITIVE_INFINITY): number[] {
  const rows: number[] = [];
  walk((row) => rows.push(row) >= most);
  return rows;
}

function same(rows: number[], wanted: number[]): void {
  if (rows.length !== wanted.length || rows.some((row, at) => row !== wanted[at])) expect(rows).toEqual(wanted);
}

describe('PackedIndex', () => {
  for (const kind of KEY_KINDS) {
    it(`answers over ${kind.title} as a B-tree does, through random writes, one by one and in bulk, unique or not`, () => {
      const options = fc.constantFrom<Partial<IndexDefinition>>({}, {}, { unique: true }, { unique: true, nullsDistinct: false });
      const pools = fc.tuple(
        fc.array(kind.keys, { minLength: 1, maxLength: 400, size: 'max' }),
        fc.array(kind.bounds, { minLength: 5, maxLength: 25 }),
      );
      fc.assert(
        fc.property(pools, options, fc.integer(), fc.boolean(), ([keys, bounds], option, seed, inBulk) => {
          const random = new Random(seed);
          const pair = new Pair(kind, option);
          const rows = Array.from({ length: ROWS }, (_, row) => row as RowId);
          if (inBulk) {
            const filled = rows.slice(0, 1 + random.below(ROWS));
            for (const row of filled) pair.keys.set(row, random.pick(keys));
            if (!pair.fill(filled)) return;
          }
          for (const share of [0.8, 0.5, 0.1, 0.6]) {
            for (let step = 0; step < ROWS; step++) {
              const row = random.pick(rows);
              if (pair.keys.has(row)) random.chance(1 - share) && pair.remove(row);
              else if (random.chance(share)) pair.add(row, random.pick(keys));
            }
            pair.compareAnswers([...bounds.slice(0, 10), ...keys.slice(0, 10)]);
          }
          for (const row of [...pair.keys.keys()]) pair.remove(row);
          pair.compareAnswers(bounds);
        }),
        { numRuns: RUNS },
      );
    });
  }

  const numbers = (title = 'int') => KEY_KINDS.find((kind) => kind.title === title) as KeyKind;

  it('grows to three levels and back, with keys that ascend, descend or come in any order, and is sound all the way', () => {
    const count = 80_000;
    const random = new Random();
    random.reported(() => {
      for (const keyAt of [(n: number) => n, (n: number) => -n, (n: number) => (n * 48_271) % count, (n: number) => (n + 2) % 40]) {
        const pair = new Pair(numbers(), {});
        for (let n = 0; n < count; n++) pair.add(n as RowId, keyAt(n));
        pair.compareAnswers([0, 1, 39, 1000, -1000, count / 2]);
        for (let n = 0; n < count; n++) {
          // When a node of 256 entries has just been emptied, among other times.
          if (n % 30_208 === 0) pair.compareAnswers([0, 1, 39, 1000, -1000, count / 2]);
          // The lowest keys first, as from a queue, or everywhere.
          pair.remove((keyAt(1) === 1 ? n : (n * 7) % count) as RowId);
        }
        pair.compareAnswers([0, 39]);
      }
    });
  });

  it('takes 12 to 25 bytes an entry, none of them for keys, and gives them back with the last one', () => {
    const bytesAfter = (keyAt: (n: number) => number) => {
      const pair = new Pair(numbers(), {});
      const before = pair.packed.stats().bytes;
      for (let n = 0; n < 100_000; n++) pair.add(n as RowId, keyAt(n));
      const { bytes } = pair.packed.stats();
      for (let n = 0; n < 100_000; n++) pair.remove(n as RowId);
      expect(pair.packed.stats().bytes).toBeLessThan(250_000);
      expect(before).toBeLessThan(4000);
      return bytes / 100_000;
    };
    expect(bytesAfter((n) => n)).toBeLessThan(14);
    expect(bytesAfter((n) => (n * 48_271) % 100_000)).toBeLessThan(20);
    expect(bytesAfter((n) => n % 200)).toBeLessThan(20);
  });

  it('refuses to be filled with two rows of one key, where it is unique', () => {
    for (const kind of KEY_KINDS) {
      fc.assert(
        fc.property(fc.array(kind.keys, { minLength: 2, maxLength: 50 }), (keys) => {
          const pair = new Pair(kind, { unique: true });
          for (const [row, key] of keys.entries()) pair.keys.set(row as RowId, key);
          const filled = pair.fill(keys.map((_, row) => row as RowId));
          if (filled) pair.compareAnswers(keys);
        }),
        { numRuns: 20 },
      );
    }
  });

  it('is as it was where memory ends in the middle of a write', () => {
    const pair = new Pair(numbers(), {});
    const Real = globalThis.ArrayBuffer;
    let refused = 0;
    let calls = 0;
    class Scarce extends Real {
      constructor(bytes: number) {
        if (bytes > 1000 && ++calls % 2 === 1) throw new RangeError('Array buffer allocation failed');
        super(bytes);
      }
    }
    try {
      globalThis.ArrayBuffer = Scarce as typeof ArrayBuffer;
      for (let n = 0; n < 60_000; n++) {
        for (let added = false; !added; ) {
          try {
            added = pair.packed.add((n * 48_271) % 60_000, n as RowId);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            refused++;
          }
        }
        pair.keys.set(n as RowId, (n * 48_271) % 60_000);
      }
    } finally {
      globalThis.ArrayBuffer = Real;
    }
    expect(refused).toBeGreaterThan(5);
    expect(pair.packed.entries).toBe(60_000);
    pair.packed.checkStructure();
  });
});
