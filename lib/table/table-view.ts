import type { KeyRange } from '../index/entry-map.js';
import type { Compare, Key } from '../index/key-order.js';
import type { LiveTable } from '../live/live-table.js';
import type { KnownText, RowCodec } from '../schema/row-codec.js';
import type { Refuse, Stored } from '../schema/stored-value.js';
import type { ColumnSchema, IndexKind, TableSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import type { Change, ChangeTarget } from '../transaction/change.js';
import type { Journal } from '../transaction/journal.js';
import type { Condition } from './condition.js';

/** One index, as far as a query needs it. */
export interface IndexView {
  readonly name: string;
  readonly unique: boolean;
  readonly using: IndexKind;
  readonly columns: readonly ColumnSchema[];
  readonly positions: readonly number[];
  readonly compare: Compare;
  keyOf(values: readonly Stored[]): Key;
  /** Whether it can be walked in key order. */
  readonly isOrdered: boolean;
  /** Rows in the index. */
  readonly entries: number;
  getOne(key: Key): RowId | undefined;
  /** How many rows have the key. */
  countOf(key: Key): number;
  /** At most so many rows have the key: found at once, for the planner. */
  mostOf(key: Key): number;
  visit(key: Key, reverse: boolean, visit: (row: RowId) => boolean): boolean;
  scan(range: KeyRange, reverse: boolean, visit: (row: RowId) => boolean): void;
  all(): Iterable<{ key: Key; row: RowId }>;
}

/** The rows of a table as of some moment, by row id. */
export interface RowsView {
  bufferOf(row: RowId): Buffer;
  positionOf(row: RowId): number;
  read(row: RowId, column: number): Stored;
  decode(row: RowId): object;
  /** As `decode`, for a row of which it is known which text a column has, that is not null. */
  decodeKnowing(row: RowId, column: number, text: string): object;
  /** Many rows, in their order. */
  decodeAll(rows: readonly RowId[], known?: KnownText): object[];
  /** The rows, where they can be walked without an index. */
  readonly byId?: RowsById;
}

/** Rows that stand in one place. While a transaction is open there may be more of them than are in the table. */
export interface RowsById {
  readonly count: number;
  isAlive(row: RowId): boolean;
  readonly idExtent: number;
  /** How many rows pass a test of their bytes. */
  countWhere(test: (buffer: Buffer, position: number) => boolean): number;
}

/** A table as a reader sees it: as it is now, as of a snapshot, or from within an async transaction. */
export interface TableView {
  readonly name: string;
  readonly schema: TableSchema;
  readonly codec: RowCodec;
  readonly store: RowsView;
  readonly primary: IndexView;
  readonly secondaries: readonly IndexView[];
  readonly count: number;
  /** Whether a row found once can be read later, whatever has been written since. */
  readonly isStable: boolean;
  /** Rows that expire then or before are not there; `undefined` where none such is left, or rows never expire. */
  cutoff(): number | undefined;
  /** Runs user code that may read and not write. */
  readOnly<T>(reason: string, work: () => T): T;
  /** The live queries of a table; a view of the past, or of what is not committed, has none. */
  readonly lives?: LiveTable;
  /** Hears of the conditions of every query that is run, and of keys that are looked up. */
  readonly reads?: { where(conditions: readonly Condition[]): void; point(index: IndexView, key: Key): void };
}

/** A table as a writer sees it: the steps from which all calls that write are made. */
export interface WritableTable extends TableView, ChangeTarget {
  readonly journal: Journal;
  /** Does work that finds rows and then writes them: none of them expires in between. */
  atOneMoment<T>(work: () => T): T;
  /** For each column, what refuses a value of it. */
  readonly refusals: readonly Refuse[];
  borrow(): Stored[];
  giveBack(values: Stored[]): void;
  /** Without `keep`, there may be no change to record. */
  insert(values: Stored[], keep: boolean): Change | undefined;
  update(row: RowId, changed: readonly number[], values: readonly Stored[], keep: boolean): Change | undefined;
  delete(row: RowId): Change;
  /** The key that the next insert without one gets. */
  proposeKey(): number | bigint;
  /** A key for the caller's own use, which no other row gets. */
  takeKey(): number | bigint;
}
