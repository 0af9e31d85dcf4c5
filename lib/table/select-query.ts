import { QueryError } from '../errors.js';
import { compareValues } from '../index/key-order.js';
import type { ColumnType } from '../schema/column-type.js';
import { elementToUser, type Stored, sumToUser, toUser } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { Mean, Sum } from './aggregate.js';
import { type Condition, createCondition, findColumn, knownText, type Operator, requireNumeric, requireScalar } from './condition.js';
import { countRows, findRows, visitAny } from './execute.js';
import { GroupedQuery } from './grouped-query.js';
import { type LiveCalls, liveCalls } from './live-calls.js';
import type { Plan } from './plan.js';
import { QuerySpec } from './query-spec.js';
import type { TableView } from './table-view.js';
import type { Cell, ColumnOf, NumberColumnOf, ScalarColumnOf } from './types.js';

/** How a query was answered: `explain()` runs it and tells. */
export interface Explanation {
  readonly table: string;
  /** The index that was walked; `primary` for the primary key's. */
  readonly index: string;
  /** `point`: some keys were looked up. `range`: a part of the index was walked. `scan`: all of it. */
  readonly access: 'point' | 'range' | 'scan';
  /** The conditions that the index answered. */
  readonly range: string;
  readonly reverse: boolean;
  /** The conditions that were tested row by row. */
  readonly filter: string;
  /** What was sorted by; empty where the index gave the order. */
  readonly sort: string;
  readonly rowsExamined: number;
  readonly rowsReturned: number;
}

type TextColumn<E> = { [K in ColumnOf<E>]: Cell<E, K> extends string | null ? K : never }[ColumnOf<E>];

/**
 * A query over one table: immutable, so each call gives a new one, and lazy, so nothing runs before a call that ends
 * it (`execute`, `first`, `count`, aggregates, iteration, `explain`). It picks its index itself.
 *
 * Rows come in the order asked for, equal ones in primary-key order; without an order, in primary-key order. `offset`
 * applies before `limit`, in whichever order they were called. Rows are copies, the caller's own.
 *
 * @example
 * ```ts
 * const best = accounts.selectAll().where('country', '=', 'FR').orderBy('score', 'desc').limit(10);
 * console.log(best.execute().map(({ email }) => email)); // prints: [ 'eve@example.com' ]
 * ```
 */
export class SelectQuery<E extends object, R = E> implements Iterable<R> {
  /** Remembered by a query that is run again and again, where it is the same each time. */
  private settled: Plan | undefined;

  private constructor(
    private readonly core: TableView,
    private readonly spec: QuerySpec,
    private readonly columns: readonly ColumnSchema[] | undefined,
  ) {}

  /** All rows of a table. @internal */
  static of<E extends object>(core: TableView): SelectQuery<E> {
    return new this<E>(core, QuerySpec.ALL, undefined);
  }

  /** A kind of query of which some calls are others. @internal */
  static variant(calls: object): typeof SelectQuery {
    const Variant = class<E extends object, R = E> extends SelectQuery<E, R> {};
    Object.assign(Variant.prototype, calls);
    return Variant;
  }

  /** Another query of the same kind. */
  private again<S>(spec: QuerySpec, columns: readonly ColumnSchema[] | undefined): SelectQuery<E, S> {
    return new (this.constructor as typeof SelectQuery)<E, S>(this.core, spec, columns);
  }

  private with(change: Parameters<QuerySpec['with']>[0]): SelectQuery<E, R> {
    return this.again<R>(this.spec.with(change), this.columns);
  }

  /**
   * Keeps rows whose column compares so; several `where` must all hold. Null equals null (`=`, `in`, `is`) and is in no
   * range. NaN is one value above all numbers. With a function: rows for which it returns true; it looks at every row
   * that the other conditions leave, and must not write.
   * @throws QueryError for an unknown column, `undefined`, or a value of another type than the column's
   */
  where<K extends ScalarColumnOf<E>>(column: K, operator: '=' | '!=', value: Cell<E, K>): SelectQuery<E, R>;
  where<K extends ScalarColumnOf<E>>(column: K, operator: '<' | '<=' | '>' | '>=', value: NonNullable<Cell<E, K>>): SelectQuery<E, R>;
  where<K extends ScalarColumnOf<E>>(column: K, operator: 'in', values: readonly Cell<E, K>[]): SelectQuery<E, R>;
  where<K extends ScalarColumnOf<E>>(
    column: K,
    operator: 'between',
    range: readonly [low: NonNullable<Cell<E, K>>, high: NonNullable<Cell<E, K>>],
  ): SelectQuery<E, R>;
  where<K extends TextColumn<E>>(column: K, operator: 'startsWith', prefix: string): SelectQuery<E, R>;
  where<K extends ScalarColumnOf<E>>(column: K, operator: 'is', value: null): SelectQuery<E, R>;
  where(predicate: (row: E) => boolean): SelectQuery<E, R>;
  where(first: string | ((row: E) => boolean), ...rest: [operator?: Operator, value?: unknown]): SelectQuery<E, R> {
    if (typeof first === 'function') {
      return this.with({ predicates: [...this.spec.predicates, first as (row: never) => boolean] });
    }
    return this.and(createCondition(this.core.schema, first, rest[0] as Operator, rest[1]));
  }

