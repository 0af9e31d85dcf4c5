import type { IsolatedEmitter } from '../cdc/isolated-emitter.js';
import { type ChangeKind, type LinkInfo, type Lsn, Operation } from '../cdc/operation.js';
import type { TableEvents } from '../cdc/publisher.js';
import { DuplicateKeyError, UniqueViolationError } from '../errors.js';
import { createIndex } from '../index/create-index.js';
import { columnsOf, compareKeys, type Key } from '../index/key-order.js';
import { hasNumberKeys, RowKeys } from '../index/row-keys.js';
import { type IndexDefinition, keyToUser, type TableIndex } from '../index/table-index.js';
import { LiveTable } from '../live/live-table.js';
import { ColumnCollector } from '../schema/column-collector.js';
import { createCodec } from '../schema/create-codec.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { Refuse, Stored } from '../schema/stored-value.js';
import { columnNames, PRIMARY, type TableSchema } from '../schema/table-schema.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import { RowStore } from '../storage/row-store.js';
import { RowVersions } from '../storage/row-versions.js';
import type { Change, LoggedTable } from '../transaction/change.js';
import type { Journal } from '../transaction/journal.js';
import { keyAccess } from './key-access.js';
import { KeyCounter } from './key-counter.js';
import { addBack, type KeyMove, moveBack, moveKeys } from './key-moves.js';
import { RowExpiry } from './row-expiry.js';
import { RowLocks } from './row-locks.js';
import { TableOperations } from './table-operations.js';
import type { WritableTable } from './table-view.js';
import { Vacuum } from './vacuum.js';

const NO_ROW = -1 as RowId;

/**
 * The rows and indexes of one table, and the three writes from which all others are made. Values arrive here in their
 * stored form, validated; each write is applied whole or not at all, recorded in the journal, and undone from there.
 */
export class TableCore implements WritableTable {
  readonly name: string;
  readonly codec: RowCodec;
  readonly store: RowStore;
  readonly primary: TableIndex;
  readonly secondaries: readonly TableIndex[];
  readonly counter: KeyCounter;
  /** The primary keys by row id, where they are numbers. */
  readonly rowKeys: RowKeys | undefined;
  /** For each column, what refuses a value of it. */
  readonly refusals: readonly Refuse[];
  readonly locks: RowLocks;
  /** Old versions of rows, kept for snapshots. */
  readonly versions: RowVersions;
  readonly expiry: RowExpiry | undefined;
  readonly vacuum: Vacuum;
  readonly lives: LiveTable;
  /** The table's number in the log of its database, where it has one. */
  logId = 0;
  private readonly operations: TableOperations;
  private spare: Stored[] | undefined;

  constructor(
    readonly schema: TableSchema,
    readonly journal: Journal,
    private readonly events: IsolatedEmitter<TableEvents>,
  ) {
    this.name = schema.name;
    this.codec = createCodec(schema);
    this.store = new RowStore(schema, this.codec);
    this.versions = new RowVersions(
      (link) => this.store.release(link),
      (link) => this.store.lengthAt(link),
    );
    const keyColumns = columnsOf(schema, schema.key.columns);
    this.rowKeys = hasNumberKeys(keyColumns) ? new RowKeys() : undefined;
    const order = { keyOf: (row: RowId) => this.primaryKeyOf(row), compare: compareKeys(keyColumns) };
    const primary: IndexDefinition = { name: PRIMARY, columns: keyColumns, unique: true, using: schema.key.using, nullsDistinct: false };
    const allRows = () => this.primary.rowsInOrder();
    const create = (definition: IndexDefinition) =>
      createIndex(definition, order, keyAccess(this.store, this.codec, definition.columns), allRows);
    this.primary = create(primary);
    this.secondaries = schema.indexes.map((index) => create({ ...index, columns: columnsOf(schema, index.columns) }));
    this.counter = new KeyCounter(schema);
    this.locks = new RowLocks(this.name, keyColumns, (key) => keyToUser(this.primary, key));
    this.operations = new TableOperations(this.name, this.codec, this.primary, this.secondaries);
    this.vacuum = new Vacuum(this);
    this.lives = new LiveTable(this, journal);
    this.expiry = schema.expires === undefined ? undefined : new RowExpiry(this, schema.expires);
    this.refusals = new ColumnCollector(schema).refusals;
  }

