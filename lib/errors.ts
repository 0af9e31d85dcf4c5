/**
 * Every error that worktable throws on purpose. One class for each decision that a caller can take; `code` is
 * stable, facts are fields, and no text ever holds a row's values. `docs/errors.md` lists cause and fix of each.
 *
 * Misuse of an argument's JavaScript type (a string where a function belongs) is a plain `TypeError`.
 */
export abstract class WorkTableError extends Error {
  abstract readonly code: string;
  /** The class's name. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** A class, or the set of classes, that cannot become tables. Thrown while a database is built, never later. */
export class SchemaError extends WorkTableError {
  readonly code = 'WT_SCHEMA';
  constructor(
    readonly className: string,
    readonly property: string | undefined,
    cause: string,
    fix: string,
  ) {
    super(`${property === undefined ? className : `${className}.${property}`}: ${cause}. ${fix}.`);
  }
}

/** A value that its column does not take. Nothing was written. `row` is the row's number in `insertMany`, from 0. */
export class ValidationError extends WorkTableError {
  readonly code = 'WT_VALIDATION';
  constructor(
    readonly table: string,
    readonly column: string,
    readonly reason: string,
    readonly row?: number,
  ) {
    const path = reason.startsWith('.') || reason.startsWith('[') ? '' : ': '; // a place within the column's value
    super(`${row === undefined ? '' : `row ${row}: `}${table}.${column}${path}${reason}`);
  }
}

/** A row with this primary key exists. Nothing was written. */
export class DuplicateKeyError extends WorkTableError {
  readonly code = 'WT_DUPLICATE_KEY';
  constructor(
    readonly table: string,
    /** The key that was refused, for the caller's use; the text does not hold it. */
    readonly key: unknown,
    readonly row?: number,
  ) {
    super(`${row === undefined ? '' : `row ${row}: `}${table}: a row with this primary key exists`);
  }
}

/** Another row has this value in a unique index: the first violated one in declaration order. Nothing was written. */
export class UniqueViolationError extends WorkTableError {
  readonly code = 'WT_UNIQUE_VIOLATION';
  constructor(
    readonly table: string,
    readonly index: string,
    readonly columns: readonly string[],
    readonly row?: number,
  ) {
    super(`${row === undefined ? '' : `row ${row}: `}${table}: a row with this value exists in unique index ${index}`);
  }
}

/** No row has this primary key. */
export class NotFoundError extends WorkTableError {
  readonly code = 'WT_NOT_FOUND';
  constructor(
    readonly table: string,
    readonly key: unknown,
  ) {
    super(`${table}: no row has this primary key`);
  }
}

/** `reinsertCdc(old, new)`: the stored row is no longer `old`. Read it again and decide anew. */
export class StaleRowError extends WorkTableError {
  readonly code = 'WT_STALE_ROW';
  constructor(
    readonly table: string,
    readonly key: unknown,
  ) {
    super(`${table}: the stored row differs from the old row that was given; select it again`);
  }
}

/** A query that cannot be answered as it was asked: an unknown column, no index that serves it, an undefined value. */
export class QueryError extends WorkTableError {
  readonly code = 'WT_QUERY';
  constructor(
    readonly table: string,
    readonly column: string | undefined,
    reason: string,
  ) {
    super(`${column === undefined ? table : `${table}.${column}`}: ${reason}`);
  }
}

/** A transaction that was used as it cannot be: a callback that returns a promise, a write from within a read. */
export class TransactionError extends WorkTableError {
  readonly code = 'WT_TRANSACTION';
}

/**
 * `transactionAsync`: another transaction changed, or holds, a row that this one read or wanted to write. Nothing was
 * written; run it again, or give `{ retries }`.
 */
export class TransactionConflictError extends WorkTableError {
  readonly code = 'WT_TRANSACTION_CONFLICT';
  readonly retryable = true;
  constructor(
    readonly table: string,
    readonly key: unknown,
  ) {
    super(`${table}: another transaction changed or holds a row that this one reads or writes; run it again, or give { retries }`);
  }
}

/** `transactionAsync(work, { timeoutMs })`: it had not ended in time. Nothing was written. */
export class TransactionTimeoutError extends WorkTableError {
  readonly code = 'WT_TRANSACTION_TIMEOUT';
  readonly retryable = true;
  constructor(readonly timeoutMs: number) {
    super(`the transaction had not ended after ${timeoutMs} ms, and was rolled back`);
  }
}

/** `transactionAsync(work, { signal })`: the signal ended it. Nothing was written. `cause` is the signal's reason. */
export class TransactionAbortedError extends WorkTableError {
  readonly code = 'WT_TRANSACTION_ABORTED';
  readonly retryable = false;
  constructor(reason: unknown) {
    super('the transaction was ended by its signal, and rolled back', { cause: reason });
  }
}

/** Somebody holds a lock on this row, or on these columns of it. Nothing was written; try again when it is free. */
export class RowLockedError extends WorkTableError {
  readonly code = 'WT_ROW_LOCKED';
  readonly retryable = true;
  constructor(
    readonly table: string,
    readonly key: unknown,
  ) {
    super(`${table}: the row is locked by another holder; write through its guard, or wait with lock(key)`);
  }
}

/** `lock(key, columns, { timeoutMs })`: the lock was not free in time. Nothing is held. */
export class LockTimeoutError extends WorkTableError {
  readonly code = 'WT_LOCK_TIMEOUT';
  readonly retryable = true;
  constructor(
    readonly table: string,
    readonly timeoutMs: number,
  ) {
    super(`${table}: the lock was not free within ${timeoutMs} ms`);
  }
}

/** A row whose bytes exceed `maxRowBytes`. Nothing was written. */
export class RowTooLargeError extends WorkTableError {
  readonly code = 'WT_ROW_TOO_LARGE';
  constructor(
    readonly table: string,
    readonly sizeBytes: number,
    readonly limitBytes: number,
  ) {
    super(`${table}: the row takes ${sizeBytes} bytes, the limit is ${limitBytes} (option maxRowBytes)`);
  }
}

/** A table that has used all the pages or rows which its links can address. Nothing was written. */
export class TableFullError extends WorkTableError {
  readonly code = 'WT_TABLE_FULL';
  constructor(
    readonly table: string,
    limit: string,
  ) {
    super(`${table}: the table is full (${limit})`);
  }
}

/** Bytes that are not what they should be. `offsetBytes` counts from the start of what was read. */
export class CorruptionError extends WorkTableError {
  readonly code = 'WT_CORRUPTION';
  constructor(
    readonly file: string | undefined,
    readonly offsetBytes: number,
    readonly reason: string,
  ) {
    super(`${file ?? 'bytes'} at offset ${offsetBytes}: ${reason}`);
  }
}

/** Another opener holds the store: in this process, another one, or another container. Nothing was changed. */
export class DatabaseLockedError extends WorkTableError {
  readonly code = 'WT_DATABASE_LOCKED';
  constructor(
    readonly path: string,
    /** The process that holds it, as its lock file says; a number of its own container's. */
    readonly pid: number | undefined,
    readonly host: string | undefined,
  ) {
    super(`${path}: the database is open already${pid === undefined ? '' : ` in process ${pid} on ${host}`}; close it there first`);
  }
}

/** What is stored under a table's name is not what its class describes. Nothing was changed. */
export class SchemaMismatchError extends WorkTableError {
  readonly code = 'WT_SCHEMA_MISMATCH';
  constructor(
    readonly table: string,
    /** What differs, a line each. */
    readonly differences: readonly string[],
  ) {
    super(`${table}: the stored table differs from its class: ${differences.join('; ')}`);
  }
}

/** Files of a format that this version does not read. Nothing was changed; open them with a newer version. */
export class FormatVersionError extends WorkTableError {
  readonly code = 'WT_FORMAT_VERSION';
  constructor(
    readonly file: string,
    readonly needed: number,
    readonly known: number,
  ) {
    super(`${file}: format ${needed} is needed to read it, and this version of worktable knows ${known}; open it with a newer one`);
  }
}

/** The disk has no room for what was committed. Nothing was written; committed work waits, and goes on when there is room. */
export class DiskFullError extends WorkTableError {
  readonly code = 'WT_DISK_FULL';
  readonly retryable = true;
  constructor(reason: unknown) {
    super(`the disk takes no more (${diskCode(reason)}); writes go on when there is room`, { cause: reason });
  }
}

/** Committed transactions wait for an engine that cannot take them now. Nothing was written; wait for `waitForOps()`. */
export class QueueFullError extends WorkTableError {
  readonly code = 'WT_QUEUE_FULL';
  readonly retryable = true;
  constructor(readonly limitBytes: number) {
    super(`${limitBytes} bytes of committed transactions wait to be stored; await waitForOps() before more is written`);
  }
}

/**
 * The disk failed in a way after which nobody can say what is on it. Writes are refused, reads go on; close the database
 * and open it again, which reads what is really there. Whether a transaction that was waiting is stored is not known.
 */
export class PersistenceFailedError extends WorkTableError {
  readonly code = 'WT_PERSISTENCE_FAILED';
  readonly indeterminate = true;
  constructor(reason: unknown) {
    super(`the store failed (${diskCode(reason)}); close it and open it again`, { cause: reason });
  }
}

/** A database that was opened to be read. */
export class ReadOnlyError extends WorkTableError {
  readonly code = 'WT_READ_ONLY';
  constructor(reason: string) {
    super(`the database is open for reading alone: ${reason}`);
  }
}

function diskCode(reason: unknown): string {
  const { code, message } = reason as Partial<NodeJS.ErrnoException>;
  return code ?? message ?? 'unknown';
}

/**
 * The log does not reach back to this position any more: what came right behind it is gone. Go on from a snapshot
 * (`from: 'snapshot'`); from `oldest` on only where it does not matter what was missed.
 */
export class OffsetTruncatedError extends WorkTableError {
  readonly code = 'WT_OFFSET_TRUNCATED';
  constructor(
    /** The position that was asked for. */
    readonly from: number,
    /** The oldest position from which reading can go on. */
    readonly oldest: number,
  ) {
    super(`the log goes back to position ${oldest}, and not to ${from}; begin anew from a snapshot`);
  }
}

/**
 * The database has not come to this position: who has it followed another one, or was given transactions that were not
 * durable and are lost. Begin anew from a snapshot.
 */
export class OffsetAheadError extends WorkTableError {
  readonly code = 'WT_OFFSET_AHEAD';
  constructor(
    /** The position that was given. */
    readonly from: number,
    /** The newest that there is. */
    readonly newest: number,
  ) {
    super(`the database has come to position ${newest}, and not to ${from}; begin anew from a snapshot`);
  }
}

/** As many positions have names as may. Nothing was written; remove one that nobody needs. */
export class PositionLimitError extends WorkTableError {
  readonly code = 'WT_POSITION_LIMIT';
  constructor(readonly limit: number) {
    super(`${limit} positions have names already; remove a consumer or follower that nobody needs`);
  }
}

/** What is no event of the tables that it should be of: another form, another table, rows that its kind does not have. */
export class EventFormatError extends WorkTableError {
  readonly code = 'WT_EVENT_FORMAT';
  constructor(readonly reason: string) {
    super(`not an event of these tables: ${reason}`);
  }
}

/** Transactions of a followed database are missing between what was applied and what came. Nothing of it was applied. */
export class PositionGapError extends WorkTableError {
  readonly code = 'WT_POSITION_GAP';
  constructor(
    readonly source: string,
    /** The position that comes next. */
    readonly expected: number,
    /** The position that came. */
    readonly found: number,
  ) {
    super(`${source}: transaction ${expected} is next, and ${found} came; read on from ${expected - 1}, or begin with an image`);
  }
}

/** A change of a followed database that does not fit the table here. Nothing of its transaction was applied. */
export class ChangeMismatchError extends WorkTableError {
  readonly code = 'WT_CHANGE_MISMATCH';
  constructor(
    readonly table: string,
    /** The row's key, for the caller's use; the text does not hold it. */
    readonly key: unknown,
    readonly lsn: number,
    readonly seq: number,
    reason: string,
    cause?: unknown,
  ) {
    super(`${table}: change ${seq} of transaction ${lsn} does not fit: ${reason}`, cause === undefined ? undefined : { cause });
  }
}

/** What a container was to inject is not there: a database that nobody registered, or two of one name. */
export class InjectionError extends WorkTableError {
  readonly code = 'WT_INJECTION';
}

/** The database was closed. */
export class ClosedError extends WorkTableError {
  readonly code = 'WT_CLOSED';
  constructor() {
    super('the database is closed');
  }
}

/** A bug of worktable itself. Never caught inside the library; please report it. */
export class InvariantError extends WorkTableError {
  readonly code = 'WT_INVARIANT';
}
