import type { LiveChange, LiveGroups, LiveGroupsChange, LiveQuery, LiveValue, LiveValueChange } from '../../../lib/index.js';
import type { Random } from '../random.js';
import { type RandomQuery, randomQuery, show, showOrdered } from './random-query.js';
import type { AnyTable, RandomTable, Row } from './random-table.js';

/** A live query beside what running it anew gives: after each transaction both are compared, and what was told of it. */
export interface Watched {
  /** Compares. @param lsn of the last transaction */
  check(lsn: number): void;
  /** Takes a turn of a loop over its changes, where there is one to take. */
  turn(): Promise<void>;
  close(): void;
  readonly text: string;
}

const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max'] as const;

export function watch(table: RandomTable, manager: AnyTable, random: Random): Watched | undefined {
  const made = randomQuery(table, manager, random);
  try {
    made.query.explain();
  } catch {
    return undefined; // a range of a column whose only index is a hash
  }
  if (random.chance(0.5)) return new WatchedRows(table, made, random);
  const aggregate = random.pick(AGGREGATES);
  const columns = table.columns.filter(({ kind }) => kind.isNumeric || aggregate === 'min' || aggregate === 'max');
  const given = aggregate === 'count' ? [] : columns.length > 0 ? [random.pick(columns).name] : undefined;
  if (given === undefined) return undefined;
  const text = `${made.text}: ${aggregate} ${given}`;
  type Calls = Record<string, (...names: string[]) => never>;
  if (random.chance(0.5)) {
    const query = made.whole as unknown as Calls & { live: Calls };
    return new WatchedValue(text, () => query[aggregate]?.(...given), query.live[aggregate]?.(...given) as unknown as LiveValue<unknown>);
  }
  const by = random.pick(table.columns).name;
  const grouped = made.whole.groupBy(by as never) as unknown as Calls & { live: Calls };
  const live = grouped.live[aggregate]?.(...given) as unknown as LiveGroups<unknown, unknown>;
  return new WatchedGroups(`${text} by ${by}`, () => grouped[aggregate]?.(...given) as unknown as Map<unknown, unknown>, live);
}

function same(what: string, got: string, wanted: string): void {
  if (got !== wanted) throw new Error(`${what}: got ${got}, wanted ${wanted}`);
}

/** What follows is common: what was told since the last look, at most one change, and a loop that may be slow. */
abstract class Watching<S, C extends { readonly lsn: number }> implements Watched {
  protected told: C[] = [];
  protected last: S;
  private loop: AsyncIterator<C> | undefined;
  private pending: Promise<void> | undefined;
  /** The state that the loop has seen. */
  private seen: S | undefined;
  /** The states since then, by the transactions that made them. */
  private readonly states = new Map<number, S>();
  private arrived: C | undefined;

  constructor(
    readonly text: string,
    private readonly live: { on(event: 'change', listener: (change: C) => unknown): unknown; close(): void } & AsyncIterable<C>,
    private readonly fresh: () => S,
  ) {
    this.last = fresh();
    live.on('change', (change) => this.told.push(change));
  }

  check(lsn: number): void {
    const now = this.fresh();
    this.checkNow(now);
    const [change, ...more] = this.told;
    if (more.length > 0) throw new Error('one transaction was told twice');
    if (this.isSame(this.last, now)) {
      if (change !== undefined) throw new Error(`a change was told where nothing has changed: ${this.show(now)}`);
    } else {
      if (change === undefined) throw new Error(`nothing was told of ${this.show(this.last)} becoming ${this.show(now)}`);
      if (change.lsn !== lsn) throw new Error(`a change of ${change.lsn} was told for ${lsn}`);
      this.checkChange(change, this.last, now);
      if (this.loop !== undefined) this.states.set(lsn, now);
    }
    this.told = [];
    this.last = now;
  }

  async turn(): Promise<void> {
    if (this.loop === undefined) {
      this.loop = this.live[Symbol.asyncIterator]();
      const first = await this.loop.next();
      this.checkChange(first.value as C, this.nothing(), this.last);
      this.seen = this.last;
    }
    for (;;) {
      this.pending ??= this.loop.next().then(({ value }) => {
        this.arrived = value;
      });
      for (let tick = 0; tick < 4; tick++) await undefined;
      if (this.arrived === undefined) break;
      const state = this.states.get(this.arrived.lsn) as S;
      if (this.isSame(this.seen as S, state)) throw new Error('the loop was told of a change where nothing has changed for it');
      this.checkChange(this.arrived, this.seen as S, state);
      this.seen = state;
      this.arrived = undefined;
      this.pending = undefined;
    }
    if (!this.isSame(this.seen as S, this.last)) throw new Error('the loop was not told of what has changed');
    this.states.clear();
  }

  close(): void {
    this.live.close();
  }

  protected abstract nothing(): S;
  protected abstract checkNow(now: S): void;
  protected abstract isSame(before: S, after: S): boolean;
  protected abstract checkChange(change: C, before: S, after: S): void;
  protected abstract show(state: S): string;
}

/** One row: what tells it from others, as it is given, and what orders it. */
interface Seen {
  readonly slot: string;
  readonly shown: string;
  readonly order: string;
}

const isSameRow = (one: Seen, other: Seen) => one.slot === other.slot && one.shown === other.shown && one.order === other.order;

