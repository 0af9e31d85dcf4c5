import type { StoredTable } from './stored-table.js';
import type { TransactionGroup } from './transaction-group.js';
import type { RecordVisitor } from './transaction-record.js';

/**
 * Where committed transactions go, and from where they come back. Local files are one engine (`FileEngine`); a log on
 * other machines may be another. An engine knows bytes and positions, and nothing of rows, indexes or files elsewhere.
 *
 * Order of calls: `open`, then any number of `write`, one at a time, `checkpoint` and `idle` beside them, then `close`.
 */
export interface PersistenceEngine {
  /**
   * Brings back what is stored, through `target`, and makes ready for what follows.
   * @throws CorruptionError, SchemaMismatchError, DatabaseLockedError, FormatVersionError, and what the disk throws
   */
  open(tables: readonly StoredTable[], target: RecoveryTarget): Promise<OpenedStore>;
  /**
   * Stores a group. Resolves when it is as safe as the engine promises; then positions up to its last one are.
   * @throws DiskFullError where nothing of the rest is stored, and the same group may be given again when there is room;
   * after anything else the engine is of no more use
   */
  write(group: TransactionGroup): Promise<void>;
  /**
   * As `write`, before it returns. A `write` that is still out is finished first; its promise settles later, and only
   * then is it known whether both are safe. Engines that cannot wait in place have none.
   */
  writeNow?(group: TransactionGroup): void;
  /** Nothing more is written for now: the engine makes what it has as safe as it can. @throws as `write` */
  idle(): Promise<void>;
  /** How long nothing is to be written before `idle` is worth its while. */
  readonly idleAfterMs: number;
  /** Stores a whole state, from which the next `open` goes on. The log up to its position has been written. */
  checkpoint(image: DatabaseImage): Promise<CheckpointResult>;
  /** Committed transactions from behind a position on. Any number of readers, at any time after `open`. */
  readFrom(afterLsn: number): LogCursor;
  /** Behind this position everything can be read. */
  readonly oldestLsn: number;
  /** What is kept for readers from now on. Until it was called everything is kept that there is. */
  retain(retention: LogRetention): void;
  /** Whether a checkpoint is worth its while, given what was written since the last one. */
  readonly wantsCheckpoint: boolean;
  readonly stats: EngineStats;
  /** Makes everything that was written last, and lets the store go. `lsn` and `txn` are the last ones. */
  close(lsn: number, txn: number): Promise<void>;
  /** Lets the store go as it is. */
  abandon(): void;
}

/** Reads the log. One call at a time. */
export interface LogCursor {
  /**
   * The next transactions, as far as `upTo`, which the engine has promised to be durable: none beyond it, and none twice;
   * but the first may come with some that its user has. Nothing where `upTo` is reached.
   * @throws OffsetTruncatedError where they are not there any more; CorruptionError; what the medium throws
   */
  next(upTo: number): Promise<LogSlice | undefined>;
  close(): void;
}

/** Whole records, `[from, to)`, as they were given to `write`: good until the next call of the cursor. */
export interface LogSlice {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly firstLsn: number;
  readonly transactions: number;
  /** Where they are from, and where in it `bytes` begins: for what is said of damage. */
  readonly source: string;
  readonly sourceOffset: number;
}

/** How much of the log is kept for readers, beyond what recovery needs: whatever any of these wants. */
export interface LogRetention {
  /** Its latest bytes. */
  readonly bytes: number;
  /** What was written in the last milliseconds. */
  readonly ms: number;
  /** Everything behind this position, as long as the log has no more than `afterBytes` then. */
  readonly afterLsn: number | undefined;
  readonly afterBytes: number;
}

export interface OpenedStore {
  readonly report: RecoveryReport;
  /** The number of each table in records, in the order in which they were given. */
  readonly tableIds: readonly number[];
}

/** Takes a store's state at `open`: first each table's rows, then what happened after them. */
export interface RecoveryTarget extends RecordVisitor {
  /** A row of the state at the checkpoint. `table` is the place in the list that `open` was given. */
  row(table: number, bytes: Buffer, from: number, to: number): void;
  /**
   * Everything was given. What throws here refuses the store, and nothing is changed in it.
   * @param leftOut in salvage: rows that cannot be beside one another are left out, and this is told of them
   */
  end(leftOut?: (reason: string) => void): void;
}

/** What opening found, and what it did about it. */
export interface RecoveryReport {
  /** The last transaction that is stored. */
  readonly lsn: number;
  readonly txn: number;
  /** The position of the checkpoint, 0 without one. */
  readonly checkpointLsn: number;
  readonly rows: number;
  /** Transactions read from the log. */
  readonly transactions: number;
  /** Whether the store had been closed, or was new. */
  readonly clean: boolean;
  /** Bytes behind the log's end that are no part of it, as a crash leaves them; they were kept in `quarantined`. */
  readonly tornTail: { readonly file: string; readonly offsetBytes: number; readonly bytes: number; readonly quarantined: string } | null;
  /** What could not be read. Only `LoadMode.Salvage` goes on with any. */
  readonly damage: readonly Damage[];
  readonly durationMs: number;
}

/** A place of a store that could not be read. */
export interface Damage {
  readonly file: string;
  readonly offsetBytes: number;
  readonly reason: string;
}

/** A state of all tables at one position, to be stored. */
export interface DatabaseImage {
  readonly lsn: number;
  readonly txn: number;
  readonly tables: readonly TableImage[];
  readonly positions: ReadonlyMap<string, number>;
  release(): void;
}

/** A table's part of a state that is to be stored. */
export interface TableImage {
  readonly counter: bigint;
  readonly rows: number;
  /**
   * Gives rows from where it stopped, until `take` returns false or the time is over.
   * @returns whether there are more
   */
  read(take: (bytes: Buffer, from: number, length: number) => boolean, deadline: number): boolean;
}

/** What a checkpoint stored: all rows as of `lsn`. */
export interface CheckpointResult {
  readonly lsn: number;
  readonly rows: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** How much an engine keeps. */
export interface EngineStats {
  /** Bytes of the log since the last checkpoint. */
  readonly logBytes: number;
  readonly segments: number;
  readonly checkpointLsn: number;
  readonly checkpointBytes: number;
  /** Bytes of the log that only readers of the past need. */
  readonly keptBytes: number;
}
