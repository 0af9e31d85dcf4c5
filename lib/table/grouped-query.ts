import { compareValues, hashOf } from '../index/key-order.js';
import { elementToUser, type Stored, sumToUser, toUser } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import { Mean, Sum } from './aggregate.js';
import { findColumn, requireNumeric, requireScalar } from './condition.js';
import { visitAny } from './execute.js';
import { type LiveGroupCalls, liveGroupCalls } from './live-calls.js';
import type { QuerySpec } from './query-spec.js';
import type { TableView } from './table-view.js';
import type { Cell, ColumnOf, NumberColumnOf, ScalarColumnOf } from './types.js';

/**
 * Rows by the value of a column. Each call answers for all groups at once, as a `Map` in the column's order; null is a
 * group of its own.
 */
export class GroupedQuery<E extends object, K extends ColumnOf<E>> {
  /** @internal */
  constructor(
    private readonly core: TableView,
    private readonly spec: QuerySpec,
    private readonly column: ColumnSchema,
  ) {}

  /** Keeps an aggregate of each group up to date: `groupBy('country').live.count()`. */
  get live(): LiveGroupCalls<E, K> {
    return liveGroupCalls<E, K>(this.core, this.spec, this.column);
  }

  /** How many rows each group has. */
  count(): Map<Cell<E, K>, number> {
    return this.fold(
      undefined,
      () => ({ rows: 0 }),
      (state) => state.rows++,
      (state) => state.rows,
    );
  }

  /** The sum in each group, nulls left out. */
  sum<C extends NumberColumnOf<E>>(column: C): Map<Cell<E, K>, NonNullable<Cell<E, C>>> {
    const { type } = requireNumeric(this.core.schema, column);
    return this.fold(
      column,
      () => new Sum(type),
      (sum, value) => sum.add(value),
      (sum) => sumToUser(type, sum.value) as NonNullable<Cell<E, C>>,
    );
  }

  /** The mean in each group as a number, nulls left out; `undefined` in a group of nulls. */
  avg(column: NumberColumnOf<E>): Map<Cell<E, K>, number | undefined> {
    const { type } = requireNumeric(this.core.schema, column);
    return this.fold(
      column,
      () => new Mean(type),
      (mean, value) => mean.add(value),
      (mean) => mean.value,
    );
  }

  /** The least value in each group, nulls left out; `undefined` in a group of nulls. */
  min<C extends ScalarColumnOf<E>>(column: C): Map<Cell<E, K>, NonNullable<Cell<E, C>> | undefined> {
    return this.extreme(column, -1);
  }

  /** The greatest value in each group, nulls left out; `undefined` in a group of nulls. */
  max<C extends ScalarColumnOf<E>>(column: C): Map<Cell<E, K>, NonNullable<Cell<E, C>> | undefined> {
    return this.extreme(column, 1);
  }

  private extreme<C extends ScalarColumnOf<E>>(name: C, sign: 1 | -1): Map<Cell<E, K>, NonNullable<Cell<E, C>> | undefined> {
    const { type } = requireScalar(this.core.schema, name);
    const compare = compareValues(type, false);
    return this.fold(
      name,
      () => ({ best: undefined as Stored }),
      (state, value) => {
        if (state.best === undefined || compare(value, state.best) * sign > 0) state.best = value;
      },
      (state) => (state.best === undefined ? undefined : (toUser(type, state.best) as NonNullable<Cell<E, C>>)),
    );
  }

  private fold<S, T>(
    of: string | undefined,
    start: () => S,
    step: (state: S, value: Stored) => void,
    end: (state: S) => T,
  ): Map<Cell<E, K>, T> {
    const { store } = this.core;
    const hash = hashOf([this.column]) ?? ((key: Stored) => key);
    const folded = of === undefined ? undefined : findColumn(this.core.schema, of).position;
    const groups = new Map<Stored, { key: Stored; state: S }>();
    visitAny(this.core, this.spec, (row) => {
      const key = store.read(row, this.column.position);
      const slot = hash(key);
      let group = groups.get(slot);
      if (group === undefined) {
        group = { key, state: start() };
        groups.set(slot, group);
      }
      const value = folded === undefined ? undefined : store.read(row, folded);
      if (value !== null) step(group.state, value);
    });
    const compare = compareValues(this.column.type, this.column.nullable);
    const sorted = [...groups.values()].sort((a, b) => compare(a.key, b.key));
    return new Map(sorted.map(({ key, state }) => [elementToUser(this.column, key) as Cell<E, K>, end(state)]));
  }
}
