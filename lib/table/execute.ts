import { type Compare, compareValues } from '../index/key-order.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { Stored } from '../schema/stored-value.js';
import type { RowId } from '../storage/link.js';
import { createMatchers } from './compiled-filter.js';
import type { Matcher } from './condition.js';
import { type Plan, plan } from './plan.js';
import type { OrderTerm, QuerySpec } from './query-spec.js';
import type { RowsById, TableView } from './table-view.js';

/** What a run of a query did and found. */
export interface Found {
  readonly plan: Plan;
  readonly rows: RowId[];
  readonly examined: number;
}

/**
 * The rows of a query, ordered, after offset and limit. No row is built, but for predicates.
 * @param settled a plan that was settled for the same conditions and order
 */
export function findRows(core: TableView, spec: QuerySpec, settled?: Plan): Found {
  core.reads?.where(spec.conditions);
  const chosen = settled ?? plan(core, spec);
  const most = spec.offset + spec.limit;
  const rows: RowId[] = [];
  if (most === 0) return { plan: chosen, rows, examined: 0 };
  if (chosen.sort.length === 0) {
    const examined = visitRows(core, spec, chosen, createMatcher(core, chosen), (row) => rows.push(row) >= most);
    return { plan: chosen, rows: spec.offset > 0 ? rows.slice(spec.offset) : rows, examined };
  }
  const sorter = new Sorter(core, chosen.sort, most);
  const examined = visitRows(core, spec, chosen, createMatcher(core, chosen), (row) => sorter.add(row));
  return { plan: chosen, rows: sorter.sorted().slice(spec.offset), examined };
}

/** How many rows `findRows` would find. Where the index answers everything, no row is looked at. */
export function countRows(core: TableView, spec: QuerySpec): number {
  core.reads?.where(spec.conditions);
  return Math.min(Math.max(countAny(core, spec) - spec.offset, 0), spec.limit);
}

function countAny(core: TableView, spec: QuerySpec): number {
  const chosen = plan(core, anyOrder(spec));
  const { access, index, points } = chosen;
  const matches = createMatcher(core, chosen);
  if (spec.predicates.length === 0) {
    const byId = rowsById(core);
    if (matches === undefined && access === 'scan') return core.count;
    if (matches === undefined && access === 'point') return points.reduce((sum: number, key) => sum + index.countOf(key), 0);
    if (matches !== undefined && access === 'scan' && byId !== undefined) return byId.countWhere(matches);
  }
  let count = 0;
  const step = () => {
    count++;
    return false;
  };
  visitRows(core, spec, chosen, matches, step);
  return count;
}

/** The rows of a query in no particular order: what aggregates need. With an offset or a limit, exactly the rows that these leave. */
export function visitAny(core: TableView, spec: QuerySpec, visit: (row: RowId) => void): void {
  if (spec.offset > 0 || spec.limit !== Number.POSITIVE_INFINITY) {
    for (const row of findRows(core, spec).rows) visit(row);
    return;
  }
  core.reads?.where(spec.conditions);
  const chosen = plan(core, anyOrder(spec));
  const step = (row: RowId) => {
    visit(row);
    return false;
  };
  visitRows(core, spec, chosen, createMatcher(core, chosen), step, rowsById(core));
}

/** The same query of all its rows, whatever their order. */
function anyOrder(spec: QuerySpec): QuerySpec {
  return spec.whole.with({ order: [], anyOfEqual: true });
}

/** The rows of a table, to be walked by their ids, where every one of them is in it: none that a transaction is about to delete. */
function rowsById(core: TableView): RowsById | undefined {
  const { byId } = core.store;
  // To an async transaction, asking for the count is to have looked at the whole table.
  return byId !== undefined && byId.count === core.count ? byId : undefined;
}

/**
 * Walks the plan's access and tests each row. `visit` ends it by `true`. @returns how many rows were looked at.
 * @param byId all rows, where a scan may meet them in any order
 */
function visitRows(core: TableView, spec: QuerySpec, chosen: Plan, matches: Matcher | undefined, visit: VisitRow, byId?: RowsById): number {
  const test = createTest(core, spec, matches);
  let examined = 0;
  const step: VisitRow =
    test === undefined
      ? (row) => {
          examined++;
          return visit(row);
        }
      : (row) => {
          examined++;
          return test(row) && visit(row);
        };
  const work = chosen.access === 'scan' && byId !== undefined ? () => walkById(byId, step) : () => walk(core, chosen, step);
  if (spec.predicates.length === 0) work();
  else core.readOnly('a where function must not write', work);
  return examined;
}

