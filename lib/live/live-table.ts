import type { ListenerFailure } from '../cdc/isolated-emitter.js';
import type { Lsn } from '../cdc/operation.js';
import type { Delivery } from '../cdc/publisher.js';
import { ClosedError, TransactionError } from '../errors.js';
import { hashOf } from '../index/key-order.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Change, ChangeTarget } from '../transaction/change.js';
import type { CommitFollower } from '../transaction/commit-log.js';
import type { Journal } from '../transaction/journal.js';
import { type LiveFilter, type LiveSource, type NetChange, RowPlaces } from './live-source.js';

/** A live query, as far as its table knows it. */
export interface LiveMember {
  /** @internal */
  readonly filter: LiveFilter;
  /** @returns whether the change is of one of its rows. Throws what a `where` function throws. @internal */
  take(change: NetChange): boolean;
  /** @internal */
  settle(lsn: Lsn, before: ReadonlyMap<RowId, Link>): Delivery | undefined;
  /** @internal */
  fail(error: unknown): Delivery;
  /** @internal */
  end(): void;
}

/** The live queries that ask one column for one value, by that value. */
interface Route {
  readonly column: ColumnSchema;
  readonly hash: (value: Stored) => Stored;
  readonly members: Map<Stored, Set<LiveMember>>;
}

/**
 * The live queries of one table. It follows the journal while there are any: each transaction is reduced to what it did
 * to each row, and shown to the queries that may care, while the bytes before and after are still in their places.
 */
export class LiveTable implements CommitFollower {
  /** What shows rows as they were, or as they are, while a transaction is taken in. */
  readonly places: RowPlaces;
  /** All of them, numbered as they were begun. */
  private readonly members = new Map<LiveMember, number>();
  private begun = 0;
  /** Those that have to see every change. */
  private readonly watchful = new Set<LiveMember>();
  private readonly routes = new Map<number, Route>();
  private readonly touched = new Set<LiveMember>();
  private readonly failed = new Map<LiveMember, unknown>();
  /** What the transaction did that is being taken in, and where its rows were. */
  private noted: { readonly changes: readonly NetChange[]; readonly before: ReadonlyMap<RowId, Link> } | undefined;
  /** Rows that expired then or before have left. */
  private expiredUntil = Number.NEGATIVE_INFINITY;

  constructor(
    readonly source: LiveSource,
    private readonly journal: Journal,
  ) {
    this.places = new RowPlaces(source);
  }

  /** The last committed transaction. */
  get lsn(): Lsn {
    return this.journal.lsn;
  }

  readonly report: ListenerFailure = (error, event) => this.journal.listenerFailed(error, event);

  /**
   * Makes a live query of what is committed, and keeps it up to date.
   * @throws ClosedError; TransactionError within a transaction or a where function
   */
  begin<M extends LiveMember>(make: () => M): M {
    if (this.journal.isClosed) throw new ClosedError();
    this.journal.assertOutside('a live query is of committed states: begin it before or after the transaction');
    if (this.journal.isReading) throw new TransactionError('a where function must not begin a live query');
    // First: rows that expire while they are looked for leave when the next transaction is taken in.
    if (this.members.size === 0) this.expiredUntil = Date.now();
    const member = make();
    if (this.members.size === 0) this.journal.follow(this);
    this.members.set(member, this.begun++);
    const { route } = member.filter;
    if (route === undefined) this.watchful.add(member);
    else this.routeTo(route.column, route.value).add(member);
    return member;
  }

  private routeTo(column: ColumnSchema, value: Stored): Set<LiveMember> {
    let route = this.routes.get(column.position);
    if (route === undefined) {
      route = { column, hash: hashOf([column]) ?? ((key) => key), members: new Map() };
      this.routes.set(column.position, route);
    }
    const slot = route.hash(value);
    let members = route.members.get(slot);
    if (members === undefined) {
      members = new Set();
      route.members.set(slot, members);
    }
    return members;
  }

  remove(member: LiveMember): void {
    if (!this.members.delete(member)) return;
    this.touched.delete(member);
    this.watchful.delete(member);
    const { route } = member.filter;
    if (route !== undefined) {
      const found = this.routes.get(route.column.position) as Route;
      const slot = found.hash(route.value);
      const members = found.members.get(slot) as Set<LiveMember>;
      members.delete(member);
      if (members.size === 0) found.members.delete(slot);
      if (found.members.size === 0) this.routes.delete(route.column.position);
    }
    if (this.members.size === 0) this.journal.unfollow(this);
  }

