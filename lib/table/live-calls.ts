import { QueryError } from '../errors.js';
import { AddingFold, CountFold, FirstFold, type StartFold } from '../live/fold.js';
import { LiveGroups } from '../live/live-groups.js';
import { LiveQuery } from '../live/live-query.js';
import { type LiveRows, UnorderedRows, WindowRows } from '../live/live-rows.js';
import { type LiveFilter, type LiveOrder, RowOrdering } from '../live/live-source.js';
import type { LiveTable } from '../live/live-table.js';
import { LiveValue } from '../live/live-value.js';
import type { ColumnType } from '../schema/column-type.js';
import { type Stored, sumToUser, toUser } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { Mean, Sum } from './aggregate.js';
import { createMatcher, requireNumeric, requireScalar } from './condition.js';
import { findRows, visitAny } from './execute.js';
import { wantedOrder } from './plan.js';
import type { QuerySpec } from './query-spec.js';
import type { TableView } from './table-view.js';
import type { Cell, ColumnOf, NumberColumnOf, ScalarColumnOf } from './types.js';

/**
 * What a query keeps up to date: its rows, when called, or one of its aggregates. All of them take in changes until they
 * are closed, or the database is.
 *
 * @throws QueryError on snapshots and in async transactions, where nothing changes, and as running the query does;
 * TransactionError within a transaction; ClosedError
 */
export interface LiveCalls<E extends object, R> extends LiveAggregates<E> {
  /** The rows. */
  (): LiveQuery<R>;
}

/** The aggregates that a query keeps up to date: as those of `SelectQuery`. They throw as `LiveCalls` do. */
export interface LiveAggregates<E extends object> {
  /** How many rows there are. */
  count(): LiveValue<number>;
  /** The sum of a column, exact also after rows have left. */
  sum<K extends NumberColumnOf<E>>(column: K): LiveValue<NonNullable<Cell<E, K>>>;
  /** The mean of a column. */
  avg(column: NumberColumnOf<E>): LiveValue<number | undefined>;
  /** The least value of a column. Four bytes are kept for each row. */
  min<K extends ScalarColumnOf<E>>(column: K): LiveValue<NonNullable<Cell<E, K>> | undefined>;
  /** The greatest value of a column. Four bytes are kept for each row. */
  max<K extends ScalarColumnOf<E>>(column: K): LiveValue<NonNullable<Cell<E, K>> | undefined>;
}

/** What a grouped query keeps up to date: as the calls of `GroupedQuery`. They throw as `LiveCalls` do. */
export interface LiveGroupCalls<E extends object, K extends ColumnOf<E>> {
  /** How many rows each group has. */
  count(): LiveGroups<Cell<E, K>, number>;
  /** The sum in each group. */
  sum<C extends NumberColumnOf<E>>(column: C): LiveGroups<Cell<E, K>, NonNullable<Cell<E, C>>>;
  /** The mean in each group. */
  avg(column: NumberColumnOf<E>): LiveGroups<Cell<E, K>, number | undefined>;
  /** The least value in each group. */
  min<C extends ScalarColumnOf<E>>(column: C): LiveGroups<Cell<E, K>, NonNullable<Cell<E, C>> | undefined>;
  /** The greatest value in each group. */
  max<C extends ScalarColumnOf<E>>(column: C): LiveGroups<Cell<E, K>, NonNullable<Cell<E, C>> | undefined>;
}

export function liveCalls<E extends object, R>(
  view: TableView,
  spec: QuerySpec,
  columns: readonly ColumnSchema[] | undefined,
): LiveCalls<E, R> {
  const aggregates: LiveAggregates<E> = {
    count: () => liveCount(view, spec),
    sum: (column) => liveValue(view, spec, sumOf(view, column)),
    avg: (column) => liveValue(view, spec, meanOf(view, column)),
    min: (column) => liveValue(view, spec, extremeOf(view, column, false)),
    max: (column) => liveValue(view, spec, extremeOf(view, column, true)),
  };
  return Object.assign(() => liveRows<R>(view, spec, columns), aggregates);
}

export function liveGroupCalls<E extends object, K extends ColumnOf<E>>(
  view: TableView,
  spec: QuerySpec,
  by: ColumnSchema,
): LiveGroupCalls<E, K> {
  return {
    count: () => liveGroups(view, spec, by, COUNT),
    sum: (column) => liveGroups(view, spec, by, sumOf(view, column)),
    avg: (column) => liveGroups(view, spec, by, meanOf(view, column)),
    min: (column) => liveGroups(view, spec, by, extremeOf(view, column, false)),
    max: (column) => liveGroups(view, spec, by, extremeOf(view, column, true)),
  };
}

/** An aggregate, and the column that it is of. */
interface Aggregate {
  readonly start: StartFold;
  readonly columns: readonly ColumnSchema[];
  readonly toUser: (value: Stored) => unknown;
}