type VisitRow = (row: RowId) => boolean;

function walkById(byId: RowsById, step: VisitRow): void {
  for (let row = 0 as RowId; row < byId.idExtent; row++) if (byId.isAlive(row) && step(row)) return;
}

function walk(core: TableView, { index, access, points, range, reverse }: Plan, step: VisitRow): void {
  if (access === 'point') {
    for (let n = 0; n < points.length; n++) {
      if (index.visit(points[reverse ? points.length - 1 - n : n], reverse && points.length === 1, step)) return;
    }
  } else if (!index.isOrdered) {
    for (const { row } of core.primary.all()) if (step(row)) return;
  } else {
    index.scan(range, reverse, step);
  }
}

/** What has to be found out from a row's bytes; `undefined` where there is nothing. */
function createMatcher(core: TableView, chosen: Plan): Matcher | undefined {
  const { codec, schema } = core;
  const matchers = createMatchers(chosen.filters, codec, schema.columns, chosen.looks);
  const { expires } = schema;
  const cutoff = expires === undefined ? undefined : core.cutoff();
  if (expires !== undefined && cutoff !== undefined) matchers.push(aliveAfter(expires.column, cutoff, codec));
  if (matchers.length < 2) return matchers[0];
  return (buffer, position) => matchers.every((matches) => matches(buffer, position));
}

function createTest({ store }: TableView, { predicates }: QuerySpec, matches: Matcher | undefined): VisitRow | undefined {
  if (predicates.length > 0) {
    return (row) => {
      if (matches !== undefined && !matches(store.bufferOf(row), store.positionOf(row))) return false;
      return predicates.every((predicate) => predicate(store.decode(row) as never));
    };
  }
  return matches && ((row) => matches(store.bufferOf(row), store.positionOf(row)));
}

function aliveAfter(column: number, cutoff: number, codec: RowCodec): Matcher {
  return (buffer, position) => {
    const until = codec.read(column, buffer, position);
    return until === null || (until as number) > cutoff;
  };
}

/** Where at most this many rows are kept, they are kept sorted as they come. */
const KEPT_SORTED = 256;

/** Sorts rows by columns, reading each sort key once. Keeps no more rows than will be wanted. */
class Sorter {
  private readonly rows: RowId[] = [];
  private readonly keys: Stored[][] = [];
  private readonly comparisons: Compare[];
  private readonly bounded: boolean;

  constructor(
    private readonly core: TableView,
    private readonly terms: readonly OrderTerm[],
    private readonly most: number,
  ) {
    this.comparisons = terms.map(({ column, descending }) => {
      const compare = compareValues(column.type, column.nullable);
      return descending ? (a, b) => compare(b, a) : compare;
    });
    this.bounded = most <= KEPT_SORTED;
  }

  add(row: RowId): boolean {
    const key = this.terms.map(({ column }) => this.core.store.read(row, column.position));
    if (!this.bounded) {
      this.rows.push(row);
      this.keys.push(key);
      return false;
    }
    if (this.rows.length === this.most) {
      if (this.compare(key, this.keys[this.most - 1] as Stored[]) >= 0) return false;
      this.rows.pop();
      this.keys.pop();
    }
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(this.keys[middle] as Stored[], key) <= 0) low = middle + 1;
      else high = middle;
    }
    this.rows.splice(low, 0, row);
    this.keys.splice(low, 0, key);
    return false;
  }

  private compare(a: readonly Stored[], b: readonly Stored[]): number {
    for (let at = 0; at < this.comparisons.length; at++) {
      const order = (this.comparisons[at] as Compare)(a[at], b[at]);
      if (order !== 0) return order;
    }
    return 0;
  }

  sorted(): RowId[] {
    if (this.bounded) return this.rows;
    const places = this.rows.map((_, at) => at);
    places.sort((a, b) => this.compare(this.keys[a] as Stored[], this.keys[b] as Stored[]));
    const { rows, most } = this;
    return (places.length > most ? places.slice(0, most) : places).map((place) => rows[place] as RowId);
  }
}
