import type { Lsn } from '../cdc/operation.js';
import { hashOf, type Key } from '../index/key-order.js';
import { elementToUser } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import { NO_LINK, type RowId } from '../storage/link.js';
import { bytesAt, ColumnBytes, copyAt, type RowBytes } from './column-bytes.js';
import type { Delta, Pair, Version } from './delta.js';
import { Live } from './live.js';
import { type Move, WindowRows } from './live-rows.js';
import { type LiveFilter, type LiveWindow, RowOrdering } from './live-source.js';
import type { LiveTable } from './live-table.js';

/** What one transaction made of the rows of a live query. Rows are the listener's own, made when they are asked for. */
export interface LiveChange<R> {
  /** All rows, in order, as they were right after the transaction. */
  readonly rows: R[];
  /** Rows that came, in order. */
  readonly added: R[];
  /** Rows that left, as they were, in the order in which they were. */
  readonly removed: R[];
  /** Rows that stayed, with another value in a column that the query gives or is ordered by, in order. */
  readonly changed: R[];
  /** What `changed` was before: the same rows at the same places. */
  readonly previous: R[];
  /** The position of the transaction in the order of commits. */
  readonly lsn: Lsn;
}

/** What a live query over rows is to be. */
export interface LiveQueryPlan {
  readonly filter: LiveFilter;
  readonly window: LiveWindow;
  /** The columns that it gives; all of them, as instances of the class, where none are named. */
  readonly columns: readonly ColumnSchema[] | undefined;
  /** The rows that meet the conditions now, in order. */
  readonly rows: readonly RowId[];
}

/**
 * The rows of a query, kept up to date: `rows` is at any time what running the query anew would give, as of the last
 * committed transaction. What a transaction costs follows from how many of its rows it touches: O(log n) for each, and
 * nothing where it touches none. Four bytes are kept for each row that meets the conditions, and no row.
 *
 * @example
 * ```ts
 * using top = accounts.selectBy('country', 'FR').orderBy('score', 'desc').limit(10).live();
 * top.on('change', ({ rows, added }) => console.log(rows.length, added[0]?.email));
 * accounts.insert({ email: 'zoe@example.com', country: 'FR', score: 12, balance: 0n }); // prints: 2 zoe@example.com
 * ```
 */
export class LiveQuery<R> extends Live<RowBytes, LiveChange<R>> {
  private readonly window: WindowRows;
  private readonly columns: readonly ColumnSchema[] | undefined;
  private readonly shown: ColumnBytes;
  private readonly ordering: RowOrdering;
  private readonly slotOf: (bytes: RowBytes) => unknown;

  /** @internal */
  constructor(table: LiveTable, { filter, window, columns, rows }: LiveQueryPlan) {
    const { source, places } = table;
    const ordering = new RowOrdering(source, places, window.order);
    const windowRows = new WindowRows(rows, window, ordering, places);
    super(table, filter, windowRows);
    this.window = windowRows;
    this.columns = columns;
    this.ordering = ordering;
    this.shown = new ColumnBytes(source.codec, source.schema, columns);
    const { positions, columns: keys } = source.primary;
    const hash = hashOf(keys) ?? ((key: Key) => key);
    const only = positions.length === 1 ? (positions[0] as number) : undefined;
    this.slotOf = ({ buffer, position }) => {
      const key =
        only === undefined ? positions.map((at) => source.codec.read(at, buffer, position)) : source.codec.read(only, buffer, position);
      return hash(key);
    };
  }

  /** The rows, in order: a new array of new rows at each call. Within a transaction, without what is not committed yet. */
  get rows(): R[] {
    this.assertReadable();
    return this.table.reading(() =>
      this.window.inOrder().map((row) => this.build(bytesAt(this.table.source.store, this.table.places.linkOf(row)))),
    );
  }

  /** How many rows there are. Builds none. */
  get size(): number {
    this.assertReadable();
    return this.window.size;
  }

  private build({ buffer, position }: RowBytes): R {
    const { codec } = this.table.source;
    if (this.columns === undefined) return codec.decode(buffer, position) as R;
    const projected: Record<string, unknown> = {};
    for (const column of this.columns) projected[column.name] = elementToUser(column, codec.read(column.position, buffer, position));
    return projected as R;
  }

  /** @internal */
  protected changed(moves: readonly Move[]): Delta<RowBytes> {
    const { store } = this.table.source;
    const delta: Delta<RowBytes> = new Map();
    for (const { before, after, isReordered } of moves) {
      if (!isReordered && this.shown.isSameAt(store, before, after)) continue;
      const was = before === NO_LINK ? undefined : copyAt(store, before);
      const is = after === NO_LINK ? undefined : copyAt(store, after);
      this.note(delta, was, is);
    }
    return delta;
  }

