import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { EntityClass } from '../schema/column-type.js';
import { Feed } from './feed.js';
import type { FeedHub } from './feed-hub.js';
import { FeedTables } from './feed-tables.js';

/** What a feed gives. */
export interface FeedOptions {
  /**
   * The position that its user has: what is given begins with the next transaction. 0 is the beginning; without it, from
   * now on. `snapshot`: first all rows as of one moment, as events of kind `read`, then what came after that moment.
   */
  readonly from?: number | 'snapshot';
  /** The last position that is given; then it ends. */
  readonly to?: number;
  /** Changes of these tables alone; of all, without it. */
  readonly tables?: readonly EntityClass[];
  /** Ends it, with an `AbortError` whose cause is the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Only what is durable is given, as the database's durability means it: the default. With `false`, what is committed is
   * given at once; a crash may then take back what was given.
   */
  readonly durable?: boolean;
}

export const changesOf = (event: CommitEvent): readonly ChangeEvent[] => event.changes;
export const commitsOf = (event: CommitEvent): readonly CommitEvent[] => [event];

/** What a consumer wants to know of its feed. */
export interface FeedWatcher<T> {
  readonly given: (value: T) => void;
  readonly caughtUp: (lsn: number) => void;
  readonly begun: (end: () => void) => () => void;
}

/** @throws TypeError, SchemaError */
export function openFeed<T>(
  hub: FeedHub,
  options: FeedOptions,
  valuesOf: (event: CommitEvent) => readonly T[],
  watcher?: FeedWatcher<T>,
): Feed<T> {
  const { from = hub.lsn, to, tables, signal, durable = true } = options;
  if (from !== 'snapshot' && !isPosition(from)) throw new TypeError("from is an LSN, from 0 on, or 'snapshot'");
  if (to !== undefined && !isPosition(to)) throw new TypeError('to is an LSN, from 0 on');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal');
  hub.record();
  const reader = {
    tables: new FeedTables(hub.cores, tables),
    from,
    to,
    durable,
    signal,
    caughtUp: watcher?.caughtUp,
    begun: watcher?.begun,
  };
  return new Feed(hub, reader, valuesOf, watcher?.given);
}

function isPosition(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
