import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Lsn } from '../../lib/cdc/operation.js';
import { DiskFullError, PersistenceFailedError } from '../../lib/index.js';
import type { DatabaseImage, PersistenceEngine } from '../../lib/persistence/persistence-engine.js';
import { PersistenceTask } from '../../lib/persistence/persistence-task.js';
import type { TransactionGroup } from '../../lib/persistence/transaction-group.js';

const full = () => new DiskFullError(new Error('no room'));

/** An engine that ends each call as it is told to, in the background or in place. */
class ScriptedEngine implements PersistenceEngine {
  readonly calls: string[] = [];
  /** What the next calls end with: an error, or nothing for well. */
  readonly script: (Error | undefined)[] = [];
  readonly scriptInPlace: (Error | undefined)[] = [];
  idleAfterMs = 100_000;
  readonly wantsCheckpoint = false;
  readonly stats = { logBytes: 0, segments: 0, checkpointLsn: 0, checkpointBytes: 0, keptBytes: 0 };
  readonly oldestLsn = 0;

  private async ends(call: string): Promise<void> {
    this.calls.push(call);
    await nextTurn();
    const error = this.script.shift();
    if (error !== undefined) throw error;
  }

  open(): Promise<never> {
    return Promise.reject(new Error('it is open'));
  }
  write(group: TransactionGroup): Promise<void> {
    return this.ends(`write up to ${group.lastLsn}`);
  }
  writeNow(group: TransactionGroup): void {
    this.calls.push(`in place up to ${group.lastLsn}`);
    const error = this.scriptInPlace.shift();
    if (error !== undefined) throw error;
  }
  idle(): Promise<void> {
    return this.ends('idle');
  }
  checkpoint(_image: DatabaseImage): Promise<never> {
    return Promise.reject(new Error('none is asked for'));
  }
  readFrom(): never {
    throw new Error('nothing is read');
  }
  retain(): void {}
  close(lsn: number): Promise<void> {
    return this.ends(`close at ${lsn}`);
  }
  abandon(): void {
    this.calls.push('abandon');
  }
}

/** A task over an engine that ends its first calls like this. */
function start(script: readonly (Error | undefined)[] = [], queueBytes = 1_000_000) {
  const engine = new ScriptedEngine();
  engine.script.push(...script);
  const task = new PersistenceTask(engine, 0, { queueBytes, retryMs: 1 });
  const events: string[] = [];
  for (const name of ['fatal', 'full', 'room'] as const) task.on(name, () => events.push(name));
  let lsn = 0;
  const commit = () => task.append(++lsn as Lsn, lsn, 0, []);
  return { engine, task, events, commit };
}

const failed = expect.objectContaining({ code: 'WT_PERSISTENCE_FAILED' });
const noRoom = expect.objectContaining({ code: 'WT_DISK_FULL' });

