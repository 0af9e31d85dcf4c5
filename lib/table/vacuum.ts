import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClosedError } from '../errors.js';
import type { RowId } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';
import type { Journal } from '../transaction/journal.js';

/** What `table.vacuum()` takes. */
export interface VacuumOptions {
  /** How long one slice may take, in milliseconds; 5 by default. Between slices, other work goes on. */
  readonly budgetMs?: number;
  /** Ends it after the slice that it is in; what was done stays. It rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a vacuum did. Pages that writers emptied meanwhile count too. */
export interface VacuumResult {
  readonly pagesFreed: number;
  readonly bytesFreed: number;
  readonly rowsMoved: number;
}

/** The part of a table that a vacuum works on. */
export interface Vacuumed {
  readonly store: RowStore;
  readonly journal: Journal;
}

export const DEFAULT_BUDGET_MS = 5;
/** Rows that are looked at between two looks at the clock. */
const ROWS_A_LOOK = 64;

/**
 * Packs a table's rows into fewer pages. Sparse pages are marked: they take no more rows, and those that they have move
 * elsewhere, a slice at a time, found by a walk over the row ids. A page goes with its last row. Between slices
 * everything is whole, and readers, writers and snapshots go on; old versions of rows, which belong to no row id, stay
 * where they are, and keep their page until they are released.
 */
export class Vacuum {
  private running: Promise<VacuumResult> | undefined;

  constructor(
    private readonly table: Vacuumed,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Whether one is at work. */
  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Runs one, or joins the one that runs. @throws ClosedError */
  run(options: VacuumOptions = {}): Promise<VacuumResult> {
    this.running ??= this.work(options).finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async work({ budgetMs = DEFAULT_BUDGET_MS, signal }: VacuumOptions): Promise<VacuumResult> {
    if (!(budgetMs > 0)) throw new TypeError('budgetMs is a number above 0');
    const { store, journal } = this.table;
    await nextTurn(); // out of whatever transaction this may have been called in
    this.assertOpen(journal, signal);
    const before = store.stats();
    let rowsMoved = 0;
    const slices = async (step: () => boolean) => {
      for (let more = true; more; ) {
        const deadline = this.clock() + budgetMs;
        while (more && this.clock() < deadline) more = step();
        await nextTurn();
        this.assertOpen(journal, signal);
      }
    };
    const sparse = store.sparsePages();
    await slices(() => {
      const page = sparse.pop();
      if (page !== undefined) store.retirePage(page);
      return page !== undefined;
    });
    let row = 0;
    await slices(() => {
      const last = Math.min(row + ROWS_A_LOOK, store.idExtent);
      for (; row < last; row++) if (store.evacuate(row as RowId)) rowsMoved++;
      return row < store.idExtent && store.retiringPages > 0;
    });
    const after = store.stats();
    return {
      pagesFreed: Math.max(0, before.pages - after.pages),
      bytesFreed: Math.max(0, before.totalBytes - after.totalBytes),
      rowsMoved,
    };
  }

  private assertOpen(journal: Journal, signal: AbortSignal | undefined): void {
    if (journal.isClosed) throw new ClosedError();
    signal?.throwIfAborted();
  }
}