  /** Rows may expire at any transaction, of whatever table. */
  hears(target: ChangeTarget): boolean {
    return target === this.source || this.source.expiry !== undefined;
  }

  note(changes: readonly Change[], at: number): void {
    const net = this.netChanges(changes);
    if (this.source.expiry !== undefined) this.expire(net, at);
    if (net.size === 0) return;
    const before = new Map<RowId, Link>();
    for (const change of net.values()) if (change.before !== NO_LINK) before.set(change.row, change.before);
    this.noted = { changes: [...net.values()], before };
    this.places.showBefore(before);
  }

  show(): void {
    const { noted } = this;
    if (noted === undefined) return;
    this.journal.readOnly('a where function must not write', () => {
      for (const change of noted.changes) this.showToAll(change);
    });
  }

  private netChanges(changes: readonly Change[]): Map<RowId, NetChange> {
    const net = new Map<RowId, NetChange>();
    for (const { target, row, oldLink, newLink } of changes) {
      if (target !== this.source) continue;
      const known = net.get(row);
      if (known === undefined) net.set(row, { row, before: oldLink, after: newLink });
      else known.after = newLink;
    }
    return net;
  }

  /** Rows whose time is over leave with the first transaction from then on. */
  private expire(net: Map<RowId, NetChange>, at: number): void {
    const { schema, store, expiry } = this.source;
    const after = this.expiredUntil;
    this.expiredUntil = Math.max(after, at); // a clock that goes back brings nobody back
    const column = schema.expires?.column as number;
    for (const change of net.values()) {
      if (change.after === NO_LINK) continue;
      const until = store.readAt(change.after, column);
      if (until !== null && (until as number) <= this.expiredUntil) change.after = NO_LINK;
    }
    for (const row of expiry?.expiredBetween(after, this.expiredUntil) ?? []) {
      if (!net.has(row)) net.set(row, { row, before: store.linkOf(row), after: NO_LINK });
    }
  }

  private showToAll(change: NetChange): void {
    for (const member of this.watchful) this.showTo(member, change);
    for (const route of this.routes.values()) {
      const had = this.membersOf(route, change.before);
      const has = this.membersOf(route, change.after);
      for (const member of had ?? []) this.showTo(member, change);
      if (has !== had) for (const member of has ?? []) this.showTo(member, change);
    }
  }

  private membersOf({ column, hash, members }: Route, link: Link): Set<LiveMember> | undefined {
    return link === NO_LINK ? undefined : members.get(hash(this.source.store.readAt(link, column.position)));
  }

  private showTo(member: LiveMember, change: NetChange): void {
    if (this.failed.has(member)) return;
    try {
      if (member.take(change)) this.touched.add(member);
    } catch (error) {
      this.failed.set(member, error);
    }
  }

  settle(lsn: Lsn): Delivery[] {
    const { noted } = this;
    if (noted === undefined) return [];
    this.noted = undefined;
    const deliveries: Delivery[] = [];
    for (const [member, error] of this.failed) {
      this.touched.delete(member);
      if (this.members.has(member)) deliveries.push(member.fail(error));
    }
    for (const member of this.inOrder(this.touched)) {
      try {
        const delivery = member.settle(lsn, noted.before);
        if (delivery !== undefined) deliveries.push(delivery);
      } catch (error) {
        deliveries.push(member.fail(error)); // the transaction stands: a query that cannot follow it must not undo it
      }
    }
    this.touched.clear();
    this.failed.clear();
    this.places.showNow();
    return deliveries;
  }

  /** Listeners are called in the order in which queries were begun. Those that a where function has closed are left out. */
  private inOrder(members: ReadonlySet<LiveMember>): LiveMember[] {
    if (members.size < 2) return [...members].filter((member) => this.members.has(member));
    const numbered = [...members].map((member) => ({ member, number: this.members.get(member) ?? -1 }));
    return numbered
      .filter(({ number }) => number >= 0)
      .sort((a, b) => a.number - b.number)
      .map(({ member }) => member);
  }

  /** Reads rows as they were committed, also while a transaction is open. */
  reading<T>(read: () => T): T {
    if (this.noted !== undefined || !this.journal.inTransaction) return read();
    const before = new Map<RowId, Link>();
    for (const { row, oldLink } of this.journal.pendingOf(this.source)) if (!before.has(row)) before.set(row, oldLink);
    this.places.showBefore(before);
    try {
      return read();
    } finally {
      this.places.showNow();
    }
  }

  end(): void {
    for (const member of [...this.members.keys()]) member.end();
  }
}
