import { PersistenceFailedError } from '../errors.js';
import type { CheckpointResult, DatabaseImage, PersistenceEngine } from './persistence-engine.js';
import type { PersistenceTask } from './persistence-task.js';

/**
 * Makes checkpoints, one at a time: when the log has grown enough, and from time to time where it has grown at all.
 * Writers go on meanwhile; what they change is kept as it was, row by row, until it is written.
 */
export class CheckpointTask {
  private running: Promise<CheckpointResult> | undefined;
  /** The one that comes behind it, for those who ask for more than is in it. */
  private following: Promise<CheckpointResult> | undefined;
  private imageLsn = 0;
  private readonly timer: NodeJS.Timeout;
  private next: NodeJS.Immediate | undefined;
  private isEnding = false;

  constructor(
    private readonly engine: PersistenceEngine,
    private readonly task: PersistenceTask,
    /** Every table as of now. */
    private readonly takeImage: () => DatabaseImage,
    intervalMs: number,
    private readonly failed: (error: unknown) => void,
  ) {
    this.timer = setInterval(() => this.inBackground(), intervalMs).unref();
    task.on('durable', () => this.look());
    this.look();
  }

  private look(): void {
    if (this.running !== undefined || this.next !== undefined || this.isEnding || !this.engine.wantsCheckpoint) return;
    this.next = setImmediate(() => {
      this.next = undefined;
      this.inBackground();
    });
  }

  private inBackground(): void {
    if (this.running !== undefined || this.isEnding || this.task.durableLsn === this.engine.stats.checkpointLsn) return;
    this.run().catch((error: unknown) => this.failed(error));
  }

  /**
   * Makes one with everything up to a position in it. It joins the one that is being made where that has it; otherwise
   * another one follows. @throws DiskFullError, PersistenceFailedError, TransactionError
   */
  upTo(lsn: number): Promise<CheckpointResult> {
    if (this.running === undefined || this.imageLsn >= lsn) return this.run();
    this.following ??= this.running
      .catch(() => undefined) // its caller hears of that
      .then(() => {
        this.following = undefined;
        return this.run();
      });
    return this.following;
  }

  private run(): Promise<CheckpointResult> {
    this.running ??= this.make().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async make(): Promise<CheckpointResult> {
    const image = this.takeImage();
    this.imageLsn = image.lsn;
    try {
      await this.task.settle(); // the log is to reach the image's position before anything leans on it
      return await this.engine.checkpoint(image);
    } catch (error) {
      if (error instanceof PersistenceFailedError) this.task.fail(error);
      throw error;
    } finally {
      image.release();
    }
  }

  /** Begins none any more, and waits for the one that is being made. */
  async stop(): Promise<void> {
    this.isEnding = true;
    clearInterval(this.timer);
    clearImmediate(this.next);
    await (this.following ?? this.running)?.catch(() => undefined);
  }
}
