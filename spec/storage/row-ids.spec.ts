import { describe, expect, it } from '@jest/globals';
import { TableFullError } from '../../lib/errors.js';
import type { Link, RowId } from '../../lib/storage/link.js';
import { RowIds } from '../../lib/storage/row-ids.js';
import { Random } from '../support/random.js';

const MAX_LINK = 2 ** 31 - 1;

describe('RowIds', () => {
  it('counts from 0, and gives the ids of removed rows again, the last one first', () => {
    const ids = new RowIds('sample');
    expect([10, 20, 30, 40].map((link) => ids.add(link as Link))).toEqual([0, 1, 2, 3]);
    ids.remove(1 as RowId);
    ids.remove(3 as RowId);
    expect([...ids]).toEqual([0, 2]);
    expect([ids.count, ids.extent]).toEqual([2, 4]);
    expect([50, 60, 70].map((link) => ids.add(link as Link))).toEqual([3, 1, 4]);
    expect([0, 1, 2, 3, 4].map((row) => ids.linkOf(row as RowId))).toEqual([10, 60, 30, 50, 70]);
  });

  it('holds every link from 0 to the largest, and moves rows', () => {
    const ids = new RowIds('sample');
    const links = [0, 1, 2 ** 30, MAX_LINK] as Link[];
    const rows = links.map((link) => ids.add(link));
    expect(rows.map((row) => ids.linkOf(row))).toEqual(links);
    rows.forEach((row, at) => {
      ids.move(row, links[3 - at] as Link);
    });
    expect(rows.map((row) => ids.linkOf(row))).toEqual([...links].reverse());
    expect(rows.every((row) => ids.isAlive(row))).toBe(true);
  });

  it('knows which rows are alive, whatever it is asked', () => {
    const ids = new RowIds('sample');
    const row = ids.add(0 as Link);
    const other = ids.add(5 as Link);
    ids.remove(row);
    expect([row, other, 2, 100, 1_000_000, -1].map((id) => ids.isAlive(id as RowId))).toEqual([false, true, false, false, false, false]);
    ids.remove(other);
    expect([...ids]).toEqual([]);
  });

  it('agrees with a map over random steps, and takes four bytes a row', () => {
    new Random().reported((random) => {
      const ids = new RowIds('sample');
      const model = new Map<RowId, Link>();
      const rows: RowId[] = [];
      let most = 0;
      for (let step = 0; step < 60_000; step++) {
        const link = random.below(MAX_LINK) as Link;
        const kind = random.below(rows.length < 100 || step < 20_000 ? 12 : 20);
        if (kind < 8 || rows.length === 0) {
          const row = ids.add(link);
          if (model.has(row)) throw new Error(`step ${step}: row ${row} was given out twice`);
          rows.push(row);
          model.set(row, link);
        } else if (kind < 10) {
          const row = random.pick(rows);
          ids.move(row, link);
          model.set(row, link);
        } else {
          const row = rows.splice(random.below(rows.length), 1)[0] as RowId;
          ids.remove(row);
          model.delete(row);
          if (ids.isAlive(row)) throw new Error(`step ${step}: row ${row} lives on`);
        }
        most = Math.max(most, model.size);
        if (step % 5_000 === 0) {
          expect(ids.count).toBe(model.size);
          for (const row of ids) if (ids.linkOf(row) !== model.get(row)) throw new Error(`step ${step}: row ${row} is elsewhere`);
          expect([...ids].length).toBe(model.size);
        }
      }
      expect(ids.extent).toBe(most);
      expect(ids.bytes).toBeLessThanOrEqual(Math.max(64, 2 * most) * 4);
    });
  });

  it('is full at 2^30 rows, and unchanged then', () => {
    const ids = new RowIds('sample');
    ids.add(7 as Link);
    Reflect.set(ids, 'used', 2 ** 30); // the real table would take four gibibytes
    Reflect.set(ids, 'links', { length: 2 ** 30 });
    expect(() => ids.add(8 as Link)).toThrow(new TableFullError('sample', '1073741824 rows'));
    expect([ids.count, ids.extent]).toEqual([1, 2 ** 30]);
  });
});