class WatchedRows extends Watching<readonly Seen[], LiveChange<Row>> {
  private readonly query: LiveQuery<Row>;
  /** Changes whose rows nobody has read yet, with what they must give. */
  private readonly kept: { readonly change: LiveChange<Row>; readonly rows: string }[] = [];

  constructor(
    table: RandomTable,
    { query, whole, order, text }: RandomQuery,
    private readonly random: Random,
  ) {
    const live = query.live();
    super(text, live, () => {
      const shown = query.execute();
      return whole.execute().map((row, at) => ({
        slot: table.slotOf(row),
        shown: show(shown[at]),
        order: order.map((name) => showOrdered(row[name])).join(),
      }));
    });
    this.query = live;
  }

  protected nothing(): readonly Seen[] {
    return [];
  }

  protected show(state: readonly Seen[]): string {
    return state.map(({ shown }) => shown).join();
  }

  protected checkNow(now: readonly Seen[]): void {
    const { query, random } = this;
    if (random.chance(0.05)) query.checkStructure();
    same('rows', query.rows.map(show).join(), this.show(now));
    same('size', String(query.size), String(now.length));
    if (random.chance(0.05)) for (const row of query.rows) for (const name of Object.keys(row)) row[name] = 'spoilt';
    for (const { change, rows } of random.chance(0.05) ? this.kept.splice(0) : []) same('old rows', change.rows.map(show).join(), rows);
  }

  protected isSame(before: readonly Seen[], after: readonly Seen[]): boolean {
    return before.length === after.length && before.every((row, at) => isSameRow(row, after[at] as Seen));
  }

  protected checkChange(change: LiveChange<Row>, before: readonly Seen[], after: readonly Seen[]): void {
    const was = new Map(before.map((row) => [row.slot, row]));
    const is = new Map(after.map((row) => [row.slot, row]));
    const stayed = after.filter((row) => was.has(row.slot) && !isSameRow(was.get(row.slot) as Seen, row));
    const texts = (rows: readonly unknown[]) => rows.map(show).join();
    same('added', texts(change.added), this.show(after.filter(({ slot }) => !was.has(slot))));
    same('removed', texts(change.removed), this.show(before.filter(({ slot }) => !is.has(slot))));
    same('changed', texts(change.changed), this.show(stayed));
    same('previous', texts(change.previous), this.show(stayed.map(({ slot }) => was.get(slot) as Seen)));
    if (this.random.chance(0.2)) this.kept.push({ change, rows: this.show(after) });
    else same('rows of the change', texts(change.rows), this.show(after));
  }
}

class WatchedValue extends Watching<string, LiveValueChange<unknown>> {
  constructor(
    text: string,
    fresh: () => unknown,
    private readonly value: LiveValue<unknown>,
  ) {
    super(text, value, () => showOrdered(fresh()));
  }

  protected nothing(): string {
    return 'undefined';
  }

  protected show(state: string): string {
    return state;
  }

  protected checkNow(now: string): void {
    same('value', showOrdered(this.value.value), now);
  }

  protected isSame(before: string, after: string): boolean {
    return before === after;
  }

  protected checkChange(change: LiveValueChange<unknown>, before: string, after: string): void {
    same('value of the change', showOrdered(change.value), after);
    same('previous', showOrdered(change.previous), before);
  }
}

type Groups = ReadonlyMap<string, string>;

class WatchedGroups extends Watching<Groups, LiveGroupsChange<unknown, unknown>> {
  private readonly kept: { readonly change: LiveGroupsChange<unknown, unknown>; readonly groups: string }[] = [];

  constructor(
    text: string,
    fresh: () => Map<unknown, unknown>,
    private readonly groups: LiveGroups<unknown, unknown>,
  ) {
    super(text, groups, () => textsOf(fresh()));
  }

  protected nothing(): Groups {
    return new Map();
  }

  protected show(state: Groups): string {
    return show(state);
  }

  protected checkNow(now: Groups): void {
    same('groups', show(textsOf(this.groups.groups)), show(now));
    for (const { change, groups } of this.kept.length > 5 ? this.kept.splice(0) : [])
      same('old groups', show(textsOf(change.groups)), groups);
  }

  protected isSame(before: Groups, after: Groups): boolean {
    return show(before) === show(after);
  }

  protected checkChange(change: LiveGroupsChange<unknown, unknown>, before: Groups, after: Groups): void {
    const pick = (from: Groups, wanted: (key: string) => boolean) => show(new Map([...from].filter(([key]) => wanted(key))));
    const isChanged = (key: string) => before.has(key) && after.has(key) && before.get(key) !== after.get(key);
    same(
      'added',
      show(textsOf(change.added)),
      pick(after, (key) => !before.has(key)),
    );
    same(
      'removed',
      show(textsOf(change.removed)),
      pick(before, (key) => !after.has(key)),
    );
    same('changed', show(textsOf(change.changed)), pick(after, isChanged));
    const previous = textsOf(change.previous);
    same('previous', [...previous.keys()].join(), [...textsOf(change.changed).keys()].join());
    for (const [key, value] of previous) same('previous', value, before.get(key) as string);
    this.kept.push({ change, groups: show(after) });
  }
}

function textsOf(groups: ReadonlyMap<unknown, unknown>): Map<string, string> {
  return new Map([...groups].map(([key, value]) => [showOrdered(key), showOrdered(value)]));
}
