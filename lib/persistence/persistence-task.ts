import { EventEmitter } from 'eventemitter3';
import { assert } from '../assert.js';
import type { Lsn } from '../cdc/operation.js';
import { DiskFullError, PersistenceFailedError, QueueFullError } from '../errors.js';
import type { Link } from '../storage/link.js';
import type { JournalEntry, LoggedTable } from '../transaction/change.js';
import type { CommitLog } from '../transaction/commit-log.js';
import type { PersistenceEngine } from './persistence-engine.js';
import { TransactionGroup } from './transaction-group.js';

export interface PersistenceEvents {
  /** More is durable than before. */
  durable: (lsn: Lsn) => void;
  /** The store failed: what waited is rejected, and every later write refused. */
  fatal: (error: PersistenceFailedError) => void;
  /** The disk is full: writes are refused until `room`. */
  full: (error: DiskFullError) => void;
  room: () => void;
}

interface Waiter {
  /** How many records must be stored. */
  readonly records: number;
  readonly resolve: (lsn: Lsn) => void;
  readonly reject: (error: Error) => void;
}

export interface PersistenceTaskOptions {
  /** Committed bytes that may wait; beyond, a writer first stores them itself. */
  readonly queueBytes: number;
  /** How soon a full disk is tried again. */
  readonly retryMs: number;
}

/**
 * Takes committed transactions, and has an engine store them in the background, in groups: while one is being stored the
 * next one forms, and whoever waits for any transaction of a group waits for the one sync of all of it.
 *
 * Two groups take turns. Invariants: records are stored in the order of their commits; `storedRecords` rises only when
 * the engine has said so, and no call to it is out whose failure could say otherwise.
 */
