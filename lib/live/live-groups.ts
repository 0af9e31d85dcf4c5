import type { Lsn } from '../cdc/operation.js';
import { type Compare, compareValues, hashOf } from '../index/key-order.js';
import { elementToUser, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { Link, RowId } from '../storage/link.js';
import { ColumnBytes } from './column-bytes.js';
import type { Delta, Pair, Version } from './delta.js';
import { applyMoves, type Fold, isSameValue, type StartFold } from './fold.js';
import { Live } from './live.js';
import type { LiveRows, Move } from './live-rows.js';
import type { LiveFilter } from './live-source.js';
import type { LiveTable } from './live-table.js';

/** What one transaction made of the groups of a live query. Maps are the listener's own, in the column's order. */
export interface LiveGroupsChange<K, V> {
  /** All groups, as they were right after the transaction. */
  readonly groups: Map<K, V>;
  /** Groups that came. */
  readonly added: Map<K, V>;
  /** Groups that have no rows any more, with what they had. */
  readonly removed: Map<K, V>;
  /** Groups that stayed, with another value. */
  readonly changed: Map<K, V>;
  /** What `changed` was before. */
  readonly previous: Map<K, V>;
  /** The position of the transaction in the order of commits. */
  readonly lsn: Lsn;
}

/** What live groups are to be. */
export interface LiveGroupsPlan<V> {
  readonly filter: LiveFilter;
  /** Follows the rows that are grouped. */
  readonly members: LiveRows;
  /** Those rows, now. */
  readonly rows: readonly RowId[];
  readonly by: ColumnSchema;
  readonly fold: StartFold;
  /** The columns that decide a group's value, and which group a row is of. */
  readonly columns: readonly ColumnSchema[];
  readonly toUser: (value: Stored) => V;
}

interface Group {
  readonly key: Stored;
  readonly value: Stored;
}

interface OpenGroup {
  readonly key: Stored;
  readonly fold: Fold;
  rows: number;
  /** As it was told last; `undefined` of one that is new. */
  told: Group | undefined;
}

/**
 * An aggregate of each group of a query's rows, kept up to date. A transaction costs what the groups cost that its rows
 * are of.
 *
 * @example
 * ```ts
 * using perCountry = accounts.selectAll().groupBy('country').live.count();
 * perCountry.on('change', ({ groups }) => console.log(groups));
 * accounts.insert({ email: 'zoe@example.com', country: 'FR', score: 12, balance: 0n }); // prints: Map(2) { 'FR' => 2, 'GB' => 1 }
 * ```
 */
export class LiveGroups<K, V> extends Live<Group, LiveGroupsChange<K, V>> {
  private readonly open = new Map<Stored, OpenGroup>();
  private readonly by: ColumnSchema;
  private readonly hash: (key: Stored) => Stored;
  private readonly compare: Compare;
  private readonly start: StartFold;
  private readonly bytes: ColumnBytes;
  private readonly toUser: (value: Stored) => V;

  /** @internal */
  constructor(table: LiveTable, { filter, members, rows, by, fold, columns, toUser }: LiveGroupsPlan<V>) {
    super(table, filter, members);
    const { store, codec, schema } = table.source;
    this.by = by;
    this.hash = hashOf([by]) ?? ((key) => key);
    this.compare = compareValues(by.type, by.nullable);
    this.start = fold;
    this.bytes = new ColumnBytes(codec, schema, columns);
    this.toUser = toUser;
    for (const row of rows) this.add(row, store.linkOf(row));
    for (const group of this.open.values()) group.told = { key: group.key, value: group.fold.value };
  }

  /** The groups, in the column's order: a new map at each call. Within a transaction, without what is not committed yet. */
  get groups(): Map<K, V> {
    this.assertReadable();
    return this.inOrder([...this.parts().values()]);
  }

  private inOrder(groups: readonly Group[]): Map<K, V> {
    const sorted = [...groups].sort((a, b) => this.compare(a.key, b.key));
    return new Map(sorted.map(({ key, value }) => [elementToUser(this.by, key) as K, this.toUser(value)]));
  }

  private add(row: RowId, link: Link): void {
    const key = this.table.source.store.readAt(link, this.by.position);
    const slot = this.hash(key);
    let group = this.open.get(slot);
    if (group === undefined) {
      group = { key, fold: this.start(this.table.source, this.table.places), rows: 0, told: undefined };
      this.open.set(slot, group);
    }
    group.rows++;
    group.fold.add(row, link);
  }

  /** @internal */
  protected changed(moves: readonly Move[], before: ReadonlyMap<RowId, Link>): Delta<Group> {
    const { source, places } = this.table;
    const telling = moves.filter((move) => !this.bytes.isSameAt(source.store, move.before, move.after));
    const slots = new Set<Stored>();
    const slotAt = (link: Link): Stored => {
      const slot = this.hash(source.store.readAt(link, this.by.position));
      slots.add(slot);
      return slot;
    };
    const remove = (row: RowId, link: Link) => {
      const group = this.open.get(slotAt(link)) as OpenGroup;
      group.rows--;
      group.fold.remove(row, link);
    };
    const add = (row: RowId, link: Link) => {
      slotAt(link);
      this.add(row, link);
    };
    applyMoves(telling, before, places, remove, add);
    const delta: Delta<Group> = new Map();
    for (const slot of slots) this.tell(slot, this.open.get(slot) as OpenGroup, delta);
    return delta;
  }

  private tell(slot: Stored, group: OpenGroup, delta: Delta<Group>): void {
    const { told } = group;
    if (group.rows === 0) {
      this.open.delete(slot);
      if (told !== undefined) delta.set(slot, { before: told, after: undefined });
      return;
    }
    const after = { key: group.key, value: group.fold.value };
    if (told !== undefined && this.isSame(told, after)) return;
    group.told = after;
    delta.set(slot, { before: told, after });
  }

  /** @internal */
  isSame(one: Group, other: Group): boolean {
    return isSameValue(one.value, other.value);
  }

  /** @internal */
  changeOf(delta: Delta<Group>, version: Version<Group>, lsn: Lsn): LiveGroupsChange<K, V> {
    return new GroupsChange<K, V>(
      lsn,
      [...delta.values()],
      () => {
        this.assertReadable();
        return this.inOrder([...this.partsAt(version).values()]);
      },
      (groups) => this.inOrder(groups),
    );
  }

  /** @internal */
  protected parts(): Map<unknown, Group> {
    return new Map([...this.open].map(([slot, { told }]) => [slot, told as Group]));
  }
}

/** Builds what is asked for, once. */
class GroupsChange<K, V> implements LiveGroupsChange<K, V> {
  readonly #pairs: readonly Pair<Group>[];
  readonly #all: () => Map<K, V>;
  readonly #build: (groups: readonly Group[]) => Map<K, V>;
  #groups: Map<K, V> | undefined;
  #added: Map<K, V> | undefined;
  #removed: Map<K, V> | undefined;
  #changed: Map<K, V> | undefined;
  #previous: Map<K, V> | undefined;

  constructor(
    readonly lsn: Lsn,
    pairs: readonly Pair<Group>[],
    all: () => Map<K, V>,
    build: (groups: readonly Group[]) => Map<K, V>,
  ) {
    this.#pairs = pairs;
    this.#all = all;
    this.#build = build;
  }

  get groups(): Map<K, V> {
    this.#groups ??= this.#all();
    return this.#groups;
  }

  get added(): Map<K, V> {
    this.#added ??= this.#of(({ before, after }) => (before === undefined ? after : undefined));
    return this.#added;
  }

  get removed(): Map<K, V> {
    this.#removed ??= this.#of(({ before, after }) => (after === undefined ? before : undefined));
    return this.#removed;
  }

  get changed(): Map<K, V> {
    this.#changed ??= this.#of(({ before, after }) => (before === undefined ? undefined : after));
    return this.#changed;
  }

  get previous(): Map<K, V> {
    this.#previous ??= this.#of(({ before, after }) => (after === undefined ? undefined : before));
    return this.#previous;
  }

  #of(choose: (pair: Pair<Group>) => Group | undefined): Map<K, V> {
    return this.#build(this.#pairs.map(choose).filter((group) => group !== undefined));
  }
}
