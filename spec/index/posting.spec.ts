import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Posting, type RowOrder } from '../../lib/index/posting.js';
import type { RowId } from '../../lib/storage/link.js';

/** Row n has the key `keys[n]`: row ids and keys are in no common order. */
function orderOf(keys: readonly number[]): RowOrder {
  return { keyOf: (row) => keys[row], compare: (a, b) => (a as number) - (b as number) };
}

function rowsOf(posting: Posting, reverse = false): number[] {
  const rows: number[] = [];
  posting.forEach(reverse, (row) => {
    rows.push(row);
    return false;
  });
  return rows;
}

describe('Posting', () => {
  it('keeps rows in the order of their keys through random additions and removals', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1500 }), fc.double({ min: 0.3, max: 0.8, noNaN: true }), (seed, count, share) => {
        let state = seed | 1;
        const random = () => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          return (state >>> 0) / 2 ** 32;
        };
        const keys = Array.from({ length: count }, (_, n) => n).sort(() => random() - 0.5);
        const order = orderOf(keys);
        const posting = new Posting();
        const inside = new Set<number>();
        for (let step = 0; step < count * 3; step++) {
          const row = Math.floor(random() * count) as RowId;
          if (!inside.has(row) && random() < share) {
            posting.add(row, order);
            inside.add(row);
          } else if (inside.has(row)) {
            posting.remove(row, order);
            inside.delete(row);
          }
          if (posting.size !== inside.size) throw new Error(`${posting.size} rows for ${inside.size}`);
        }
        const sorted = [...inside].sort((a, b) => (keys[a] as number) - (keys[b] as number));
        expect(rowsOf(posting)).toEqual(sorted);
        expect(rowsOf(posting, true)).toEqual(sorted.reverse());
        expect([...inside].every((row) => posting.has(row as RowId, order))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('compares few keys for each of a million rows, in order or not', () => {
    for (const stride of [1, 7919]) {
      let compared = 0;
      const count = 1_000_000;
      const order: RowOrder = {
        keyOf: (row) => (row * stride) % count,
        compare: (a, b) => {
          compared++;
          return (a as number) - (b as number);
        },
      };
      const posting = new Posting();
      for (let row = 0; row < count; row++) posting.add(row as RowId, order);
      expect(posting.size).toBe(count);
      expect(compared / count).toBeLessThan(stride === 1 ? 1.1 : 24);
      expect(posting.bytes / count).toBeLessThan(stride === 1 ? 5 : 8);
      for (let row = 0; row < count; row += 2) posting.remove(row as RowId, order);
      expect(posting.size).toBe(count / 2);
      const rows = rowsOf(posting);
      expect(rows).toHaveLength(count / 2);
      for (let at = 1; at < rows.length; at += 997) {
        expect(((rows[at - 1] as number) * stride) % count).toBeLessThan(((rows[at] as number) * stride) % count);
      }
    }
  }, 120_000);

  it('asserts that a row which is removed was there', () => {
    const posting = new Posting();
    const order = orderOf([0, 1, 2]);
    posting.add(0 as RowId, order);
    expect(() => posting.remove(1 as RowId, order)).toThrow('the row stands in the posting');
  });
});
