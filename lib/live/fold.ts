import type { Key } from '../index/key-order.js';
import type { Stored } from '../schema/stored-value.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Move } from './live-rows.js';
import { type LiveOrder, type LiveSource, RowOrdering, type RowPlaces } from './live-source.js';
import { RankedRows } from './ranked-rows.js';

/** What an aggregate has made of some rows: each that is added can be taken away again. */
export interface Fold {
  add(row: RowId, link: Link): void;
  remove(row: RowId, link: Link): void;
  /** In the stored form; `undefined` where there is none. */
  readonly value: Stored;
}

/** Makes the fold of no rows. */
export type StartFold = (source: LiveSource, places: RowPlaces) => Fold;

/** What adds values up. */
interface Adder {
  add(value: Stored): void;
  remove(value: Stored): void;
  readonly value: Stored;
}

/** Counts rows. */
export class CountFold implements Fold {
  value = 0;

  add(): void {
    this.value++;
  }

  remove(): void {
    this.value--;
  }
}

/** Gives the values of a column to what adds them up; nulls are left out. */
export class AddingFold implements Fold {
  constructor(
    private readonly source: LiveSource,
    private readonly column: number,
    private readonly adder: Adder,
  ) {}

  add(_row: RowId, link: Link): void {
    const value = this.source.store.readAt(link, this.column);
    if (value !== null) this.adder.add(value);
  }

  remove(_row: RowId, link: Link): void {
    const value = this.source.store.readAt(link, this.column);
    if (value !== null) this.adder.remove(value);
  }

  get value(): Stored {
    return this.adder.value;
  }
}

/** The value of a column in the first row of an order that begins with it; nulls are left out. */
export class FirstFold implements Fold {
  private readonly ranked: RankedRows<readonly Key[]>;
  private readonly ordering: RowOrdering;
  private readonly column: number;

  constructor(
    private readonly source: LiveSource,
    private readonly places: RowPlaces,
    order: readonly LiveOrder[],
  ) {
    this.column = (order[0] as LiveOrder).column.position;
    this.ordering = new RowOrdering(source, places, order);
    this.ranked = new RankedRows(this.ordering.compareToRow);
  }

  add(row: RowId, link: Link): void {
    const key = this.ordering.keyAt(link);
    if (key[0] !== null) this.ranked.insert(key, row);
  }

  remove(_row: RowId, link: Link): void {
    const key = this.ordering.keyAt(link);
    if (key[0] !== null) this.ranked.remove(key);
  }

  get value(): Stored {
    if (this.ranked.size === 0) return undefined;
    return this.source.store.readAt(this.places.linkOf(this.ranked.at(0)), this.column);
  }
}

/** Takes the moves of rows into the folds that they belong to: what left first, as it was, then what came, as it is. */
export function applyMoves(
  moves: readonly Move[],
  before: ReadonlyMap<RowId, Link>,
  places: RowPlaces,
  remove: (row: RowId, link: Link) => void,
  add: (row: RowId, link: Link) => void,
): void {
  places.showBefore(before);
  for (const move of moves) if (move.before !== NO_LINK) remove(move.row, move.before);
  places.showNow();
  for (const move of moves) if (move.after !== NO_LINK) add(move.row, move.after);
}

/** Whether two stored values are one to the order of their column. */
export function isSameValue(one: Stored, other: Stored): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other || (one !== one && other !== other);
}
