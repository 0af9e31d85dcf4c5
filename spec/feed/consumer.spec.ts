import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type ChangeEvent, Column, Database, type FeedObservable, PrimaryKey, Table } from '../../lib/index.js';
import { take } from '../support/take.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

@Table()
class Note {
  @PrimaryKey('autoincrement') id!: number;
  @Column() text!: string;
}

@Table()
class Other {
  @PrimaryKey('autoincrement') id!: number;
}

const directory = temporaryDirectories();
const open = (path: string | undefined, more: object = {}) =>
  Database.open({ tables: [Note, Other], changes: {}, ...(path === undefined ? {} : { path }), ...more });

const fill = (db: Database, count: number) => {
  for (let n = 0; n < count; n++) db.table(Note).insert({ text: `note ${n}` });
};

describe.each(['in memory', 'on disk'])('db.consumer, %s', (kind) => {
  const path = () => (kind === 'in memory' ? undefined : directory());

  it('goes on behind what it has acknowledged, and is given the rest again', async () => {
    const db = await open(path());
    fill(db, 5);
    const consumer = db.consumer('audit', { from: 0 });
    expect(db.consumer('audit')).toBe(consumer);
    const first = consumer.changes();
    const events = await take(first, 4);
    await consumer.acknowledge(2);
    await consumer.acknowledge(1); // going back has no effect
    expect(consumer.position).toBe(2);
    await first.return();
    expect((await take(consumer.changes(), 3)).map(({ lsn }) => lsn)).toEqual([3, 4, 5]);
    await consumer.acknowledge(events[3] as ChangeEvent);
    expect(db.consumers).toEqual([{ name: 'audit', position: 4, lag: 1, isTruncated: false }]);
    await expect(consumer.acknowledge(6)).rejects.toMatchObject({ code: 'WT_OFFSET_AHEAD' });
    const pending = consumer.changes();
    await take(pending, 1);
    const waiting = pending.next();
    await consumer.remove();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(db.consumers).toEqual([]);
    await consumer.acknowledge(5);
    expect(db.consumers).toEqual([]);
    await db.close();
  });

  it('counts a transaction when all of it has come', async () => {
    const db = await open(path());
    const consumer = db.consumer('audit');
    fill(db, 1);
    db.transaction(() => fill(db, 3));
    const events = await take(consumer.changes(), 4);
    await consumer.acknowledge(events[1] as ChangeEvent);
    expect(consumer.position).toBe(1);
    await consumer.acknowledge(events[2] as ChangeEvent);
    expect(consumer.position).toBe(1);
    await consumer.acknowledge(events[3] as ChangeEvent);
    expect(consumer.position).toBe(2);
    await db.close();
  });

  it('has a position behind an image when it has all of it', async () => {
    const db = await open(path());
    fill(db, 600);
    const consumer = db.consumer('search', { from: 'snapshot' });
    const broken = consumer.changes();
    const some = await take(broken, 500);
    await consumer.acknowledge(some[499] as ChangeEvent);
    await consumer.acknowledge(600);
    expect([consumer.position, db.consumers]).toEqual([undefined, []]);
    await broken.return();
    const feed = consumer.changes(); // from the beginning
    fill(db, 1);
    const image = await take(feed, 601);
    expect(image[600]).toMatchObject({ kind: 'read', snapshot: 'last', lsn: 601 });
    await consumer.acknowledge(image[600] as ChangeEvent);
    expect(consumer.position).toBe(601);
    fill(db, 1);
    expect(await take(feed, 1)).toMatchObject([{ kind: 'insert', lsn: 602 }]);
    await db.close();
  });

  it('acknowledges within a transaction as part of it', async () => {
    const db = await open(path());
    const consumer = db.consumer('self', { from: 0 });
    fill(db, 3);
    const failed = () =>
      db.transaction(() => {
        void consumer.acknowledge(2);
        throw new Error('undone');
      });
    expect(failed).toThrow('undone');
    await setImmediate();
    expect(consumer.position).toBe(0);
    const made = () =>
      db.transaction(() => {
        db.consumer('made', { from: 0 });
        throw new Error('undone');
      });
    expect(made).toThrow('undone');
    expect(db.consumers.map(({ name }) => name)).toEqual(['self']);
    expect(db.consumer('made', { from: 1 }).position).toBe(1); // made anew
    db.transaction(() => [db.table(Other).insert({}), void consumer.acknowledge(2)]);
    expect(consumer.position).toBe(2);
    // Nor can it be ahead in there: the next transaction would never come.
    const ahead = db.transaction(() => [db.table(Other).insert({}), consumer.acknowledge(6)])[1];
    await expect(ahead).rejects.toMatchObject({ code: 'WT_OFFSET_AHEAD' });
    expect(consumer.position).toBe(2);
    await db.close();
    await expect(consumer.acknowledge(3)).rejects.toMatchObject({ code: 'WT_CLOSED' });
  });

  it('of some tables passes the changes of others by itself, from time to time', async () => {
    const db = await open(path());
    const consumer = db.consumer('notes', { from: 0 });
    fill(db, 1);
    const feed = consumer.changes({ tables: [Note] });
    const [note] = await take(feed, 1);
    const pending = feed.next();
    for (let n = 0; n < 300; n++) db.table(Other).insert({});
    await db.waitForOps();
    for (let n = 0; n < 20; n++) await setImmediate();
    expect(consumer.position).toBe(0); // the note is not acknowledged
    await consumer.acknowledge(note as ChangeEvent);
    for (let n = 0; n < 300; n++) db.table(Other).insert({});
    await db.waitForOps();
    while (consumer.position === 1) await setImmediate();
    expect(consumer.position).toBeGreaterThan(300);
    fill(db, 1);
    expect((await pending).value).toMatchObject({ table: 'note', lsn: 602 });
    await db.close();
  });

  it('passes on by itself whatever feeds it has that nobody reads', async () => {
    const db = await open(path());
    const consumer = db.consumer('notes', { from: 0 });
    consumer.changes();
    const pending = consumer.changes({ tables: [Note] }).next();
    for (let n = 0; n < 300; n++) db.table(Other).insert({});
    await db.waitForOps();
    for (let n = 0; n < 1000 && consumer.position === 0; n++) await setImmediate();
    expect(consumer.position).toBe(300);
    await consumer.remove();
    expect((await pending).done).toBe(true);
    await db.close();
  });

  it('ends its subscriptions, too, when it is removed', async () => {
    const db = await open(path());
    const consumer = db.consumer('observed', { from: 0 });
    const unread = consumer.changes();
    const observable = (consumer.changes() as unknown as Record<string, () => FeedObservable<ChangeEvent>>)['@@observable']?.();
    const given: number[] = [];
    const ended = new Promise<void>((complete) => observable?.subscribe({ next: ({ lsn }) => given.push(lsn), complete }));
    fill(db, 1);
    await db.waitForOps();
    while (given.length === 0) await setImmediate();
    await consumer.remove();
    await ended;
    fill(db, 1);
    await db.waitForOps();
    for (let n = 0; n < 20; n++) await setImmediate();
    expect(given).toEqual([1]);
    expect((await unread.next()).done).toBe(true);
    await db.close();
  });

  it('refuses names and positions that cannot be', async () => {
    const db = await open(path());
    for (const name of ['', 5, 'x'.repeat(300), '\ud800']) {
      for (const options of [{}, { from: 'snapshot' as const }]) expect(() => db.consumer(name as string, options)).toThrow(TypeError);
    }
    expect(() => db.consumer('a', { from: -1 })).toThrow(TypeError);
    expect(() => db.consumer('a', { from: 1 })).toThrow(expect.objectContaining({ code: 'WT_OFFSET_AHEAD' }));
    await db.close();
  });
});

