import type { TableCore } from './table-core.js';
import { DEFAULT_BUDGET_MS } from './vacuum.js';

/** When tables are vacuumed by themselves. */
export interface VacuumManagerOptions {
  /** How often tables are looked at, in milliseconds; 60,000 by default. */
  readonly intervalMs?: number;
  /** The share of a table's pages that is free, above which it is vacuumed, from 0 to 1; 0.3 by default. */
  readonly fragmentation?: number;
  /** How long one slice may take, in milliseconds; 5 by default. */
  readonly budgetMs?: number;
}

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_FRAGMENTATION = 0.3;

/** Vacuums tables that have become fragmented, one after the other, from time to time. */
export class VacuumManager {
  private readonly timer: NodeJS.Timeout;
  private readonly stopping = new AbortController();
  private working: Promise<void> = Promise.resolve();
  private busy = false;

  constructor(
    private readonly cores: readonly TableCore[],
    private readonly options: VacuumManagerOptions,
  ) {
    const { intervalMs = DEFAULT_INTERVAL_MS, fragmentation = DEFAULT_FRAGMENTATION } = options;
    if (!(intervalMs > 0) || !(fragmentation >= 0 && fragmentation < 1)) {
      throw new TypeError('vacuum takes an intervalMs above 0, and a fragmentation from 0 to 1');
    }
    this.timer = setInterval(() => this.look(), intervalMs).unref();
  }

  private look(): void {
    if (this.busy) return;
    this.busy = true;
    this.working = this.vacuumFragmented().finally(() => {
      this.busy = false;
    });
  }

  private async vacuumFragmented(): Promise<void> {
    const { fragmentation = DEFAULT_FRAGMENTATION, budgetMs = DEFAULT_BUDGET_MS } = this.options;
    const { signal } = this.stopping;
    for (const core of this.cores) {
      if (core.store.stats().fragmentation <= fragmentation) continue;
      try {
        await core.vacuum.run({ budgetMs, signal });
      } catch (error) {
        if (signal.aborted) return;
        // A table that is full cannot be packed now; the next look tries again.
        process.emitWarning(`vacuum of ${core.name}: ${(error as Error).message}`, 'WorkTableVacuumWarning');
      }
    }
  }

  /** Ends the timer, and the vacuum that runs, after its slice. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.working;
  }
}
