import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClosedError, Column, Database, Index, PrimaryKey, Table, type TableManager } from '../../lib/index.js';
import type { TableCore } from '../../lib/table/table-core.js';
import { Vacuum } from '../../lib/table/vacuum.js';

// Small pages, so that there are many.
@Table({ pageSizeBytes: 64 * 1024 })
class Doc {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() name!: string;
  @Index() @Column('int') group!: number;
  @Index({ using: 'hash' }) @Column() tag!: string;
  @Column() text!: string;
}

const doc = (n: number, length = 4000) => ({ name: `n${n}`, group: n % 7, tag: `t${n % 5}`, text: String(n).padEnd(length, '.') });
const coreOf = (docs: TableManager<typeof Doc>) => (docs as unknown as { core: TableCore }).core;

let db: Database;
const open = (options: { vacuum?: { intervalMs: number; fragmentation?: number } } = {}) => {
  db = new Database({ tables: [Doc], ...options });
  return db.table(Doc);
};

afterEach(async () => {
  expect([...db.check()]).toEqual([]);
  await db.close();
});

describe('TableManager.vacuum', () => {
  it('keeps survivors exact by key and by every index, every 5 ms under readers and writers', async () => {
    const docs = open();
    const model = new Map<number, { name: string; group: number; tag: string; text: string }>();
    for (let n = 1; n <= 400; n++) model.set(docs.insert(doc(n)), doc(n));
    for (let id = 2; id <= 400; id += 2) {
      docs.delete(id);
      model.delete(id);
    }
    const before = docs.stats();
    let rowsMoved = 0;
    let reads = 0;
    let working = true;
    const timer = setInterval(() => void docs.vacuum({ budgetMs: 0.2 }).then((result) => (rowsMoved += result.rowsMoved)), 5);
    const reader = async () => {
      while (working) {
        const ids = [...model.keys()];
        const id = ids[reads++ % ids.length] as number;
        const wanted = { id, ...model.get(id) };
        expect({ ...docs.select(id) }).toEqual(wanted);
        expect({ ...docs.selectOneBy('name', wanted.name as string) }).toEqual(wanted);
        await nextTurn();
      }
    };
    const writer = async () => {
      for (let n = 401; n <= 900; n++) {
        model.set(docs.insert(doc(n, 100 + ((n * 37) % 9000))), doc(n, 100 + ((n * 37) % 9000)));
        const id = [...model.keys()][n % model.size] as number;
        const text = 'x'.repeat((n * 53) % 6000);
        docs.updateBy(id, { text });
        model.set(id, { ...(model.get(id) as ReturnType<typeof doc>), text });
        const gone = [...model.keys()][(n * 7) % model.size] as number;
        docs.delete(gone);
        model.delete(gone);
        await nextTurn();
      }
    };
    const readers = [reader(), reader()];
    await writer();
    await wait(50);
    working = false;
    await Promise.all(readers);
    clearInterval(timer);
    await docs.vacuum();
    await docs.vacuum();

    expect(rowsMoved).toBeGreaterThan(100);
    expect(reads).toBeGreaterThan(500);
    expect(docs.count()).toBe(model.size);
    for (const [id, row] of model) {
      expect({ ...docs.select(id) }).toEqual({ id, ...row });
      expect(docs.selectOneBy('name', row.name)?.id).toBe(id);
    }
    for (let group = 0; group < 7; group++) {
      const wanted = [...model].filter(([, row]) => row.group === group).map(([id]) => id);
      expect(
        docs
          .selectBy('group', group)
          .execute()
          .map((row) => row.id),
      ).toEqual(wanted.sort((a, b) => a - b));
    }
    for (let tag = 0; tag < 5; tag++) {
      expect(docs.selectBy('tag', `t${tag}`).count()).toBe([...model.values()].filter((row) => row.tag === `t${tag}`).length);
    }
    const after = docs.stats();
    expect(before.fragmentation).toBeGreaterThan(0.45);
    expect(after.fragmentation).toBeLessThan(0.35);
  });

  it('gives whole pages back, says how many, and leaves little free', async () => {
    const docs = open();
    for (let n = 1; n <= 2000; n++) docs.insert(doc(n, 500));
    for (let id = 1; id <= 2000; id++) if (id % 4 !== 0) docs.delete(id);
    const before = docs.stats();
    const result = await docs.vacuum();
    const after = docs.stats();
    expect(result.rowsMoved).toBeGreaterThan(250);
    expect(result.pagesFreed).toBe(before.pages - after.pages);
    expect(result.bytesFreed).toBe(before.totalBytes - after.totalBytes);
    expect(after.pages).toBeLessThanOrEqual(Math.ceil(before.pages / 4) + 1);
    expect(after.rows).toBe(500);
    for (let id = 4; id <= 2000; id += 4) expect(docs.select(id)?.text).toBe(doc(id, 500).text);
    for (const row of docs.selectAll()) docs.delete(row.id);
    await docs.vacuum();
    expect(docs.stats()).toMatchObject({ pages: 0, totalBytes: 0, fragmentation: 0 });
    docs.insert(doc(1));
  });

  it('leaves a page to the snapshot that needs it, which sees what it saw, and the page goes with the snapshot', async () => {
    const docs = open();
    for (let n = 1; n <= 300; n++) docs.insert(doc(n, 1000));
    const seen = docs.selectAll().execute();
    const snapshot = db.snapshot();
    for (let id = 1; id <= 300; id++) if (id % 3 !== 0) docs.delete(id);
    for (let id = 3; id <= 300; id += 6) docs.updateBy(id, { text: 'short' });
    await docs.vacuum();
    await docs.vacuum();
    expect(snapshot.table(Doc).selectAll().execute()).toEqual(seen);
    expect([...db.check()]).toEqual([]);
    const before = docs.stats().pages;
    snapshot.dispose();
    await docs.vacuum();
    expect(docs.stats().pages).toBeLessThan(before / 2);
  });

  it('stops at its budget after each look, and lets others work between slices', async () => {
    const docs = open();
    for (let n = 1; n <= 3000; n++) docs.insert(doc(n, 300));
    for (let id = 1; id <= 3000; id++) if (id % 5 !== 0) docs.delete(id);
    let looks = 0;
    const vacuum = new Vacuum(coreOf(docs), () => looks++); // a millisecond passes at every look at the clock
    let others = 0;
    const beside = setInterval(() => others++, 0);
    let turns = 0;
    let done = false;
    const running = vacuum.run({ budgetMs: 3 }).finally(() => {
      done = true;
    });
    while (!done) {
      const before = looks;
      await nextTurn();
      turns++;
      expect(looks - before).toBeLessThanOrEqual(10);
      expect([...docs.check()]).toEqual([]);
    }
    clearInterval(beside);
    const { rowsMoved } = await running;
    expect(rowsMoved).toBeGreaterThan(300);
    expect(turns).toBeGreaterThan(3000 / 64 / 3);
    expect(others).toBeGreaterThan(0);
  });

  it('joins one that runs, ends with its signal, and is refused when the database is closed', async () => {
    const docs = open();
    for (let n = 1; n <= 500; n++) docs.insert(doc(n, 300));
    for (let id = 1; id <= 500; id += 2) docs.delete(id);
    expect(docs.vacuum()).toBe(docs.vacuum());
    await docs.vacuum();
    const reason = new Error('enough');
    await expect(docs.vacuum({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(docs.vacuum({ budgetMs: 0 })).rejects.toThrow(TypeError);
    const within = db.transaction(() => {
      docs.updateBy(2, { text: 'changed within a transaction, which its vacuum waits for' });
      return { vacuum: docs.vacuum() };
    });
    await within.vacuum;
    const late = docs.vacuum();
    await db.close();
    await expect(late).rejects.toThrow(ClosedError);
    await expect(docs.vacuum()).rejects.toThrow(ClosedError);
  });

  it('runs by itself where a table is fragmented, until the database is closed', async () => {
    const docs = open({ vacuum: { intervalMs: 5, fragmentation: 0.4 } });
    for (let n = 1; n <= 1000; n++) docs.insert(doc(n, 500));
    await wait(20);
    const full = docs.stats().pages;
    for (let id = 1; id <= 1000; id++) if (id % 5 !== 0) docs.delete(id);
    for (let n = 0; n < 200 && docs.stats().fragmentation > 0.4; n++) await wait(5);
    expect(docs.stats().fragmentation).toBeLessThanOrEqual(0.4);
    expect(docs.stats().pages).toBeLessThan(full / 2);
    await db.close();
    const { pages } = docs.stats();
    await wait(20);
    expect(docs.stats().pages).toBe(pages);
    expect(() => new Database({ tables: [Doc], vacuum: { intervalMs: 0 } })).toThrow(TypeError);
  });

  it('keeps what ten rounds of filling and emptying take as low as the first', async () => {
    const docs = open();
    const peaks: number[] = [];
    const rests: number[] = [];
    for (let round = 0; round < 10; round++) {
      const first = docs.nextKey();
      docs.insertMany(Array.from({ length: 5000 }, (_, n) => doc(round * 5000 + n, 60 + ((n * 31) % 200))));
      peaks.push(docs.stats().totalBytes);
      for (let id = first + 1; id <= first + 5000; id++) expect(docs.delete(id)).toBe(true);
      await docs.vacuum();
      rests.push(docs.stats().totalBytes + docs.stats().rowIdBytes);
    }
    expect(Math.max(...peaks)).toBeLessThanOrEqual((peaks[0] as number) * 1.1);
    expect(Math.max(...rests)).toBeLessThanOrEqual((rests[0] as number) * 1.1);
  });
});
