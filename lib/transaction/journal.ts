import { assert } from '../assert.js';
import { isThenable, type ListenerFailure } from '../cdc/isolated-emitter.js';
import type { Lsn, Operation } from '../cdc/operation.js';
import { type Delivery, Publisher } from '../cdc/publisher.js';
import { ClosedError, InvariantError, TransactionError } from '../errors.js';
import type { Link, RowId } from '../storage/link.js';
import type { Change, ChangeTarget, JournalEntry } from './change.js';
import type { CommitFollower, CommitLog, CommitRecorder } from './commit-log.js';
import { InsertRun } from './insert-run.js';
import { Positions } from './positions.js';

/**
 * The transactions of a database. Every write is recorded here; outside of `run` each is a transaction of its own.
 *
 * Steps of a commit: the operations are made, where anybody wants them, and the log takes the transaction (a failure of
 * either undoes everything); the LSN is taken; followers move on; old places are freed; listeners are told. None of the
 * later steps can fail.
 */
export class Journal {
  private readonly changes: (JournalEntry | InsertRun)[] = [];
  /** The run that the next insert joins, if it is of the same table. */
  private openRun: InsertRun | undefined;
  private hasRuns = false;
  private readonly named = new Positions();
  private rowChanges = 0;
  private depth = 0;
  private lastLsn = 0;
  private lastTxn = 0;
  private currentTxn = 0;
  private refusal: string | undefined;
  private closed = false;
  private unsound = false;
  private readonly postponed: (() => void)[] = [];
  private readonly followers = new Set<CommitFollower>();
  private log: CommitLog | undefined;
  private refused: (() => Error) | undefined;
  /** Takes each commit from now on, where there is one. */
  recorder: CommitRecorder | undefined;

  constructor(readonly publisher: Publisher) {}

  /** A journal of writes that another one will make: it collects changes, and never commits by itself. */
  static nested(): Journal {
    const journal = new Journal(new Publisher());
    journal.depth = 1;
    return journal;
  }

  /** Goes on behind what was recovered; every later commit goes to `log`, too. */
  begin(lsn: number, txn: number, positions: ReadonlyMap<string, number>, log?: CommitLog): void {
    assert(this.lastLsn === 0 && this.lastTxn === 0, 'what was recovered comes before anything is written');
    this.log = log;
    this.lastLsn = lsn;
    this.lastTxn = txn;
    for (const [name, position] of positions) this.named.put(name, position);
  }

  /** Refuses writes, with what `refuse` throws, until it is lifted. @returns what lifts it */
  refuseWrites(refuse: () => Error): () => void {
    this.refused = refuse;
    return () => {
      this.refused = undefined;
    };
  }

  /** The number of the last transaction. */
  get txn(): number {
    return this.lastTxn;
  }

  /** The changes of the open transaction, in order. */
  get pending(): readonly JournalEntry[] {
    return this.changes.flatMap(changesOf);
  }

  get lsn(): Lsn {
    return this.lastLsn as Lsn;
  }

  /** The LSN that the transaction now open will have. */
  get nextLsn(): Lsn {
    return (this.lastLsn + 1) as Lsn;
  }

  get nextTxn(): number {
    return this.depth > 0 ? this.currentTxn : this.lastTxn + 1;
  }

  /** The place of the next change within its transaction. */
  get nextSeq(): number {
    return this.rowChanges;
  }

  get inTransaction(): boolean {
    return this.depth > 0;
  }

  /** @throws ClosedError after `close`; TransactionError from within user code that may only read. */
  assertWritable(): void {
    if (this.closed) throw new ClosedError();
    if (this.unsound) throw new InvariantError('undoing a transaction failed; the store refuses writes, and can be read');
    if (this.refusal !== undefined) throw new TransactionError(this.refusal);
    if (this.refused !== undefined) throw this.refused();
    this.log?.assertRoom();
  }

  /** @throws TransactionError within a transaction */
  assertOutside(reason: string): void {
    if (this.depth > 0) throw new TransactionError(reason);
  }

  /** Runs `work` now, or when the open transaction has ended. It must not throw. */
  afterTransaction(work: () => void): void {
    if (this.depth === 0) work();
    else this.postponed.push(work);
  }

  private runPostponed(): void {
    for (let at = 0; at < this.postponed.length; at++) (this.postponed[at] as () => void)();
    this.postponed.length = 0;
  }

  get isWritable(): boolean {
    return !this.closed && !this.unsound && this.refusal === undefined && this.refused === undefined;
  }

