import { type BeforeApplicationShutdown, Injectable, type MessageEvent } from '@nestjs/common';
import { catchError, from, map, type Observable, Subject, takeUntil } from 'rxjs';
import { type CommitEvent, type Database, OffsetAheadError, OffsetTruncatedError } from '../../lib/index.js';
import { InjectDatabase } from '../../lib/nestjs/index.js';
import { Order } from './order.js';

/** The table's changes as server-sent events, a transaction each. */
@Injectable()
export class LiveOrders implements BeforeApplicationShutdown {
  private readonly closing = new Subject<void>();

  constructor(@InjectDatabase() private readonly db: Database) {}

  /**
   * Goes on behind the transaction whose number a client has. One that has none, or one that nobody knows any more, is
   * given all rows first.
   */
  behind(lastEventId: string | undefined): Observable<MessageEvent> {
    const known = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
    return this.commits(known ?? 'snapshot').pipe(
      catchError((error: unknown) => {
        if (error instanceof OffsetTruncatedError || error instanceof OffsetAheadError) return this.commits('snapshot');
        throw error;
      }),
      map(messageOf),
      takeUntil(this.closing), // a stream ends never by itself, and the server waits for it
    );
  }

  private commits(position: number | 'snapshot'): Observable<CommitEvent> {
    return from(this.db.commits({ from: position, tables: [Order] }));
  }

  beforeApplicationShutdown(): void {
    this.closing.next();
  }
}

/** A part of the image has no number: whoever is cut off within it begins anew. */
function messageOf({ lsn, changes, snapshot }: CommitEvent): MessageEvent {
  const data = changes.map(({ kind, key, after }) => ({ kind, id: key, order: after }));
  return snapshot === undefined
    ? { type: 'commit', id: String(lsn), data }
    : {
        type: 'image',
        data: { rows: data.map(({ order }) => order), last: snapshot === 'last' },
        ...(snapshot === 'last' ? { id: String(lsn) } : {}),
      };
}
