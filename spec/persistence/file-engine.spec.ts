import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Column, Database, ExpiresAt, LoadMode, PersistenceFailedError, PrimaryKey, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import type { FileEngineOptions } from '../../lib/persistence/file-engine-options.js';
import type { PersistenceEngine, RecoveryTarget } from '../../lib/persistence/persistence-engine.js';
import { Store } from '../../lib/persistence/store.js';
import { TransactionGroup } from '../../lib/persistence/transaction-group.js';
import { type DiskOp, RecordingDisk } from '../support/crash-disk.js';
import { CRASH_TABLES, coresOf, journalOf, Left, Right, recover, SMALL, stateOf, taskOf } from '../support/crash-workload.js';

const failed = expect.objectContaining({ code: 'WT_PERSISTENCE_FAILED' });
const noRoom = expect.objectContaining({ code: 'WT_DISK_FULL' });

async function open(disk: RecordingDisk, options: Partial<FileEngineOptions> = {}, more: object = {}) {
  const engine = new FileEngine(disk, { ...SMALL, ...options });
  return { engine, db: await Database.open({ engine, tables: CRASH_TABLES, ...more }) };
}

/** Lets the first change fail that is meant, and those after it for as long as `isLasting`. @returns what lets none fail */
function failAt(
  disk: RecordingDisk,
  means: (op: DiskOp, path: string) => boolean,
  code: string | undefined,
  isLasting = false,
): () => void {
  let isOver = false;
  disk.fault = (op) => {
    const path = 'path' in op ? op.path : op.kind === 'rename' ? op.to : pathOf(disk, op.inode);
    if (isOver || !means(op, path)) return undefined;
    isOver = !isLasting;
    throw Object.assign(new Error(`made to fail: ${code}`), code === undefined ? {} : { code });
  };
  return () => {
    disk.fault = undefined;
  };
}

function pathOf(disk: RecordingDisk, inode: number): string {
  return [...disk.files].find(([, file]) => file.inode === inode)?.[0] ?? '';
}

const isLogWrite = (op: DiskOp, path: string) => op.kind === 'write' && path.endsWith('.wal');
const row = (n: number, length = 10) => ({ id: n, text: 'x'.repeat(length) });

async function sameAfterReopening(disk: RecordingDisk, db: Database): Promise<void> {
  const { rows } = stateOf(db);
  await db.close();
  const again = await open(disk);
  expect(stateOf(again.db).rows).toBe(rows);
  expect([...again.db.check()]).toEqual([]);
  await again.db.close();
}

