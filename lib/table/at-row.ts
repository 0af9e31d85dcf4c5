import { DuplicateKeyError, UniqueViolationError, ValidationError } from '../errors.js';

/** The same error, saying which of many rows it is about. */
export function atRow(error: unknown, row: number): unknown {
  if (error instanceof ValidationError) return new ValidationError(error.table, error.column, error.reason, row);
  if (error instanceof DuplicateKeyError) return new DuplicateKeyError(error.table, error.key, row);
  if (error instanceof UniqueViolationError) return new UniqueViolationError(error.table, error.index, error.columns, row);
  return error;
}
