import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { Lsn } from '../cdc/operation.js';
import { OffsetAheadError } from '../errors.js';
import type { EntityClass } from '../schema/column-type.js';
import type { Feed } from './feed.js';
import type { FeedHub } from './feed-hub.js';
import { changesOf, commitsOf, type FeedOptions, openFeed } from './open-feed.js';

/** What a consumer's position is called. */
export const CONSUMER = 'consumer:';

/** How a consumer begins. */
export interface ConsumerOptions {
  /**
   * Where a consumer begins that is new: at a position that it has, with an image, or, without it, from now on. One that
   * has acknowledged something goes on there.
   */
  readonly from?: number | 'snapshot';
}

/** What of the feed a consumer wants. */
export interface ConsumerFeedOptions {
  /** Changes of these tables alone; of all, without it. */
  readonly tables?: readonly EntityClass[];
  /** Ends it, with an `AbortError` whose cause is the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How far a consumer has come. */
export interface ConsumerStats {
  readonly name: string;
  /** What it has acknowledged. */
  readonly position: Lsn;
  /** How many transactions have been committed since. */
  readonly lag: number;
  /** What comes next is not there any more. */
  readonly isTruncated: boolean;
}

/** A filtered feed that has nothing to give acknowledges by itself, when it is so far behind. */
const SILENT_TRANSACTIONS = 256;

/**
 * A reader of the feed that is remembered under a name: it goes on behind what it has acknowledged, also after a crash,
 * so it is given everything at least once. What it has not acknowledged is kept for it, within `retention.consumerBytes`.
 */
export class Consumer {
  /** While an image is being given: its position, which nobody can have yet. */
  private imageLsn: number | undefined;
  private lastGiven = 0;
  /** What it has acknowledged durably. */
  private durable = 0;
  /** What ends each feed, and each subscription to one, that is being read. */
  private readonly open = new Set<() => void>();
  private isRemoved = false;

  /** @internal */
  constructor(
    private readonly hub: FeedHub,
    readonly name: string,
    private readonly from: number | 'snapshot' | undefined,
    /** All that there are. */
    private readonly known: Map<string, Consumer>,
  ) {}

  /** What it has acknowledged; nothing before all of an image was. */
  get position(): Lsn | undefined {
    return this.hub.journal.positions.get(CONSUMER + this.name) as Lsn | undefined;
  }

  /** The transaction that made it was undone: nothing of it is remembered. @internal */
  get isUndone(): boolean {
    return this.position === undefined && this.from !== 'snapshot';
  }

  /** The changes behind its position, as `db.changes`. */
  changes(options: ConsumerFeedOptions = {}): Feed<ChangeEvent> {
    return this.feed(options, changesOf);
  }

  /** The transactions behind its position, as `db.commits`. */
  commits(options: ConsumerFeedOptions = {}): Feed<CommitEvent> {
    return this.feed(options, commitsOf);
  }

  private feed<T extends ChangeEvent | CommitEvent>(options: ConsumerFeedOptions, valuesOf: (event: CommitEvent) => readonly T[]): Feed<T> {
    const from = this.position ?? this.from;
    const given = (value: T): void => {
      this.lastGiven = Math.max(this.lastGiven, value.lsn);
      if (!isOfImage(value)) return;
      this.imageLsn = isWhole(value) ? undefined : value.lsn;
      // It has all of the image, and nothing is acknowledged: what comes next is kept until then.
      if (isWhole(value) && this.position === undefined) this.hub.hold(CONSUMER + this.name, value.lsn);
    };
    const caughtUp = (lsn: number): void => {
      if (this.open.size === 1) this.passSilently(lsn);
    };
    const all: FeedOptions = { ...options, ...(from === undefined ? {} : { from }) };
    const begun = (end: () => void) => {
      if (this.isRemoved) end();
      else this.open.add(end);
      return () => this.open.delete(end);
    };
    return openFeed(this.hub, all, valuesOf, { given, caughtUp, begun });
  }

  /** Nothing was given that is not acknowledged: what else was read were changes that it does not want. */
  private passSilently(lsn: number): void {
    const { position } = this;
    if (position === undefined || position < this.lastGiven || lsn - position < SILENT_TRANSACTIONS) return;
    void this.acknowledge(lsn).catch(() => undefined); // it is behind a little longer
  }

  /**
   * It has everything up to here: all of the transaction with this LSN; or, given an event, that one and those before it,
   * of which a transaction counts when all of it has come. Going back is not possible, and has no effect. Within
   * `db.transaction` it is stored with that transaction, or undone with it.
   *
   * Resolves when it is as durable as the database makes it. @throws OffsetAheadError, ClosedError, ReadOnlyError,
   * PersistenceFailedError
   */
  async acknowledge(upTo: number | ChangeEvent | CommitEvent): Promise<void> {
    const { hub } = this;
    const lsn = typeof upTo === 'number' ? upTo : wholeUpTo(upTo);
    if (this.isRemoved || lsn === undefined || (this.imageLsn !== undefined && lsn <= this.imageLsn)) return;
    if (!(lsn <= hub.lsn)) throw new OffsetAheadError(lsn, hub.lsn);
    const { position } = this;
    if (position === undefined || position < lsn) hub.journal.setPosition(CONSUMER + this.name, lsn);
    await Promise.resolve(); // a transaction that it is part of ends first
    await hub.flush();
    // Only now: a crash may take back what is not durable, and then what comes next is wanted again.
    this.durable = Math.max(this.durable, Math.min(lsn, this.position ?? 0));
    if (!this.isRemoved) hub.hold(CONSUMER + this.name, this.durable);
  }

  /** Forgets it, and what was kept for it; its feeds end. Resolves when that is durable. */
  async remove(): Promise<void> {
    const { hub, known, name } = this;
    if ((known.get(name) ?? this) === this) {
      hub.journal.setPosition(CONSUMER + name, undefined); // first: it may be refused
      this.isRemoved = true;
      known.delete(name);
      for (const end of this.open) end();
    }
    await hub.flush();
    // There may be one of this name again, or still, where the transaction that removed it was undone.
    if (this.position === undefined && !known.has(name)) hub.hold(CONSUMER + name, undefined);
  }
}

function isOfImage(value: ChangeEvent | CommitEvent): boolean {
  return value.snapshot !== undefined;
}

function isWhole(value: ChangeEvent | CommitEvent): boolean {
  return 'changes' in value ? value.snapshot !== 'part' : value.last === true;
}

/** The last transaction that who has this event has whole; nothing within an image. */
function wholeUpTo(value: ChangeEvent | CommitEvent): number | undefined {
  if (isWhole(value)) return value.lsn;
  return isOfImage(value) ? undefined : value.lsn - 1;
}
