import { getEventListeners } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ChangeEvent, Column, Database, Index, type OpenOptions, PrimaryKey, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { SMALL } from '../support/crash-workload.js';
import { take } from '../support/take.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

@Table()
class Account {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() email!: string;
  @Column('int') score!: number;
}

@Table()
class Note {
  @PrimaryKey() @Column() name!: string;
  @Column({ nullable: true }) text!: string | null;
}

const directory = temporaryDirectories();
const open: Database[] = [];

async function opened(kind: string, more: Partial<OpenOptions> = {}): Promise<Database> {
  const path = kind === 'in memory' ? {} : { path: directory() };
  const db = await Database.open({ tables: [Account, Note], ...path, ...more });
  open.push(db);
  return db;
}

afterEach(async () => {
  for (const db of open.splice(0)) {
    expect([...db.check()]).toEqual([]);
    await db.close();
  }
});

async function all<T>(feed: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of feed) values.push(value);
  return values;
}

const brief = ({ lsn, seq, table, kind, key }: ChangeEvent) => `${lsn}.${seq} ${kind} ${table} ${String(key)}`;

function work(db: Database): void {
  const accounts = db.table(Account);
  const notes = db.table(Note);
  const id = accounts.insert({ email: 'a', score: 1 });
  db.transaction(() => {
    accounts.insert({ email: 'b', score: 2 });
    notes.insert({ name: 'n', text: 'ü' });
    accounts.updateBy(id, { score: 9 });
  });
  expect(() =>
    db.transaction(() => {
      notes.delete('n' as never);
      throw new Error('undone');
    }),
  ).toThrow('undone');
  accounts.delete(id);
}

const WORK = ['1.0 insert account 1', '2.0 insert account 2', '2.1 insert note n', '2.2 update account 1', '3.0 delete account 1'];

