import type { ChangeEvent } from '../cdc/change-event.js';
import type { IsolatedEmitter } from '../cdc/isolated-emitter.js';
import type { Operation } from '../cdc/operation.js';
import type { Publisher, TableEvents } from '../cdc/publisher.js';
import { NotFoundError, StaleRowError, ValidationError } from '../errors.js';
import { LockGuard } from '../lock/lock-guard.js';
import type { LockOptions } from '../lock/lock-map.js';
import type { EntityClass } from '../schema/column-type.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { Change } from '../transaction/change.js';
import { checkTable, type Inconsistency } from './check-table.js';
import { findColumn } from './condition.js';
import { EXPIRY_STEP_ROWS } from './row-expiry.js';
import type { TableCore } from './table-core.js';
import { type TableStats, tableStats } from './table-stats.js';
import { TableWriter } from './table-writer.js';
import type { ColumnOf, InsertRow, Patch, PrimaryKeyOf, RowOf, WholeRow } from './types.js';
import type { VacuumOptions, VacuumResult } from './vacuum.js';

/** What `lock` gives: the table's writes, for whom the lock is no obstacle. */
export type GuardOf<E> = LockGuard<PrimaryKeyOf<E>, InsertRow<E>, WholeRow<E>, Patch<E>>;

/** The events of a table, and the listeners that they call. */
export interface TableListeners<E, Key> {
  change: (event: ChangeEvent<E, Key>) => unknown;
}

/**
 * One table: what a user writes to and reads from. All calls are synchronous and whole: nobody sees half of one, and a
 * call that throws has changed nothing. Rows that are handed out are copies; rows that are handed in are never changed.
 *
 * Costs: a key is found in O(log n) comparisons (O(1) with `using: 'hash'`); a write adds that for each index that it
 * touches.
 */
export class TableManager<C extends EntityClass, E extends object = RowOf<C>> extends TableWriter<C, E> {
  private readonly events: IsolatedEmitter<TableEvents>;

  /** Made by `Database`. @internal */
  constructor(
    private readonly core: TableCore,
    publisher: Publisher,
  ) {
    super(core);
    this.events = publisher.table(core.name);
  }

  /** `insert`, and the operation that it made. */
  insertCdc(row: InsertRow<E>): Operation<E, PrimaryKeyOf<E>> {
    this.core.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const change = this.core.insert(values, true) as Change;
    this.core.giveBack(values);
    return this.settleCdc(change);
  }

  /** `update`, and the operation that it made. */
  updateCdc(row: WholeRow<E>): Operation<E, PrimaryKeyOf<E>> {
    return this.settleCdc(this.replace(row, true) as Change);
  }

  /** `upsert`, and the operation that it made: an insert or an update. */
  upsertCdc(row: InsertRow<E>): Operation<E, PrimaryKeyOf<E>> {
    return this.settleCdc(this.put(row, true).change as Change);
  }

  /** `delete`, and the operation that it made, or `undefined` where there was no row. */
  deleteCdc(key: PrimaryKeyOf<E>): Operation<E, PrimaryKeyOf<E>> | undefined {
    this.core.journal.assertWritable();
    const row = this.core.primary.getOne(this.storedKey(key));
    return row === undefined ? undefined : this.settleCdc(this.core.delete(row));
  }

  /**
   * Replaces `old` by `fresh`, provided that `old` is exactly what is stored: a compare-and-swap.
   * @throws StaleRowError where it is not, NotFoundError, ValidationError (a key that differs too), UniqueViolationError
   */
  reinsertCdc(old: WholeRow<E>, fresh: WholeRow<E>): Operation<E, PrimaryKeyOf<E>> {
    this.core.journal.assertWritable();
    const { core } = this;
    const before = this.collect(old, 'replace');
    const values = this.collect(fresh, 'replace');
    const key = core.primary.keyOf(before);
    if (core.primary.compare(key, core.primary.keyOf(values)) !== 0) {
      throw new ValidationError(this.name, (this.keyColumns[0] as ColumnSchema).name, 'the two rows have different primary keys');
    }
    const row = core.primary.getOne(key);
    if (row === undefined) throw new NotFoundError(this.name, this.userKey(key));
    core.store.stage(before);
    if (!core.store.stagedEquals(core.store.linkOf(row))) throw new StaleRowError(this.name, this.userKey(key));
    const change = this.updateRow(row, this.others, values, true) as Change;
    core.giveBack(values);
    return this.settleCdc(change);
  }