  get isHeard(): boolean {
    return this.events.has('change');
  }

  get keepsVersions(): boolean {
    return this.versions.isKept;
  }

  get count(): number {
    return this.primary.entries;
  }

  get logged(): LoggedTable {
    return this;
  }

  get counterValue(): number | bigint {
    return this.counter.value;
  }

  cutoff(): number | undefined {
    return this.expiry?.cutoff();
  }

  atOneMoment<T>(work: () => T): T {
    return this.expiry === undefined ? work() : this.expiry.atOneMoment(work);
  }

  /** A row that was found may be written over. */
  get isStable(): boolean {
    return false;
  }

  readOnly<T>(reason: string, work: () => T): T {
    return this.journal.readOnly(reason, work);
  }

  /** Room for a row's stored values. Given back by `giveBack`; user code that writes meanwhile gets another. */
  borrow(): Stored[] {
    const values = this.spare ?? new Array<Stored>(this.schema.columns.length).fill(null);
    this.spare = undefined;
    return values;
  }

  giveBack(values: Stored[]): void {
    this.spare = values;
  }

  primaryKeyOf(row: RowId): Key {
    return this.rowKeys !== undefined ? this.rowKeys.get(row) : this.keyAt(this.primary, this.store.linkOf(row));
  }

  /** The key that the row at `link` has in an index. */
  keyAt(index: TableIndex, link: Link): Key {
    const { positions } = index;
    if (positions.length === 1) return this.store.readAt(link, positions[0] as number);
    return positions.map((position) => this.store.readAt(link, position));
  }

  /**
   * Inserts a row: bytes first, then the primary index, then the secondary ones in declaration order. A refusal undoes
   * the steps before it. Without `keep`, nobody could ask for the change: within a transaction it is in the journal then.
   * @throws DuplicateKeyError, UniqueViolationError, RowTooLargeError, TableFullError
   */
  insert(values: Stored[], keep: boolean): Change | undefined {
    this.journal.assertWritable();
    if (this.expiry === undefined) return this.place(values, keep);
    return this.expiry.makingWay(() => this.place(values, keep), values);
  }

  private place(values: Stored[], keep: boolean): Change | undefined {
    const { store, primary, secondaries, counter } = this;
    const counterBefore = counter.value;
    const pages = store.pageExtent;
    const key = primary.keyOf(values);
    if (this.locks.any) this.locks.assertFree(key, undefined);
    store.stage(values);
    const row = store.add();
    let inPrimary = false;
    let inSecondaries = 0;
    try {
      this.rowKeys?.set(row, key as number);
      inPrimary = primary.add(key, row);
      if (!inPrimary) throw new DuplicateKeyError(this.name, keyToUser(primary, key));
      for (; inSecondaries < secondaries.length; inSecondaries++) {
        const index = secondaries[inSecondaries] as TableIndex;
        if (!index.add(index.keyOf(values), row)) throw this.violation(index);
      }
    } catch (error) {
      while (--inSecondaries >= 0) {
        const index = secondaries[inSecondaries] as TableIndex;
        index.remove(index.keyOf(values), row);
      }
      if (inPrimary) primary.remove(key, row);
      this.removeRow(row);
      store.trimTo(pages);
      throw error;
    }
    counter.supplied(key);
    if (keep) return this.change('insert', row, NO_LINK, store.linkOf(row), counterBefore, pages);
    if (this.journal.inTransaction) this.journal.recordInsert(this, row, store.linkOf(row), counterBefore, pages);
    return undefined;
  }

  /** Expired rows hold no key against a new row, or against an update of some columns of `row`. */
  removeHolders(expiry: RowExpiry, values: readonly Stored[], row?: RowId, changed?: readonly number[]): void {
    if (row === undefined) expiry.giveWay(this.primary.getOne(this.primary.keyOf(values)));
    for (const index of this.secondaries) {
      if (!index.unique || changed?.some((position) => index.positions.includes(position)) === false) continue;
      const whole = row === undefined ? values : this.schema.columns.map(({ position }) => this.after(row, changed, values, position));
      const key = index.keyOf(whole);
      const holder = index.isExclusive(key) ? index.getOne(key) : undefined;
      if (holder !== row) expiry.giveWay(holder);
    }
  }

