import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CommitEvent } from '../cdc/change-event.js';
import { OffsetAheadError } from '../errors.js';
import type { LogCursor } from '../persistence/persistence-engine.js';
import { CommitReader } from './commit-reader.js';
import type { FeedHub, FeedSource } from './feed-hub.js';
import type { FeedTables } from './feed-tables.js';
import { ImageReader } from './image-reader.js';

export interface ReaderOptions {
  readonly tables: FeedTables;
  /** The position that its user has, or that it begins with an image. */
  readonly from: number | 'snapshot';
  /** The last position that is read; all that come, without it. */
  readonly to: number | undefined;
  readonly durable: boolean;
  readonly signal: AbortSignal | undefined;
  /** Told of the position that was read to, when there is no more for now. */
  readonly caughtUp: ((lsn: number) => void) | undefined;
  /** Told when it begins to read, of what ends it. @returns what is done when it has ended */
  readonly begun: ((end: () => void) => () => void) | undefined;
}

/**
 * Reads transactions in their order, and waits for more. It holds nothing while nobody asks it for the next but its
 * position and, at most, what it read of the log at once: no writer waits for it, and no memory grows.
 */
export class FeedReader {
  private readonly commits: CommitReader;
  private cursor: { readonly of: FeedSource['reads']; readonly reads: LogCursor } | undefined;
  private image: ImageReader | undefined;
  private position: number | undefined;
  private isBegun = false;
  private isEnded = false;
  private error: Error | undefined;
  /** What is undone when it ends. */
  private readonly atEnd: (() => void)[] = [];
  private stopWaiting: (() => void) | undefined;

  constructor(
    private readonly hub: FeedHub,
    private readonly options: ReaderOptions,
  ) {
    this.commits = new CommitReader(options.tables);
  }

  /** The next transaction with a change that is wanted, or some rows of the image; nothing at the end. One call at a time. */
  async next(): Promise<CommitEvent | undefined> {
    try {
      if (!this.isBegun) this.begin();
      for (;;) {
        const event = await this.read();
        if (event !== undefined && (event.changes.length > 0 || event.snapshot === 'last')) return event;
        if (this.isEnded) break;
      }
    } catch (error) {
      this.end();
      throw this.error ?? error; // what its signal interrupted may fail in any way
    }
    if (this.error !== undefined) throw this.error;
    return undefined;
  }

  /** A transaction that was read without waiting, where there is one. */
  nextNow(): CommitEvent | undefined {
    const { position } = this;
    if (this.isEnded || this.image !== undefined || position === undefined || this.isAtEnd) return undefined;
    const event = this.commits.next(position);
    if (event === undefined) return undefined;
    this.position = event.lsn;
    return event.changes.length > 0 ? event : undefined;
  }

  private begin(): void {
    this.isBegun = true;
    this.enter();
    const ended = this.options.begun?.(() => this.end());
    if (ended !== undefined) this.atEnd.push(ended);
  }

  private enter(): void {
    const { hub } = this;
    const { signal, from, durable, tables } = this.options;
    if (signal?.aborted) throw abortError(signal);
    if (signal !== undefined) {
      const abort = () => {
        this.error = abortError(signal);
        this.end();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.atEnd.push(() => signal.removeEventListener('abort', abort));
    }
    if (!durable) this.atEnd.push(hub.useRing());
    if (from !== 'snapshot') {
      if (from > hub.lsn) throw new OffsetAheadError(from, hub.lsn);
      this.position = from;
      return;
    }
    const image = new ImageReader(
      tables.all.filter(({ isWanted }) => isWanted),
      hub.journal,
    );
    this.image = image;
    hub.hold(this, image.lsn);
    this.atEnd.push(() => {
      image.release();
      hub.hold(this, undefined);
    });
  }

  private async read(): Promise<CommitEvent | undefined> {
    if (this.isEnded) return undefined;
    this.hub.assertSound();
    if (this.image !== undefined) return this.readImage(this.image);
    const position = this.position as number;
    if (this.isAtEnd) return this.end();
    const event = this.commits.next(position);
    if (event !== undefined) {
      this.position = event.lsn;
      return event;
    }
    const source = this.hub.source(position, this.options.durable);
    if (source === undefined) await this.wait();
    else await this.readMore(source, position);
    return undefined;
  }

  private get isAtEnd(): boolean {
    const { to } = this.options;
    return to !== undefined && (this.position as number) >= to;
  }

  private async readImage(image: ImageReader): Promise<CommitEvent | undefined> {
    if (this.hub.limit(this.options.durable) < image.lsn) {
      await this.wait();
      return undefined;
    }
    const event = image.next();
    if (event.snapshot === 'last') {
      this.image = undefined;
      this.position = image.lsn;
    } else if (event.changes.length === 0) {
      await nextTurn();
    }
    return event;
  }

  private async readMore({ reads, upTo }: FeedSource, position: number): Promise<void> {
    if (this.cursor?.of !== reads) {
      this.cursor?.reads.close();
      this.cursor = { of: reads, reads: reads.readFrom(position) };
    }
    const slice = await this.cursor.reads.next(upTo);
    if (slice !== undefined && !this.isEnded) this.commits.take(slice);
  }

  /** Until there may be more; or ends, where nothing will come. */
  private wait(): Promise<void> | undefined {
    const { hub } = this;
    if (this.image === undefined) {
      if (this.options.from === 'snapshot') hub.hold(this, undefined);
      this.options.caughtUp?.(this.position as number);
    }
    if (hub.isClosed) return this.end();
    return new Promise((resolve) => {
      const stop = hub.whenMore(resolve);
      this.stopWaiting = () => {
        stop();
        resolve();
      };
    });
  }

  /** Ends it, and lets go of everything. Whoever waits for the next hears of it. Harmless when repeated. */
  end(): undefined {
    if (this.isEnded) return undefined;
    this.isEnded = true;
    this.cursor?.reads.close();
    this.cursor = undefined;
    this.commits.forget();
    for (const undo of this.atEnd.splice(0)) undo();
    this.stopWaiting?.();
    return undefined;
  }
}

/** What `events.on` throws in its place. */
function abortError(signal: AbortSignal): Error {
  const error = new Error('the feed was ended by its signal', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
