import { QueryError } from '../errors.js';
import { EVERYTHING, type KeyRange } from '../index/entry-map.js';
import { compareValues, HIGH, type Key } from '../index/key-order.js';
import type { Stored } from '../schema/stored-value.js';
import { type ColumnSchema, PRIMARY } from '../schema/table-schema.js';
import type { Condition } from './condition.js';
import type { OrderTerm, QuerySpec } from './query-spec.js';
import type { IndexView, TableView } from './table-view.js';

/** How a query finds its rows: through one index, at some keys, over a range of it, or over all of it. */
export interface Plan {
  readonly index: IndexView;
  readonly access: 'point' | 'range' | 'scan';
  /** The keys of a point access, ascending and different. */
  readonly points: readonly Key[];
  readonly range: KeyRange;
  readonly reverse: boolean;
  /** The conditions that the access answers by itself. */
  readonly answered: readonly Condition[];
  /** The conditions that are tested on each row. */
  readonly filters: readonly Condition[];
  /** What has to be sorted by afterwards; nothing where the index gives the order. */
  readonly sort: readonly OrderTerm[];
  /** The rows that it is taken to look at. */
  readonly looks: number;
  /** Whether it follows from the query alone, and not from what is in the table. */
  readonly settled: boolean;
}

/** Of the rows of an index, the share that a range is taken to hold where it is too long to be counted. */
const SHARE_TWO_BOUNDS = 1 / 8;
const SHARE_ONE_BOUND = 1 / 3;
const SHARE_PREFIX = 1 / 20;
/** Of the rows looked at, the share that a filter is taken to let through. */
const SHARE_FILTER = 1 / 3;
/** Ranges are counted up to this many rows before a guess stands in. */
const COUNTED = 64;
const MOST_POINTS = 10_000;

/** What an index can do for a query. */
interface Access {
  readonly index: IndexView;
  readonly access: Plan['access'];
  readonly points: readonly Key[];
  readonly range: KeyRange;
  readonly answered: ReadonlySet<Condition>;
  /** Of the index's rows, the share that the range is taken to hold. */
  readonly share: number;
  /** Columns at the index's start that are fixed to one value. */
  readonly fixed: number;
}

interface Candidate {
  readonly access: Access;
  readonly rows: number;
  /** Whether `rows` is a guess. */
  readonly guessed: boolean;
}

/**
 * Chooses the index for a query: every index makes a candidate with the equalities and the range that it can answer,
 * and the one with the least rows to look at, and to sort, wins. Without an order asked for, rows come in primary-key
 * order, whichever index finds them: an index changes a query's speed and never its answer.
 */
export function plan(core: TableView, spec: QuerySpec): Plan {
  const wanted = wantedOrder(core, spec);
  const found: Access[] = [];
  for (const index of [core.primary, ...core.secondaries]) {
    const access = accessOf(index, spec.conditions);
    if (access === undefined) continue;
    const walk = walkOf(core, access, wanted);
    // What answers every condition, and in the order wanted, looks at no row in vain: nothing does better.
    if (walk !== 'unordered' && access.answered.size === spec.conditions.length) return complete(spec, access, walk, wanted, 0, true).plan;
    found.push(access);
  }
  if (found.every(({ access }) => access === 'scan')) refuseRangeOfHash(core, spec);
  return cheapest(core, spec, found.map(counted), wanted);
}

function cheapest(core: TableView, spec: QuerySpec, candidates: readonly Candidate[], wanted: readonly OrderTerm[]): Plan {
  let best: { plan: Plan; cost: number } | undefined;
  for (const candidate of candidates) {
    const { access } = candidate;
    const considered = complete(spec, access, walkOf(core, access, wanted), wanted, informedRows(candidate, candidates));
    const gain = best === undefined ? 1 : best.cost - considered.cost;
    // Between equals, as in an empty table, the one that answers more by itself.
    if (best === undefined || gain > 0 || (gain === 0 && access.answered.size > best.plan.answered.length)) best = considered;
  }
  return (best as { plan: Plan }).plan;
}

/** Looks how many rows there are, as far as that is quickly known. */
function counted(access: Access): Candidate {
  const { index, points, range, share } = access;
  if (access.access === 'scan') return { access, rows: index.entries, guessed: false };
  if (access.access === 'point') return { access, rows: points.reduce((sum: number, key) => sum + index.mostOf(key), 0), guessed: false };
  const rows = countUpTo(index, range, COUNTED);
  return { access, rows: rows ?? index.entries * share, guessed: rows === undefined };
}

const RANGES: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', 'between', 'startsWith']);

/** An indexed column is never scanned for; where its only index is a hash, a range of it would be. */
function refuseRangeOfHash(core: TableView, spec: QuerySpec): void {
  for (const { column, operator } of spec.conditions) {
    if (!RANGES.has(operator)) continue;
    const hash = [core.primary, ...core.secondaries].find((index) => !index.isOrdered && index.columns[0] === column);
    if (hash === undefined) continue;
    const reason = `index ${hash.name} is a hash, which serves equality alone; make it a btree, or use where(row => …)`;
    throw new QueryError(core.name, column.name, reason);
  }
}

