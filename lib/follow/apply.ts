import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { Lsn } from '../cdc/operation.js';
import { QueueFullError } from '../errors.js';
import type { EntityClass } from '../schema/column-type.js';
import type { Follower } from './follower.js';

/** How another database is followed. */
export interface ApplyOptions {
  /** The name under which this database remembers how far it has come. */
  readonly source: string;
  /** The tables that are followed, where that is not all of the database's: events of others are passed over. */
  readonly tables?: readonly EntityClass[];
}

/** Applies transactions as they come. @returns the position when they end */
export async function applyAll(
  follower: Follower,
  events: Iterable<CommitEvent | ChangeEvent> | AsyncIterable<CommitEvent | ChangeEvent>,
  waitForRoom: () => Promise<unknown>,
): Promise<Lsn> {
  for await (const item of events) {
    try {
      follower.assertRoom();
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      await waitForRoom();
    }
    follower.take(item);
  }
  follower.end();
  return follower.position;
}
