import { assert } from '../assert.js';
import type { Operation } from '../cdc/operation.js';
import { DuplicateKeyError, type TransactionConflictError, UniqueViolationError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import { keyToUser, type TableIndex } from '../index/table-index.js';
import type { Refuse, Stored } from '../schema/stored-value.js';
import { columnNames } from '../schema/table-schema.js';
import { NO_LINK, type RowId } from '../storage/link.js';
import { RowStore } from '../storage/row-store.js';
import { isExpired } from '../table/row-expiry.js';
import type { TableCore } from '../table/table-core.js';
import type { IndexView, WritableTable } from '../table/table-view.js';
import type { Change, LoggedTable } from '../transaction/change.js';
import type { Journal } from '../transaction/journal.js';
import { ReadSet } from './read-set.js';
import { SnapshotView, type TableMoment } from './snapshot-view.js';

/** What a transaction's tables need of it. */
export interface TransactionScope {
  /** @internal */
  readonly journal: Journal;
  /** Locks a row or, where somebody else has it, ends the transaction. @throws TransactionConflictError @internal */
  lockNow(table: TableCore, key: Key): void;
  /** Ends the transaction with a conflict over a row. @internal */
  conflict(table: TableCore, key: Key): TransactionConflictError;
}

/** One write of a transaction, before its commit. Its rows are the transaction's own, or the table's. */
interface OwnChange extends Change {
  readonly key: Key;
  readonly before: RowId | undefined;
  readonly after: RowId | undefined;
  readonly columns: readonly number[];
}

/** Rows of a transaction lie in small pages of its own: most write a few. */
const OWN_PAGE_BYTES = 4096;

/**
 * A table as an async transaction sees it: as of its beginning, with its own writes over it. Own rows have negative ids
 * and lie apart; the table's rows that they stand for are hidden. Nothing of this is seen outside before `apply`.
 */
export class TransactionTable extends SnapshotView implements WritableTable {
  readonly journal: Journal;
  readonly reads: ReadSet;
  readonly refusals: readonly Refuse[];
  private own: RowStore | undefined;
  /** The table's rows that the transaction replaced or deleted. */
  private readonly replaced = new Set<RowId>();
  private readonly shown = new Set<RowId>();

  constructor(
    table: TableCore,
    moment: TableMoment,
    private readonly scope: TransactionScope,
  ) {
    super(table, moment, scope);
    this.journal = scope.journal;
    this.refusals = table.refusals;
    this.reads = new ReadSet(table);
  }

  /** The table itself. */
  get base(): TableCore {
    return this.table;
  }

  get isHeard(): boolean {
    return false;
  }

  get keepsVersions(): boolean {
    return false;
  }

  get logged(): LoggedTable {
    return this.table;
  }

  override get isStable(): boolean {
    return false;
  }

  override readOnly<T>(reason: string, work: () => T): T {
    return super.readOnly(reason, () => this.journal.readOnly(reason, work));
  }

  override get count(): number {
    this.assertOpen();
    this.reads.where([]);
    return this.rows;
  }

  /** It is as of one moment anyway. */
  atOneMoment<T>(work: () => T): T {
    return work();
  }

  borrow(): Stored[] {
    return this.table.borrow();
  }

  giveBack(values: Stored[]): void {
    this.table.giveBack(values);
  }

  /** Taken for good: two transactions at once must not propose the same key. */
  proposeKey(): number | bigint {
    return this.takeKey();
  }

  takeKey(): number | bigint {
    this.assertWritable();
    return this.table.takeKey();
  }

  private assertWritable(): void {
    this.assertOpen();
    this.journal.assertWritable();
    this.table.journal.assertWritable();
    this.table.journal.assertOutside('an async transaction cannot be used within a synchronous one');
  }

  insert(values: Stored[]): Change {
    this.assertWritable();
    const key = this.primary.keyOf(values);
    this.lock(key, undefined);
    this.reads.point(this.primary, key);
    if (this.isTaken(this.primary, key)) throw new DuplicateKeyError(this.name, keyToUser(this.primary, key));
    this.table.secondaries.forEach((index, at) => {
      this.assertUnused(index, at, index.keyOf(values));
    });
    const after = this.add(values);
    this.table.counter.supplied(key);
    this.rows++;
    return this.change('insert', key, undefined, after, []);
  }

  private lock(key: Key, row: RowId | undefined): void {
    this.scope.lockNow(this.table, key);
    this.sync();
    if (row !== undefined && row >= 0 && this.changed.has(row)) throw this.scope.conflict(this.table, key);
  }

  private assertUnused(index: TableIndex, at: number, key: Key): void {
    if (!index.isExclusive(key)) return;
    const view = this.secondaries[at] as (typeof this.secondaries)[number];
    this.reads.point(view, key);
    if (this.isTaken(view, key)) throw new UniqueViolationError(this.name, index.name, columnNames(this.schema, index.positions));
  }

  /** Whether a row has the key; one whose time is over gives way. */
  private isTaken(index: IndexView, key: Key): boolean {
    const row = index.getOne(key);
    if (row === undefined) return false;
    if (!isExpired(this, row)) return true;
    this.journal.record({ ...this.delete(row), expired: true });
    return false;
  }

  update(row: RowId, changed: readonly number[], values: readonly Stored[]): Change {
    this.assertWritable();
    const key = this.primaryKeyOf(row);
    this.lock(key, row);
    const whole = this.schema.columns.map(({ position }) => (changed.includes(position) ? values[position] : this.peek(row, position)));
    this.table.secondaries.forEach((index, at) => {
      const to = index.keyOf(whole);
      if (index.compare(this.keyOf(index, row), to) !== 0) this.assertUnused(index, at, to);
    });
    const after = this.add(whole);
    this.withdraw(row);
    return this.change('update', key, row, after, [...changed]);
  }

  delete(row: RowId): OwnChange {
    this.assertWritable();
    const key = this.primaryKeyOf(row);
    this.lock(key, row);
    this.withdraw(row);
    this.rows--;
    return this.change('delete', key, row, undefined, []);
  }

  private change(
    kind: Change['kind'],
    key: Key,
    before: RowId | undefined,
    after: RowId | undefined,
    columns: readonly number[],
  ): OwnChange {
    const row = (before ?? after) as RowId;
    return {
      target: this,
      kind,
      row,
      oldLink: NO_LINK,
      newLink: NO_LINK,
      counter: 0,
      pages: 0,
      kept: false,
      expired: false,
      key,
      before,
      after,
      columns,
    };
  }

  /** Stores a row of the transaction's own, and shows it. @throws RowTooLargeError */
  private add(values: readonly Stored[]): RowId {
    this.own ??= new RowStore({ ...this.schema, pageSizeBytes: OWN_PAGE_BYTES }, this.codec);
    this.own.stage(values);
    const row = ~this.own.add() as RowId;
    this.bringBack(row);
    return row;
  }

  /** Takes a row out of the transaction's sight. */
  private withdraw(row: RowId): void {
    if (row < 0) {
      this.hide(row);
      this.shown.delete(row);
      return;
    }
    assert(!this.changed.has(row), 'a row that others have changed is not written');
    this.replaced.add(row);
    this.changed.set(row, NO_LINK);
  }

  private bringBack(row: RowId): void {
    if (row < 0) {
      this.show(row);
      this.shown.add(row);
      return;
    }
    this.replaced.delete(row);
    this.changed.delete(row);
  }

  protected override rebuild(): void {
    super.rebuild();
    for (const row of this.shown) this.show(row);
    for (const row of this.replaced) this.changed.set(row, NO_LINK);
  }

  undo(change: Change): void {
    const { before, after, kind } = change as OwnChange;
    if (after !== undefined) this.withdraw(after);
    if (before !== undefined) this.bringBack(before);
    if (kind === 'insert') this.rows--;
    else if (kind === 'delete') this.rows++;
  }

  finish(): void {}

  operationOf(): Operation {
    throw new TypeError('an async transaction makes its operations when it commits');
  }

  protected override peek(row: RowId, column: number): Stored {
    return row < 0 ? (this.own as RowStore).read(~row as RowId, column) : super.peek(row, column);
  }

  override bufferOf(row: RowId): Buffer {
    return row < 0 ? (this.own as RowStore).bufferOf(~row as RowId) : super.bufferOf(row);
  }

  override positionOf(row: RowId): number {
    return row < 0 ? (this.own as RowStore).positionOf(~row as RowId) : super.positionOf(row);
  }

  override decode(row: RowId): object {
    return row < 0 ? (this.own as RowStore).decode(~row as RowId) : super.decode(row);
  }

  /** The key of a row that was read and has been changed by others since the transaction began, if there is one. */
  findConflict(): Key | undefined {
    if (this.reads.isEmpty) return undefined;
    const { store, versions, primary } = this.table;
    const seen = new Set<RowId>();
    for (const epoch of versions.since(this.epoch)) {
      for (const [row, link] of epoch.rows) {
        if (seen.has(row)) continue;
        seen.add(row);
        const now = store.isAlive(row) ? store.linkOf(row) : NO_LINK;
        if (link !== NO_LINK && now !== NO_LINK && store.equalBytes(link, now)) continue;
        for (const version of [link, now]) {
          if (version !== NO_LINK && this.reads.includes(version)) return this.table.keyAt(primary, version);
        }
      }
    }
    return undefined;
  }

  /** Makes one of the transaction's writes on the table itself, within an open transaction of the table's journal. */
  apply(change: Change): void {
    const { table } = this;
    const { after, columns, kind, key, expired } = change as OwnChange;
    const values = after === undefined ? [] : this.schema.columns.map(({ position }) => this.peek(after, position));
    if (kind === 'insert') {
      table.journal.record(table.insert(values, true) as Change);
      return;
    }
    const row = table.primary.getOne(key);
    assert(row !== undefined, 'a row that a transaction read and locked is still there');
    table.journal.record(kind === 'delete' ? table.delete(row, expired) : (table.update(row, columns, values, true) as Change));
  }
}