describe.each(['in memory', 'on disk'])('db.changes, %s', (kind) => {
  it('gives what is committed from now on, in order, with the rows before and after', async () => {
    const db = await opened(kind);
    const feed = db.changes();
    work(db);
    const events = await take(feed, 5);
    expect(events.map(brief)).toEqual(WORK);
    const [first, , , update, last] = events as [ChangeEvent, ChangeEvent, ChangeEvent, ChangeEvent, ChangeEvent];
    expect(first).toMatchObject({ before: null, after: { id: 1, email: 'a', score: 1 }, last: true });
    expect(update).toMatchObject({ txn: 2, before: { score: 1 }, after: { id: 1, email: 'a', score: 9 }, last: true });
    expect(last).toMatchObject({ before: { id: 1, email: 'a', score: 9 }, after: null });
    expect(events.map(({ last: isLast }) => isLast === true)).toEqual([true, false, false, true, true]);
    expect(update.before).toBeInstanceOf(Account);
    expect(Math.abs(update.at.getTime() - Date.now())).toBeLessThan(60_000);
    await feed.return();
  });

  it('gives the past from a position, and goes on with what comes', async () => {
    const db = await opened(kind, { changes: {} });
    work(db);
    const feeds = [0, 1, 2].map((from) => db.changes({ from }));
    const later = take(db.changes({ from: 3 }), 1);
    expect((await take(feeds[0] as never, 5)).map(brief as never)).toEqual(WORK);
    expect((await take(feeds[1] as never, 4)).map(brief as never)).toEqual(WORK.slice(1));
    expect((await take(feeds[2] as never, 1)).map(brief as never)).toEqual(WORK.slice(4));
    db.table(Note).insert({ name: 'more', text: null });
    for (const feed of feeds) expect((await take(feed, 1)).map(brief)).toEqual(['4.0 insert note more']);
    expect((await later).map(brief)).toEqual(['4.0 insert note more']);
    for (const feed of feeds) await feed.return();
  });

  it('gives the changes of some tables alone, each with its place in its whole transaction', async () => {
    const db = await opened(kind);
    const feed = db.changes({ tables: [Note], to: 4 });
    work(db);
    db.table(Account).insert({ email: 'c', score: 1 });
    const events = await all(feed);
    expect(events.map(brief)).toEqual(['2.1 insert note n']);
    expect(events[0]?.last).toBe(true);
    class Other {}
    expect(() => db.changes({ tables: [Other] })).toThrow(expect.objectContaining({ code: 'WT_SCHEMA' }));
  });

  it('gives whole transactions as db.commits', async () => {
    const db = await opened(kind);
    const feed = db.commits({ to: 3 });
    const heard: unknown[] = [];
    db.on('commit', (transaction) => heard.push(transaction));
    work(db);
    const commits = await all(feed);
    expect(commits.map(({ lsn, txn, changes }) => [lsn, txn, changes.map(brief)])).toEqual([
      [1, 1, WORK.slice(0, 1)],
      [2, 2, WORK.slice(1, 4)],
      [3, 4, WORK.slice(4)],
    ]);
    // A feed gives what listeners heard, and where each transaction ends.
    const without = commits.map((commit) => ({ ...commit, changes: commit.changes.map(({ last: _, ...event }) => event) }));
    expect(without).toEqual(heard);
  });

  it('begins with an image of all rows, and goes on where it was taken', async () => {
    const db = await opened(kind);
    const accounts = db.table(Account);
    accounts.insertMany(Array.from({ length: 700 }, (_, n) => ({ email: `e${n}`, score: n })));
    db.table(Note).insert({ name: 'n', text: null });
    const feed = db.changes({ from: 'snapshot' });
    const [first] = await take(feed, 1);
    for (let id = 1; id <= 700; id++) accounts.delete(id); // the image keeps them
    accounts.insert({ email: 'later', score: 1 });
    const rest = await take(feed, 1400);
    const image = [first as ChangeEvent, ...rest.slice(0, 700)];
    expect(image.every((event) => event.kind === 'read' && event.lsn === 2 && event.before === null)).toBe(true);
    expect(image.map(({ key }) => key)).toEqual([...Array.from({ length: 700 }, (_, n) => n + 1), 'n']);
    expect(image.map(({ seq }) => seq)).toEqual(image.map((_, n) => n));
    expect(image[5]?.after).toEqual(Object.assign(new Account(), { id: 6, email: 'e5', score: 5 }));
    const marks = image.map(({ snapshot }) => snapshot);
    expect([marks[0], marks[1], marks[698], marks[699], marks[700]]).toEqual(['first', 'true', 'true', 'last_in_data_collection', 'last']);
    expect(image.filter(({ last: isLast }) => isLast).map(({ snapshot }) => snapshot)).toEqual(['last']);
    expect(rest.slice(700).map(brief)).toEqual([...Array.from({ length: 700 }, (_, n) => `${n + 3}.0 delete account ${n + 1}`)]);
    expect((await take(feed, 1)).map(brief)).toEqual(['703.0 insert account 701']);
    await feed.return();
    expect(db.stats().snapshots).toMatchObject({ versions: 0, bytes: 0 });
  });

  it('tells of an image without rows by a transaction without changes', async () => {
    const db = await opened(kind);
    const feed = db.commits({ from: 'snapshot' });
    expect(await take(feed, 1)).toMatchObject([{ lsn: 0, changes: [], snapshot: 'last' }]);
    db.table(Note).insert({ name: 'n', text: null });
    expect((await take(feed, 1))[0]).not.toHaveProperty('snapshot');
    await feed.return();
  });

  it('ends when the database is closed, after all that was committed', async () => {
    const db = await opened(kind);
    const feeds = [db.changes(), db.changes({ tables: [Note] })] as const;
    const reading = all(feeds[0]);
    const pending = feeds[1].next();
    db.table(Account).insertMany(Array.from({ length: 1000 }, (_, n) => ({ email: `e${n}`, score: n })));
    for (let n = 0; n < 200; n++) db.table(Account).updateBy(n + 1, { score: -1 });
    await db.close();
    expect(await reading).toHaveLength(1200);
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await feeds[0].next()).toEqual({ done: true, value: undefined });
  });

  it('ends by return, whoever is waiting, and leaves nothing behind', async () => {
    const db = await opened(kind);
    const controller = new AbortController();
    const feed = db.changes({ signal: controller.signal });
    const pending = [feed.next(), feed.next()];
    await setImmediate();
    expect(await feed.return()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(pending)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    {
      await using other = db.changes({ from: 'snapshot' });
      const waiting = other.next();
      await setImmediate();
      void waiting;
    }
    for await (const _ of db.commits({ from: 'snapshot' })) break;
    expect(db.stats().snapshots.versions).toBe(0);
    expect(waitersOf(db)).toBe(0);
  });

  it('ends with an AbortError at its signal, as events.on does', async () => {
    const db = await opened(kind);
    const controller = new AbortController();
    const feed = db.changes({ signal: controller.signal });
    const pending = feed.next();
    const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' };
    const rejected = expect(pending).rejects.toMatchObject(aborted);
    await setImmediate();
    controller.abort('enough');
    await rejected;
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    await expect(db.changes({ signal: controller.signal }).next()).rejects.toMatchObject(aborted);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(waitersOf(db)).toBe(0);
  });

  it('answers calls that come at once in their order', async () => {
    const db = await opened(kind);
    const feed = db.changes();
    const calls = Array.from({ length: 5 }, () => feed.next());
    work(db);
    expect((await Promise.all(calls)).map(({ value }) => brief(value as ChangeEvent))).toEqual(WORK);
    await feed.return();
  });

  it('refuses a position that the database has not come to, and one that it has no more', async () => {
    const db = await opened(kind);
    work(db);
    await expect(db.changes({ from: 4 }).next()).rejects.toMatchObject({ code: 'WT_OFFSET_AHEAD', from: 4, newest: 3 });
    expect(db.oldestLsn).toBe(kind === 'in memory' ? 3 : 0);
    if (kind === 'in memory') {
      await expect(db.changes({ from: 1 }).next()).rejects.toMatchObject({ code: 'WT_OFFSET_TRUNCATED', from: 1, oldest: 3 });
    }
    for (const from of [-1, 0.5, Number.NaN, '0', null]) expect(() => db.changes({ from: from as number })).toThrow(TypeError);
    expect(() => db.changes({ to: -1 })).toThrow(TypeError);
    expect(() => db.changes({ signal: {} as AbortSignal })).toThrow(TypeError);
    // Within a transaction there is no image.
    const inside = db.transaction(() => void db.changes({ from: 'snapshot' }));
    expect(inside).toBeUndefined();
  });
});

