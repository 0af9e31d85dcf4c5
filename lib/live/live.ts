import { IsolatedEmitter } from '../cdc/isolated-emitter.js';
import type { Lsn } from '../cdc/operation.js';
import { QueryError } from '../errors.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Delta, Version } from './delta.js';
import { LiveIterator } from './live-iterator.js';
import type { LiveRows, Move, Step } from './live-rows.js';
import type { LiveFilter, NetChange } from './live-source.js';
import type { LiveMember, LiveTable } from './live-table.js';

type Events<C> = { change: (change: C) => unknown };

/**
 * The answer of a query, kept up to date: each transaction that changes it is told once, to listeners and to loops.
 * It takes in changes until it is closed, or the database is.
 */
export abstract class Live<X, C> implements LiveMember, AsyncIterable<C>, Disposable {
  private readonly emitter: IsolatedEmitter<Events<C>>;
  private readonly iterators = new Set<LiveIterator<X, C>>();
  private steps: Step[] = [];
  private version: Version<X> = { later: undefined };
  private state: 'open' | 'ended' | 'closed' = 'open';
  private failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(
    /** @internal */
    protected readonly table: LiveTable,
    /** @internal */
    readonly filter: LiveFilter,
    private readonly members: LiveRows,
  ) {
    this.emitter = new IsolatedEmitter<Events<C>>(table.report);
  }

  /** Calls `listener` after each transaction that changes the answer, in commit order. It may write. */
  on(event: 'change', listener: (change: C) => unknown): this {
    this.emitter.on(event, listener);
    return this;
  }

  /** As `on`, for the next change alone. */
  once(event: 'change', listener: (change: C) => unknown): this {
    this.emitter.once(event, listener);
    return this;
  }

  /** Ends what `on` or `once` began. */
  off(event: 'change', listener: (change: C) => unknown): this {
    this.emitter.off(event, listener);
    return this;
  }

  /**
   * The answer as it is, as if it had just come, and then its changes. A loop that is slow holds up nobody: what it
   * missed meanwhile comes as one change. It ends with `close()`, and with the database.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<C> {
    return new LiveIterator<X, C>(this);
  }

  /** Lets go of the answer: no more changes, and reading it is refused. Harmless when repeated. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.release();
    for (const iterator of [...this.iterators]) iterator.stop();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether changes are not taken in any more. */
  get closed(): boolean {
    return this.state !== 'open';
  }

  private release(): void {
    this.table.remove(this);
    this.emitter.removeAll();
    this.steps = [];
  }

  /** @throws what ended it; QueryError after `close` @internal */
  protected assertReadable(): void {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.state === 'closed') throw new QueryError(this.table.source.name, undefined, 'the live query is closed');
  }

  /** No more will be committed. What there is can be read, and loops get what they have not had yet. @internal */
  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ended';
    this.release();
    for (const iterator of [...this.iterators]) iterator.finish();
  }

  /** Its own `where` function threw: what the answer is, nobody knows. @internal */
  fail(error: unknown): () => void {
    this.failure = { error };
    this.state = 'closed';
    this.release();
    for (const iterator of [...this.iterators]) iterator.fail(error);
    return () => this.table.report(error, 'live');
  }

  /** Looks at a change, and remembers it where it is one of the query's rows. Throws what a `where` function throws. @internal */
  take(change: NetChange): boolean {
    const { row, before, after } = change;
    const was = before !== NO_LINK && this.matches(before) && this.members.has(row, before);
    const is = after !== NO_LINK && this.matches(after) && this.isWanted(after);
    if (was || is) this.steps.push({ row, before, after, was, is });
    return was || is;
  }

  private matches(link: Link): boolean {
    const { store } = this.table.source;
    const buffer = store.bufferAt(link);
    const position = store.positionAt(link);
    for (const matches of this.filter.matchers) if (!matches(buffer, position)) return false;
    return true;
  }

  private isWanted(link: Link): boolean {
    for (const predicate of this.filter.predicates) {
      if (!predicate(this.table.source.store.decodeAt(link) as never)) return false;
    }
    return true;
  }

  /** Takes in what was remembered. @returns what tells the listeners, where the answer has changed. @internal */
  settle(lsn: Lsn, before: ReadonlyMap<RowId, Link>): (() => void) | undefined {
    const { steps } = this;
    if (steps.length === 0) return undefined;
    this.steps = [];
    const delta = this.changed(this.members.settle(steps, before), before);
    if (delta.size === 0) return undefined;
    const version: Version<X> = { later: undefined };
    this.version.later = { delta, version };
    this.version = version;
    for (const iterator of this.iterators) iterator.merge(delta, version, lsn);
    return () => this.emitter.emit('change', () => [this.changeOf(delta, version, lsn)]);
  }

  /** What the moves of rows make of the answer. Parts that are as they were are not among it. @internal */
  protected abstract changed(moves: readonly Move[], before: ReadonlyMap<RowId, Link>): Delta<X>;

  /** Whether nobody can tell two states of one part apart. @internal */
  abstract isSame(one: X, other: X): boolean;

  /** A change as it is told. @internal */
  abstract changeOf(delta: Delta<X>, version: Version<X>, lsn: Lsn): C;

  /** The parts of the answer as it is. @internal */
  protected abstract parts(): Map<unknown, X>;

  /** The answer as a change from nothing. @internal */
  beginning(): C {
    this.assertReadable();
    const all: Delta<X> = new Map();
    for (const [slot, after] of this.parts()) all.set(slot, { before: undefined, after });
    return this.changeOf(all, this.version, this.table.lsn);
  }

  /** The parts as of a version. @internal */
  protected partsAt(version: Version<X>): Map<unknown, X> {
    const parts = this.parts();
    const deltas: Delta<X>[] = [];
    for (let { later } = version; later !== undefined; later = later.version.later) deltas.push(later.delta);
    for (const delta of deltas.reverse()) {
      for (const [slot, { before }] of delta) {
        if (before === undefined) parts.delete(slot);
        else parts.set(slot, before);
      }
    }
    return parts;
  }

  /** @internal */
  attach(iterator: LiveIterator<X, C>): void {
    this.iterators.add(iterator);
  }

  /** @internal */
  detach(iterator: LiveIterator<X, C>): void {
    this.iterators.delete(iterator);
  }
}