export class PersistenceTask implements CommitLog {
  private readonly emitter = new EventEmitter<PersistenceEvents>();
  private filling = new TransactionGroup();
  private storing = new TransactionGroup();
  private appendedRecords = 0;
  private storedRecords = 0;
  private sealedRecords = 0;
  /** What was stored in place while a call was out: it counts when that call has succeeded. */
  private held: { readonly records: number; readonly lsn: number } | undefined;
  private lsn: number;
  private waiters: Waiter[] = [];
  private readonly seals: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  private isWorking = false;
  /** Settles when nothing is being stored any more. */
  private busy: Promise<void> = Promise.resolve();
  private isOut = false;
  private failure: PersistenceFailedError | undefined;
  private full: DiskFullError | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private retry: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly engine: PersistenceEngine,
    lsn: number,
    private readonly options: PersistenceTaskOptions,
  ) {
    this.lsn = lsn;
    openTasks.add(this);
    if (openTasks.size === 1) process.on('exit', storeAtExit);
  }

  on<N extends keyof PersistenceEvents>(event: N, listener: PersistenceEvents[N]): void {
    this.emitter.on(event, listener as never);
  }

  /** Everything up to here is as safe as the engine promises. */
  get durableLsn(): Lsn {
    return this.lsn as Lsn;
  }

  /** Bytes of transactions that are not stored yet. */
  get queuedBytes(): number {
    return this.filling.size + this.storing.size;
  }

  assertRoom(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.full !== undefined) throw this.full;
    if (this.filling.size >= this.options.queueBytes) this.storeInPlace();
  }

  append(lsn: Lsn, txn: number, at: number, entries: readonly JournalEntry[]): void {
    this.filling.addTransaction(lsn, txn, at, entries);
    this.appended();
  }

  appendOverwrite(lsn: Lsn, txn: number, at: number, table: LoggedTable, link: Link): void {
    this.filling.addOverwrite(lsn, txn, at, table, link);
    this.appended();
  }

  appendAside(nextLsn: Lsn, entries: readonly JournalEntry[]): void {
    this.filling.addAside(nextLsn, entries);
    this.appended();
  }

  private appended(): void {
    this.appendedRecords++;
    if (!this.isWorking) this.wake();
  }

  /** Begins to store when whatever runs now has ended: all that it commits is one group. */
  private wake(): void {
    this.isWorking = true;
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
    this.busy = Promise.resolve().then(() => this.work());
  }

  private async work(): Promise<void> {
    try {
      while (!(this.storing.isEmpty && this.filling.isEmpty && this.seals.length === 0)) {
        if (this.storing.isEmpty && this.seals.length > 0) await this.seal();
        if (this.failure !== undefined) return;
        if (this.storing.isEmpty) this.takeTurns();
        if (this.storing.isEmpty) continue;
        const { lastLsn } = this.storing;
        const records = this.appendedRecords - this.filling.count;
        if (await this.write(this.storing)) {
          this.storing.clear();
          this.stored(records, lastLsn);
        }
        if (this.failure !== undefined) return;
      }
    } finally {
      this.isWorking = false;
    }
    this.waitForIdle();
  }

  private takeTurns(): void {
    const { filling } = this;
    this.filling = this.storing;
    this.storing = filling;
  }

  /** Has the engine store a group. @returns whether it did; where there is no room, after a while */
  private async write(group: TransactionGroup): Promise<boolean> {
    this.isOut = true;
    try {
      await this.engine.write(group);
    } catch (error) {
      this.isOut = false;
      this.held = undefined;
      if (error instanceof DiskFullError) await this.waitForRoom(error);
      else this.fail(error);
      return false;
    }
    this.isOut = false;
    if (this.full !== undefined) {
      this.full = undefined;
      this.emitter.emit('room');
    }
    return true;
  }

  private isFull(error: DiskFullError): void {
    const before = this.full;
    this.full = error;
    if (before === undefined) this.emitter.emit('full', error);
  }

  private async waitForRoom(error: DiskFullError): Promise<void> {
    this.isFull(error);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.options.retryMs);
      this.retry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.retry = undefined;
  }

  private stored(records: number, lsn: number): void {
    const { held } = this;
    this.held = undefined;
    this.storedRecords = Math.max(this.storedRecords, records, held?.records ?? 0);
    this.lsn = Math.max(this.lsn, lsn, held?.lsn ?? 0);
    this.emitter.emit('durable', this.durableLsn);
    const { waiters } = this;
    let done = 0;
    while (done < waiters.length && (waiters[done] as Waiter).records <= this.storedRecords) done++;
    for (const { resolve } of waiters.splice(0, done)) resolve(this.durableLsn);
  }

  /** Stores what waits before it returns. @throws QueueFullError where the engine cannot, DiskFullError, PersistenceFailedError */
  private storeInPlace(): void {
    const { engine, filling } = this;
    if (engine.writeNow === undefined) throw new QueueFullError(this.options.queueBytes);
    try {
      // What the engine is storing it finishes by itself. What waits for room comes first, and is tried again.
      if (!this.isOut && !this.storing.isEmpty) {
        engine.writeNow(this.storing);
        this.storing.clear();
      }
      engine.writeNow(filling);
    } catch (error) {
      if (error instanceof DiskFullError) {
        this.isFull(error);
        assert(this.isWorking, 'what waits has somebody who tries it again');
        throw error;
      }
      this.fail(error);
      throw this.failure;
    }
    const { lastLsn } = filling;
    filling.clear();
    if (this.isOut) this.held = { records: this.appendedRecords, lsn: lastLsn };
    else this.stored(this.appendedRecords, lastLsn);
  }

  /** Ends all storing: what waits is rejected, and every later write refused. */
  fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    const failure = reason instanceof PersistenceFailedError ? reason : new PersistenceFailedError(reason);
    this.failure = failure;
    for (const { reject } of [...this.waiters.splice(0), ...this.seals.splice(0)]) reject(failure);
    this.emitter.emit('fatal', failure);
  }

  private waitForIdle(): void {
    if (this.isClosed || this.sealedRecords === this.appendedRecords) return;
    this.idleTimer = setTimeout(() => void this.settle().catch(() => undefined), this.engine.idleAfterMs).unref();
  }

  /** Stores what waits, syncs and seals the log. @throws DiskFullError at once, PersistenceFailedError */
  async settle(): Promise<void> {
    await this.drain();
    if (this.failure !== undefined) throw this.failure;
    await new Promise<void>((resolve, reject) => {
      this.seals.push({ resolve, reject });
      if (!this.isWorking) this.wake();
    });
  }

  private async seal(): Promise<void> {
    const waiting = this.seals.splice(0);
    const records = this.appendedRecords - this.filling.count;
    this.isOut = true;
    try {
      await this.engine.idle();
    } catch (error) {
      this.isOut = false;
      // Nothing depends on a seal: without room for it there may be some for what comes next, and what was stored counts.
      if (error instanceof DiskFullError) this.stored(this.storedRecords, this.lsn);
      else this.fail(error);
      for (const { reject } of waiting) reject(this.failure ?? error);
      return;
    }
    this.isOut = false;
    this.sealedRecords = records;
    this.stored(records, this.lsn);
    for (const { resolve } of waiting) resolve();
  }

  /**
   * Resolves with the LSN up to which everything is durable, when all that is committed now is.
   * @throws PersistenceFailedError: whether it was stored is not known
   */
  waitForOps(): Promise<Lsn> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.storedRecords >= this.appendedRecords) return Promise.resolve(this.durableLsn);
    return new Promise((resolve, reject) => {
      assert(!this.isClosed, 'a task ends when all is stored, or has failed');
      this.waiters.push({ records: this.appendedRecords, resolve, reject });
    });
  }

  /** The process ends, and waits for nothing: what was committed is stored in place. */
  storeAtExit(): void {
    if (this.failure !== undefined || (this.filling.isEmpty && this.storing.isEmpty)) return;
    try {
      this.storeInPlace();
    } catch {} // nobody is left to be told; nothing that was acknowledged is among it
  }

  /**
   * Stores what waits, and ends. @throws DiskFullError where there is no room for it: it still waits, and may be closed
   * again; PersistenceFailedError, after which the store is let go
   */
  async close(txn: number): Promise<void> {
    if (this.isClosed) return;
    if (this.full !== undefined) this.askAgain();
    try {
      await this.drain();
      while (this.isWorking) await this.busy;
      this.end();
      await this.engine.close(this.lsn, txn);
    } catch (error) {
      if (error instanceof DiskFullError) throw error;
      this.end();
      this.engine.abandon();
      throw error;
    }
  }

  /** A full disk says so once more, or has room. */
  private askAgain(): void {
    this.full = undefined;
    this.retry?.();
  }

  /** As `waitForOps`, and does not wait for room. @throws DiskFullError */
  private async drain(): Promise<void> {
    if (this.full !== undefined) throw this.full;
    let refuse: (error: DiskFullError) => void = () => undefined;
    const refused = new Promise<never>((_resolve, reject) => {
      refuse = reject;
    });
    this.emitter.once('full', refuse);
    try {
      await Promise.race([this.waitForOps(), refused]);
    } finally {
      this.emitter.off('full', refuse);
    }
  }

  private end(): void {
    this.isClosed = true;
    clearTimeout(this.idleTimer);
    if (openTasks.delete(this) && openTasks.size === 0) process.off('exit', storeAtExit);
  }
}

const openTasks = new Set<PersistenceTask>();

function storeAtExit(): void {
  for (const task of openTasks) task.storeAtExit();
}
