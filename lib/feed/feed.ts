import type { CommitEvent } from '../cdc/change-event.js';
import type { FeedHub } from './feed-hub.js';
import { FeedReader, type ReaderOptions } from './feed-reader.js';

/** An observer, as RxJS and others have it. */
export interface FeedObserver<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
}

/** What subscribing gives. */
export interface FeedSubscription {
  /** It has ended, or was ended. */
  readonly closed: boolean;
  /** Ends the feed: nothing is given any more. */
  unsubscribe(): void;
}

/** What `Symbol.observable` gives: each subscription is a feed of its own, from the same position. */
export interface FeedObservable<T> {
  subscribe(observer: FeedObserver<T> | ((value: T) => void)): FeedSubscription;
}

const DONE = { done: true, value: undefined } as const;

/**
 * Committed changes, or transactions, in their order: an async iterator, to be used once. It asks for the next only when
 * its user does, so a slow user is behind, and nothing else. It ends when the database is closed and all was given, by
 * `return` (leaving a `for await` does that), or with what its signal says.
 *
 * It is what `Readable.from`, `ReadableStream.from` and RxJS's `from` take.
 */
export class Feed<T> implements AsyncIterableIterator<T> {
  private readonly reader: FeedReader;
  private given: readonly T[] = [];
  private at = 0;
  private isOver = false;
  private calls = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(
    private readonly hub: FeedHub,
    private readonly options: ReaderOptions,
    private readonly valuesOf: (event: CommitEvent) => readonly T[],
    private readonly gave: ((value: T) => void) | undefined = undefined,
  ) {
    this.reader = new FeedReader(hub, options);
    defineObservable();
  }

  /**
   * @throws OffsetTruncatedError where what comes next is not there any more; OffsetAheadError; an `AbortError` after the
   * signal; PersistenceFailedError after a failure of the store; CorruptionError
   */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.calls === 0) {
      const now = this.nextNow();
      if (now !== undefined) return now;
    }
    this.calls++;
    const result = this.last.then(() => this.advance()).finally(() => this.calls--);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** What is there already, without waiting for the calls before. */
  private nextNow(): Promise<IteratorResult<T, undefined>> | undefined {
    try {
      if (this.at === this.given.length && !this.isOver) this.take(this.reader.nextNow());
    } catch (error) {
      this.isOver = true;
      this.reader.end();
      return Promise.reject(error);
    }
    return this.at < this.given.length ? Promise.resolve(this.give()) : undefined;
  }

  private take(event: CommitEvent | undefined): void {
    if (event === undefined) return;
    this.given = this.valuesOf(event);
    this.at = 0;
  }

  private give(): IteratorResult<T, undefined> {
    const value = this.given[this.at++] as T;
    this.gave?.(value);
    return { done: false, value };
  }

  private async advance(): Promise<IteratorResult<T, undefined>> {
    while (!this.isOver) {
      if (this.at < this.given.length) return this.give();
      const event = await this.reader.next().catch((error: unknown) => {
        const wasOver = this.isOver;
        this.isOver = true;
        if (!wasOver) throw error;
      });
      if (event === undefined) this.isOver = true;
      else this.take(event);
    }
    this.given = [];
    return DONE;
  }

  /** Ends it. Whoever waits for the next gets that there is none. Harmless when repeated. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.isOver = true;
    this.given = [];
    this.at = 0;
    this.reader.end();
    return DONE;
  }

  /** The feed itself: it is used once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** As `return`: leaving the scope of an `await using` declaration ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** @internal */
  observable(): FeedObservable<T> {
    return { subscribe: (observer) => this.subscribe(typeof observer === 'function' ? { next: observer } : observer) };
  }

  private subscribe(observer: FeedObserver<T>): FeedSubscription {
    const feed = new Feed(this.hub, this.options, this.valuesOf, this.gave);
    let closed = false;
    const run = async (): Promise<void> => {
      try {
        for await (const value of feed) {
          if (closed) return;
          observer.next?.(value);
        }
        if (!closed) observer.complete?.();
      } catch (error) {
        if (!closed) observer.error?.(error);
      } finally {
        closed = true;
      }
    };
    void run();
    return {
      get closed() {
        return closed;
      },
      unsubscribe: () => {
        closed = true;
        void feed.return();
      },
    };
  }
}

/** RxJS looks for `Symbol.observable`, and where nobody has defined it for this name. */
const WITHOUT_SYMBOL = '@@observable';

function defineObservable(): void {
  const known = (Symbol as unknown as { observable?: symbol }).observable;
  for (const name of known === undefined ? [WITHOUT_SYMBOL] : [known, WITHOUT_SYMBOL]) {
    if (Object.hasOwn(Feed.prototype, name)) continue;
    Object.defineProperty(Feed.prototype, name, {
      value(this: Feed<unknown>) {
        return this.observable();
      },
      configurable: true,
    });
  }
}
