import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BigMap } from '../../lib/index/big-map.js';

describe('BigMap', () => {
  it('does what a Map does, across the limit of its parts', () => {
    const step = fc.tuple(fc.constantFrom('set', 'delete', 'get'), fc.integer({ min: 0, max: 40 }), fc.integer());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const big = new BigMap<number, number>(7);
        const map = new Map<number, number>();
        for (const [kind, key, value] of steps) {
          if (kind === 'set') {
            big.set(key, value);
            map.set(key, value);
          } else if (kind === 'delete') expect(big.delete(key)).toBe(map.delete(key));
          if (big.get(key) !== map.get(key) || big.size !== map.size) throw new Error(`key ${key} differs`);
        }
        expect([...big.entries()].sort((a, b) => a[0] - b[0])).toEqual([...map].sort((a, b) => a[0] - b[0]));
      }),
      { numRuns: 300 },
    );
  });

  it('goes past the 16,777,216 entries at which a Map throws', () => {
    const big = new BigMap<number, number>();
    const count = 2 ** 24 + 1000;
    for (let key = 0; key < count; key++) big.set(key, key);
    expect(big.size).toBe(count);
    for (const key of [0, 1, 2 ** 24 - 2, 2 ** 24 - 1, 2 ** 24, count - 1]) expect(big.get(key)).toBe(key);
    expect(big.get(count)).toBeUndefined();
    expect([big.delete(5), big.delete(5), big.delete(count - 1)]).toEqual([true, false, true]);
    big.set(7, -7);
    expect([big.get(7), big.size]).toEqual([-7, count - 2]);
  }, 120_000);
});
