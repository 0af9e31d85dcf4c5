import { TransactionAbortedError, TransactionConflictError, TransactionError, TransactionTimeoutError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import { keyToUser } from '../index/table-index.js';
import type { Hold } from '../lock/lock-map.js';
import type { EntityClass } from '../schema/column-type.js';
import type { TableCore } from '../table/table-core.js';
import { TableWriter } from '../table/table-writer.js';
import type { PrimaryKeyOf, RowOf } from '../table/types.js';
import { Journal } from '../transaction/journal.js';
import { coreOf, Moment } from './snapshot.js';
import { type TransactionScope, TransactionTable } from './transaction-table.js';

/** A row that is locked, or is to be. */
export interface RowName {
  readonly table: TableCore;
  readonly key: Key;
}

interface Opened {
  readonly table: TransactionTable;
  readonly writer: TableWriter<EntityClass>;
}

/**
 * What `transactionAsync` hands to its callback. Everything read through it is as of the moment of its first `table`
 * call, with its own writes over that; nobody else sees these before the commit.
 */
export class AsyncTransaction implements TransactionScope {
  /** The transaction's own writes, in order. @internal */
  readonly journal: Journal;
  private readonly opened = new Map<EntityClass, Opened>();
  private readonly holds = new Map<TableCore, Set<Hold>>();
  private readonly locked = new Map<TableCore, Set<unknown>>();
  /** The rows that it has locked, or wanted to. */
  private readonly wanted: RowName[] = [];
  private moment: Moment | undefined;
  private failure: Error | undefined;
  private ended = false;

  /** @internal */
  constructor(
    private readonly cores: ReadonlyMap<EntityClass, TableCore>,
    private readonly outer: Journal,
    /** Ends waiting for locks. */
    private readonly signal: AbortSignal,
  ) {
    this.journal = Journal.nested();
  }

  /** The reads and writes of a class's table within this transaction. @throws SchemaError; TransactionError after its end */
  table<C extends EntityClass>(entity: C): TableWriter<C> {
    this.assertRunning();
    let opened = this.opened.get(entity);
    if (opened === undefined) {
      const core = coreOf(this.cores, entity);
      this.moment ??= new Moment(this.cores.values(), this.outer);
      const table = new TransactionTable(core, this.moment.of(core), this);
      opened = { table, writer: new TableWriter(table) };
      this.opened.set(entity, opened);
    }
    return opened.writer as unknown as TableWriter<C>;
  }

  /**
   * Waits for rows, all or none, before anything is read: what is then read of them is what will be written over, so
   * they cause no conflict. They are taken in one order by everybody, so nobody waits in a circle.
   * @throws TransactionError after the first `table` call, or at a second call
   */
  async lock<C extends EntityClass>(entity: C, keys: readonly PrimaryKeyOf<RowOf<C>>[]): Promise<void> {
    this.assertRunning();
    const core = coreOf(this.cores, entity);
    if (this.moment !== undefined || this.holds.size > 0) {
      throw new TransactionError('lock(Class, keys) comes first, once: before table(Class), which begins the reading');
    }
    const writer = new TableWriter<C>(core);
    await this.acquire(keys.map((key) => ({ table: core, key: writer.toStoredKey(key) })));
  }

  /** Runs synchronous work as a savepoint: when it throws, its writes are undone, and the rest of the transaction stays. */
  savepoint<T>(work: () => T): T {
    this.assertRunning();
    return this.journal.run(work);
  }

  private assertRunning(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.ended) throw new TransactionError('the transaction has ended');
  }

  /** Waits for rows in the order of tables and keys. What it holds when it fails, `end` releases. @internal */
  async acquire(rows: readonly RowName[]): Promise<void> {
    const { signal } = this;
    const inOrder = [...this.cores.values()];
    const sorted = [...rows].sort(
      (a, b) => inOrder.indexOf(a.table) - inOrder.indexOf(b.table) || (a.table === b.table ? a.table.primary.compare(a.key, b.key) : 0),
    );
    for (const row of sorted) {
      const slot = row.table.locks.slot(row.key);
      if (this.isLocked(row.table, slot)) continue;
      const hold = await row.table.locks.map.acquire(slot, undefined, { signal });
      if (this.ended) row.table.locks.map.release(hold);
      this.assertRunning();
      this.keep(row, slot, hold);
    }
  }

  private isLocked(table: TableCore, slot: unknown): boolean {
    return this.locked.get(table)?.has(slot) === true;
  }

  private keep(row: RowName, slot: unknown, hold: Hold): void {
    const { table } = row;
    this.wanted.push(row);
    const holds = this.holds.get(table);
    if (holds === undefined) {
      this.holds.set(table, new Set([hold]));
      this.locked.set(table, new Set([slot]));
    } else {
      holds.add(hold);
      this.locked.get(table)?.add(slot);
    }
  }

  /** @internal */
  lockNow(table: TableCore, key: Key): void {
    this.assertRunning();
    const slot = table.locks.slot(key);
    if (this.isLocked(table, slot)) return;
    const hold = table.locks.tryAcquire(key);
    if (hold === undefined) throw this.conflict(table, key);
    this.keep({ table, key }, slot, hold);
  }

  /** @internal */
  conflict(table: TableCore, key: Key): TransactionConflictError {
    this.wanted.push({ table, key });
    const error = new TransactionConflictError(table.name, keyToUser(table.primary, key));
    this.failure ??= error;
    return error;
  }

  /** The rows that another attempt had better lock before it begins. @internal */
  get rows(): readonly RowName[] {
    return this.wanted;
  }

  /** Ends it with an error, which every later use of it meets. @internal */
  fail(error: Error): void {
    this.failure ??= error;
  }

  /**
   * Makes all writes at once, if nothing that was read has been changed by others. Steps: find conflicts; apply the
   * writes in one transaction of the database, which a refusal undoes; release locks and the moment.
   * @internal
   */
  commit(): void {
    this.assertRunning();
    const changes = this.journal.pending;
    if (changes.length > 0) {
      this.outer.assertOutside('an async transaction cannot commit within a synchronous one');
      for (const { table } of this.opened.values()) {
        const key = table.findConflict();
        if (key !== undefined) throw this.conflict(table.base, key);
      }
      let apply = () => {
        for (const change of changes) if (change.kind !== 'position') (change.target as TransactionTable).apply(change);
      };
      for (const [table, holds] of this.holds) {
        const inner = apply;
        apply = () => table.locks.runAsHolder(holds, inner);
      }
      this.outer.run(apply);
    }
    this.end();
  }

  /** Releases everything. Harmless when repeated. @internal */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    const reason = this.failure ?? new TransactionError('the transaction has ended');
    for (const { table } of this.opened.values()) table.end(reason);
    this.moment?.release();
    for (const [table, holds] of this.holds) for (const hold of holds) table.locks.map.release(hold);
  }
}

