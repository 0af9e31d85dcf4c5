import type { Stored } from '../schema/stored-value.js';
import type { ExpirySchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import type { Change } from '../transaction/change.js';
import type { Journal } from '../transaction/journal.js';
import type { IndexView, TableView } from './table-view.js';

/** A table whose rows expire, as far as expiry knows it. */
interface ExpiringTable extends TableView {
  readonly journal: Journal;
  /** Whether somebody has locked the row. */
  isHeld(row: RowId): boolean;
  delete(row: RowId, expired: boolean): Change;
  removeHolders(expiry: RowExpiry, values: readonly Stored[], row?: RowId, changed?: readonly number[]): void;
}

/** Rows that one step removes at most, so that it stays short. */
export const EXPIRY_STEP_ROWS = 1000;

/** Whether a row's time is over in this view of its table. */
export function isExpired(view: TableView, row: RowId): boolean {
  const { expires } = view.schema;
  if (expires === undefined) return false;
  const cutoff = view.cutoff();
  if (cutoff === undefined) return false;
  const until = view.store.read(row, expires.column);
  return until !== null && (until as number) <= cutoff;
}

/**
 * The rows of a table whose time is over: no read gives them, and they are removed in steps, in the order of their
 * times, through the index over the column that says when.
 */
export class RowExpiry {
  private readonly index: IndexView;
  /** No row expires before this. Rising it costs a look into the index; so reads look there only when it is past. */
  private notBefore = Number.NEGATIVE_INFINITY;
  private still = false;
  /** What the time is, while a call is to see one moment. */
  private moment: number | undefined;

  constructor(
    private readonly core: ExpiringTable,
    readonly schema: ExpirySchema,
  ) {
    this.index = core.secondaries.find(({ name }) => name === schema.index) as IndexView;
  }

  /** Does work for which no row's time is over. */
  atStandstill(work: () => void): void {
    this.still = true;
    try {
      work();
    } finally {
      this.still = false;
    }
  }

  /** Does work for which time stands still: a row that it found alive stays so until it ends. */
  atOneMoment<T>(work: () => T): T {
    if (this.moment !== undefined) return work();
    this.moment = Date.now();
    try {
      return work();
    } finally {
      this.moment = undefined;
    }
  }

  /** The time now, where a row is still there whose time is over; otherwise nothing, and reads need not look. */
  cutoff(): number | undefined {
    if (this.still) return undefined;
    const now = this.moment ?? Date.now();
    if (now < this.notBefore) return undefined;
    this.notBefore = this.earliest();
    return now < this.notBefore ? undefined : now;
  }

  private earliest(): number {
    const [row] = this.rowsUntil(Number.MAX_VALUE, 1, false);
    return row === undefined ? Number.POSITIVE_INFINITY : (this.core.store.read(row, this.schema.column) as number);
  }

  /** A row expires at `until`, or never. */
  noticed(until: unknown): void {
    if (typeof until === 'number' && until < this.notBefore) this.notBefore = until;
  }

  /** Any row may be back. */
  forget(): void {
    this.notBefore = Number.NEGATIVE_INFINITY;
  }

  /** Rows that expire at `last` or before, the first first; nulls never do. */
  private rowsUntil(last: number, most: number, unlocked: boolean): RowId[] {
    const rows: RowId[] = [];
    // Among values that are never null, null has no place in the order: as a bound it would be 0.
    const low = this.core.schema.columns[this.schema.column]?.nullable === true ? null : undefined;
    this.index.scan({ low, lowInclusive: false, high: last, highInclusive: true }, false, (row) => {
      if (unlocked && this.core.isHeld(row)) return false;
      rows.push(row);
      return rows.length >= most;
    });
    return rows;
  }

  /** Rows that are in the table and whose time ended after one moment, and until another. */
  expiredBetween(after: number, until: number): RowId[] {
    const rows: RowId[] = [];
    if (this.cutoff() === undefined) return rows;
    const low = after === Number.NEGATIVE_INFINITY ? null : after;
    this.index.scan({ low, lowInclusive: false, high: until, highInclusive: true }, false, (row) => {
      rows.push(row);
      return false;
    });
    return rows;
  }

  /** Removes rows whose time is over, as one transaction; rows that somebody has locked stay for later. @returns how many */
  removeSome(most: number): number {
    const { core } = this;
    const cutoff = this.cutoff();
    if (cutoff === undefined) return 0;
    const rows = this.rowsUntil(cutoff, most, true);
    if (rows.length === 0) return 0;
    core.journal.run(() => {
      for (const row of rows) core.journal.record(core.delete(row, true));
    });
    return rows.length;
  }

  /**
   * Writes when the expired rows that hold its keys have been removed. Listeners hear of them after the write, which must
   * find the table as it was when it began.
   */
  makingWay<T>(write: () => T, values: readonly Stored[], row?: RowId, changed?: readonly number[]): T {
    const { core } = this;
    const { publisher } = core.journal;
    try {
      if (this.cutoff() !== undefined) publisher.holdBack(() => core.removeHolders(this, values, row, changed));
      this.noticed(values[this.schema.column]); // last: what looks for the earliest time does not find this one yet
      return write();
    } catch (error) {
      publisher.deliverWaiting();
      throw error;
    }
  }

  /** Removes the row, if its time is over: it stands in the way of one that is to have its key. */
  giveWay(row: RowId | undefined): void {
    if (row !== undefined && isExpired(this.core, row)) this.core.journal.record(this.core.delete(row, true));
  }
}