function waitersOf(db: Database): number {
  return (db as unknown as { feeds: { waiting: Set<unknown> } }).feeds.waiting.size;
}

describe('a feed in memory', () => {
  it('whose reader has fallen out of the ring says so, with the oldest position that there is', async () => {
    const db = new Database({ tables: [Account, Note], changes: { ringBytes: 40_000 } });
    const feed = db.changes({ from: 0 });
    const notes = db.table(Note);
    const write = (count: number) => {
      for (let n = 0; n < count; n++) notes.upsert({ name: `n${n % 10}`, text: 'x'.repeat(100) });
    };
    write(100);
    expect(await take(feed, 20)).toHaveLength(20);
    write(1000);
    const { oldestLsn } = db;
    expect(oldestLsn).toBeGreaterThan(800);
    // What it was reading it reads to its end; then comes the gap.
    const reading = take(feed, 2000);
    await expect(reading).rejects.toMatchObject({ code: 'WT_OFFSET_TRUNCATED', oldest: oldestLsn });
    expect(await take(db.changes({ from: oldestLsn }), 1100 - oldestLsn)).toHaveLength(1100 - oldestLsn);
    await db.close();
  });

  it('gives a transaction that is larger than the ring to who keeps up', async () => {
    const db = new Database({ tables: [Account, Note], changes: { ringBytes: 1 } });
    const feed = db.commits();
    db.table(Account).insertMany(Array.from({ length: 5000 }, (_, n) => ({ email: `e${n}`, score: n })));
    expect((await take(feed, 1))[0]?.changes).toHaveLength(5000);
    db.table(Note).insert({ name: 'n', text: null });
    expect((await take(feed, 1))[0]?.changes).toHaveLength(1);
    expect(() => new Database({ tables: [Note], changes: { ringBytes: 0 } })).toThrow(TypeError);
    await feed.return();
  });

  it('costs nothing before it is asked for: writes are applied and forgotten', () => {
    const db = new Database({ tables: [Note] });
    const journal = (db as unknown as { journal: { isUnobserved(core: object): boolean } }).journal;
    const core = (db as unknown as { cores: Map<unknown, object> }).cores.get(Note) as object;
    expect(journal.isUnobserved(core)).toBe(true);
    db.changes();
    expect(journal.isUnobserved(core)).toBe(false);
  });
});

