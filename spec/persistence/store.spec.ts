import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Column, Database, DatabaseLockedError, Index, LoadMode, PrimaryKey, QueueFullError, Table } from '../../lib/index.js';
import type { PersistenceEngine } from '../../lib/persistence/persistence-engine.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

@Table()
class Reading {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column('int') sensor!: number;
  @Column() note!: string;
}

const directory = temporaryDirectories();
const open = (path: string, more = {}) => Database.open({ path, tables: [Reading], ...more });

describe('a store', () => {
  it('is held by one opener alone: another in this process or elsewhere is refused, with the holder named', async () => {
    const path = directory();
    const db = await open(path);
    await expect(open(path)).rejects.toThrow(DatabaseLockedError);
    await expect(open(join(path, '.', 'x', '..'))).rejects.toMatchObject({ pid: process.pid });
    await db.close();
    // Somebody else holds the kernel's lock.
    const holder = spawn('flock', ['-x', join(path, 'LOCK'), 'sh', '-c', 'echo held; sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    await once(holder.stdout, 'data');
    await expect(open(path)).rejects.toThrow(/open already/);
    process.kill(-(holder.pid as number), 'SIGKILL');
    await once(holder, 'close');
    await (await open(path)).close();
  });

  it('takes a loop of a hundred thousand inserts that never waits, in bounded memory', async () => {
    const path = directory();
    const db = await open(path, { queueBytes: 256 * 1024 });
    const readings = db.table(Reading);
    let most = 0;
    for (let n = 0; n < 100_000; n++) {
      readings.insert({ sensor: n % 100, note: `reading number ${n}` });
      if (n % 1000 === 0) most = Math.max(most, db.stats().store?.queuedBytes ?? 0);
    }
    expect(most).toBeLessThan(300 * 1024);
    expect(await db.waitForOps()).toBe(100_000);
    await db.close();
    const again = await open(path);
    expect(again.table(Reading).count()).toBe(100_000);
    expect([...again.check()]).toEqual([]);
    await again.close();
  });

  it('keeps counters over reopening: of rows that are gone, and of keys that were only taken', async () => {
    const path = directory();
    let db = await open(path);
    const ids = db.table(Reading).insertMany([1, 2, 3].map((sensor) => ({ sensor, note: '' })));
    for (const id of ids) db.table(Reading).delete(id);
    expect(db.table(Reading).nextKey()).toBe(4);
    await db.close();
    db = await open(path);
    expect(db.table(Reading).nextKey()).toBe(5);
    await db.checkpoint();
    await db.close();
    db = await open(path);
    expect(db.table(Reading).insert({ sensor: 1, note: '' })).toBe(6);
    await db.close();
  });

  it('lets go of segments that a checkpoint made needless, and opens from it', async () => {
    const path = directory();
    let db = await open(path, { segmentBytes: 64 * 1024, checkpoint: { logBytes: 512 * 1024 } });
    const fill = async () => {
      for (let n = 0; n < 20_000; n++) {
        db.table(Reading).insert({ sensor: n, note: 'x'.repeat(50) });
        if (n % 500 === 0) await db.waitForOps();
      }
    };
    await fill();
    await db.checkpoint();
    const { store } = db.stats();
    expect(store?.checkpointLsn).toBe(20_000);
    expect(store?.logBytes).toBeLessThan(200 * 1024);
    expect(readdirSync(join(path, 'wal')).length).toBeLessThan(4);
    expect(readdirSync(join(path, 'ckpt')).length).toBe(1);
    await db.close();
    db = await open(path);
    expect(db.recovery).toMatchObject({ checkpointLsn: 20_000, transactions: expect.any(Number) });
    expect(db.table(Reading).count()).toBe(20_000);
    await db.close();
  });

  it('has all that was committed before the call in a checkpoint, though one was being made', async () => {
    const path = directory();
    const db = await open(path);
    const readings = db.table(Reading);
    readings.insertMany(Array.from({ length: 5000 }, (_, n) => ({ sensor: n, note: 'x'.repeat(50) })));
    const [first, same] = [db.checkpoint(), db.checkpoint()];
    readings.insert({ sensor: 1, note: 'a' });
    const [later, last] = [db.checkpoint(), db.checkpoint()];
    expect([await first, await later].map(({ lsn, rows }) => [lsn, rows])).toEqual([
      [1, 5000],
      [2, 5001],
    ]);
    expect([await same, await last]).toEqual([await first, await later]);
    expect(db.stats().store?.checkpointLsn).toBe(2);
    const closing = [db.checkpoint(), readings.insert({ sensor: 2, note: 'b' }), db.checkpoint()] as const;
    await db.close();
    expect(await closing[2]).toMatchObject({ lsn: 3 });
  });

  it('can be read without being held or changed', async () => {
    const path = directory();
    const db = await open(path);
    db.table(Reading).insert({ sensor: 1, note: 'a' });
    await db.close();
    const before = readdirSync(path, { recursive: true }).map((name) => [name, statSync(join(path, String(name))).mtimeMs]);
    chmodSync(path, 0o500);
    const reader = await open(path, { readOnly: true });
    expect(reader.table(Reading).count()).toBe(1);
    expect(() => reader.table(Reading).delete(1)).toThrow(expect.objectContaining({ code: 'WT_READ_ONLY' }));
    await reader.close();
    const salvaged = await open(path, { loadMode: LoadMode.Salvage });
    expect([salvaged.table(Reading).count(), salvaged.recovery?.damage]).toEqual([1, []]);
    await salvaged.close();
    chmodSync(path, 0o700);
    expect(readdirSync(path, { recursive: true }).map((name) => [name, statSync(join(path, String(name))).mtimeMs])).toEqual(before);
  });

  it('is its owner’s alone', async () => {
    const path = join(directory(), 'made', 'for', 'it');
    const db = await open(path);
    expect(statSync(path).mode & 0o077).toBe(0);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o077).toBe(0);
    expect(JSON.parse(readFileSync(join(path, 'LOCK'), 'utf8'))).toMatchObject({ pid: process.pid });
    await db.close();
  });

  it('refuses options that make no sense, and a path that is no directory', async () => {
    await expect(open(directory(), { durability: 'maybe' })).rejects.toThrow(TypeError);
    await expect(open(directory(), { durability: { relaxed: { intervalMs: 0 } } })).rejects.toThrow(TypeError);
    await expect(open(directory(), { segmentBytes: 10 })).rejects.toThrow(TypeError);
    await expect(open(directory(), { retention: { bytes: -1 } })).rejects.toThrow(TypeError);
    await expect(open(directory(), { queueBytes: 0 })).rejects.toThrow(TypeError);
    await expect(open(directory(), { loadMode: 'hopeful' })).rejects.toThrow(TypeError);
    for (const path of ['', 7]) await expect(open(path as string)).rejects.toThrow(TypeError);
    const path = directory();
    mkdirSync(join(path, 'wal'));
    await (await open(path)).close();
  });

  it('stores what was committed when the process ends without waiting', async () => {
    const path = directory();
    const db = await open(path);
    db.table(Reading).insert({ sensor: 1, note: 'last words' });
    for (const listener of process.listeners('exit')) if (listener.name === 'storeAtExit') (listener as () => void)();
    expect(db.stats().store?.queuedBytes).toBe(0);
    await db.close();
  });
});

/** An engine that waits for somebody else, as one on another machine would. */
class SlowEngine implements PersistenceEngine {
  release: (() => void) | undefined;
  written = 0;
  readonly idleAfterMs = 1000;
  readonly wantsCheckpoint = false;
  readonly stats = { logBytes: 0, segments: 0, checkpointLsn: 0, checkpointBytes: 0, keptBytes: 0 };
  readonly oldestLsn = 0;

  async open(tables: readonly unknown[]) {
    const report = { lsn: 0, txn: 0, checkpointLsn: 0, rows: 0, transactions: 0, clean: true, tornTail: null, damage: [], durationMs: 0 };
    return { report, tableIds: tables.map((_, at) => at + 1) };
  }
  write(): Promise<void> {
    return new Promise((resolve) => {
      this.release = () => {
        this.written++;
        resolve();
      };
    });
  }
  async idle(): Promise<void> {}
  readFrom() {
    return { next: async () => undefined, close: () => undefined };
  }
  retain(): void {}
  async checkpoint() {
    return { lsn: 0, rows: 0, bytes: 0, durationMs: 0 };
  }
  async close(): Promise<void> {}
  abandon(): void {}
}

describe('an engine that cannot store in place', () => {
  it('refuses what would wait beyond the limit, before memory is touched', async () => {
    const engine = new SlowEngine();
    const db = await Database.open({ engine, tables: [Reading], queueBytes: 2000 });
    const readings = db.table(Reading);
    const insertUntilRefused = () => {
      for (;;) readings.insert({ sensor: 1, note: 'x'.repeat(100) });
    };
    expect(insertUntilRefused).toThrow(QueueFullError);
    const count = readings.count();
    expect(() => db.transaction(() => readings.insert({ sensor: 2, note: '' }))).toThrow(expect.objectContaining({ retryable: true }));
    expect(readings.count()).toBe(count);
    const waiting = db.waitForOps();
    while (engine.written < 1) {
      await new Promise((resolve) => setImmediate(resolve));
      engine.release?.();
    }
    expect(await waiting).toBe(count);
    readings.insert({ sensor: 3, note: 'goes on' });
    const closing = db.close();
    await new Promise((resolve) => setImmediate(resolve));
    engine.release?.();
    await closing;
  });
});
