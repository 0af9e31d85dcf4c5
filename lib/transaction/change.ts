import type { ChangeKind, Lsn, Operation } from '../cdc/operation.js';
import type { Link, RowId } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';
import type { PositionChange } from './positions.js';

/**
 * One change as it was applied, with all that undoes it. While its transaction is open, the bytes before it stay where
 * they were (`oldLink`), so undoing needs no room and cannot fail; `finish` gives that room back after the commit.
 */
export interface Change {
  readonly target: ChangeTarget;
  /** `counter`: a key was handed out, and no row changed. */
  readonly kind: ChangeKind | 'counter';
  readonly row: RowId;
  /** The row's place before: of an update and a delete. */
  readonly oldLink: Link;
  /** Its place after: of an insert and an update. */
  readonly newLink: Link;
  /** The autoincrement counter before. */
  readonly counter: number | bigint;
  /** How many pages there were before. */
  readonly pages: number;
  /** Whether the bytes before stay after the commit, for a snapshot. */
  readonly kept: boolean;
  /** Of a delete: the row's time was over. */
  readonly expired: boolean;
}

/** What a transaction is made of. */
export type JournalEntry = Change | PositionChange;

/** A table, as far as the journal knows it. */
export interface ChangeTarget {
  undo(change: Change): void;
  finish(change: Change): void;
  operationOf(change: Change, lsn: Lsn, txn: number, seq: number): Operation;
  /** Snapshots keep old versions of this table's rows. */
  readonly keepsVersions: boolean;
  /** Somebody listens to this table's changes. */
  readonly isHeard: boolean;
  /** What a log needs of it. */
  readonly logged: LoggedTable;
}

/** A table, as far as a log knows it. */
export interface LoggedTable {
  readonly store: RowStore;
  /** The table's number in the log. */
  readonly logId: number;
  /** The last key that was given out. */
  readonly counterValue: number | bigint;
}