  /**
   * Locks a row, or some columns of it, for work that awaits. The key need not exist: then nobody can insert it.
   * Requests are served in order; holders of different columns of one row run together. While the lock is held, plain
   * writes to it are refused with `RowLockedError`, and the holder writes through the guard.
   * @throws LockTimeoutError after `timeoutMs`; the signal's reason; QueryError for an unknown column
   */
  lock(key: PrimaryKeyOf<E>, columns?: readonly ColumnOf<E>[], options?: LockOptions): Promise<GuardOf<E>> {
    return this.lockMany([key], columns, options);
  }

  /** Locks several rows with one guard. They are taken in key order, so that requests for the same rows cannot deadlock. */
  async lockMany(keys: readonly PrimaryKeyOf<E>[], columns?: readonly ColumnOf<E>[], options?: LockOptions): Promise<GuardOf<E>> {
    const { core } = this;
    const positions = columns && new Set(columns.map((column) => findColumn(this.schema, column).position));
    const stored = keys.map((key) => this.storedKey(key)).sort(core.primary.compare);
    const holds = await core.locks.acquire(stored, positions, options);
    return new LockGuard(this, core.locks.map, holds, (own, work) => core.locks.runAsHolder(own, work));
  }

  /** Calls `listener` after each commit that changed this table, once a change, in commit order. */
  on<N extends keyof TableListeners<E, unknown>>(event: N, listener: TableListeners<E, PrimaryKeyOf<E>>[N]): this {
    this.events.on(event, listener as TableEvents[N]);
    return this;
  }

  /** As `on`, for the next change alone. */
  once<N extends keyof TableListeners<E, unknown>>(event: N, listener: TableListeners<E, PrimaryKeyOf<E>>[N]): this {
    this.events.once(event, listener as TableEvents[N]);
    return this;
  }

  /** Takes a listener away that `on` or `once` added. */
  off<N extends keyof TableListeners<E, unknown>>(event: N, listener: TableListeners<E, PrimaryKeyOf<E>>[N]): this {
    this.events.off(event, listener as TableEvents[N]);
    return this;
  }

  /**
   * Packs rows into fewer pages and gives the others back, in slices with other work between them. Rows keep their ids,
   * so no index changes. A call while one runs joins it. @throws ClosedError; the signal's reason
   */
  vacuum(options?: VacuumOptions): Promise<VacuumResult> {
    return this.core.vacuum.run(options);
  }

  /**
   * Removes rows that have expired, as one transaction, without waiting for the step that does so by itself. Rows that
   * somebody has locked stay. @returns how many it removed, `most` at the most
   */
  removeExpired(most: number = EXPIRY_STEP_ROWS): number {
    this.core.journal.assertWritable();
    return this.core.expiry?.removeSome(most) ?? 0;
  }

  /**
   * Builds the indexes that nobody has asked yet, so that no query is the first to do so: O(n log n). An index that may
   * repeat keys is built when it is first asked; of a million rows, that is a few tenths of a second.
   */
  buildIndexes(): void {
    for (const index of this.core.secondaries) index.build();
  }

  /** Rows, pages, bytes, and each index's keys, entries and bytes. Cost: a sample of each index. */
  stats(): TableStats {
    return tableStats(this.core);
  }

  /** Compares rows, indexes, counter and free space with one another, and yields whatever disagrees. Reads everything. */
  check(): Iterable<Inconsistency> {
    return checkTable(this.core);
  }

  private settleCdc(change: Change): Operation<E, PrimaryKeyOf<E>> {
    const { nextLsn, nextTxn, nextSeq } = this.core.journal;
    const operation = this.core.operationOf(change, nextLsn, nextTxn, nextSeq);
    this.core.journal.record(change);
    return operation as Operation<E, PrimaryKeyOf<E>>;
  }
}
