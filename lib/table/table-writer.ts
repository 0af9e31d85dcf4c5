import { NotFoundError, QueryError, ValidationError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import type { EntityClass } from '../schema/column-type.js';
import { elementToStored, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { switches } from '../switches.js';
import type { Change } from '../transaction/change.js';
import { atRow } from './at-row.js';
import { collectPatch } from './collect-patch.js';
import { createQueries } from './declared-query.js';
import { fromPlain } from './plain.js';
import { TableReader } from './table-reader.js';
import type { WritableTable } from './table-view.js';
import type { DeclaredQueries, InsertRow, Patch, PrimaryKeyOf, RowOf, WholeRow } from './types.js';

/** The reads and writes of a table. Each call is whole: one that throws has changed nothing. */
export class TableWriter<C extends EntityClass, E extends object = RowOf<C>> extends TableReader<C, E> {
  /** The queries that `@Query` declared on the class. */
  readonly queries: DeclaredQueries<C>;
  /** Every column that is not of the key. */
  protected readonly others: readonly number[];
  private readonly overwrites = switches.updatesInPlace;

  /** @internal */
  constructor(private readonly target: WritableTable) {
    super(target);
    const { schema } = target;
    this.others = schema.columns.map((column) => column.position).filter((position) => !schema.key.columns.includes(position));
    this.queries = createQueries(target, (row, changed, values) => {
      this.updateRow(row, changed, values, false);
    }) as DeclaredQueries<C>;
  }

  /** @returns the primary key. @throws ValidationError, DuplicateKeyError, UniqueViolationError, RowTooLargeError */
  insert(row: InsertRow<E>): PrimaryKeyOf<E> {
    this.target.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const { target } = this;
    const change = target.insert(values, target.journal.isObserved(target));
    const key = this.userKey(target.primary.keyOf(values));
    target.giveBack(values);
    if (change !== undefined) target.journal.record(change);
    else if (!target.journal.inTransaction) target.journal.countUnobserved();
    return key;
  }

  /** All of the rows, or none. @returns their keys. @throws as `insert`, with the row's number from 0 */
  insertMany(rows: Iterable<InsertRow<E>>): PrimaryKeyOf<E>[] {
    return this.target.journal.run(() => {
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

  /** Replaces the whole row that has this key. @throws NotFoundError, ValidationError, UniqueViolationError */
  update(row: WholeRow<E>): void {
    this.replace(row, false);
  }

  protected replace(row: object, keep: boolean): Change | undefined {
    this.target.journal.assertWritable();
    const values = this.collect(row, 'replace');
    const key = this.target.primary.keyOf(values);
    const found = this.find(key);
    if (found === undefined) throw new NotFoundError(this.name, this.userKey(key));
    const change = this.updateRow(found, this.others, values, keep);
    this.target.giveBack(values);
    return change;
  }

  /** Sets the named columns of a row. @throws NotFoundError, ValidationError (for a key column too), UniqueViolationError */
  updateBy(key: PrimaryKeyOf<E>, partial: Patch<E>): void {
    this.patch(key, partial, false);
  }

  private patch(key: PrimaryKeyOf<E>, partial: object, keep: boolean): Change | undefined {
    this.target.journal.assertWritable();
    const storedKey = this.storedKey(key);
    if (typeof partial !== 'object' || partial === null) throw new TypeError(`${this.name}: the changes are an object`);
    const values = this.target.borrow();
    const changed = collectPatch(this.target, partial, values);
    const row = this.find(storedKey);
    if (row === undefined) throw new NotFoundError(this.name, key);
    const change = changed.length > 0 || keep ? this.updateRow(row, changed, values, keep) : undefined;
    this.target.giveBack(values);
    return change;
  }

  /** Inserts the row, or replaces the one that has its key. @throws ValidationError, UniqueViolationError */
  upsert(row: InsertRow<E>): { key: PrimaryKeyOf<E>; inserted: boolean } {
    const { key, inserted } = this.put(row, false);
    return { key, inserted };
  }

  protected put(row: object, keep: boolean): { key: PrimaryKeyOf<E>; inserted: boolean; change: Change | undefined } {
    this.target.journal.assertWritable();
    const values = this.collect(row, 'insert');
    this.makeKey(values);
    const key = this.target.primary.keyOf(values);
    const found = this.find(key);
    let change: Change | undefined;
    if (found === undefined) {
      change = this.target.insert(values, true) as Change;
      if (!keep) this.settle(change);
    } else {
      change = this.updateRow(found, this.others, values, keep);
    }
    const userKey = this.userKey(key);
    this.target.giveBack(values);
    return { key: userKey, inserted: found === undefined, change };
  }

  /** @returns whether there was a row. */
  delete(key: PrimaryKeyOf<E>): boolean {
    this.target.journal.assertWritable();
    const row = this.find(this.storedKey(key));
    if (row === undefined) return false;
    this.settle(this.target.delete(row));
    return true;
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
    return this.userKey(this.target.takeKey());
  }

  /**
   * Inserts untrusted JSON: class-transformer makes an instance of it by the class's own `@Expose`, `@Exclude`,
   * `@Transform` and `@Type`, times, bigints and bytes are read from their JSON forms, and the result is validated as
   * any row. @throws as `insert`
   */
  insertPlain(json: object): PrimaryKeyOf<E> {
    return this.insert(fromPlain(this.schema, json) as InsertRow<E>);
  }

  protected collect(row: object, mode: 'insert' | 'replace'): Stored[] {
    const values = this.target.borrow();
    this.target.codec.collect(row, values, mode);
    return values;
  }

  /** Fills in a key that was left out. The counter moves when the row is in. */
  protected makeKey(values: Stored[]): void {
    const [position] = this.schema.key.columns;
    if (values[position as number] !== undefined) return;
    const { generate } = this.schema.key;
    values[position as number] = generate === undefined ? this.target.proposeKey() : this.generated(generate);
  }

  private generated(generate: () => unknown): Key {
    const column = this.keyColumns[0] as ColumnSchema;
    return elementToStored(column, generate(), (reason) => {
      throw new ValidationError(this.name, column.name, `the generated key: ${reason}`);
    });
  }

  /** Updates a row and settles the change, unless it is to be kept for an operation. */
  protected updateRow(row: RowId, changed: readonly number[], values: readonly Stored[], keep: boolean): Change | undefined {
    // Expired rows that give way to it are committed first, and their listeners wait until it is done: the answer holds.
    const overwrites = !keep && this.overwrites && this.target.journal.allowsOverwrites(this.target);
    const change = this.target.update(row, changed, values, !overwrites);
    if (change === undefined) this.target.journal.countUnobserved();
    else if (!keep) this.settle(change);
    return change;
  }

  protected settle(change: Change): void {
    if (this.target.journal.isUnobserved(this.target)) {
      this.target.finish(change);
      this.target.journal.countUnobserved();
    } else {
      this.target.journal.record(change);
    }
  }
}