describe('a stored consumer', () => {
  it('is remembered over reopening, and what it has not acknowledged is kept for it over checkpoints', async () => {
    const path = directory();
    const options = { segmentBytes: 4096 };
    let db = await open(path, options);
    db.consumer('slow', { from: 0 });
    db.consumer('quick', { from: 0 });
    await db.consumer('quick').acknowledge(0);
    for (let n = 0; n < 20; n++) {
      fill(db, 25);
      await db.waitForOps();
    }
    await db.consumer('quick').acknowledge(500);
    await db.checkpoint();
    await db.close();
    db = await open(path, options);
    await db.checkpoint();
    expect(db.oldestLsn).toBe(0);
    expect(db.consumers).toEqual([
      { name: 'slow', position: 0, lag: 500, isTruncated: false },
      { name: 'quick', position: 500, lag: 0, isTruncated: false },
    ]);
    expect(await take(db.consumer('slow').changes(), 500)).toHaveLength(500);
    await db.consumer('slow').acknowledge(300);
    expect(db.oldestLsn).toBeGreaterThan(200);
    expect(db.oldestLsn).toBeLessThan(301);
    await db.consumer('slow').remove();
    expect(db.oldestLsn).toBeGreaterThan(300);
    await db.close();
  });

  it('keeps what it wants where one of its name was removed just before, or in a transaction that was undone', async () => {
    const db = await open(directory(), { segmentBytes: 4096 });
    const first = db.consumer('again', { from: 0 });
    const removed = first.remove();
    const again = db.consumer('again', { from: 0 });
    await removed;
    await first.remove(); // it is not the one of this name any more
    expect(again.position).toBe(0);
    let undone: Promise<void> | undefined;
    const failed = () =>
      db.transaction(() => {
        undone = again.remove();
        throw new Error('undone');
      });
    expect(failed).toThrow('undone');
    await undone;
    for (let n = 0; n < 20; n++) {
      fill(db, 25);
      await db.waitForOps();
    }
    await db.checkpoint();
    expect(db.consumers).toEqual([{ name: 'again', position: 0, lag: 500, isTruncated: false }]);
    expect(await take(db.consumer('again').changes(), 500)).toHaveLength(500);
    await db.consumer('again').remove();
    expect([db.consumers, db.oldestLsn > 0]).toEqual([[], true]);
    await db.close();
  });

  it('that is dead cannot fill the disk: beyond the cap it is told that what comes next is gone', async () => {
    const db = await open(directory(), { segmentBytes: 4096, retention: { consumerBytes: 16_384 } });
    const dead = db.consumer('dead', { from: 0 });
    for (let n = 0; n < 10; n++) {
      fill(db, 300);
      await db.checkpoint();
    }
    const { store } = db.stats();
    expect((store?.keptBytes ?? 0) + (store?.logBytes ?? 0)).toBeLessThan(16_384 + 4096);
    expect(db.consumers).toMatchObject([{ isTruncated: true, lag: 3000 }]);
    await expect(dead.changes().next()).rejects.toMatchObject({ code: 'WT_OFFSET_TRUNCATED', from: 0, oldest: db.oldestLsn });
    await db.close();
  });
});