  private after(row: RowId, changed: readonly number[] | undefined, values: readonly Stored[], position: number): Stored {
    return changed?.includes(position) ? values[position] : this.store.read(row, position);
  }

  isHeld(row: RowId): boolean {
    return this.locks.any && this.locks.isHeld(this.primaryKeyOf(row));
  }

  private violation(index: TableIndex): UniqueViolationError {
    return new UniqueViolationError(this.name, index.name, columnNames(this.schema, index.positions));
  }

  private change(kind: Change['kind'], row: RowId, oldLink: Link, newLink: Link, counter: number | bigint, pages: number): Change {
    const kept = kind !== 'counter' && this.versions.isKept && this.versions.note(row, oldLink);
    return { target: this, kind, row, oldLink, newLink, counter, pages, kept, expired: false };
  }

  /**
   * Gives some columns of a row, never of its key, new values; `changed` ascends. Indexes whose key changes follow; a
   * violated one puts them all back. With `keep`, the bytes before stay for the journal; without, nobody could ask for
   * them, and they are overwritten where the new ones fit. @returns what is to be recorded; nothing where it was overwritten
   * @throws UniqueViolationError, RowTooLargeError, TableFullError
   */
  update(row: RowId, changed: readonly number[], values: readonly Stored[], keep: boolean): Change | undefined {
    this.journal.assertWritable();
    if (this.locks.any) this.locks.assertFree(this.primaryKeyOf(row), this.isWhole(changed) ? undefined : new Set(changed));
    if (this.expiry === undefined) return this.replace(row, changed, values, keep);
    return this.expiry.makingWay(() => this.replace(row, changed, values, keep), values, row, changed);
  }

  /**
   * Steps of an update that writes over its row, and what undoes each when a later one fails:
   *
   * 1. the new bytes are staged beside it: nothing, no room is claimed
   * 2. indexes follow: `moveBack`
   * 3. the log, where there is one, takes the old and the staged bytes as a transaction: nothing, it is the last that fails
   * 4. the bytes are written over the row's; the caller has the LSN counted, and waiting listeners told
   */
  private replace(row: RowId, changed: readonly number[], values: readonly Stored[], keep: boolean): Change | undefined {
    const { store } = this;
    const old = store.linkOf(row);
    const pages = store.pageExtent;
    const moves = this.moves(changed, old, values);
    const [only] = changed;
    if (!keep && changed.length === 1 && store.stageColumn(old, only as number, values[only as number])) {
      if (moves !== undefined) this.moveKeys(row, moves, NO_LINK, pages);
      this.logOverwrite(row, old, moves);
      store.overwriteColumn(old);
      return undefined;
    }
    store.stagePatch(old, changed, values);
    const inPlace = !keep && store.stagedFits(old);
    // Claiming room comes before the indexes: memory may end there, and in the indexes' steps nothing can fail.
    if (!inPlace) store.replace(row);
    if (moves !== undefined) this.moveKeys(row, moves, inPlace ? NO_LINK : old, pages);
    if (!inPlace) return this.change('update', row, old, store.linkOf(row), this.counter.value, pages);
    this.logOverwrite(row, old, moves);
    store.overwrite(row);
    return undefined;
  }

  private logOverwrite(row: RowId, link: Link, moves: readonly KeyMove[] | undefined): void {
    try {
      this.journal.logOverwrite(this, link);
    } catch (error) {
      if (moves !== undefined) moveBack(row, moves);
      throw error;
    }
  }

  private isWhole(changed: readonly number[]): boolean {
    return changed.length + this.primary.columns.length === this.schema.columns.length;
  }

  /** The indexes that the new values touch, with the key before and after. */
  private moves(changed: readonly number[], old: Link, values: readonly Stored[]): KeyMove[] | undefined {
    let moves: KeyMove[] | undefined;
    for (const index of this.secondaries) {
      if (!index.positions.some((position) => changed.includes(position))) continue;
      const from = this.keyAt(index, old);
      const to =
        index.positions.length === 1
          ? values[index.positions[0] as number]
          : index.positions.map((position, at) => (changed.includes(position) ? values[position] : (from as Key[])[at]));
      if (index.compare(from, to) === 0) continue;
      moves ??= [];
      moves.push({ index, from, to });
    }
    return moves;
  }