describe('PersistenceTask', () => {
  it('refuses what is more than may wait where the engine cannot store in place', async () => {
    const { engine, task, commit } = start([], 1);
    (engine as { writeNow?: unknown }).writeNow = undefined;
    commit();
    expect(() => task.assertRoom()).toThrow(expect.objectContaining({ code: 'WT_QUEUE_FULL' }));
    expect(await task.waitForOps()).toBe(1);
    await task.close(1);
  });

  it('stores what is committed at once as one group, and the next group while that one is being stored', async () => {
    const { engine, task, commit } = start();
    commit();
    commit();
    const first = task.waitForOps();
    await Promise.resolve();
    commit();
    expect(await first).toBe(2);
    expect(task.durableLsn).toBe(2);
    expect(await task.waitForOps()).toBe(3);
    await task.close(3);
    expect(engine.calls).toEqual(['write up to 2', 'write up to 3', 'close at 3']);
    await task.close(3); // harmless
    expect(engine.calls.length).toBe(3);
  });

  it('waits where there is no room, refuses writes meanwhile, and goes on', async () => {
    const { engine, task, events, commit } = start([full(), full()]);
    commit();
    const waiting = task.waitForOps();
    while (events.length === 0) await nextTurn();
    expect(() => task.assertRoom()).toThrow(noRoom);
    await expect(task.settle()).rejects.toThrow(noRoom);
    expect(await waiting).toBe(1);
    expect(events).toEqual(['full', 'room']);
    task.assertRoom();
    expect(engine.calls.slice(0, 3)).toEqual(['write up to 1', 'write up to 1', 'write up to 1']);
    await task.close(1);
  });

  it('stores in place what is more than may wait, and counts it only when the call that was out has ended', async () => {
    const { engine, task, commit } = start([], 1);
    commit();
    await Promise.resolve(); // the first group is out
    commit();
    task.assertRoom();
    expect(engine.calls).toEqual(['write up to 1', 'in place up to 2']);
    expect(task.durableLsn).toBe(0);
    expect(await task.waitForOps()).toBe(2);
    commit();
    task.assertRoom(); // nothing is out: it counts at once
    expect(task.durableLsn).toBe(3);
    expect(task.queuedBytes).toBe(0);
    await task.close(3);
  });

  it('tells a full disk in place, keeps what was committed, and tries it again', async () => {
    const { engine, task, events, commit } = start([], 1);
    engine.scriptInPlace.push(full());
    commit();
    expect(() => task.assertRoom()).toThrow(noRoom);
    expect(() => task.assertRoom()).toThrow(noRoom);
    expect(await task.waitForOps()).toBe(1);
    expect(events).toEqual(['full', 'room']);
    await task.close(1);
  });

  it('fails in place, and for good', async () => {
    const { engine, task, events, commit } = start([], 1);
    engine.scriptInPlace.push(new Error('broken'));
    commit();
    const waiting = task.waitForOps();
    expect(() => task.assertRoom()).toThrow(failed);
    await expect(waiting).rejects.toThrow(failed);
    expect(() => task.assertRoom()).toThrow(failed);
    await expect(task.waitForOps()).rejects.toThrow(failed);
    task.fail(new Error('once more')); // it has failed already
    task.storeAtExit();
    expect(events).toEqual(['fatal']);
    await expect(task.close(1)).rejects.toThrow(failed);
    await task.close(1);
    expect(engine.calls.at(-1)).toBe('abandon');
  });

  it('fails in the background: what waits is rejected, and whatever comes later refused', async () => {
    const reason = new PersistenceFailedError(new Error('broken'));
    const { task, events, commit } = start([reason]);
    commit();
    await expect(task.waitForOps()).rejects.toBe(reason);
    commit(); // of a transaction that had begun
    await expect(task.waitForOps()).rejects.toBe(reason);
    expect(events).toEqual(['fatal']);
    await expect(task.settle()).rejects.toBe(reason);
    await expect(task.close(1)).rejects.toBe(reason);
  });

  it('seals the log when it is asked to, and by itself when nothing was written for a while', async () => {
    const { engine, task, commit } = start();
    engine.idleAfterMs = 1;
    commit();
    await task.waitForOps();
    while (engine.calls.at(-1) !== 'idle') await nextTurn();
    await task.settle();
    expect(engine.calls).toEqual(['write up to 1', 'idle', 'idle']);
    await task.close(1);
  });

  it('rejects a seal for which there is no room, and one that fails', async () => {
    const { task, events } = start([full(), new Error('broken')]);
    await expect(task.settle()).rejects.toThrow(noRoom);
    task.assertRoom(); // there may be room for what comes next
    await expect(task.settle()).rejects.toThrow(failed);
    expect(events).toEqual(['fatal']);
    await expect(task.close(0)).rejects.toThrow(failed);
  });

  it('stores nothing more after a seal has failed', async () => {
    const { engine, task, commit } = start([new Error('broken')]);
    const sealing = task.settle();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    commit();
    const waiting = task.waitForOps();
    await expect(Promise.allSettled([sealing, waiting])).resolves.toEqual([
      { status: 'rejected', reason: failed },
      { status: 'rejected', reason: failed },
    ]);
    await nextTurn();
    expect(engine.calls).toEqual(['idle']);
    await expect(task.close(1)).rejects.toThrow(failed);
  });

  it('seals nothing where the store failed while what waited was being drained', async () => {
    const { engine, task } = start();
    const sealing = task.settle();
    task.fail(new Error('a checkpoint found it broken'));
    await expect(sealing).rejects.toThrow(failed);
    expect(engine.calls).toEqual([]);
    await expect(task.close(0)).rejects.toThrow(failed);
  });

  it('closes where there is room once more, and tells where there is none, so that it can be closed again', async () => {
    const { engine, task, events, commit } = start([full(), full()]);
    commit();
    while (events.length === 0) await nextTurn();
    await expect(task.close(1)).rejects.toThrow(noRoom);
    await task.close(1);
    expect(engine.calls.at(-1)).toBe('close at 1');
  });

  it('counts what was stored in place while a seal was out for which there was no room', async () => {
    const { engine, task, commit } = start([full()], 1);
    const sealing = task.settle();
    while (engine.calls.length === 0) await Promise.resolve();
    commit();
    task.assertRoom();
    expect(engine.calls).toEqual(['idle', 'in place up to 1']);
    const waiting = task.waitForOps();
    await expect(sealing).rejects.toThrow(noRoom);
    expect(await waiting).toBe(1);
    await task.close(1);
  });

  it('lets a store go whose close fails, and does not close it again', async () => {
    const { engine, task } = start([new PersistenceFailedError(new Error('broken'))]);
    await expect(task.close(0)).rejects.toThrow(failed);
    await task.close(0);
    expect(engine.calls).toEqual(['close at 0', 'abandon']);
  });

  it('stores at the end of the process whatever waits, that which waits for room first, and minds no failure', async () => {
    const { engine, task, events, commit } = start([full()]);
    const other = start(); // both are told of the end of the process
    task.storeAtExit(); // nothing waits
    expect(engine.calls).toEqual([]);
    commit();
    while (events.length === 0) await nextTurn();
    commit();
    engine.scriptInPlace.push(full());
    task.storeAtExit();
    task.storeAtExit();
    expect(engine.calls).toEqual(['write up to 1', 'in place up to 1', 'in place up to 1', 'in place up to 2']);
    expect(task.durableLsn).toBe(2);
    await task.close(2);
    await other.task.close(0);
  });
});