  close(): void {
    if (this.depth > 0) throw new TransactionError('close() was called within a transaction; let it end first');
    this.closed = true;
    this.publisher.enqueue(() => {
      for (const follower of [...this.followers]) follower.end();
    });
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Whether user code runs that may read and not write. */
  get isReading(): boolean {
    return this.refusal !== undefined;
  }

  /** Runs user code that may read and not write: the store would change under the query that calls it. */
  readOnly<T>(reason: string, work: () => T): T {
    const outer = this.refusal;
    this.refusal = reason;
    try {
      return work();
    } finally {
      this.refusal = outer;
    }
  }

  /** Whether a change to this table can be applied and forgotten: nobody could ask for it or undo it. */
  isUnobserved(target: ChangeTarget): boolean {
    return this.depth === 0 && !this.isObserved(target);
  }

  /** Whether anybody but undo asks about a change to this table. */
  isObserved(target: ChangeTarget): boolean {
    return this.log !== undefined || this.isWatched(target);
  }

  /** Whether an update of this table may write over its row: when a log has taken it, nobody could ask for the bytes before. */
  allowsOverwrites(target: ChangeTarget): boolean {
    return this.depth === 0 && !this.isWatched(target);
  }

  private isWatched(target: ChangeTarget): boolean {
    if (this.recorder !== undefined || target.isHeard || target.keepsVersions || this.publisher.hearsCommits) return true;
    for (const follower of this.followers) if (follower.hears(target)) return true;
    return false;
  }

  /** Shows every later commit to the follower. */
  follow(follower: CommitFollower): void {
    this.followers.add(follower);
  }

  unfollow(follower: CommitFollower): void {
    this.followers.delete(follower);
  }

  /** Tells whoever listens to such errors. */
  get listenerFailed(): ListenerFailure {
    return this.publisher.listenerFailed;
  }

  /**
   * Has the log, where there is one, take an update whose new bytes are staged and are written over those at `link` next;
   * then `countUnobserved` ends it. What throws has changed nothing.
   */
  logOverwrite(target: ChangeTarget, link: Link): void {
    this.log?.appendOverwrite(this.nextLsn, this.lastTxn + 1, Date.now(), target.logged, link);
  }

  /** Counts a transaction of one change that nobody observes. */
  countUnobserved(): void {
    this.lastLsn++;
    this.lastTxn++;
    this.publisher.deliverWaiting();
  }

  /** How far each consumer and follower has come. */
  get positions(): ReadonlyMap<string, number> {
    return this.named.all;
  }

  /** Whether another database is followed: it says what becomes of rows whose time is over. */
  get follows(): boolean {
    return this.named.follows;
  }

  /**
   * Sets a named position, or forgets it: in the open transaction, and undone with it, or by itself. It takes no LSN.
   * @throws PositionLimitError, ClosedError, ReadOnlyError, and what else a write throws
   */
  setPosition(name: string, lsn: number | undefined): void {
    this.assertWritable();
    const change = this.named.change(name, lsn);
    if (change === undefined) return;
    this.named.put(name, lsn);
    this.record(change);
  }

  /** Records a row that was inserted in the open transaction, where nobody but undo asks about it. */
  recordInsert(target: ChangeTarget, row: RowId, link: Link, counter: number | bigint, pages: number): void {
    let run = this.openRun;
    if (run?.target !== target) {
      run = new InsertRun(target, counter, pages);
      this.changes.push(run);
      this.openRun = run;
      this.hasRuns = true;
    }
    run.add(row, link);
    this.rowChanges++;
  }

  /** Records a change that has been applied; outside of a transaction, commits it. */
  record(change: JournalEntry): void {
    this.openRun = undefined;
    this.changes.push(change);
    if (isRowChange(change)) this.rowChanges++;
    if (this.depth > 0) return;
    this.currentTxn = ++this.lastTxn;
    this.commit();
  }

  /**
   * Runs `work` as a transaction, or, within one, as a savepoint: when it throws, every change since is undone, and
   * the error goes on to the caller. `at` is when it was committed, where that was elsewhere; a savepoint has no time.
   * @throws TransactionError where `work` returns a promise; nothing is kept then.
   */
  run<T>(work: () => T, at?: number): T {
    this.assertWritable();
    const mark = this.changes.length;
    this.openRun = undefined; // a savepoint's changes are those behind its mark
    if (this.depth++ === 0) this.currentTxn = ++this.lastTxn;
    let result: T;
    try {
      result = work();
      if (isThenable(result)) {
        result.then(undefined, () => undefined); // refused here already; its own failure has no other reader
        throw new TransactionError(
          'the transaction callback returned a promise; it was rolled back. Use transactionAsync for work that awaits',
        );
      }
    } catch (error) {
      try {
        this.undoTo(mark);
      } finally {
        if (--this.depth === 0) this.runPostponed();
      }
      throw error;
    }
    if (--this.depth > 0) return result;
    try {
      this.commit(at);
    } finally {
      this.runPostponed();
    }
    return result;
  }

  /** Undoes the changes after `mark`, the latest first. */
  private undoTo(mark: number): void {
    this.openRun = undefined;
    this.unsound = true; // until every change is undone: should one fail, nothing may be written on top of it
    while (this.changes.length > mark) {
      const change = this.changes[this.changes.length - 1] as JournalEntry | InsertRun;
      if (change.kind === 'inserts') for (let at = change.size - 1; at >= 0; at--) this.undo(change.change(at));
      else this.undo(change);
      this.changes.pop();
    }
    this.hasRuns &&= mark > 0;
    this.unsound = false;
  }

  private undo(change: JournalEntry): void {
    if (change.kind === 'position') this.named.put(change.name, change.before);
    else change.target.undo(change);
    if (isRowChange(change)) this.rowChanges--;
  }

  private commit(at: number = Date.now()): void {
    assert(this.depth === 0, 'only the outermost transaction commits');
    const { rowChanges } = this;
    const entries = this.entries();
    const changes = entries.filter(isRowChange);
    let operations: Operation[] | undefined;
    try {
      operations = this.operationsOf(changes);
      if (rowChanges > 0) this.append(at, entries);
      else if (entries.length > 0) this.log?.appendAside(this.nextLsn, entries);
    } catch (error) {
      this.undoTo(0);
      throw error;
    }
    this.changes.length = 0;
    this.rowChanges = 0;
    this.openRun = undefined;
    this.hasRuns = false;
    if (rowChanges === 0) return;
    this.lastLsn++;
    const deliveries = this.followers.size === 0 ? NOTHING : this.showFollowers(changes, at);
    for (const change of changes) change.target.finish(change);
    if (operations !== undefined) {
      this.publisher.publish({ lsn: this.lsn, txn: this.currentTxn, at: new Date(at), operations }, deliveries);
    } else if (deliveries.length > 0) this.publisher.publish(undefined, deliveries);
    else this.publisher.deliverWaiting();
  }

  /** What the open transaction is made of. Runs of inserts are in it for those who ask; there may be none. */
  private entries(): readonly JournalEntry[] {
    if (!this.hasRuns) return this.changes as JournalEntry[];
    const asked = this.followers.size > 0 || this.changes.some((change) => change.kind !== 'position' && this.isObserved(change.target));
    return asked ? this.changes.flatMap(changesOf) : this.changes.filter((change) => change.kind !== 'inserts');
  }

  private showFollowers(changes: readonly Change[], at: number): Delivery[] {
    const followers = [...this.followers]; // user code may end some
    for (const follower of followers) follower.note(changes, at);
    for (const follower of followers) follower.show();
    return followers.flatMap((follower) => follower.settle(this.lsn));
  }

  private append(at: number, entries: readonly JournalEntry[]): void {
    this.recorder?.reserve(entries);
    this.log?.append(this.nextLsn, this.currentTxn, at, entries);
    this.recorder?.record(this.nextLsn, this.currentTxn, at, entries);
  }

  private operationsOf(changes: readonly Change[]): Operation[] | undefined {
    if (!this.publisher.hearsCommits && !changes.some((change) => change.target.isHeard)) return undefined;
    return changes.map((change, seq) => change.target.operationOf(change, this.nextLsn, this.currentTxn, seq));
  }

  /** The changes of the open transaction, for checks: places that are neither free nor any row's. */
  pendingOf(target: ChangeTarget): Change[] {
    return this.pending.filter((change) => change.kind !== 'position').filter((change) => change.target === target);
  }
}

const NOTHING: readonly Delivery[] = [];

function changesOf(entry: JournalEntry | InsertRun): readonly JournalEntry[] {
  return entry.kind === 'inserts' ? entry.changes() : [entry];
}

function isRowChange(change: JournalEntry): change is Change {
  return change.kind !== 'counter' && change.kind !== 'position';
}