const COUNT: Aggregate = { start: () => new CountFold(), columns: [], toUser: (value) => value };

function sumOf(view: TableView, name: string): Aggregate {
  const column = requireNumeric(view.schema, name);
  return {
    start: (source) => new AddingFold(source, column.position, new Sum(column.type)),
    columns: [column],
    toUser: (value) => sumToUser(column.type, value as number | bigint),
  };
}

function meanOf(view: TableView, name: string): Aggregate {
  const column = requireNumeric(view.schema, name);
  return { start: (source) => new AddingFold(source, column.position, new Mean(column.type)), columns: [column], toUser: (value) => value };
}

function extremeOf(view: TableView, name: string, descending: boolean): Aggregate {
  const column = requireScalar(view.schema, name);
  const key = view.primary.columns.filter((one) => one !== column).map((one) => ({ column: one, descending: false }));
  const order: LiveOrder[] = [{ column, descending }, ...key];
  return {
    start: (source, places) => new FirstFold(source, places, order),
    columns: [column],
    toUser: (value) => (value === undefined ? undefined : toUser(column.type as ColumnType, value)),
  };
}

function liveTableOf(view: TableView): LiveTable {
  if (view.lives !== undefined) return view.lives;
  throw new QueryError(
    view.name,
    undefined,
    'live() follows what is committed to a table: ask db.table(…), not a snapshot or a transaction',
  );
}

function filterOf(view: TableView, spec: QuerySpec): LiveFilter {
  const equal = spec.conditions.find(({ operator }) => operator === '=');
  return {
    matchers: spec.conditions.map((condition) => createMatcher(condition, view.codec)),
    predicates: spec.predicates,
    route: equal === undefined ? undefined : { column: equal.column, value: equal.values[0] },
  };
}

/** The rows that meet the conditions, in the query's order, whatever window of them it asks for. */
function allRows(view: TableView, spec: QuerySpec): RowId[] {
  return findRows(view, spec.whole).rows;
}

function liveRows<R>(view: TableView, spec: QuerySpec, columns: readonly ColumnSchema[] | undefined): LiveQuery<R> {
  const lives = liveTableOf(view);
  return lives.begin(() => {
    const window = { order: wantedOrder(view, spec), offset: spec.offset, limit: spec.limit };
    return new LiveQuery<R>(lives, { filter: filterOf(view, spec), window, columns, rows: allRows(view, spec) });
  });
}

/** Follows the rows that are aggregated: all that meet the conditions, or a window of them. */
function membersOf(view: TableView, spec: QuerySpec, lives: LiveTable): { members: LiveRows; rows: RowId[] } {
  if (spec.offset === 0 && spec.limit === Number.POSITIVE_INFINITY) {
    const rows: RowId[] = [];
    visitAny(view, spec, (row) => rows.push(row));
    return { members: new UnorderedRows(rows), rows };
  }
  const window = { order: wantedOrder(view, spec), offset: spec.offset, limit: spec.limit };
  const members = new WindowRows(allRows(view, spec), window, new RowOrdering(lives.source, lives.places, window.order), lives.places);
  return { members, rows: members.inOrder() };
}

function liveValue<V>(view: TableView, spec: QuerySpec, { start, columns, toUser }: Aggregate): LiveValue<V> {
  const lives = liveTableOf(view);
  return lives.begin(() => {
    const members = membersOf(view, spec, lives);
    return new LiveValue<V>(lives, {
      filter: filterOf(view, spec),
      ...members,
      fold: start,
      columns,
      toUser: toUser as (value: Stored) => V,
    });
  });
}

/** Of a window, how many rows it has follows from how many meet the conditions: which they are does not matter. */
function liveCount(view: TableView, spec: QuerySpec): LiveValue<number> {
  const lives = liveTableOf(view);
  const { offset, limit } = spec;
  return lives.begin(() => {
    return new LiveValue(lives, {
      filter: filterOf(view, spec),
      ...membersOf(view, spec.whole, lives),
      fold: COUNT.start,
      columns: COUNT.columns,
      reduce: (rows) => Math.min(Math.max((rows as number) - offset, 0), limit),
      toUser: (rows) => rows as number,
    });
  });
}

function liveGroups<K, V>(view: TableView, spec: QuerySpec, by: ColumnSchema, aggregate: Aggregate): LiveGroups<K, V> {
  const lives = liveTableOf(view);
  const toUser = aggregate.toUser as (value: Stored) => V;
  return lives.begin(() => {
    const members = membersOf(view, spec, lives);
    const columns = [by, ...aggregate.columns];
    return new LiveGroups<K, V>(lives, { filter: filterOf(view, spec), ...members, by, fold: aggregate.start, columns, toUser });
  });
}
