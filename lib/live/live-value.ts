import type { Lsn } from '../cdc/operation.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { Link, RowId } from '../storage/link.js';
import { ColumnBytes } from './column-bytes.js';
import type { Delta, Version } from './delta.js';
import { applyMoves, type Fold, isSameValue, type StartFold } from './fold.js';
import { Live } from './live.js';
import type { LiveRows, Move } from './live-rows.js';
import type { LiveFilter } from './live-source.js';
import type { LiveTable } from './live-table.js';

/** What one transaction made of a live value. */
export interface LiveValueChange<V> {
  readonly value: V;
  /** What it was before; at the beginning of a loop, nothing. */
  readonly previous: V | undefined;
  /** The position of the transaction in the order of commits. */
  readonly lsn: Lsn;
}

/** What a live aggregate is to be. */
export interface LiveValuePlan<V> {
  readonly filter: LiveFilter;
  /** Follows the rows that are aggregated. */
  readonly members: LiveRows;
  /** Those rows, now. */
  readonly rows: readonly RowId[];
  readonly fold: StartFold;
  /** The columns that decide the value. */
  readonly columns: readonly ColumnSchema[];
  /** The value in the user's form, of what the fold has. */
  readonly toUser: (value: Stored) => V;
  /** What the fold's value counts as: two alike are no change. */
  readonly reduce?: (value: Stored) => Stored;
}

/**
 * An aggregate of a query's rows, kept up to date: `value` is at any time what running the query anew would give, to the
 * last bit.
 *
 * @example
 * ```ts
 * using total = accounts.selectAll().where('country', '=', 'FR').live.sum('balance');
 * total.on('change', ({ value, previous }) => console.log(previous, '→', value));
 * accounts.insert({ email: 'zoe@example.com', country: 'FR', score: 12, balance: 5n }); // prints: 20n → 25n
 * ```
 */
export class LiveValue<V> extends Live<{ readonly value: Stored }, LiveValueChange<V>> {
  private readonly fold: Fold;
  private readonly bytes: ColumnBytes;
  private readonly reduce: (value: Stored) => Stored;
  private readonly toUser: (value: Stored) => V;
  private current: { readonly value: Stored };

  /** @internal */
  constructor(table: LiveTable, { filter, members, rows, fold, columns, toUser, reduce }: LiveValuePlan<V>) {
    super(table, filter, members);
    const { source, places } = table;
    this.fold = fold(source, places);
    for (const row of rows) this.fold.add(row, source.store.linkOf(row));
    this.bytes = new ColumnBytes(source.codec, source.schema, columns);
    this.reduce = reduce ?? ((value) => value);
    this.toUser = toUser;
    this.current = { value: this.reduce(this.fold.value) };
  }

  /** The value. Within a transaction, without what is not committed yet. */
  get value(): V {
    this.assertReadable();
    return this.toUser(this.current.value);
  }

  /** @internal */
  protected changed(moves: readonly Move[], before: ReadonlyMap<RowId, Link>): Delta<{ readonly value: Stored }> {
    const { source, places } = this.table;
    const telling = moves.filter((move) => !this.bytes.isSameAt(source.store, move.before, move.after));
    applyMoves(
      telling,
      before,
      places,
      (row, link) => this.fold.remove(row, link),
      (row, link) => this.fold.add(row, link),
    );
    const after = { value: this.reduce(this.fold.value) };
    const { current } = this;
    if (this.isSame(current, after)) return new Map();
    this.current = after;
    return new Map([[undefined, { before: current, after }]]);
  }

  /** @internal */
  isSame(one: { readonly value: Stored }, other: { readonly value: Stored }): boolean {
    return isSameValue(one.value, other.value);
  }

  /** @internal */
  changeOf(delta: Delta<{ readonly value: Stored }>, _version: Version<{ readonly value: Stored }>, lsn: Lsn): LiveValueChange<V> {
    const { before, after } = delta.get(undefined) ?? {};
    const previous = before === undefined ? undefined : this.toUser(before.value);
    return { value: this.toUser(after?.value), previous, lsn };
  }

  /** @internal */
  protected parts(): Map<unknown, { readonly value: Stored }> {
    return new Map([[undefined, this.current]]);
  }
}
