import { keepClassOf } from '../kept.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Change, ChangeTarget } from './change.js';

/**
 * Rows that were inserted into one table, one after the other, in a transaction that nobody but its undo asks about: two
 * numbers a row, where a `Change` is an object of ten fields.
 */
export class InsertRun {
  readonly kind = 'inserts';
  /** The row and its place, in turns. */
  private readonly places: number[] = [];

  constructor(
    readonly target: ChangeTarget,
    /** The autoincrement counter before the first row. */
    private readonly counter: number | bigint,
    /** How many pages there were before. */
    private readonly pages: number,
  ) {}

  get size(): number {
    return this.places.length / 2;
  }

  add(row: RowId, link: Link): void {
    this.places.push(row, link);
  }

  /** One of them, as if it had been recorded by itself. */
  change(at: number): Change {
    const { target, counter, pages, places } = this;
    const row = places[at * 2] as RowId;
    const newLink = places[at * 2 + 1] as Link;
    return { target, kind: 'insert', row, oldLink: NO_LINK, newLink, counter, pages, kept: false, expired: false };
  }

  changes(): Change[] {
    return Array.from({ length: this.size }, (_, at) => this.change(at));
  }
}

keepClassOf(new InsertRun({} as ChangeTarget, 0, 0));