  /** As `where`. @internal */
  and(condition: Condition): SelectQuery<E, R> {
    return this.with({ conditions: [...this.spec.conditions, condition] });
  }

  /** Orders by a column; further calls order what is equal by the ones before. Null comes first, last when descending. */
  orderBy(column: ScalarColumnOf<E>, direction: 'asc' | 'desc' = 'asc'): SelectQuery<E, R> {
    const found = requireScalar(this.core.schema, column);
    if (direction !== 'asc' && direction !== 'desc') throw new QueryError(this.core.name, column, "the direction is 'asc' or 'desc'");
    return this.with({ order: [...this.spec.order, { column: found, descending: direction === 'desc' }] });
  }

  /** Leaves out the first `rows` rows. @throws QueryError unless it is an integer from 0 */
  offset(rows: number): SelectQuery<E, R> {
    return this.with({ offset: this.natural(rows, 'offset') });
  }

  /** Gives `rows` rows at most. @throws QueryError unless it is an integer from 0 */
  limit(rows: number): SelectQuery<E, R> {
    return this.with({ limit: this.natural(rows, 'limit') });
  }

  private natural(rows: number, name: string): number {
    if (Number.isSafeInteger(rows) && rows >= 0) return rows;
    throw new QueryError(this.core.name, undefined, `${name} takes an integer from 0`);
  }

  /** Gives plain objects of these columns alone; the others are not even decoded. */
  select<K extends ColumnOf<E>>(...columns: K[]): SelectQuery<E, { [P in K]: Cell<E, P> }> {
    if (columns.length === 0) throw new QueryError(this.core.name, undefined, 'select names no columns');
    const found = columns.map((column) => findColumn(this.core.schema, column));
    return this.again(this.spec, found);
  }

  private find(spec: QuerySpec): RowId[] {
    const { plan, rows } = findRows(this.core, spec, this.settled);
    if (plan.settled) this.settled = plan;
    return rows;
  }

  /** The rows. Cost: what `explain()` says was examined, and a decode for each row returned. */
  execute(): R[] {
    const rows = this.find(this.spec);
    if (this.columns === undefined) return this.core.store.decodeAll(rows, knownText(this.spec.conditions)) as R[];
    return rows.map((row) => this.build(row));
  }

  /** The first row, or `undefined`. */
  first(): R | undefined {
    const [row] = this.find(this.spec.with({ limit: Math.min(this.spec.limit, 1) }));
    return row === undefined ? undefined : this.build(row);
  }

  /** How many rows `execute` would give. Builds none, and looks at none where an index knows the answer. */
  count(): number {
    return countRows(this.core, this.spec);
  }

  /**
   * The rows as they are when the iteration begins; what happens to the table meanwhile does not show. Of a snapshot,
   * rows are built as they are asked for, so that as many as there are can be walked, over awaits too.
   */
  [Symbol.iterator](): Iterator<R> {
    return this.core.isStable ? this.walk(this.find(this.spec)) : this.execute()[Symbol.iterator]();
  }

  private *walk(rows: readonly RowId[]): Generator<R> {
    for (const row of rows) yield this.build(row);
  }

  private build(row: RowId): R {
    if (this.columns === undefined) return this.core.store.decode(row) as R;
    const projected: Record<string, unknown> = {};
    for (const column of this.columns) projected[column.name] = elementToUser(column, this.core.store.read(row, column.position));
    return projected as R;
  }

  /** The sum over the rows, nulls left out: of a bigint column a bigint, of a string decimal a string, 0 of no rows. */
  sum<K extends NumberColumnOf<E>>(column: K): NonNullable<Cell<E, K>> {
    const numeric = requireNumeric(this.core.schema, column);
    const sum = new Sum(numeric.type);
    this.fold(numeric, (value) => sum.add(value));
    return sumToUser(numeric.type, sum.value) as NonNullable<Cell<E, K>>;
  }

