import { isThenable } from '../cdc/isolated-emitter.js';
import { QueryError, TransactionError, ValidationError } from '../errors.js';
import { elementToStored, elementToUser, type Refuse, type Stored } from '../schema/stored-value.js';
import { type ColumnSchema, columnNames, type QuerySchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { collectPatch } from './collect-patch.js';
import { type Condition, createCondition } from './condition.js';
import { findRows } from './execute.js';
import { QuerySpec } from './query-spec.js';
import { isExpired } from './row-expiry.js';
import type { IndexView, WritableTable } from './table-view.js';

/** Updates a row as a transaction of its own, or within the one that is open. */
export type UpdateRow = (row: RowId, changed: readonly number[], values: readonly Stored[]) => void;

type DeclaredQuery = (by: unknown, argument?: unknown) => number;

/** The functions of `table.queries`. Each call is one transaction over all the rows that it selects. */
export function createQueries(core: WritableTable, updateRow: UpdateRow): Record<string, DeclaredQuery> {
  const queries: Record<string, DeclaredQuery> = {};
  for (const schema of core.schema.queries) queries[schema.name] = createQuery(core, schema, updateRow);
  return Object.freeze(queries);
}

function createQuery(core: WritableTable, schema: QuerySchema, updateRow: UpdateRow): DeclaredQuery {
  const rowsOf = createSelector(core, schema);
  switch (schema.kind) {
    case 'update':
      return (by, values) => core.atOneMoment(() => setColumns(core, schema, () => rowsOf(by), values, updateRow));
    case 'inPlace':
      return (by, change) => core.atOneMoment(() => changeInPlace(core, schema, rowsOf(by), change, updateRow));
    default:
      return (by) => core.atOneMoment(() => forEachRow(core, rowsOf(by), (row) => core.journal.record(core.delete(row))));
  }
}

/** One row needs no transaction around it: its update is whole by itself. */
function forEachRow(core: WritableTable, rows: readonly RowId[], write: (row: RowId) => void): number {
  core.journal.assertWritable();
  if (rows.length === 1) write(rows[0] as RowId);
  else if (rows.length > 1) core.journal.run(() => rows.forEach(write));
  return rows.length;
}

/** The rows that `by` selects, found before any of them is written. Through an index over just these columns where there is one. */
function createSelector(core: WritableTable, schema: QuerySchema): (by: unknown) => RowId[] {
  const names = columnNames(core.schema, schema.by);
  const exact = [core.primary, ...core.secondaries].find((index) => index.positions.join() === schema.by.join());
  return (by) => {
    if (names.length > 1 && (!Array.isArray(by) || by.length !== names.length)) {
      throw new QueryError(core.name, undefined, `${schema.name} selects by a tuple of (${names.join(', ')})`);
    }
    const given = names.length === 1 ? [by] : (by as unknown[]);
    const conditions = names.map((name, at) => createCondition(core.schema, name, '=', given[at]));
    if (exact !== undefined && conditions.every((condition) => condition.operator === '=')) {
      core.reads?.where(conditions);
      return rowsAt(core, exact, conditions);
    }
    return findRows(core, QuerySpec.ALL.with({ conditions })).rows;
  };
}

function rowsAt(core: WritableTable, index: IndexView, conditions: readonly Condition[]): RowId[] {
  const rows: RowId[] = [];
  const parts = conditions.map((condition) => condition.values[0]);
  index.visit(parts.length === 1 ? parts[0] : parts, false, (row) => {
    if (!isExpired(core, row)) rows.push(row);
    return false;
  });
  return rows;
}

/** The values come first: reading them may run code of the caller's, and the rows must not change between found and written. */
function setColumns(core: WritableTable, schema: QuerySchema, rowsOf: () => RowId[], given: unknown, updateRow: UpdateRow): number {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${core.name}: ${schema.name} takes an object of columns`);
  const values = core.borrow();
  const changed = collectPatch(core, given, values);
  const missing = schema.set.find((position) => !changed.includes(position));
  if (missing !== undefined) throw new ValidationError(core.name, nameOf(core, missing), `missing; ${schema.name} sets it`);
  const extra = changed.find((position) => !schema.set.includes(position));
  if (extra !== undefined) throw new ValidationError(core.name, nameOf(core, extra), `${schema.name} does not set it`);
  const count = forEachRow(core, rowsOf(), (row) => updateRow(row, changed, values));
  core.giveBack(values);
  return count;
}

function nameOf(core: WritableTable, position: number): string {
  return (core.schema.columns[position] as ColumnSchema).name;
}

function changeInPlace(core: WritableTable, schema: QuerySchema, rows: RowId[], change: unknown, updateRow: UpdateRow): number {
  if (typeof change !== 'function') throw new TypeError(`${core.name}: ${schema.name} takes a function`);
  const columns = schema.set.map((position) => core.schema.columns[position] as ColumnSchema);
  return forEachRow(core, rows, (row) => {
    const draft: Record<string, unknown> = {};
    for (const column of columns) draft[column.name] = elementToUser(column, core.store.read(row, column.position));
    const values = core.borrow();
    core.readOnly('a function that changes a row in place must not write to tables itself', () => {
      if (isThenable(change(draft))) throw new TransactionError(`${core.name}: ${schema.name} takes a function that does not await`);
      collectDraft(core, schema, columns, draft, values); // the draft may have got getters
    });
    updateRow(row, schema.set, values);
    core.giveBack(values);
  });
}

function collectDraft(
  core: WritableTable,
  schema: QuerySchema,
  columns: readonly ColumnSchema[],
  draft: Record<string, unknown>,
  values: Stored[],
): void {
  for (const column of columns) {
    const refuse = core.refusals[column.position] as Refuse;
    const value = draft[column.name];
    values[column.position] =
      value === undefined ? refuse('undefined; give null where it is nullable') : elementToStored(column, value, refuse);
  }
  const extra = Object.keys(draft).find((name) => !columns.some((column) => column.name === name));
  if (extra !== undefined) throw new ValidationError(core.name, extra, `${schema.name} does not change it`);
}
