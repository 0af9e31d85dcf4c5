import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyHash } from '../../lib/index/key-hash.js';
import type { Key } from '../../lib/index/key-order.js';
import { PackedHash } from '../../lib/index/packed-hash.js';
import type { RowId } from '../../lib/storage/link.js';

/** A hash of keys as a function. */
function hashOf(random?: Uint32Array): (key: Key) => number {
  const hash = new KeyHash(random);
  return (key) => hash.of(key);
}

/** A hash over rows whose keys stand in an array, with as few different hashes as is wanted. */
function hashOver(hash: (key: Key) => number) {
  const keys: Key[] = [];
  const hashed = new PackedHash('index', { hash, keyOf: (row) => keys[row], hasKey: (row, key) => keys[row] === key });
  return { keys, hashed };
}

describe('PackedHash', () => {
  it('does what a Map does, however many keys collide, wrap around and are closed up', () => {
    const step = fc.tuple(fc.boolean(), fc.nat(60));
    // All keys at one place; at the last places of the table; all different; a few classes.
    const hashes: ((key: Key) => number)[] = [() => 7, () => -1, (key) => key as number, (key) => (key as number) % 5, hashOf()];
    for (const hash of hashes) {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
          const { keys, hashed } = hashOver(hash);
          const model = new Map<number, number>();
          for (const [adds, key] of steps) {
            if (adds) {
              keys[key] ??= key; // row n has the key n
              expect(hashed.addIfAbsent(key, key as RowId)).toBe(!model.has(key));
              model.set(key, key);
            } else if (model.delete(key)) {
              hashed.delete(key, key as RowId);
            }
            if (hashed.size !== model.size) throw new Error('the keys are miscounted');
            if (hashed.get(key) !== model.get(key)) throw new Error(`key ${key} differs`);
          }
          hashed.checkStructure();
          expect([...hashed.entries()].sort((a, b) => (a[0] as number) - (b[0] as number))).toEqual([...model].sort((a, b) => a[0] - b[0]));
        }),
        { numRuns: 150 },
      );
    }
  });

  it('finds a row by its id while its own bytes are other ones, and lists by their other rows', () => {
    const { keys, hashed } = hashOver(() => 1);
    keys.push('a', 'b', 'c', 'c');
    for (const row of [0, 1, 2] as RowId[]) hashed.addIfAbsent(keys[row], row);
    const list = [2, 3] as RowId[];
    hashed.set('c', list, 2 as RowId);
    keys[0] = 'changed';
    keys[2] = 'changed';
    expect(hashed.getOf('a', 0 as RowId)).toBe(0);
    expect(hashed.getOf('c', 2 as RowId)).toEqual([2, 3]);
    hashed.delete('a', 0 as RowId);
    list.shift();
    hashed.set('c', 3 as RowId, 3 as RowId);
    expect([hashed.get('a'), hashed.get('b'), hashed.get('c')]).toEqual([undefined, 1, 3]);
    expect(() => hashed.delete('b', 9 as RowId)).toThrow('under its key');
    hashed.checkStructure();
  });

  it('goes past the 16,777,216 entries at which a Map throws', () => {
    const hashed = new PackedHash('index', { hash: hashOf(), keyOf: (row) => row, hasKey: (row, key) => row === key });
    const count = 2 ** 24 + 1000;
    for (let row = 0; row < count; row++) hashed.addIfAbsent(row, row as RowId);
    expect(hashed.size).toBe(count);
    for (const row of [0, 1, 2 ** 24 - 1, 2 ** 24, count - 1]) expect(hashed.get(row)).toBe(row);
    expect(hashed.get(count)).toBeUndefined();
    hashed.delete(5, 5 as RowId);
    expect([hashed.get(5), hashed.addIfAbsent(6, 6 as RowId), hashed.size]).toEqual([undefined, false, count - 1]);
    expect(hashed.bytes / count).toBeLessThan(22);
  }, 120_000);
});

describe('KeyHash', () => {
  const random = Uint32Array.of(1, 2, 3);

  it('is the same for equal keys, and keyed by random numbers', () => {
    const hash = hashOf(random);
    expect(hash(-0)).toBe(hash(0));
    expect(hash(Number.NaN)).toBe(hash(-Number.NaN));
    expect(hash([1, null, 'a'])).toBe(hash([1, null, 'a']));
    expect(hash(Uint8Array.of(1, 2))).toBe(hash(Buffer.from([1, 2])));
    expect(hash(2n ** 200n + 5n)).toBe(hash(2n ** 200n + 5n));
    expect(hashOf(random)('text')).toBe(hash('text'));
    expect(hashOf(Uint32Array.of(1, 2, 5))('text')).not.toBe(hash('text'));
    expect(hashOf()('text')).not.toBe(hashOf()('text'));
  });

  it('tells values, parts, lengths and signs apart', () => {
    const hash = hashOf(random);
    const kinds: Key[][] = [
      [null, true, false],
      [null, 0, 1, -1, 0.5, 2 ** 32, 2 ** 33, Number.NaN, Number.POSITIVE_INFINITY],
      [null, 1n, -1n, 2n ** 32n, 2n ** 64n, -(2n ** 64n)],
      [null, '', '0', '1', 'ab', 'ba', 'abc', 'a\0', 'a'],
      [null, Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, 0)],
      [
        ['a', 'b'],
        ['ab', ''],
        ['', 'ab'],
        ['b', 'a'],
        [null, 'a'],
        ['a', null],
      ],
    ];
    for (const keys of kinds) expect(new Set(keys.map(hash)).size).toBe(keys.length);
  });

  it('spreads counted, stepped and similar keys over the lowest bits as random ones are spread', () => {
    const slots = 2 ** 16;
    const sets: Record<string, (n: number) => Key> = {
      counted: (n) => n,
      stepped: (n) => n * 4096,
      halves: (n) => n + 0.5,
      large: (n) => n * 2 ** 33,
      text: (n) => `user${n}@example.com`,
      bigints: (n) => BigInt(n) << 40n,
      pairs: (n) => [n % 256, n >> 8],
    };
    for (const [name, keyOf] of Object.entries(sets)) {
      const hash = hashOf(random);
      const taken = new Set<number>();
      for (let n = 0; n < slots; n++) taken.add(hash(keyOf(n)) & (slots - 1));
      // Random throws leave 1/e of the slots empty.
      expect([name, Math.abs(taken.size / slots - (1 - 1 / Math.E)) < 0.02]).toEqual([name, true]);
    }
  });
});