describe('FileEngine.write', () => {
  it('takes back what it wrote where there is no room, and stores all of it when there is', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    for (const means of [isLogWrite, (op: DiskOp) => op.kind === 'create']) {
      const heal = failAt(disk, means, 'ENOSPC', true);
      for (let n = 0; n < 40; n++) db.table(Right).upsert(row(n, 40 + (db.lsn % 7))); // more than a segment
      const isFull = new Promise<void>((resolve) => db.once('full', () => resolve()));
      const waiting = db.waitForOps();
      await isFull;
      expect(() => db.table(Left).insert({ tag: 'no', value: 1 })).toThrow(noRoom);
      expect((await recover(new RecordingDisk(disk.image))).lsn).toBeLessThan(db.lsn);
      heal();
      expect(await waiting).toBe(db.lsn);
    }
    await sameAfterReopening(disk, db);
  });

  it.each([
    ['a write fails for another reason', isLogWrite, 'EIO'],
    ['a write fails without saying why', isLogWrite, undefined],
    ['a sync fails', (op: DiskOp) => op.kind === 'sync', 'ENOSPC'],
    ['a new segment gets no name', (op: DiskOp) => op.kind === 'rename', 'ENOSPC'],
  ])('fails for good where %s', async (_what, means, code) => {
    const disk = new RecordingDisk();
    const { db } = await open(disk, { aheadBytes: 0 });
    db.table(Right).insert(row(1));
    await db.waitForOps();
    const fatal = new Promise((resolve) => db.once('fatal', resolve));
    failAt(disk, means, code);
    for (let n = 2; n < 40; n++) db.table(Right).insert(row(n, 90));
    await expect(db.waitForOps()).rejects.toThrow(failed);
    expect(await fatal).toBeInstanceOf(PersistenceFailedError);
    expect(() => db.table(Right).delete(1)).toThrow(failed);
    expect(db.table(Right).count()).toBe(39);
    await expect(db.close()).rejects.toThrow(failed);
    await db.close();
    disk.fault = undefined;
    expect((await recover(disk)).lsn).toBeGreaterThanOrEqual(1);
  });

  it('spreads a transaction that is larger than a frame over several, and begins anew where one of them fails', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    const many = () => db.transaction(() => Array.from({ length: 60 }, (_, n) => db.table(Right).upsert(row(n, 20 + (db.lsn % 5)))));
    many();
    await db.waitForOps();
    let writes = 0;
    const heal = failAt(disk, (op, path) => isLogWrite(op, path) && ++writes > 2, 'ENOSPC', true);
    many();
    const waiting = db.waitForOps();
    await new Promise<void>((resolve) => db.once('full', () => resolve()));
    heal();
    expect(await waiting).toBe(2);
    await sameAfterReopening(disk, db);
  });

  it('goes on without zeros ahead where there is no room for them', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk, { aheadBytes: 1024, segmentBytes: 16_384 });
    failAt(disk, (op, path) => isLogWrite(op, path) && op.kind === 'write' && op.bytes.every((byte) => byte === 0), 'ENOSPC', true);
    for (let n = 0; n < 20; n++) {
      db.table(Right).insert(row(n, 50));
      await db.waitForOps();
    }
    disk.fault = undefined;
    await sameAfterReopening(disk, db);
  });

  it('writes as many parts at once as fit the segment, and long ones among short ones', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk, { segmentBytes: 2_500_000, frameBytes: 2_000_000, aheadBytes: 0 }, { queueBytes: 2 ** 30 });
    const text = (kib: number) => 'y'.repeat(kib * 1024);
    for (const [n, kib] of [700, 700, 900, 900, 1100, 4000, 200, 1000, 1000].entries()) db.table(Right).insert({ id: n, text: text(kib) });
    await db.waitForOps();
    expect(db.stats().store?.segments).toBeGreaterThan(3);
    const { rows } = stateOf(db);
    await db.close();
    const again = await open(disk);
    expect(stateOf(again.db).rows === rows).toBe(true);
    await again.db.close();
  });

  it('ends a write in place that is out, and keeps the files that it uses until it has settled', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const { db } = await open(disk, {}, { queueBytes: 4000 });
    for (let n = 0; n < 30; n++) db.table(Right).insert(row(n, 60));
    await Promise.resolve();
    await Promise.resolve();
    for (let n = 30; n < 300; n++) db.table(Right).insert(row(n, 60));
    expect(await db.waitForOps()).toBe(300);
    await sameAfterReopening(disk, db);
  });
});

describe('FileEngine, relaxed', () => {
  it('syncs no more often than its interval, and when nothing is written any more', async () => {
    let now = 0;
    const disk = new RecordingDisk();
    const { db } = await open(disk, { durability: { relaxed: {} }, clock: () => now });
    const syncs = () => disk.history.filter(({ kind }) => kind === 'sync').length;
    const before = syncs();
    for (let n = 0; n < 5; n++) {
      db.table(Right).insert(row(n));
      await db.waitForOps();
    }
    expect(syncs()).toBe(before);
    now += 100; // the default
    db.table(Right).insert(row(5));
    await db.waitForOps();
    expect(syncs()).toBe(before + 1);
    db.table(Right).insert(row(6));
    await taskOf(db).settle();
    expect(syncs()).toBeGreaterThan(before + 1);
    await sameAfterReopening(disk, db);
  });

  it('takes an interval of its own', () => {
    expect(new FileEngine(new RecordingDisk(), { ...SMALL, durability: { relaxed: { intervalMs: 7 } } }).idleAfterMs).toBe(7);
    expect(new FileEngine(new RecordingDisk(), SMALL).idleAfterMs).toBe(50);
  });
});