  /** A key that was deleted and inserted again is one row that has changed, if it has. */
  private note(delta: Delta<RowBytes>, was: RowBytes | undefined, is: RowBytes | undefined): void {
    const slot = this.slotOf((was ?? is) as RowBytes);
    const known = delta.get(slot);
    const before = was ?? known?.before;
    const after = is ?? known?.after;
    if (known !== undefined && before !== undefined && after !== undefined && this.isSame(before, after)) delta.delete(slot);
    else delta.set(slot, { before, after });
  }

  /** @internal */
  isSame(one: RowBytes, other: RowBytes): boolean {
    return this.shown.isSame(one, other) && this.ordering.compareKeys(this.keyOf(one), this.keyOf(other)) === 0;
  }

  private keyOf({ buffer, position }: RowBytes): Key[] {
    return this.ordering.keyIn(buffer, position);
  }

  /** @internal */
  changeOf(delta: Delta<RowBytes>, version: Version<RowBytes>, lsn: Lsn): LiveChange<R> {
    return new RowsChange<R>(lsn, [...delta.values()], {
      rows: () => this.rowsAt(version),
      build: (bytes) => this.build(bytes),
      sort: (items, bytesOf) => this.sort(items, bytesOf),
    });
  }

  private rowsAt(version: Version<RowBytes>): R[] {
    if (version.later === undefined) return this.rows;
    this.assertReadable();
    const parts = this.table.reading(() => [...this.partsAt(version).values()]);
    return this.sort(parts, (bytes) => bytes).map((bytes) => this.build(bytes));
  }

  /** @internal */
  protected parts(): Map<unknown, RowBytes> {
    return this.table.reading(() => {
      const parts = new Map<unknown, RowBytes>();
      for (const row of this.window.inOrder()) {
        const bytes = copyAt(this.table.source.store, this.table.places.linkOf(row));
        parts.set(this.slotOf(bytes), bytes);
      }
      return parts;
    });
  }

  private sort<T>(items: readonly T[], bytesOf: (item: T) => RowBytes): T[] {
    const keyed = items.map((item) => ({ item, key: this.keyOf(bytesOf(item)) }));
    return keyed.sort((a, b) => this.ordering.compareKeys(a.key, b.key)).map(({ item }) => item);
  }

  /** Throws where what is kept is not in order. @internal */
  checkStructure(): void {
    this.window.checkStructure();
  }
}

interface Builder<R> {
  rows(): R[];
  build(bytes: RowBytes): R;
  sort<T>(items: readonly T[], bytesOf: (item: T) => RowBytes): T[];
}

/** Builds what is asked for, once. */
class RowsChange<R> implements LiveChange<R> {
  readonly #pairs: readonly Pair<RowBytes>[];
  readonly #builder: Builder<R>;
  #rows: R[] | undefined;
  #added: R[] | undefined;
  #removed: R[] | undefined;
  #stayed: readonly Pair<RowBytes>[] | undefined;
  #changed: R[] | undefined;
  #previous: R[] | undefined;

  constructor(
    readonly lsn: Lsn,
    pairs: readonly Pair<RowBytes>[],
    builder: Builder<R>,
  ) {
    this.#pairs = pairs;
    this.#builder = builder;
  }

  get rows(): R[] {
    this.#rows ??= this.#builder.rows();
    return this.#rows;
  }

  get added(): R[] {
    this.#added ??= this.#one((pair) => (pair.before === undefined ? pair.after : undefined));
    return this.#added;
  }

  get removed(): R[] {
    this.#removed ??= this.#one((pair) => (pair.after === undefined ? pair.before : undefined));
    return this.#removed;
  }

  #one(choose: (pair: Pair<RowBytes>) => RowBytes | undefined): R[] {
    const chosen = this.#pairs.map(choose).filter((bytes) => bytes !== undefined);
    return this.#builder.sort(chosen, (bytes) => bytes).map((bytes) => this.#builder.build(bytes));
  }

  get changed(): R[] {
    this.#changed ??= this.#both().map(({ after }) => this.#builder.build(after as RowBytes));
    return this.#changed;
  }

  get previous(): R[] {
    this.#previous ??= this.#both().map(({ before }) => this.#builder.build(before as RowBytes));
    return this.#previous;
  }

  #both(): readonly Pair<RowBytes>[] {
    const both = () => this.#pairs.filter(({ before, after }) => before !== undefined && after !== undefined);
    this.#stayed ??= this.#builder.sort(both(), ({ after }) => after as RowBytes);
    return this.#stayed;
  }
}