describe('a consumer that has stopped', () => {
  const EVENTS = Number(process.env.FEED_EVENTS ?? 100_000);

  it(`lets writers go on and holds no memory, with ${EVENTS} events behind it`, async () => {
    const db = await open(directory(), { retention: { bytes: 2 ** 40 } });
    const notes = db.table(Note);
    notes.insert({ text: 'the first' });
    const feed = db.changes({ from: 0 });
    expect(await take(feed, 1)).toHaveLength(1);
    const held = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    (globalThis as { gc?: () => void }).gc?.();
    const before = held();
    for (let n = 0; n < EVENTS; n++) {
      notes.updateBy(1, { text: `version ${n}` });
      if (n % 5000 === 0) await db.waitForOps();
    }
    await db.waitForOps();
    (globalThis as { gc?: () => void }).gc?.();
    // Each event takes about 50 bytes in the log, and some hundreds as an object: all of them would be 30 MB and more.
    expect(held() - before).toBeLessThan(25 * 2 ** 20);
    let count = 0;
    for await (const { after } of feed) {
      if ((after as Note).text !== `version ${count}`) throw new Error(`event ${count} is another one`);
      if (++count === EVENTS) break;
    }
    expect(count).toBe(EVENTS);
    await db.close();
  }, 300_000);
});
