import type { DiskFullError, PersistenceFailedError } from '../errors.js';
import { type ChangeEvent, type CommitEvent, changeEventOf } from './change-event.js';
import { IsolatedEmitter, type ListenerFailure } from './isolated-emitter.js';
import type { Lsn, Operation } from './operation.js';

/** A committed transaction: what listeners are told, and what a `PersistenceEngine` will take. */
export interface CommittedTransaction {
  readonly lsn: Lsn;
  readonly txn: number;
  readonly at: Date;
  readonly operations: readonly Operation[];
}

/** Tells some listeners what they are to hear of a commit. It does not throw. */
export type Delivery = () => void;

export type TableEvents = { change: (event: ChangeEvent) => unknown };

/** The events of a database, and the listeners that they call. */
export interface DatabaseEvents {
  /** After each commit, with everything that the transaction changed. */
  commit: (transaction: CommitEvent) => unknown;
  /** What another listener threw, or rejected with, and which event it was listening to. */
  listenerError: (error: unknown, event: string) => unknown;
  /** The store failed: writes are refused from now on, reads go on. Close the database and open it again. */
  fatal: (error: PersistenceFailedError) => unknown;
  /** The disk is full: writes are refused until `room`; what was committed waits. */
  full: (error: DiskFullError) => unknown;
  /** There is room on the disk again. */
  room: () => unknown;
  /** Everything up to this position is durable. */
  durable: (lsn: Lsn) => unknown;
  /** A checkpoint that was made in the background did not succeed; the log goes on, and it is tried again. */
  checkpointError: (error: unknown) => unknown;
}

/**
 * Tells listeners of commits, in commit order. A listener may write: what that commits waits until all listeners have
 * heard of the commit before it.
 */
export class Publisher {
  readonly database: IsolatedEmitter<DatabaseEvents>;
  private readonly tables = new Map<string, IsolatedEmitter<TableEvents>>();
  private readonly waiting: Delivery[] = [];
  private delivering = false;
  private holding = false;

  constructor() {
    this.database = new IsolatedEmitter<DatabaseEvents>(this.listenerFailed);
  }

  /** The emitter of a table's own events. */
  table(name: string): IsolatedEmitter<TableEvents> {
    let emitter = this.tables.get(name);
    if (emitter === undefined) {
      emitter = new IsolatedEmitter<TableEvents>(this.listenerFailed);
      this.tables.set(name, emitter);
    }
    return emitter;
  }

  /** Somebody wants to know of every commit. */
  get hearsCommits(): boolean {
    return this.database.has('commit');
  }

  /** Tells a transaction to its listeners, where it has any, and then makes the other deliveries. */
  publish(transaction: CommittedTransaction | undefined, deliveries: readonly Delivery[]): void {
    this.enqueue(() => {
      if (transaction !== undefined) this.tell(transaction);
      for (const delivery of deliveries) delivery();
    });
  }

  /** Makes a delivery when those before it have been made. */
  enqueue(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.deliverWaiting();
  }

  /** Does work whose deliveries are held back until `deliverWaiting`, or the next delivery. */
  holdBack(work: () => void): void {
    this.holding = true;
    try {
      work();
    } finally {
      this.holding = false;
    }
  }

  /** Makes the deliveries that were held back. */
  deliverWaiting(): void {
    if (this.delivering || this.holding || this.waiting.length === 0) return;
    this.delivering = true;
    try {
      // Listeners may add to the queue while it is walked.
      for (let at = 0; at < this.waiting.length; at++) (this.waiting[at] as Delivery)();
    } finally {
      this.waiting.length = 0;
      this.delivering = false;
    }
  }

  private tell({ lsn, txn, at, operations }: CommittedTransaction): void {
    for (const operation of operations) {
      this.tables.get(operation.table)?.emit('change', () => [changeEventOf(operation, at)]);
    }
    if (!this.database.has('commit')) return;
    this.database.emit('commit', () => [
      { lsn, txn, at: new Date(at), changes: operations.map((operation) => changeEventOf(operation, at)) },
    ]);
  }

  readonly listenerFailed: ListenerFailure = (error, event) => {
    // A listener to errors that fails itself has nobody left to tell but the process.
    if (event !== 'listenerError' && this.database.has('listenerError')) {
      this.database.emit('listenerError', () => [error, event]);
    } else {
      const reason = error instanceof Error ? error.message : `it threw ${typeof error}`; // whatever it threw, this must not
      process.emitWarning(`a listener of '${event}' failed: ${reason}`, 'WorkTableListenerError');
    }
  };
}
