import type { ChangeKind, Lsn, Operation } from './operation.js';

/** What a change event tells of: a change, or, where an image is read before the changes after it, a row of the image. */
export type ChangeEventKind = ChangeKind | 'read';

/** Where a row stands in its image: its beginning and end, and those of its table's rows, are marked. */
export type SnapshotMark = 'first' | 'first_in_data_collection' | 'true' | 'last_in_data_collection' | 'last';

/** A committed change, as listeners see it. Rows are the listener's own. */
export interface ChangeEvent<Row = object, Key = unknown> {
  /** The position of its transaction in the order of commits. */
  readonly lsn: Lsn;
  readonly txn: number;
  /** Its place within the transaction, from 0. */
  readonly seq: number;
  readonly table: string;
  readonly kind: ChangeEventKind;
  readonly key: Key;
  readonly before: Row | null;
  readonly after: Row | null;
  /** When its transaction was committed. */
  readonly at: Date;
  /** Of a delete: the row's time was over. */
  readonly expired?: true;
  /** In a feed: the last that it gives of its transaction, or of its image. Who has it has the whole of it. */
  readonly last?: true;
  /** Of a row of an image: its place there. */
  readonly snapshot?: SnapshotMark;
}

/** The last key that a table has given out, or been given. */
export interface KeyCount {
  readonly table: string;
  readonly key: bigint;
}

/** A committed transaction with all its changes, in their order. */
export interface CommitEvent {
  readonly lsn: Lsn;
  readonly txn: number;
  readonly at: Date;
  readonly changes: readonly ChangeEvent[];
  /** In a feed: no transaction, but rows of the image with which it began, as of `lsn`; `last` with the last of them. */
  readonly snapshot?: 'part' | 'last';
  /**
   * In a feed: how far tables have counted that give out keys, where rows do not tell: keys given out without a row since
   * the transaction before, and, with the last of an image, those of rows that are gone.
   */
  readonly counters?: readonly KeyCount[];
}

export function changeEventOf(operation: Operation, at: Date): ChangeEvent {
  const { lsn, txn, seq, table, kind, key, before, after, expired } = operation;
  const event = { lsn, txn, seq, table, kind, key, before, after, at: new Date(at) };
  return expired ? { ...event, expired } : event;
}