/** Replaces a guess by what another candidate knows: keys that answer some of the same conditions are counted. */
function informedRows({ access: { answered }, rows, guessed }: Candidate, others: readonly Candidate[]): number {
  if (!guessed) return rows;
  let informed = rows;
  for (const { access: other, rows: known } of others) {
    const shared = other.access === 'point' && [...other.answered].every((condition) => answered.has(condition));
    if (shared) informed = known * (other.answered.size === answered.size ? 1 : SHARE_ONE_BOUND);
  }
  return Math.max(informed, COUNTED + 1);
}

/** How an index is walked to meet rows in the order wanted. */
type Walk = 'up' | 'down' | 'unordered';

function walkOf(core: TableView, access: Access, wanted: readonly OrderTerm[]): Walk {
  if (serves(core, access, wanted, true)) return 'down';
  return serves(core, access, wanted, false) ? 'up' : 'unordered';
}

function complete(
  spec: QuerySpec,
  access: Access,
  walk: Walk,
  wanted: readonly OrderTerm[],
  rows: number,
  settled = false,
): { plan: Plan; cost: number } {
  const { index, points, range, answered } = access;
  const filters = spec.conditions.filter((condition) => !answered.has(condition));
  const ordered = walk !== 'unordered';
  let looks = rows;
  if (ordered && spec.limit !== Number.POSITIVE_INFINITY) {
    const passing = SHARE_FILTER ** (filters.length + spec.predicates.length);
    looks = Math.min(rows, (spec.offset + spec.limit) / passing);
  }
  const cost = looks + (ordered ? 0 : rows * Math.log2(rows + 2) * 0.25);
  const sort = ordered ? [] : wanted;
  const done: Plan = {
    index,
    access: access.access,
    points,
    range,
    reverse: walk === 'down',
    answered: [...answered],
    filters,
    sort,
    looks,
    settled,
  };
  return { plan: done, cost };
}

/** The order asked for, without what a condition fixes anyway, and with the primary key behind it. */
export function wantedOrder(core: TableView, spec: QuerySpec): OrderTerm[] {
  const fixed = new Set(spec.conditions.filter((c) => c.operator === '=').map((c) => c.column.position));
  const seen = new Set<number>();
  const terms: OrderTerm[] = [];
  const add = (term: OrderTerm) => {
    const { position } = term.column;
    if (seen.has(position) || fixed.has(position)) return;
    seen.add(position);
    terms.push(term);
  };
  const key = core.primary.positions;
  for (const term of spec.order) {
    if (key.every((position) => seen.has(position) || fixed.has(position))) return terms; // the rest decides nothing
    add(term);
  }
  if (!spec.anyOfEqual) for (const column of core.primary.columns) add({ column, descending: false });
  return terms;
}

/** Whether walking an index, upwards or in reverse, meets rows in the order wanted. */
function serves(core: TableView, candidate: Access, wanted: readonly OrderTerm[], reverse: boolean): boolean {
  if (wanted.length === 0) return true;
  const { index, access, points, fixed } = candidate;
  const walked: OrderTerm[] = [];
  if (access !== 'point' || points.length > 1) {
    if (!index.isOrdered && access !== 'point') return false;
    for (const column of index.columns.slice(fixed)) walked.push({ column, descending: reverse });
  }
  if (index !== core.primary) {
    // Rows of one key come in primary-key order, whichever way the keys are walked; one key alone is walked either way.
    const descending = reverse && access === 'point' && points.length === 1;
    for (const column of core.primary.columns) {
      if (!walked.some((term) => term.column === column)) walked.push({ column, descending });
    }
  }
  if (walked.length === 0) return true; // one key of the primary index: one row
  if (walked.length < wanted.length) return false;
  return wanted.every((term, at) => {
    const met = walked[at] as OrderTerm;
    return met.column === term.column && met.descending === term.descending;
  });
}

/** What an index can do for these conditions: at the least, where it has an order, be walked whole. */
function accessOf(index: IndexView, conditions: readonly Condition[]): Access | undefined {
  const equals: Condition[] = [];
  for (const column of index.columns) {
    const condition = conditions.find((c) => c.column === column && c.operator === '=');
    if (condition === undefined) break;
    equals.push(condition);
  }
  if (equals.length === index.columns.length) return pointAccess(index, equals, [keyOf(index, equals.map(firstValue))]);
  const next = index.columns[equals.length] as ColumnSchema;
  const among = conditions.find((c) => c.column === next && c.operator === 'in' && c.values.length <= MOST_POINTS);
  if (among !== undefined && equals.length === index.columns.length - 1) {
    const keys = among.values.map((value) => keyOf(index, [...equals.map(firstValue), value]));
    return pointAccess(index, [...equals, among], distinct(index, keys));
  }
  if (!index.isOrdered) return index.name === PRIMARY ? scanAccess(index) : undefined;
  return rangeAccess(index, equals, next, conditions);
}

