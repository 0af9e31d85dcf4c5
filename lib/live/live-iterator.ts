import type { Lsn } from '../cdc/operation.js';
import type { Delta, Version } from './delta.js';

/** What a loop asks of what it follows. */
interface Followed<X, C> {
  readonly closed: boolean;
  beginning(): C;
  isSame(one: X, other: X): boolean;
  changeOf(delta: Delta<X>, version: Version<X>, lsn: Lsn): C;
  attach(iterator: LiveIterator<X, C>): void;
  detach(iterator: LiveIterator<X, C>): void;
}

interface Waiting<C> {
  readonly resolve: (result: IteratorResult<C, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A loop over the changes of an answer. What happens between two turns is merged into one change: it holds each part of
 * the answer once, however long the loop takes.
 */
export class LiveIterator<X, C> implements AsyncIterableIterator<C> {
  private state: 'new' | 'running' | 'done' = 'new';
  private missed: { readonly delta: Delta<X>; version: Version<X>; lsn: Lsn } | undefined;
  private readonly waiting: Waiting<C>[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly followed: Followed<X, C>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<C, undefined>> {
    if (this.state === 'new') return this.begin();
    const change = this.takeMissed();
    if (change !== undefined) return { value: change, done: false };
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure.error;
    if (this.state === 'done') return { value: undefined, done: true };
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private begin(): IteratorResult<C, undefined> {
    this.state = 'done'; // where it cannot begin
    const value = this.followed.beginning();
    if (!this.followed.closed) {
      this.state = 'running';
      this.followed.attach(this);
    }
    return { value, done: false };
  }

  async return(): Promise<IteratorResult<C, undefined>> {
    this.stop();
    return { value: undefined, done: true };
  }

  /** Takes in a change of the answer. */
  merge(delta: Delta<X>, version: Version<X>, lsn: Lsn): void {
    if (this.missed === undefined) {
      this.missed = { delta: new Map(delta), version, lsn };
    } else {
      for (const [slot, { before, after }] of delta) this.put(this.missed.delta, slot, before, after);
      this.missed.version = version;
      this.missed.lsn = lsn;
    }
    if (this.waiting.length === 0) return;
    const value = this.takeMissed();
    if (value !== undefined) this.waiting.shift()?.resolve({ value, done: false });
  }

  private put(missed: Delta<X>, slot: unknown, before: X | undefined, after: X | undefined): void {
    const known = missed.get(slot);
    const first = known === undefined ? before : known.before;
    const isGone = first === undefined && after === undefined;
    if (isGone || (first !== undefined && after !== undefined && this.followed.isSame(first, after))) missed.delete(slot);
    else missed.set(slot, { before: first, after });
  }

  private takeMissed(): C | undefined {
    const { missed } = this;
    this.missed = undefined;
    if (missed === undefined || missed.delta.size === 0) return undefined;
    return this.followed.changeOf(missed.delta, missed.version, missed.lsn);
  }

  /** Nothing more will come; what was missed is still given. */
  finish(): void {
    this.state = 'done';
    this.followed.detach(this);
    for (const { resolve } of this.waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** It is over at once. */
  stop(): void {
    this.missed = undefined;
    this.finish();
  }

  /** It is over, and whoever asks next is told why. */
  fail(error: unknown): void {
    this.missed = undefined;
    this.state = 'done';
    this.followed.detach(this);
    const [first] = this.waiting;
    if (first === undefined) {
      this.failure = { error };
      return;
    }
    this.waiting.shift();
    first.reject(error);
    this.finish();
  }
}