describe('FileEngine.idle', () => {
  it('seals once, and does without where there is no room for a seal', async () => {
    const disk = new RecordingDisk();
    const { engine, db } = await open(disk, { aheadBytes: 0 });
    db.table(Right).insert(row(1));
    await db.waitForOps();
    const heal = failAt(disk, isLogWrite, 'EDQUOT');
    await engine.idle();
    heal();
    await engine.idle();
    const before = disk.history.length;
    await engine.idle();
    expect(disk.history.length).toBe(before);
    await sameAfterReopening(disk, db);
  });

  it.each([
    ['a write', isLogWrite, 'EIO'],
    ['the sync of the seal', (op: DiskOp) => op.kind === 'sync', 'ENOSPC'],
  ])('fails where %s fails', async (_what, means, code) => {
    const disk = new RecordingDisk();
    const { engine, db } = await open(disk, { aheadBytes: 0 });
    db.table(Right).insert(row(1));
    await db.waitForOps();
    failAt(disk, means, code);
    await expect(engine.idle()).rejects.toThrow(failed);
    engine.abandon();
  });
});

describe('FileEngine.checkpoint', () => {
  const isCheckpointWrite = (op: DiskOp, path: string) => op.kind === 'write' && path.includes('.wtc');

  it('is made once for a position, and of tables that had rows and had none', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    expect(await db.checkpoint()).toMatchObject({ lsn: 0, rows: 0 });
    db.table(Right).insert(row(1));
    const first = await db.checkpoint();
    expect(first).toMatchObject({ lsn: 1, rows: 1 });
    const before = disk.history.filter(({ kind }) => kind === 'rename').length;
    expect(await db.checkpoint()).toMatchObject({ lsn: 1, rows: 1, bytes: first.bytes });
    expect(disk.history.filter(({ kind }) => kind === 'rename').length).toBe(before);
    await sameAfterReopening(disk, db);
  });

  it('is not made anew for a table that came after it, and has no rows', async () => {
    const disk = new RecordingDisk();
    const first = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Right] });
    first.table(Right).insert(row(1));
    await first.checkpoint();
    await first.close();
    const { db } = await open(disk);
    expect(await db.checkpoint()).toMatchObject({ lsn: 1, rows: 1 });
    await sameAfterReopening(disk, db);
  });

  it('leaves nothing behind where there is no room for it, and can be made again', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    db.table(Right).insert(row(1));
    const heal = failAt(disk, isCheckpointWrite, 'ENOSPC');
    await expect(db.checkpoint()).rejects.toThrow(noRoom);
    heal();
    expect(disk.list('/db/ckpt')).toEqual([]);
    db.table(Right).insert(row(2));
    expect(await db.checkpoint()).toMatchObject({ rows: 2 });
    await sameAfterReopening(disk, db);
  });

  it.each([
    ['a write', isCheckpointWrite, 'EIO'],
    ['a sync', (op: DiskOp, path: string) => op.kind === 'sync' && path.includes('.wtc'), 'ENOSPC'],
  ])('fails the store where %s fails', async (_what, means, code) => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    db.table(Right).insert(row(1));
    failAt(disk, means, code);
    await expect(db.checkpoint()).rejects.toThrow(failed);
    expect(() => db.table(Right).insert(row(2))).toThrow(failed);
    await expect(db.close()).rejects.toThrow(failed);
    disk.fault = undefined;
    expect((await recover(disk)).lsn).toBe(1);
  });

  it('has rows as they were when it began, whatever happens to them meanwhile', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const { db } = await open(disk, { clock: () => 0 });
    for (let n = 0; n < 2000; n++) db.table(Right).insert(row(n));
    const making = db.checkpoint();
    // Its first file has been begun: the rows of the second table are still to be read.
    while (!disk.list('/db/ckpt').length) await nextTurn();
    for (let n = 0; n < 2000; n += 3) db.table(Right).update(row(n, 11));
    for (let n = 1; n < 2000; n += 3) db.table(Right).delete(n);
    expect(await making).toMatchObject({ lsn: 2000, rows: 2000 });
    await sameAfterReopening(disk, db);
  });

  it('is made by itself when the log has grown, and from time to time where anything was written', async () => {
    const disk = new RecordingDisk();
    const { engine, db } = await open(disk, { checkpointBytes: 1000 }, { checkpoint: { intervalMs: 3 } });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(disk.list('/db/ckpt')).toEqual([]); // nothing was
    db.table(Right).insert(row(0));
    while (engine.stats.checkpointLsn === 0) await nextTurn();
    for (let n = 1; n < 50; n++) db.table(Right).insert(row(n, 50));
    while (engine.stats.checkpointLsn < 50) await nextTurn();
    await sameAfterReopening(disk, db);
  });

  it('is made last a quarter of a megabyte at a time, so that commits need not wait for all of it', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk, { segmentBytes: 2 ** 24, frameBytes: 2 ** 22 });
    db.table(Right).insertMany(Array.from({ length: 3000 }, (_, n) => row(n, 1000)));
    await db.waitForOps();
    const from = disk.history.length;
    await db.checkpoint();
    const made = disk.history.slice(from).find((op) => op.kind === 'rename' && op.to.endsWith('-0002.wtc')) as { inode: number };
    let written = 0;
    let most = 0;
    for (const op of disk.history.slice(from)) {
      if (!('inode' in op) || op.inode !== made.inode) continue;
      if (op.kind === 'write') written += op.bytes.length;
      if (op.kind === 'sync') written = 0;
      most = Math.max(most, written);
    }
    expect([most > 2 ** 18, most < 1.5 * 2 ** 18, written]).toEqual([true, true, 0]);
    await sameAfterReopening(disk, db);
  });

  it('has what it made needless removed in the background, before it and the store end', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const { db } = await open(disk);
    for (let n = 0; n < 60; n++) {
      db.table(Right).insert(row(n, 60));
      await db.waitForOps();
      if (n % 20 === 0) await db.checkpoint();
    }
    const segments = disk.list('/db/wal').length;
    db.checkpoint().catch(() => undefined);
    await db.close();
    expect(disk.list('/db/wal').length).toBeLessThan(segments);
    expect(disk.list('/db/ckpt').length).toBe(CRASH_TABLES.length);
    expect((await recover(disk)).lsn).toBe(60);
  });

  it('tells of one that failed in the background, and closes while one is being made that fails', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const { db } = await open(disk, {}, { checkpoint: { intervalMs: 2 } });
    const told = new Promise((resolve) => db.once('checkpointError', resolve));
    const heal = failAt(disk, isCheckpointWrite, 'ENOSPC', true);
    db.table(Right).insert(row(1));
    expect(await told).toEqual(noRoom);
    const making = db.checkpoint();
    const ended = expect(making).rejects.toThrow(noRoom);
    await db.close();
    await ended;
    heal();
    expect((await recover(disk)).lsn).toBe(1);
  });
});