/** What `db.transactionAsync` takes beside its callback. */
export interface AsyncTransactionOptions {
  /** How often to begin anew after a conflict; 0 by default. The callback then runs again from its start. */
  readonly retries?: number;
  /** How long it may take, all attempts and waiting for locks included, in milliseconds. */
  readonly timeoutMs?: number;
  /** Ends it with `TransactionAbortedError`. */
  readonly signal?: AbortSignal;
}

type Work<T> = (tx: AsyncTransaction) => Promise<T>;

/** Runs attempts until one commits. A later one first waits for the rows that those before it wrote or stumbled over. */
export async function runAsync<T>(
  cores: ReadonlyMap<EntityClass, TableCore>,
  journal: Journal,
  work: Work<T>,
  options: AsyncTransactionOptions,
): Promise<T> {
  const { retries = 0 } = options;
  if (!Number.isSafeInteger(retries) || retries < 0) throw new TypeError('retries is an integer from 0');
  const limit = new Limit(options);
  let rows: readonly RowName[] = [];
  try {
    for (let attempt = 0; ; attempt++) {
      journal.assertWritable();
      limit.assertWithin();
      const tx = new AsyncTransaction(cores, journal, limit.signal);
      try {
        if (rows.length > 0) await tx.acquire(rows);
        const result = await limit.race(tx, work(tx));
        tx.commit();
        return result;
      } catch (error) {
        limit.assertWithin();
        if (!(error instanceof TransactionConflictError) || attempt >= retries) throw error;
        rows = tx.rows;
      } finally {
        tx.end();
      }
    }
  } finally {
    limit.end();
  }
}

/** The time that a transaction has, and the signal that may end it. */
class Limit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  private reason: Error | undefined;
  private readonly onAbort = () => this.exceed(new TransactionAbortedError(this.options.signal?.reason));

  constructor(private readonly options: AsyncTransactionOptions) {
    const { timeoutMs, signal } = options;
    if (signal?.aborted) this.onAbort();
    else signal?.addEventListener('abort', this.onAbort, { once: true });
    if (timeoutMs !== undefined) this.timer = setTimeout(() => this.exceed(new TransactionTimeoutError(timeoutMs)), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  private exceed(reason: Error): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.controller.abort(reason);
  }

  assertWithin(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  /** The result of the callback, unless time runs out first: then it goes on alone, and what it does is refused. */
  race<T>(tx: AsyncTransaction, running: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const over = () => {
        tx.fail(this.reason as Error);
        reject(this.reason);
      };
      if (this.reason !== undefined) over();
      this.signal.addEventListener('abort', over, { once: true });
      const done = () => this.signal.removeEventListener('abort', over);
      Promise.resolve(running).then(resolve, reject).finally(done);
    });
  }

  end(): void {
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener('abort', this.onAbort);
  }
}
