import type { Lsn } from '../cdc/operation.js';
import type { LogCursor } from '../persistence/persistence-engine.js';
import type { RetentionOptions } from '../persistence/store.js';
import type { EntityClass } from '../schema/column-type.js';
import type { TableCore } from '../table/table-core.js';
import type { Journal } from '../transaction/journal.js';
import { CommitRing } from './commit-ring.js';

/** A stored log, as far as feeds read it. */
export interface FeedLog {
  readFrom(afterLsn: number): LogCursor;
  readonly oldestLsn: number;
  retain(retention: RetentionOptions, afterLsn: number | undefined): void;
}

/** Where the log is, and what is said of it. */
export interface FeedStore {
  readonly log: FeedLog;
  readonly retention: RetentionOptions;
  readonly durableLsn: () => number;
  readonly waitForOps: () => Promise<unknown>;
}

export const DEFAULT_RING_BYTES = 16 * 1024 * 1024;

/**
 * What the feeds of one database share: from where they read, what wakes them when there is more, and what is kept for
 * them. On disk they read the log, up to what is durable; in memory, or where they want what is not durable yet, a ring
 * of the latest transactions, which records from when somebody first asks for it.
 */
export class FeedHub {
  private store: FeedStore | undefined;
  private ring: CommitRing | undefined;
  private ringUsers = 0;
  private readonly waiting = new Set<() => void>();
  /** Positions behind which the log is kept: those of consumers, and of feeds that begin with an image. */
  private readonly holds = new Map<unknown, number>();
  private isOver = false;
  private failure: Error | undefined;

  constructor(
    readonly cores: ReadonlyMap<EntityClass, TableCore>,
    readonly journal: Journal,
    private readonly ringBytes: number,
  ) {}

  /** The database is stored: from now on its log is read. */
  attach(store: FeedStore): void {
    this.store = store;
    this.keep();
  }

  get isStored(): boolean {
    return this.store !== undefined;
  }

  get durableLsn(): number {
    return this.store?.durableLsn() ?? this.journal.lsn;
  }

  get isClosed(): boolean {
    return this.isOver;
  }

  /** Everything that is committed now is durable, when it resolves. @throws PersistenceFailedError, ClosedError */
  async flush(): Promise<void> {
    await this.store?.waitForOps();
  }

  /** Behind this position everything can be read. */
  get oldestLsn(): number {
    return this.store?.log.oldestLsn ?? this.ring?.oldestLsn ?? this.journal.lsn;
  }

  /** Has commits recorded from now on, where there is no log. */
  record(): void {
    if (!this.isStored) this.useRing();
  }

  /** Has commits recorded: in a stored database, which has them in its log, as long as somebody wants them at once. */
  useRing(): () => void {
    if (this.ring === undefined) {
      this.ring = new CommitRing(this.ringBytes, this.journal.lsn, this.wake);
      this.journal.recorder = this.ring;
    }
    this.ringUsers++;
    return () => {
      if (--this.ringUsers > 0 || !this.isStored) return;
      this.ring = undefined;
      this.journal.recorder = undefined;
    };
  }

  /** The newest position that can be read. */
  limit(durable: boolean): number {
    return durable ? this.durableLsn : this.journal.lsn;
  }

  /** What has the transactions behind a position, if there are any yet, and up to where. */
  source(afterLsn: number, durable: boolean): FeedSource | undefined {
    const { ring, store } = this;
    if (ring !== undefined && (store === undefined || (!durable && ring.oldestLsn <= afterLsn))) {
      return ring.lastLsn > afterLsn ? { reads: ring, upTo: ring.lastLsn } : undefined;
    }
    return store !== undefined && store.durableLsn() > afterLsn ? { reads: store.log, upTo: store.durableLsn() } : undefined;
  }

  /** Calls back, once, when there may be more to read, or nothing will come any more. @returns what ends that */
  whenMore(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  readonly wake = (): void => {
    if (this.waiting.size === 0) return;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const wake of waiting) wake();
  };

  /** @throws the error after which nothing is read any more */
  assertSound(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  /** No more is committed: feeds end when they have given what there is. */
  close(): void {
    this.isOver = true;
    this.wake();
  }

  /** Has the log kept behind a position for `holder`; or, without one, not any more. */
  hold(holder: unknown, afterLsn: number | undefined): void {
    if (afterLsn === undefined) this.holds.delete(holder);
    else this.holds.set(holder, afterLsn);
    this.keep();
  }

  private keep(): void {
    const { store } = this;
    if (store === undefined || this.isOver) return;
    let after: number | undefined;
    for (const lsn of this.holds.values()) if (after === undefined || lsn < after) after = lsn;
    store.log.retain(store.retention, after);
  }

  get lsn(): Lsn {
    return this.journal.lsn;
  }
}

export interface FeedSource {
  readonly reads: { readFrom(afterLsn: number): LogCursor };
  readonly upTo: number;
}