  /** Moves a row within indexes; a refusal puts it back everywhere, and restores its place where it has a new one. */
  private moveKeys(row: RowId, moves: readonly KeyMove[], replaced: Link, pages: number): void {
    try {
      const refusing = moveKeys(row, moves);
      if (refusing !== undefined) throw this.violation(refusing);
    } catch (error) {
      if (replaced !== NO_LINK) {
        this.store.restore(row, replaced);
        this.store.trimTo(pages);
      }
      throw error;
    }
  }

  /** Deletes a row. Its bytes stay until the journal has finished with them. */
  delete(row: RowId, expired = false): Change {
    this.journal.assertWritable();
    if (this.locks.any) this.locks.assertFree(this.primaryKeyOf(row), undefined);
    const link = this.store.linkOf(row);
    const pages = this.store.pageExtent;
    for (const index of this.secondaries) index.remove(this.keyAt(index, link), row);
    this.primary.remove(this.keyAt(this.primary, link), row);
    const change = this.change('delete', row, link, NO_LINK, this.counter.value, pages);
    return expired ? { ...change, expired } : change;
  }

  proposeKey(): number | bigint {
    return this.counter.peek();
  }

  takeKey(): number | bigint {
    const key = this.counter.peek();
    this.passKeys(key);
    return key;
  }

  /** Keys up to this one, which the counter can have, were given out: it moves past them. */
  passKeys(last: number | bigint): void {
    this.journal.assertWritable();
    const before = this.counter.value;
    this.counter.supplied(last);
    if (this.counter.value === before) return;
    this.journal.record(this.change('counter', NO_ROW, NO_LINK, NO_LINK, before, this.store.pageExtent));
  }

  undo(change: Change): void {
    const { row, oldLink, newLink } = change;
    if (change.kept) this.versions.retract(row, oldLink);
    switch (change.kind) {
      case 'insert':
        for (let at = this.secondaries.length - 1; at >= 0; at--) {
          const index = this.secondaries[at] as TableIndex;
          index.remove(this.keyAt(index, newLink), row);
        }
        this.primary.remove(this.keyAt(this.primary, newLink), row);
        this.removeRow(row);
        break;
      case 'update':
        for (let at = this.secondaries.length - 1; at >= 0; at--) {
          const index = this.secondaries[at] as TableIndex;
          const from = this.keyAt(index, oldLink);
          const to = this.keyAt(index, newLink);
          if (index.compare(from, to) === 0) continue;
          index.remove(to, row);
          addBack(index, from, row);
        }
        this.store.restore(row, oldLink);
        break;
      case 'delete':
        addBack(this.primary, this.keyAt(this.primary, oldLink), row);
        for (const index of this.secondaries) addBack(index, this.keyAt(index, oldLink), row);
        break;
      case 'counter':
    }
    this.expiry?.forget();
    this.counter.value = change.counter;
    this.store.trimTo(change.pages);
  }

  /** Frees a row that is in no index, and its id. Cannot fail. */
  removeRow(row: RowId): void {
    this.rowKeys?.forget(row);
    this.store.remove(row);
  }

  finish(change: Change): void {
    if (change.kind === 'delete') {
      if (change.kept) this.store.forget(change.row);
      else this.removeRow(change.row);
    } else if (change.kind === 'update' && !change.kept) {
      this.store.release(change.oldLink);
    }
  }

  operationOf(change: Change, lsn: Lsn, txn: number, seq: number): Operation {
    const { oldLink, newLink, kind } = change;
    const before = oldLink === NO_LINK ? undefined : this.store.bytesAt(oldLink);
    const after = newLink === NO_LINK ? undefined : this.store.bytesAt(newLink);
    const link: LinkInfo = this.store.placeOf(newLink === NO_LINK ? oldLink : newLink);
    return new Operation(this.operations, kind as ChangeKind, lsn, txn, seq, before, after, link, change.expired);
  }
}
