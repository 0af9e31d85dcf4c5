import { describe, expect, it } from '@jest/globals';
import { TableFullError } from '../../lib/errors.js';
import { type Link, NO_LINK, type RowId } from '../../lib/storage/link.js';
import { RowIds } from '../../lib/storage/row-ids.js';
import { Random } from '../support/random.js';

const MAX_LINK = 2 ** 31 - 1;

describe('RowIds', () => {
  /** Rows of 64 to 112 bytes one behind the other, as inserts place them. */
  const inARow = (count: number): { ids: RowIds; links: Link[] } => {
    const ids = new RowIds('sample');
    const links: Link[] = [];
    for (let row = 0, link = 5; row < count; row++, link += 4 + (row % 4)) {
      ids.add(link as Link);
      links.push(link as Link);
    }
    return { ids, links };
  };
  const linksOf = (ids: RowIds): Link[] => Array.from({ length: ids.extent }, (_, row) => ids.linkOf(row as RowId));

  it('counts from 0, and gives the ids of removed rows again, the last one first', () => {
    const ids = new RowIds('sample');
    expect([10, 20, 30, 40, 45].map((link) => ids.add(link as Link))).toEqual([0, 1, 2, 3, 4]);
    ids.remove(1 as RowId);
    ids.remove(3 as RowId);
    expect([...ids]).toEqual([0, 2, 4]);
    expect([ids.count, ids.extent]).toEqual([3, 5]);
    expect([50, 60, 70].map((link) => ids.add(link as Link))).toEqual([3, 1, 5]);
    expect([0, 1, 2, 3, 4, 5].map((row) => ids.linkOf(row as RowId))).toEqual([10, 60, 30, 50, 45, 70]);
  });

  it('is as it was when the rows that were added last are removed in the reverse of their order', () => {
    const { ids, links } = inARow(40);
    ids.move(38 as RowId, MAX_LINK as Link);
    const bytes = ids.bytes;
    for (let round = 0; round < 100; round++) {
      for (let n = 0; n < 20; n++) expect(ids.add((MAX_LINK - n * 300) as Link)).toBe(40 + n);
      for (let row = 59 as RowId; row >= 40; row--) ids.remove(row);
      expect([ids.count, ids.extent]).toEqual([40, 40]);
    }
    expect(linksOf(ids)).toEqual(links.map((link, row) => (row === 38 ? MAX_LINK : link)));
    expect(ids.bytes).toBe(bytes);
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

  it.each([
    ['anywhere', MAX_LINK],
    ['near one another', 300],
  ])('agrees with a map over random steps, with links %s', (_where, span) => {
    new Random().reported((random) => {
      const ids = new RowIds('sample');
      const model = new Map<RowId, Link>();
      const rows: RowId[] = [];
      let most = 0;
      let extent = 0;
      for (let step = 0; step < 60_000; step++) {
        const link = random.below(span) as Link;
        const kind = random.below(rows.length < 100 || step < 20_000 ? 12 : 20);
        if (kind < 8 || rows.length === 0) {
          const row = ids.add(link);
          if (model.has(row)) throw new Error(`step ${step}: row ${row} was given out twice`);
          rows.push(row);
          model.set(row, link);
          extent = Math.max(extent, row + 1);
        } else if (kind < 10) {
          const row = random.pick(rows);
          ids.move(row, link);
          model.set(row, link);
        } else {
          const row = rows.splice(random.below(rows.length), 1)[0] as RowId;
          ids.remove(row);
          model.delete(row);
          if (row === extent - 1) extent--;
          if (model.size === 0) extent = 0;
          if (ids.isAlive(row)) throw new Error(`step ${step}: row ${row} lives on`);
        }
        most = Math.max(most, model.size);
        if (step % 5_000 === 0) {
          expect([ids.count, ids.extent]).toEqual([model.size, extent]);
          for (const row of ids) if (ids.linkOf(row) !== model.get(row)) throw new Error(`step ${step}: row ${row} is elsewhere`);
          expect([...ids].length).toBe(model.size);
        }
      }
      expect(ids.extent).toBe(extent);
      expect(extent).toBeLessThanOrEqual(most);
      expect(ids.bytes).toBeLessThanOrEqual(Math.max(64, 2 * most) * 5.25 + (most - model.size) * 8);
    });
  });

  it('takes a byte and a quarter a row that stands behind the one before it', () => {
    const { ids, links } = inARow(4096);
    expect(linksOf(ids)).toEqual(links);
    expect(ids.bytes).toBe(4096 * 1.25);
    ids.move(7 as RowId, ((links[7] as number) + 1) as Link);
    ids.remove(8 as RowId);
    ids.add(links[8] as Link);
    expect(ids.bytes).toBe(4096 * 1.25);
  });

  it('holds on to every link of a group while one after the other leaves, comes back, and goes', () => {
    for (const away of [0, 4, 2 ** 30, MAX_LINK]) {
      const { ids, links } = inARow(40);
      for (let row = 0 as RowId; row < 40; row++) {
        ids.move(row, away as Link);
        expect(linksOf(ids)).toEqual(links.map((link, at) => (at === row ? away : link)));
        ids.move(row, links[row] as Link);
        ids.remove(row);
        expect(ids.linkOf(row)).toBe(NO_LINK);
        expect(ids.add(links[row] as Link)).toBe(row);
      }
      expect(linksOf(ids)).toEqual(links);
    }
  });

  it('begins anew when the last row has gone', () => {
    const { ids, links } = inARow(1000);
    for (let row = 0 as RowId; row < 1000; row++) ids.move(row, (MAX_LINK - row) as Link);
    for (let row = 0 as RowId; row < 1000; row++) ids.remove(row);
    expect([ids.count, ids.extent, ids.bytes, ids.isAlive(0 as RowId)]).toEqual([0, 0, 80, false]);
    expect(links.map((link) => ids.add(link))).toEqual(links.map((_, row) => row));
    expect(linksOf(ids)).toEqual(links);
    expect(ids.bytes).toBe(1024 * 1.25);
  });

  it('keeps the last step that a byte can be, and the first that it cannot', () => {
    for (const step of [254, 255, 256]) {
      const ids = new RowIds('sample');
      ids.add(1000 as Link);
      const row = ids.add((1000 + step) as Link);
      expect([ids.linkOf(row), ids.isAlive(row), ids.bytes]).toEqual([1000 + step, true, step === 254 ? 80 : 336]);
    }
  });

  it('has changed nothing where memory ends, and needs none for what it has had before', () => {
    const { ids, links } = inARow(20);
    const Real = globalThis.Int32Array;
    Reflect.set(globalThis, 'Int32Array', function fail() {
      throw new RangeError('Array buffer allocation failed');
    });
    try {
      expect(() => ids.move(3 as RowId, 0 as Link)).toThrow(RangeError);
      expect(() => ids.add(0 as Link)).toThrow(RangeError);
      expect([linksOf(ids), ids.count]).toEqual([links, 20]);
      ids.remove(3 as RowId);
      expect(() => ids.add(0 as Link)).toThrow(RangeError);
      expect([ids.isAlive(3 as RowId), ids.count]).toEqual([false, 19]);
      ids.add(links[3] as Link);
    } finally {
      Reflect.set(globalThis, 'Int32Array', Real);
    }
    expect(linksOf(ids)).toEqual(links);
  });

  it('is full at 2^30 rows, and unchanged then', () => {
    const ids = new RowIds('sample');
    ids.add(7 as Link);
    Reflect.set(ids, 'used', 2 ** 30); // the real ones would take more than a gibibyte
    Reflect.set(ids, 'steps', { length: 2 ** 30 });
    expect(() => ids.add(8 as Link)).toThrow(new TableFullError('sample', '1073741824 rows'));
    expect([ids.count, ids.extent]).toEqual([2 ** 30, 2 ** 30]);
  });
});