describe('FileEngine.retain', () => {
  it('removes segments that nobody wants, and no file that is not its own', async () => {
    const disk = new RecordingDisk(new Map([['/db/wal/notes.txt', Buffer.from('not ours')]]));
    const { db } = await open(disk);
    for (let n = 0; n < 60; n++) {
      db.table(Right).insert(row(n, 60));
      await db.waitForOps();
    }
    const before = disk.list('/db/wal').length;
    await db.checkpoint();
    expect(disk.list('/db/wal').length).toBeLessThan(before);
    expect(disk.list('/db/wal')).toContain('notes.txt');
    await sameAfterReopening(disk, db);
  });
});

describe('FileEngine.open', () => {
  it('finds no store to be read where there is none', async () => {
    await expect(open(new RecordingDisk(), { mode: 'read' }, { readOnly: true })).rejects.toMatchObject({ reason: 'there is no store' });
  });

  it('removes segments that a checkpoint made needless and a crash left, where it can', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk);
    for (let n = 0; n < 60; n++) {
      db.table(Right).insert(row(n, 60));
      await db.waitForOps();
    }
    failAt(disk, (op) => op.kind === 'unlink', 'EPERM', true);
    await db.checkpoint();
    await db.close();
    const segments = disk.list('/db/wal').length;
    expect(segments).toBeGreaterThan(2);
    disk.fault = undefined;
    await (await open(disk)).db.close();
    expect(disk.list('/db/wal').length).toBeLessThan(segments);
    expect((await recover(disk)).lsn).toBe(60);
  });

  it('writes nothing where it only reads, and tells how much there is', async () => {
    const disk = new RecordingDisk();
    const writer = await open(disk);
    writer.db.table(Right).insert(row(1));
    await writer.db.close();
    for (const [mode, more] of [
      ['read', { readOnly: true }],
      ['salvage', { loadMode: LoadMode.Salvage }],
    ] as const) {
      const before = disk.history.length;
      const { engine, db } = await open(disk, { mode }, more);
      expect(db.stats().store).toMatchObject({ durableLsn: 1, queuedBytes: 0, checkpointLsn: 0 });
      expect(engine.wantsCheckpoint).toBe(false);
      await expect(engine.write(new TransactionGroup())).rejects.toMatchObject({ code: 'WT_READ_ONLY' });
      await db.close();
      expect(disk.history.length).toBe(before);
    }
  });

  it('refuses writes until the store is open, and gives its rows then', async () => {
    const db = new Database({ tables: CRASH_TABLES });
    let refusal: unknown;
    const engine = Object.assign(new FileEngine(new RecordingDisk(), SMALL), {});
    const { open: really } = engine;
    engine.open = async (tables, target: RecoveryTarget) => {
      try {
        db.table(Right).insert(row(1));
      } catch (error) {
        refusal = error;
      }
      return really.call(engine, tables, target);
    };
    const store = await Store.open(coresOf(db), journalOf(db), { engine: engine as PersistenceEngine }, () => undefined);
    expect(refusal).toMatchObject({ code: 'WT_READ_ONLY', message: expect.stringMatching(/being opened/) });
    db.table(Right).insert(row(1));
    await store.close();
  });
});

