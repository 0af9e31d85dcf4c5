import type { Key } from '../index/key-order.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { LiveWindow, NetChange, RowOrdering, RowPlaces } from './live-source.js';
import { RankedRows } from './ranked-rows.js';
import { RowSet } from './row-set.js';

/** A change of a row that met the query's conditions before it, meets them after it, or both. */
export interface Step extends NetChange {
  readonly was: boolean;
  readonly is: boolean;
}

/** What a transaction did to a row of the answer: one that came has no place before, one that left none after. */
export interface Move extends NetChange {
  /** It stayed, and what it is ordered by has changed. */
  readonly isReordered: boolean;
}

/** The rows of a live query, as far as they have to be known to tell what a transaction does to them. */
export interface LiveRows {
  /** Whether the row, whose bytes are at `link`, is among those that meet the conditions. */
  has(row: RowId, link: Link): boolean;
  /** Takes a transaction in. @param before where its rows were @returns what became of the answer */
  settle(steps: readonly Step[], before: ReadonlyMap<RowId, Link>): Move[];
  /** How many rows the answer has. */
  readonly size: number;
}

/** All rows that meet the conditions, in no order: what aggregates need. A bit a row; O(1) a change. */
export class UnorderedRows implements LiveRows {
  private readonly rows = new RowSet();

  constructor(rows: readonly RowId[]) {
    for (const row of rows) this.rows.add(row);
  }

  get size(): number {
    return this.rows.size;
  }

  has(row: RowId): boolean {
    return this.rows.has(row);
  }

  settle(steps: readonly Step[]): Move[] {
    for (const { row, is } of steps) {
      if (is) this.rows.add(row);
      else this.rows.delete(row);
    }
    return steps.map(moveOf);
  }
}

function moveOf({ row, before, after, was, is }: Step): Move {
  return { row, before: was ? before : NO_LINK, after: is ? after : NO_LINK, isReordered: false };
}

/** Whether a row was in the window before the transaction, and whether it is now. */
interface Presence {
  readonly was: boolean;
  is: boolean;
}

/**
 * All rows that meet the conditions, in their order, of which the answer is a window: the rows of some ranks. A row that
 * is put in or taken out moves at most one other row over either edge of the window, which the ranking finds in O(log n).
 */
export class WindowRows implements LiveRows {
  private readonly ranked: RankedRows<readonly Key[]>;
  private readonly from: number;
  private readonly to: number;
  private presences = new Map<RowId, Presence>();

  constructor(
    rows: readonly RowId[],
    { offset, limit }: LiveWindow,
    private readonly ordering: RowOrdering,
    private readonly places: RowPlaces,
  ) {
    this.ranked = new RankedRows(ordering.compareToRow);
    this.ranked.fill(rows);
    this.from = offset;
    this.to = offset + limit;
  }

  get size(): number {
    return Math.max(Math.min(this.ranked.size, this.to) - this.from, 0);
  }

  /** The rows of the window, in order. */
  inOrder(): RowId[] {
    return this.ranked.slice(this.from, this.to);
  }

  has(_row: RowId, link: Link): boolean {
    return this.ranked.find(this.ordering.keyAt(link)) >= 0;
  }

  settle(steps: readonly Step[], before: ReadonlyMap<RowId, Link>): Move[] {
    const { ordering, places } = this;
    const reordered = new Set<RowId>();
    const stayed: Step[] = [];
    const coming: Step[] = [];
    this.presences = new Map();
    places.showBefore(before);
    for (const step of steps) {
      const key = step.was ? ordering.keyAt(step.before) : undefined;
      if (key !== undefined && step.is) {
        if (ordering.compareKeys(key, ordering.keyAt(step.after)) === 0) {
          stayed.push(step);
          continue;
        }
        reordered.add(step.row);
      }
      if (key !== undefined) this.takeOut(key, step.row);
      if (step.is) coming.push(step);
    }
    places.showNow();
    for (const step of coming) this.putIn(ordering.keyAt(step.after), step.row);
    const moves: Move[] = [];
    for (const step of stayed) {
      if (!this.presences.has(step.row) && this.isInside(step)) moves.push({ ...moveOf(step), isReordered: false });
    }
    const changed = new Map(steps.map((step) => [step.row, step]));
    for (const [row, { was, is }] of this.presences) {
      if (!was && !is) continue;
      const place = changed.get(row) ?? { before: places.linkOf(row), after: places.linkOf(row) };
      moves.push({ row, before: was ? place.before : NO_LINK, after: is ? place.after : NO_LINK, isReordered: reordered.has(row) });
    }
    return moves;
  }

  private isInside(step: Step): boolean {
    if (this.from === 0 && this.to === Number.POSITIVE_INFINITY) return true;
    const rank = this.ranked.find(this.ordering.keyAt(step.after));
    return rank >= this.from && rank < this.to;
  }

  private takeOut(key: readonly Key[], row: RowId): void {
    const { ranked, from, to } = this;
    const rank = ranked.find(key);
    if (rank < to && from < to) {
      const left = rank >= from ? row : from < ranked.size ? ranked.at(from) : undefined;
      if (left !== undefined) this.mark(left, false);
      if (to < ranked.size) this.mark(ranked.at(to), true);
    }
    ranked.remove(key);
  }

  private putIn(key: readonly Key[], row: RowId): void {
    const { ranked, from, to } = this;
    const rank = ~ranked.find(key);
    if (rank < to && from < to) {
      const come = rank >= from ? row : from <= ranked.size && from > 0 ? ranked.at(from - 1) : undefined;
      if (to <= ranked.size) this.mark(ranked.at(to - 1), false);
      if (come !== undefined) this.mark(come, true);
    }
    ranked.insert(key, row);
  }

  private mark(row: RowId, is: boolean): void {
    const presence = this.presences.get(row);
    if (presence === undefined) this.presences.set(row, { was: !is, is });
    else presence.is = is;
  }

  checkStructure(): void {
    this.ranked.checkStructure();
  }
}