function firstValue(condition: Condition): Stored {
  return condition.values[0];
}

function keyOf(index: IndexView, parts: readonly Stored[]): Key {
  return index.columns.length === 1 ? parts[0] : parts;
}

function distinct(index: IndexView, keys: Key[]): Key[] {
  const sorted = keys.sort(index.compare);
  return sorted.filter((key, at) => at === 0 || index.compare(sorted[at - 1], key) !== 0);
}

function pointAccess(index: IndexView, answered: readonly Condition[], points: readonly Key[]): Access {
  const fixed = points.length > 1 ? index.columns.length - 1 : index.columns.length;
  return { index, access: 'point', points, range: EVERYTHING, answered: new Set(answered), share: 1, fixed };
}

function scanAccess(index: IndexView): Access {
  return { index, access: 'scan', points: [], range: EVERYTHING, answered: new Set(), share: 1, fixed: 0 };
}

function rangeAccess(index: IndexView, equals: readonly Condition[], next: ColumnSchema, conditions: readonly Condition[]): Access {
  const bounds = boundsOf(next, conditions);
  if (bounds.answered.length === 0 && equals.length === 0) return scanAccess(index);
  const prefix = equals.map(firstValue);
  const range = index.columns.length === 1 ? bounds.range : compoundRange(prefix, bounds.range);
  const share = bounds.both ? SHARE_TWO_BOUNDS : equals.length > 0 ? SHARE_PREFIX : SHARE_ONE_BOUND;
  const answered = new Set([...equals, ...bounds.answered]);
  return { index, access: 'range', points: [], range, answered, share, fixed: equals.length };
}

interface Bounds {
  readonly range: KeyRange;
  readonly answered: Condition[];
  readonly both: boolean;
}

/** The tightest bounds that the conditions on one column give. Nulls lie outside of every range. */
function boundsOf(column: ColumnSchema, conditions: readonly Condition[]): Bounds {
  const compare = compareValues(column.type, column.nullable);
  const answered: Condition[] = [];
  let low: Stored;
  let lowInclusive = true;
  let high: Stored;
  let highInclusive = true;
  const raise = (value: Stored, inclusive: boolean) => {
    const order = low === undefined ? 1 : compare(value, low);
    if (order > 0) lowInclusive = inclusive;
    else if (order === 0) lowInclusive &&= inclusive;
    if (order > 0) low = value;
  };
  const lower = (value: Stored, inclusive: boolean) => {
    const order = high === undefined ? -1 : compare(value, high);
    if (order < 0) highInclusive = inclusive;
    else if (order === 0) highInclusive &&= inclusive;
    if (order < 0) high = value;
  };
  for (const condition of conditions) {
    if (condition.column !== column) continue;
    const [value, second] = condition.values;
    const { operator } = condition;
    if (operator === '>' || operator === '>=') raise(value, operator === '>=');
    else if (operator === '<' || operator === '<=') lower(value, operator === '<=');
    else if (operator === 'between') {
      raise(value, true);
      lower(second, true);
    } else if (operator === 'startsWith') {
      raise(value, true);
      const end = endOfPrefix(value as string);
      if (end !== undefined) lower(end, false);
    } else continue;
    answered.push(condition);
  }
  const both = low !== undefined && high !== undefined;
  if (answered.length > 0 && low === undefined && column.nullable) {
    low = null;
    lowInclusive = false;
  }
  return { range: { low, lowInclusive, high, highInclusive }, answered, both };
}

/** The least text above all that begin with `prefix`, or `undefined` where there is none. */
function endOfPrefix(prefix: string): string | undefined {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const unit = prefix.charCodeAt(at);
    if (unit < 0xffff) return prefix.slice(0, at) + String.fromCharCode(unit + 1);
  }
  return undefined;
}

/**
 * Bounds over several columns: a shorter key sorts before all that begin with it, and `HIGH` above all that do. A bound
 * on the last column may be a row's whole key, so an upper one that excludes it says so.
 */
function compoundRange(prefix: readonly Stored[], part: KeyRange): KeyRange {
  const low = part.low === undefined ? [...prefix] : part.lowInclusive ? [...prefix, part.low] : [...prefix, part.low, HIGH];
  const high = part.high === undefined ? [...prefix, HIGH] : part.highInclusive ? [...prefix, part.high, HIGH] : [...prefix, part.high];
  return { low, lowInclusive: true, high, highInclusive: part.high === undefined || part.highInclusive };
}

/** How many rows a range holds, if no more than `most`. */
function countUpTo(index: IndexView, range: KeyRange, most: number): number | undefined {
  let rows = 0;
  index.scan(range, false, () => ++rows > most);
  return rows > most ? undefined : rows;
}