describe('a stored table', () => {
  it('keeps updates, deletes, rows that expired and counters of 64 bits over a reopening', async () => {
    @Table({ name: 'session' })
    class Session {
      @PrimaryKey('autoincrement') @Column('long') id!: bigint;
      @Column() text!: string;
      @ExpiresAt() @Column('timestamp-millis') until!: Date;
    }
    const disk = new RecordingDisk();
    const start = () => Database.open({ engine: new FileEngine(disk, SMALL), tables: [Session], expiryIntervalMs: 1 });
    let db = await start();
    const later = new Date(Date.now() + 3_600_000);
    const sessions = db.table(Session);
    const ids = sessions.insertMany([1, 2, 3, 4].map((n) => ({ text: `session ${n}`, until: later })));
    sessions.updateBy(ids[0] as bigint, { text: 'session one' });
    sessions.delete(ids[1] as bigint);
    sessions.updateBy(ids[2] as bigint, { until: new Date(Date.now() - 1) });
    while (db.stats().tables[0]?.rows !== 2) await nextTurn();
    expect(sessions.nextKey()).toBe(5n);
    await db.close();
    db = await start();
    expect(
      db
        .table(Session)
        .selectAll()
        .execute()
        .map(({ text }) => text),
    ).toEqual(['session one', 'session 4']);
    expect(db.table(Session).nextKey()).toBe(6n);
    expect([...db.check()]).toEqual([]);
    await db.close();
  });
});
