import type { ChangeEvent } from '../cdc/change-event.js';
import type { IsolatedEmitter } from '../cdc/isolated-emitter.js';
import type { Operation } from '../cdc/operation.js';
import type { Publisher, TableEvents } from '../cdc/publisher.js';
import { NotFoundError, QueryError, StaleRowError, ValidationError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import { keyToUser, type TableIndex } from '../index/table-index.js';
import { LockGuard } from '../lock/lock-guard.js';
import type { LockOptions } from '../lock/lock-map.js';
import type { EntityClass } from '../schema/column-type.js';
import { elementToStored, literalToStored, type Stored } from '../schema/stored-value.js';
import { type ColumnSchema, columnNames, type TableSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import type { Change, Journal } from '../transaction/journal.js';
import { atRow } from './at-row.js';
import { checkTable, type Inconsistency } from './check-table.js';
import { collectPatch } from './collect-patch.js';
import { createCondition, findColumn } from './condition.js';
import { createQueries } from './declared-query.js';
import { fromPlain, toPlain } from './plain.js';
import { SelectQuery } from './select-query.js';
import { TableCore } from './table-core.js';
import { type TableStats, tableStats } from './table-stats.js';
import type { Cell, ColumnOf, DeclaredQueries, InsertRow, Patch, PrimaryKeyOf, RowOf, ScalarColumnOf, WholeRow } from './types.js';

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
export class TableManager<C extends EntityClass, E extends object = RowOf<C>> {
  readonly name: string;
  readonly version: number;
  readonly schema: TableSchema;
  /** The queries that `@Query` declared on the class. */
  readonly queries: DeclaredQueries<C>;
  private readonly core: TableCore;
  private readonly events: IsolatedEmitter<TableEvents>;
  private readonly keyColumns: readonly ColumnSchema[];
  /** Unique indexes over one column, by that column's name. */
  private readonly uniqueIndexes: ReadonlyMap<string, TableIndex>;
  /** Every column that is not of the key. */
  private readonly others: readonly number[];

  /** Made by `Database`. @internal */
  constructor(
    schema: TableSchema,
    private readonly journal: Journal,
    publisher: Publisher,
  ) {
    this.schema = schema;
    this.name = schema.name;
    this.version = schema.version;
    this.events = publisher.table(schema.name);
    this.core = new TableCore(schema, journal, () => this.events.has('change'));
    this.keyColumns = this.core.primary.columns;
    const unique = [this.core.primary, ...this.core.secondaries].filter((index) => index.unique && index.columns.length === 1);
    this.uniqueIndexes = new Map(unique.map((index) => [(index.columns[0] as ColumnSchema).name, index]));
    this.others = schema.columns.map((column) => column.position).filter((position) => !schema.key.columns.includes(position));
    this.queries = createQueries(this.core, (row, changed, values) => {
      this.updateRow(row, changed, values, false);
    }) as DeclaredQueries<C>;
  }

  /** @returns the primary key. @throws ValidationError, DuplicateKeyError, UniqueViolationError, RowTooLargeError */
  insert(row: InsertRow<E>): PrimaryKeyOf<E> {
    this.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const change = this.core.insert(values);
    const key = this.userKey(this.core.primary.keyOf(values));
    this.core.giveBack(values);
    this.settle(change);
    return key;
  }

  /** All of the rows, or none. @returns their keys. @throws as `insert`, with the row's number from 0 */
  insertMany(rows: Iterable<InsertRow<E>>): PrimaryKeyOf<E>[] {
    return this.journal.run(() => {
      const keys: PrimaryKeyOf<E>[] = [];
      for (const row of rows) {
        try {
          keys.push(this.insert(row));
        } catch (error) {
          throw atRow(error, keys.length);
        }
      }
      return keys;
    });
  }

  /** A copy of the row, or `undefined`. */
  select(key: PrimaryKeyOf<E>): E | undefined {
    const row = this.core.primary.getOne(this.storedKey(key));
    return row === undefined ? undefined : (this.core.store.decode(row) as E);
  }

  /** The row with this value in a unique index, or the key. @throws QueryError where the column has none of its own */
  selectOneBy<K extends ScalarColumnOf<E>>(column: K, value: Cell<E, K>): E | undefined {
    const index = this.uniqueIndexes.get(column);
    if (index === undefined) throw new QueryError(this.name, column, 'no unique index is over this column alone; use selectBy, or where');
    const row = index.getOne(this.literal(index.columns[0] as ColumnSchema, value));
    return row === undefined ? undefined : (this.core.store.decode(row) as E);
  }

  /** A query over an index on this column, or one that begins with it. @throws QueryError where there is none */
  selectBy<K extends ScalarColumnOf<E>>(column: K, value: Cell<E, K>): SelectQuery<E> {
    const condition = createCondition(this.schema, column, '=', value);
    const serves = (index: TableIndex) => index.columns[0]?.name === column && (index.columns.length === 1 || index.using === 'btree');
    if (![this.core.primary, ...this.core.secondaries].some(serves)) {
      throw new QueryError(this.name, column, 'no index serves this column; add @Index, or use selectAll().where(…)');
    }
    return SelectQuery.of<E>(this.core).where(condition.column.name as K, '=', value);
  }

  /** A query over all rows, in primary-key order. */
  selectAll(): SelectQuery<E> {
    return SelectQuery.of<E>(this.core);
  }

  /** Replaces the whole row that has this key. @throws NotFoundError, ValidationError, UniqueViolationError */
  update(row: WholeRow<E>): void {
    this.replace(row, false);
  }

  private replace(row: object, keep: boolean): Change | undefined {
    this.journal.assertWritable();
    const values = this.collect(row, 'replace');
    const key = this.core.primary.keyOf(values);
    const found = this.core.primary.getOne(key);
    if (found === undefined) throw new NotFoundError(this.name, this.userKey(key));
    const change = this.updateRow(found, this.others, values, keep);
    this.core.giveBack(values);
    return change;
  }

  /** Sets the named columns of a row. @throws NotFoundError, ValidationError (for a key column too), UniqueViolationError */
  updateBy(key: PrimaryKeyOf<E>, partial: Patch<E>): void {
    this.patch(key, partial, false);
  }

  private patch(key: PrimaryKeyOf<E>, partial: object, keep: boolean): Change | undefined {
    this.journal.assertWritable();
    const storedKey = this.storedKey(key);
    if (typeof partial !== 'object' || partial === null) throw new TypeError(`${this.name}: the changes are an object`);
    const values = this.core.borrow();
    const changed = collectPatch(this.core, partial, values);
    const row = this.core.primary.getOne(storedKey);
    if (row === undefined) throw new NotFoundError(this.name, key);
    const change = changed.length > 0 || keep ? this.updateRow(row, changed, values, keep) : undefined;
    this.core.giveBack(values);
    return change;
  }

  /** Inserts the row, or replaces the one that has its key. @throws ValidationError, UniqueViolationError */
  upsert(row: InsertRow<E>): { key: PrimaryKeyOf<E>; inserted: boolean } {
    const { key, inserted } = this.put(row, false);
    return { key, inserted };
  }

  private put(row: object, keep: boolean): { key: PrimaryKeyOf<E>; inserted: boolean; change: Change | undefined } {
    this.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const key = this.core.primary.keyOf(values);
    const found = this.core.primary.getOne(key);
    let change: Change | undefined;
    if (found === undefined) {
      change = this.core.insert(values);
      if (!keep) this.settle(change);
    } else {
      change = this.updateRow(found, this.others, values, keep);
    }
    const userKey = this.userKey(key);
    this.core.giveBack(values);
    return { key: userKey, inserted: found === undefined, change };
  }

  /** @returns whether there was a row. */
  delete(key: PrimaryKeyOf<E>): boolean {
    this.journal.assertWritable();
    const row = this.core.primary.getOne(this.storedKey(key));
    if (row === undefined) return false;
    this.settle(this.core.delete(row));
    return true;
  }

  /** How many rows there are. */
  count(): number {
    return this.core.count;
  }

  /**
   * Takes the next generated key, for a row that the caller will insert with it; no other row gets it, unless a
   * transaction that took it rolls back. @throws QueryError where keys are not generated
   */
  nextKey(): PrimaryKeyOf<E> {
    const { autoincrement, generate } = this.schema.key;
    if (!autoincrement) {
      if (generate !== undefined) return this.userKey(this.generated(generate));
      throw new QueryError(this.name, undefined, 'its keys are not generated');
    }
    this.journal.assertWritable();
    const change = this.core.takeKey();
    this.journal.record(change);
    return this.userKey(this.core.counter.value);
  }

  /** `insert`, and the operation that it made. */
  insertCdc(row: InsertRow<E>): Operation<E, PrimaryKeyOf<E>> {
    this.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const change = this.core.insert(values);
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
    this.journal.assertWritable();
    const row = this.core.primary.getOne(this.storedKey(key));
    return row === undefined ? undefined : this.settleCdc(this.core.delete(row));
  }

  /**
   * Replaces `old` by `fresh`, provided that `old` is exactly what is stored: a compare-and-swap.
   * @throws StaleRowError where it is not, NotFoundError, ValidationError (a key that differs too), UniqueViolationError
   */
  reinsertCdc(old: WholeRow<E>, fresh: WholeRow<E>): Operation<E, PrimaryKeyOf<E>> {
    this.journal.assertWritable();
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
   * Inserts untrusted JSON: class-transformer makes an instance of it by the class's own `@Expose`, `@Exclude`,
   * `@Transform` and `@Type`, times, bigints and bytes are read from their JSON forms, and the result is validated as
   * any row. @throws as `insert`
   */
  insertPlain(json: object): PrimaryKeyOf<E> {
    return this.insert(fromPlain(this.schema, json) as InsertRow<E>);
  }

  /** A row as a plain object that survives `JSON.stringify`: times in ISO 8601, bigints as text, bytes in base64. */
  toPlain(row: E): Record<string, unknown> {
    return toPlain(this.schema, row);
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

  off<N extends keyof TableListeners<E, unknown>>(event: N, listener: TableListeners<E, PrimaryKeyOf<E>>[N]): this {
    this.events.off(event, listener as TableEvents[N]);
    return this;
  }

  /** Rows, pages, bytes, and each index's keys, entries and bytes. Cost: a sample of each index. */
  stats(): TableStats {
    return tableStats(this.core);
  }

  /** Compares rows, indexes, counter and free space with one another, and yields whatever disagrees. Reads everything. */
  check(): Iterable<Inconsistency> {
    return checkTable(this.core);
  }

  private collect(row: object, mode: 'insert' | 'replace'): Stored[] {
    const values = this.core.borrow();
    this.core.codec.collect(row, values, mode);
    return values;
  }

  /** Fills in a key that was left out. The counter moves when the row is in. */
  private makeKey(values: Stored[]): void {
    const [position] = this.schema.key.columns;
    if (values[position as number] !== undefined) return;
    const { generate } = this.schema.key;
    values[position as number] = generate === undefined ? this.core.counter.peek() : this.generated(generate);
  }

  private generated(generate: () => unknown): Key {
    const column = this.keyColumns[0] as ColumnSchema;
    return elementToStored(column, generate(), (reason) => {
      throw new ValidationError(this.name, column.name, `the generated key: ${reason}`);
    });
  }

  private userKey(key: Key): PrimaryKeyOf<E> {
    return keyToUser(this.core.primary, key) as PrimaryKeyOf<E>;
  }

  private storedKey(key: unknown): Key {
    const { keyColumns } = this;
    if (keyColumns.length === 1) return this.literal(keyColumns[0] as ColumnSchema, key);
    if (!Array.isArray(key) || key.length !== keyColumns.length) {
      throw new QueryError(this.name, undefined, `the key is a tuple of (${columnNames(this.schema, this.schema.key.columns).join(', ')})`);
    }
    return keyColumns.map((column, at) => this.literal(column, key[at]));
  }

  private literal(column: ColumnSchema, value: unknown): Stored {
    if (value === null && column.nullable) return null;
    return literalToStored(column.type, value, (reason) => {
      throw new QueryError(this.name, column.name, reason);
    });
  }

  /** Updates a row and settles the change, unless it is to be kept for an operation. */
  private updateRow(row: RowId, changed: readonly number[], values: readonly Stored[], keep: boolean): Change | undefined {
    const unobserved = !keep && this.journal.isUnobserved(this.core);
    const change = this.core.update(row, changed, values, !unobserved);
    if (change === undefined) this.journal.countUnobserved();
    else if (!keep) this.journal.record(change);
    return change;
  }

  private settle(change: Change): void {
    if (this.journal.isUnobserved(this.core)) {
      this.core.finish(change);
      this.journal.countUnobserved();
    } else {
      this.journal.record(change);
    }
  }

  private settleCdc(change: Change): Operation<E, PrimaryKeyOf<E>> {
    const { nextLsn, nextTxn, nextSeq } = this.journal;
    const operation = this.core.operationOf(change, nextLsn, nextTxn, nextSeq);
    this.journal.record(change);
    return operation as Operation<E, PrimaryKeyOf<E>>;
  }
}
