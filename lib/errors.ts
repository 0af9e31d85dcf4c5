/**
 * Every error that worktable throws on purpose. One class for each decision that a caller can take; `code` is
 * stable, facts are fields, and no text ever holds a row's values. `docs/errors.md` lists cause and fix of each.
 *
 * Misuse of an argument's JavaScript type (a string where a function belongs) is a plain `TypeError`.
 */
export abstract class WorkTableError extends Error {
  abstract readonly code: string;
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