describe('a feed on disk', () => {
  it('gives only what is durable, and with durable: false what is committed at once', async () => {
    const db = await opened('on disk');
    const feed = db.changes();
    const early = db.changes({ durable: false });
    const first = early.next();
    await setImmediate();
    const durableAt: number[] = [];
    db.table(Note).insert({ name: 'n', text: null });
    expect(db.durableLsn).toBe(0);
    const given = feed.next().then((result) => {
      durableAt.push(db.durableLsn);
      return result;
    });
    expect(brief((await first).value as ChangeEvent)).toBe('1.0 insert note n');
    await given;
    expect(durableAt).toEqual([1]);
    expect(recorderOf(db)).toBeDefined();
    await early.return();
    expect(recorderOf(db)).toBeUndefined();
    await feed.return();
  });

  it('with durable: false reads the past from the log, and is given everything once', async () => {
    const db = await opened('on disk', { changes: { ringBytes: 20_000 } });
    const notes = db.table(Note);
    for (let n = 0; n < 500; n++) notes.upsert({ name: `n${n % 10}`, text: 'x'.repeat(n % 100) });
    const feed = db.commits({ from: 0, durable: false });
    const seen: number[] = [];
    for (let n = 0; seen.length < 3000; n++) {
      if (db.lsn < 3000) for (let m = 0; m < n % 40; m++) notes.upsert({ name: `n${m}`, text: 'y'.repeat(n % 100) });
      for (const { lsn } of await take(feed, Math.min(n % 30, db.lsn - seen.length))) seen.push(lsn);
    }
    expect(seen).toEqual(seen.map((_, n) => n + 1));
    await feed.return();
  });

  it('is read after a reopening, and while checkpoints retire segments', async () => {
    const path = directory();
    const options = { path, segmentBytes: 4096, retention: { bytes: 2 ** 30 } };
    let db = await opened('on disk', options);
    work(db);
    await db.checkpoint();
    await db.close();
    db = await opened('on disk', options);
    const feed = db.changes({ from: 0 });
    expect((await take(feed, 5)).map(brief)).toEqual(WORK);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { lsn } of feed) seen.push(lsn);
    })();
    for (let n = 0; n < 300; n++) {
      db.table(Note).upsert({ name: `n${n % 10}`, text: 'x'.repeat(100) });
      if (n % 20 === 0) await db.checkpoint();
    }
    await db.close();
    await reading;
    expect(seen).toEqual(seen.map((_, n) => n + 4));
    expect(seen).toHaveLength(300);
  });

  it('is told, where what comes next was let go', async () => {
    const db = await opened('on disk', { segmentBytes: 4096 });
    const feed = db.changes({ from: 0 });
    const notes = db.table(Note);
    for (let n = 0; n < 20; n++) notes.upsert({ name: 'n', text: `${n}` });
    expect(await take(feed, 3)).toHaveLength(3);
    for (let n = 0; n < 300; n++) {
      notes.upsert({ name: `n${n % 10}`, text: 'x'.repeat(100) });
      if (n % 100 === 0) await db.waitForOps();
    }
    await db.checkpoint();
    const { oldestLsn } = db;
    expect(oldestLsn).toBeGreaterThan(200);
    await expect(take(feed, 320)).rejects.toMatchObject({ code: 'WT_OFFSET_TRUNCATED', oldest: oldestLsn });
    await expect(db.changes({ from: 0 }).next()).rejects.toMatchObject({ code: 'WT_OFFSET_TRUNCATED', from: 0 });
    expect(await take(db.changes({ from: oldestLsn }), 1)).toHaveLength(1);
  });

  it('is rejected when the store fails', async () => {
    const db = await opened('on disk');
    const feed = db.changes();
    const pending = feed.next();
    const failed = expect(pending).rejects.toMatchObject({ code: 'WT_PERSISTENCE_FAILED' });
    await setImmediate();
    (db as unknown as { store: { task: { fail(error: Error): void } } }).store.task.fail(new Error('the disk went'));
    await failed;
    await expect(db.changes({ from: 0 }).next()).rejects.toMatchObject({ code: 'WT_PERSISTENCE_FAILED' });
    await db.close().catch(() => undefined);
    open.splice(0);
  });
});

function recorderOf(db: Database): unknown {
  return (db as unknown as { journal: { recorder: unknown } }).journal.recorder;
}

describe('a feed of a stored database that fails at the end', () => {
  it('is rejected when closing fails, and does not wait for ever', async () => {
    const disk = new RecordingDisk();
    const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Account, Note] });
    db.table(Note).insert({ name: 'a', text: null });
    const feed = db.changes({ from: 0 });
    await take(feed, 1);
    const pending = feed.next();
    pending.catch(() => undefined);
    disk.fault = ({ kind }) => {
      if (kind === 'rename') throw Object.assign(new Error('made to fail'), { code: 'EIO' });
      return undefined;
    };
    await expect(db.close()).rejects.toMatchObject({ code: 'WT_PERSISTENCE_FAILED' });
    await expect(pending).rejects.toMatchObject({ code: 'WT_PERSISTENCE_FAILED' });
  });

  it('ends with an AbortError at whatever moment its signal comes', async () => {
    const db = await Database.open({ engine: new FileEngine(new RecordingDisk(), SMALL), tables: [Account, Note] });
    for (let n = 0; n < 50; n++) {
      db.table(Note).insert({ name: `${n}`, text: 'x'.repeat(50) });
      await db.waitForOps();
    }
    for (let moment = 0; moment < 60; moment++) {
      const stop = new AbortController();
      const feed = db.changes({ from: 0, signal: stop.signal });
      const first = feed.next().catch((error: unknown) => error);
      for (let n = 0; n < moment; n++) await Promise.resolve();
      stop.abort();
      const outcome = await first;
      if (outcome instanceof Error) expect([moment, outcome.name]).toEqual([moment, 'AbortError']);
      else await expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    }
    await db.close();
  });
});

describe('listeners to tables', () => {
  it('hear of a commit at once, durable or not', async () => {
    const db = await opened('on disk');
    const heard: number[] = [];
    db.table(Note).on('change', ({ lsn }) => heard.push(lsn));
    db.table(Note).insert({ name: 'n', text: null });
    expect([heard, db.durableLsn]).toEqual([[1], 0]);
    await setTimeout(0);
  });
});