  /** The mean over the rows as a number, nulls left out; `undefined` of no rows. */
  avg(column: NumberColumnOf<E>): number | undefined {
    const numeric = requireNumeric(this.core.schema, column);
    const mean = new Mean(numeric.type);
    this.fold(numeric, (value) => mean.add(value));
    return mean.value;
  }

  /** The least value, nulls left out; `undefined` of no rows. */
  min<K extends ScalarColumnOf<E>>(column: K): NonNullable<Cell<E, K>> | undefined {
    return this.extreme(column, -1);
  }

  /** The greatest value, nulls left out; `undefined` of no rows. */
  max<K extends ScalarColumnOf<E>>(column: K): NonNullable<Cell<E, K>> | undefined {
    return this.extreme(column, 1);
  }

  /** Rows by the value of a column: `groupBy('country').count()`. Groups come in the column's order. */
  groupBy<K extends ScalarColumnOf<E>>(column: K): GroupedQuery<E, K> {
    return new GroupedQuery(this.core, this.spec, requireScalar(this.core.schema, column));
  }

  /**
   * Keeps the answer up to date, and tells of each transaction that changes it: of the rows, `query.live()`, and of
   * aggregates, `query.live.count()`, `query.live.sum(column)` and so on. It is at any time what running the query anew
   * would give, as of the last committed transaction.
   *
   * @example
   * ```ts
   * using top = accounts.selectBy('country', 'FR').orderBy('score', 'desc').limit(10).live();
   * top.on('change', ({ removed }) => console.log(removed.length, top.rows.length));
   * accounts.delete(2); // prints: 1 0
   * ```
   */
  get live(): LiveCalls<E, R> {
    return liveCalls<E, R>(this.core, this.spec, this.columns);
  }

  private fold(column: ColumnSchema, step: (value: Stored) => void): void {
    visitAny(this.core, this.spec, (row) => {
      const value = this.core.store.read(row, column.position);
      if (value !== null) step(value);
    });
  }

  private extreme<V>(name: string, sign: 1 | -1): V | undefined {
    const column = requireScalar(this.core.schema, name);
    let best: Stored;
    if (this.isFirstInOrder(column)) {
      const { conditions, predicates } = this.spec;
      const present = column.nullable ? [...conditions, notNull(column)] : conditions;
      const order = [{ column, descending: sign === 1 }];
      const [row] = findRows(this.core, QuerySpec.ALL.with({ conditions: present, predicates, order, limit: 1, anyOfEqual: true })).rows;
      if (row !== undefined) best = this.core.store.read(row, column.position);
    } else {
      const compare = compareValues(column.type, false);
      this.fold(column, (value) => {
        if (best === undefined || compare(value, best) * sign > 0) best = value;
      });
    }
    return best === undefined ? undefined : (toUser(column.type as ColumnType, best) as V);
  }

  /** Whether an index has the rows in the column's order, behind columns that the conditions fix: its end is the answer. */
  private isFirstInOrder(column: ColumnSchema): boolean {
    const { conditions, offset, limit } = this.spec;
    if (offset > 0 || limit !== Number.POSITIVE_INFINITY) return false;
    const others = conditions.filter((condition) => condition.column !== column);
    return [this.core.primary, ...this.core.secondaries].some((index) => {
      const before = index.columns.indexOf(column);
      if (!index.isOrdered || before < 0 || others.length !== before) return false;
      return index.columns.slice(0, before).every((fixed) => others.some((c) => c.column === fixed && c.operator === '='));
    });
  }

  /** Runs the query and tells how: index, range, what was filtered and sorted, how many rows were looked at. */
  explain(): Explanation {
    const { plan, rows, examined } = findRows(this.core, this.spec);
    const functions = this.spec.predicates.map(() => 'a function');
    return {
      table: this.core.name,
      index: plan.index.name,
      access: plan.access,
      range: plan.answered.map((condition) => condition.text).join(' and '),
      reverse: plan.reverse,
      filter: [...plan.filters.map((condition) => condition.text), ...functions].join(' and '),
      sort: plan.sort.map(({ column, descending }) => `${column.name} ${descending ? 'desc' : 'asc'}`).join(', '),
      rowsExamined: examined,
      rowsReturned: rows.length,
    };
  }
}

function notNull(column: ColumnSchema): Condition {
  return { column, operator: '>', values: [null], text: `${column.name} is not null` };
}
