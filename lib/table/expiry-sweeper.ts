import { EXPIRY_STEP_ROWS } from './row-expiry.js';
import type { TableCore } from './table-core.js';

/**
 * Removes expired rows from time to time, a step of each table at once, with other work between steps. While another
 * database is followed it does nothing: their deletes come from there.
 */
export class ExpirySweeper {
  private timer: NodeJS.Timeout | undefined;
  private next: NodeJS.Immediate | undefined;

  constructor(
    private readonly cores: readonly TableCore[],
    intervalMs: number,
  ) {
    // Neither keeps a process alive that has nothing else to do.
    this.timer = setInterval(() => this.sweep(), intervalMs).unref();
  }

  private sweep(): void {
    clearImmediate(this.next);
    this.next = undefined;
    let more = false;
    for (const { expiry, journal } of this.cores) {
      if (!journal.isWritable || journal.follows) return;
      if (expiry !== undefined && expiry.removeSome(EXPIRY_STEP_ROWS) === EXPIRY_STEP_ROWS) more = true;
    }
    if (more && this.timer !== undefined) this.next = setImmediate(() => this.sweep()).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    clearImmediate(this.next);
    this.timer = undefined;
  }
}
