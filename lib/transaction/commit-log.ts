import type { Lsn } from '../cdc/operation.js';
import type { Delivery } from '../cdc/publisher.js';
import type { Link } from '../storage/link.js';
import type { Change, ChangeTarget, JournalEntry, LoggedTable } from './change.js';

/** Where committed transactions are kept, if anywhere: `PersistenceTask` is one. */
export interface CommitLog {
  /** @throws where no transaction can be taken now; nothing has been touched then */
  assertRoom(): void;
  /** Takes a transaction; its changes' bytes are where their links say. What throws undoes the transaction. */
  append(lsn: Lsn, txn: number, at: number, entries: readonly JournalEntry[]): void;
  /**
   * Takes a transaction of one update, whose new bytes are staged in the table's store and will be written over those at
   * `link`. What throws leaves both as they are.
   */
  appendOverwrite(lsn: Lsn, txn: number, at: number, table: LoggedTable, link: Link): void;
  /** Takes keys that were given out, and positions that were set, in a transaction without a row. */
  appendAside(nextLsn: Lsn, entries: readonly JournalEntry[]): void;
}

/** Keeps committed transactions in memory, for change feeds. */
export interface CommitRecorder {
  /** Makes room for them, so that `record` cannot fail. What throws undoes the transaction. */
  reserve(entries: readonly JournalEntry[]): void;
  record(lsn: Lsn, txn: number, at: number, entries: readonly JournalEntry[]): void;
}

/**
 * Follows commits while the bytes before and after each change are still where its links say. The steps are taken by all
 * followers one after the other; they come between the commit and its listeners, and do not throw.
 */
export interface CommitFollower {
  /** Whether it has to know of changes to this table. */
  hears(target: ChangeTarget): boolean;
  /** Remembers what was committed. */
  note(changes: readonly Change[], at: number): void;
  /** Looks at it with whatever user code there is, before any follower has moved on. */
  show(): void;
  /** Moves on. @returns what tells its listeners, when their turn comes */
  settle(lsn: Lsn): readonly Delivery[];
  /** Nothing more will be committed. */
  end(): void;
}
