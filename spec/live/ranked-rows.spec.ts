import { describe, expect, it } from '@jest/globals';
import { RankedRows } from '../../lib/live/ranked-rows.js';
import { RowSet } from '../../lib/live/row-set.js';
import type { RowId } from '../../lib/storage/link.js';
import { Random } from '../support/random.js';

/** Rows whose keys are their ids, beside a sorted array. */
class Side {
  readonly ranked = new RankedRows<number>((key, row) => key - row);
  readonly model: number[] = [];

  private place(key: number): number {
    let low = 0;
    let high = this.model.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.model[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  toggle(key: number): void {
    const place = this.place(key);
    const isThere = this.model[place] === key;
    const found = this.ranked.find(key);
    if (found !== (isThere ? place : ~place)) throw new Error(`the rank of ${key} is ${found}, and not ${place}`);
    if (isThere) {
      this.ranked.remove(key);
      this.model.splice(place, 1);
    } else {
      this.ranked.insert(key, key as RowId);
      this.model.splice(place, 0, key);
    }
  }

  compare(random: Random): void {
    this.ranked.checkStructure();
    expect(this.ranked.size).toBe(this.model.length);
    const from = random.below(this.model.length + 2);
    const to = from + random.below(500);
    expect(this.ranked.slice(from, to)).toEqual(this.model.slice(from, to));
    if (this.model.length === 0) return;
    const rank = random.below(this.model.length);
    expect(this.ranked.at(rank)).toBe(this.model[rank]);
  }
}

describe('RankedRows', () => {
  it('agrees with a sorted array, growing and shrinking at random', () => {
    new Random().reported((random) => {
      for (let run = 0; run < 12; run++) {
        const side = new Side();
        const space = random.pick([10, 1000, 40_000]);
        for (let n = 0; n < 60; n++) {
          const grows = random.chance(0.5);
          for (let step = 0; step < 200; step++) {
            const wanted = side.model[random.below(side.model.length + 1)];
            side.toggle(grows || wanted === undefined ? random.below(space) : wanted);
          }
          side.compare(random);
        }
        for (const key of [...side.model]) side.toggle(key);
        side.compare(random);
      }
    });
  });

  it('takes rows in order, at once or one by one, upwards or downwards, and gives them back', () => {
    for (const count of [0, 1, 192, 193, 6144, 6145, 50_000]) {
      const rows = Array.from({ length: count }, (_, n) => n as RowId);
      const filled = new RankedRows<number>((key, row) => key - row);
      filled.fill(rows);
      const up = new RankedRows<number>((key, row) => key - row);
      const down = new RankedRows<number>((key, row) => key - row);
      for (const row of rows) up.insert(row, row);
      for (let n = count - 1; n >= 0; n--) down.insert(n, n as RowId);
      // Each but the first stands behind the one that comes after it: the last place but one of a full leaf is filled, too.
      const swapped = new RankedRows<number>((key, row) => key - row);
      const turned = (n: number) => (n === 0 ? 0 : n % 2 === 1 ? n + 1 : n - 1);
      for (let n = 0; n <= count; n++) if (turned(n) < count) swapped.insert(turned(n), turned(n) as RowId);
      for (const ranked of [filled, up, down, swapped]) {
        ranked.checkStructure();
        expect(ranked.slice(0, Number.POSITIVE_INFINITY)).toEqual(rows);
        for (let n = 0; n < count; n += 2) ranked.remove(n);
        ranked.checkStructure();
        expect(ranked.size).toBe(count >> 1);
        expect(ranked.find(4)).toBe(count > 4 ? ~2 : ~(count >> 1));
      }
    }
  });
});

describe('RowSet', () => {
  it('agrees with a Set', () => {
    new Random().reported((random) => {
      const rows = new RowSet();
      const model = new Set<number>();
      for (let n = 0; n < 20_000; n++) {
        const row = random.below(5000) as RowId;
        if (rows.has(row) !== model.has(row)) throw new Error(`${row} is ${rows.has(row) ? '' : 'not '}there`);
        if (random.chance(0.6)) {
          rows.add(row);
          model.add(row);
        } else {
          rows.delete(row);
          model.delete(row);
        }
      }
      expect(rows.size).toBe(model.size);
    });
  });
});
