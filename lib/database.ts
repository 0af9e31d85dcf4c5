import type { ChangeEvent, CommitEvent } from './cdc/change-event.js';
import type { Lsn } from './cdc/operation.js';
import { type DatabaseEvents, Publisher } from './cdc/publisher.js';
import { PersistenceFailedError } from './errors.js';
import type { Consumer, ConsumerOptions, ConsumerStats } from './feed/consumer.js';
import { Consumers } from './feed/consumers.js';
import type { Feed } from './feed/feed.js';
import { DEFAULT_RING_BYTES, FeedHub } from './feed/feed-hub.js';
import { changesOf, commitsOf, type FeedOptions, openFeed } from './feed/open-feed.js';
import { type ApplyOptions, applyAll } from './follow/apply.js';
import { Follower } from './follow/follower.js';
import { type AsyncTransaction, type AsyncTransactionOptions, runAsync } from './isolation/async-transaction.js';
import { coreOf, type Snapshot } from './isolation/snapshot.js';
import { type SnapshotStats, Snapshots } from './isolation/snapshots.js';
import { type Measurement, Measurements } from './measure/measurements.js';
import type { CheckpointResult, RecoveryReport } from './persistence/persistence-engine.js';
import { Store, type StoreOptions, type StoreStats } from './persistence/store.js';
import { buildSchemas } from './schema/build-schema.js';
import type { EntityClass } from './schema/column-type.js';
import type { Inconsistency } from './table/check-table.js';
import { ExpirySweeper } from './table/expiry-sweeper.js';
import { measureTable } from './table/measure-table.js';
import { TableCore } from './table/table-core.js';
import { TableManager } from './table/table-manager.js';
import type { TableStats } from './table/table-stats.js';
import { VacuumManager, type VacuumManagerOptions } from './table/vacuum-manager.js';
import { Journal } from './transaction/journal.js';
import { FOLLOWED } from './transaction/positions.js';

/** What a database holds. */
export interface DatabaseStats {
  readonly tables: readonly TableStats[];
  readonly snapshots: SnapshotStats;
  /** What is stored, where the database is. */
  readonly store?: StoreStats;
}

/** What a database in memory takes; `Database.open` takes more. */
export interface DatabaseOptions {
  /** The decorated classes, one for each table. */
  readonly tables: readonly EntityClass[];
  /** How often expired rows are removed, in milliseconds; 1000 by default. Reads never give them, whatever this is. */
  readonly expiryIntervalMs?: number;
  /** Vacuums tables by themselves when they are fragmented; without it, only `table.vacuum()` does. */
  readonly vacuum?: VacuumManagerOptions;
  /** Measures every call: `measurements()` tells. Off by default, and then costs nothing at all. */
  readonly measure?: boolean;
  /**
   * Of a database in memory: has the latest transactions recorded from the beginning, for feeds that are opened later, in
   * so many bytes; 16 MiB by default. Without this, they are from when the first feed is opened.
   */
  readonly changes?: { readonly ringBytes?: number };
}

/** What `Database.open` takes. Without `path` and `engine`, the database is in memory. */
export interface OpenOptions extends DatabaseOptions, StoreOptions {}

/**
 * Tables that share transactions and one order of commits: in memory, and on disk where `Database.open` was given a path.
 *
 * @example
 * ```ts
 * const bank = new Database({ tables: [Account] });
 * const key = bank.table(Account).insert({ email: 'bob@example.com', country: 'GB', score: 1, balance: 5n });
 * console.log(bank.table(Account).select(key)?.email); // prints: bob@example.com
 * ```
 */
export class Database {
  private readonly publisher = new Publisher();
  private readonly journal = new Journal(this.publisher);
  private readonly managers = new Map<EntityClass, TableManager<EntityClass>>();
  private readonly measured = new Measurements();
  private readonly cores = new Map<EntityClass, TableCore>();
  private readonly vacuums: VacuumManager | undefined;
  private store: Store | undefined;
  private ending: Promise<void> | undefined;
  private readonly sweeper: ExpirySweeper | undefined;
  private readonly snapshots = new Snapshots(this.cores, this.journal);
  private readonly feeds: FeedHub;
  private readonly consumersByName: Consumers;

  /** @throws SchemaError for whatever is wrong with a class, or with the classes beside one another */
  constructor(options: DatabaseOptions) {
    if (!Array.isArray(options?.tables)) throw new TypeError('new Database({ tables: [Class, …] }) takes an array of classes');
    for (const schema of buildSchemas(options.tables)) {
      const core = new TableCore(schema, this.journal, this.publisher.table(schema.name));
      this.cores.set(schema.ctor, core);
      core.logId = this.cores.size;
      this.managers.set(schema.ctor, new TableManager(core, this.publisher));
    }
    const { ringBytes = DEFAULT_RING_BYTES } = options.changes ?? {};
    if (!(ringBytes > 0)) throw new TypeError('changes.ringBytes is a number above 0');
    this.feeds = new FeedHub(this.cores, this.journal, ringBytes);
    this.consumersByName = new Consumers(this.feeds);
    if (options.changes !== undefined && !isStored(options)) this.feeds.record();
    if (options.measure === true) this.measure();
    // They find nothing to do while a store is being read: nothing may be written then.
    const cores = [...this.cores.values()];
    if (options.vacuum !== undefined) this.vacuums = new VacuumManager(cores, options.vacuum);
    const expiring = cores.filter((core) => core.expiry !== undefined);
    if (expiring.length > 0) this.sweeper = new ExpirySweeper(expiring, options.expiryIntervalMs ?? 1000);
  }

  /**
   * Opens a database that is stored: in the directory `path`, which is made where there is none. What was committed is
   * read, verified and indexed, and every later commit is stored in the background; `waitForOps` tells when.
   *
   * @throws DatabaseLockedError, CorruptionError, SchemaMismatchError, FormatVersionError, SchemaError; what the file system
   * throws. Nothing is changed then
   * @example
   * ```ts
   * await using stored = await Database.open({ path: './data', tables: [Account] });
   * stored.table(Account).insert({ email: 'bob@example.com', country: 'GB', score: 1, balance: 5n });
   * await stored.waitForOps(); // stored, and synced
   * ```
   */
  static async open(options: OpenOptions): Promise<Database> {
    const db = new Database(options);
    if (!isStored(options)) return db;
    try {
      await db.openStore(options);
    } catch (error) {
      await db.close();
      throw error;
    }
    return db;
  }

  private async openStore(options: OpenOptions): Promise<void> {
    const { database } = this.publisher;
    const failed = (error: unknown) => database.emit('checkpointError', () => [error]);
    const store = await Store.open([...this.cores.values()], this.journal, options, failed);
    this.store = store;
    this.consumersByName.restore(); // first: what they want must not be let go
    this.feeds.attach({
      log: store,
      retention: options.retention ?? {},
      durableLsn: () => store.task?.durableLsn ?? store.recovery.lsn,
      waitForOps: () => this.waitForOps(),
    });
    store.task?.on('durable', this.feeds.wake);
    store.task?.on('fatal', (error) => this.feeds.fail(error));
    for (const event of ['fatal', 'full', 'durable', 'room'] as const) {
      store.task?.on(event, ((fact: never) => database.emit(event, () => [fact])) as () => void);
    }
  }

  /** The manager of a class's table: the same one at every call. @throws SchemaError for a class that is not of this database */
  table<C extends EntityClass>(entity: C): TableManager<C> {
    return coreOf(this.managers, entity) as unknown as TableManager<C>;
  }

  /** All tables, in the order in which they were given. */
  get tables(): readonly TableManager<EntityClass>[] {
    return [...this.managers.values()];
  }

  /** The position of the last committed transaction; 0 before the first. */
  get lsn(): Lsn {
    return this.journal.lsn;
  }

  /**
   * Runs `work` as one transaction over all tables. When it throws, every row, index, counter and byte of free space is
   * as it was, no event is sent, and the error goes on to the caller. Within another transaction it is a savepoint: its
   * own work is undone, and the outer one may catch the error and go on.
   *
   * @returns what `work` returns. @throws TransactionError where that is a promise; it was rolled back then
   */
  transaction<T>(work: () => T): T {
    if (typeof work !== 'function') throw new TypeError('transaction takes a function');
    return this.journal.run(work);
  }

  /**
   * Runs `work`, which may await, as one serializable transaction: it reads as of one moment through `tx.table(Class)`,
   * nobody sees its writes before they are committed as one, and the rows that it writes are locked. It takes effect
   * only if nothing that it read was changed by others meanwhile.
   *
   * @returns what `work` resolves with. @throws TransactionConflictError (run it again, or give `retries`),
   * TransactionTimeoutError, TransactionAbortedError, and what `work` throws; nothing is kept then
   */
  async transactionAsync<T>(work: (tx: AsyncTransaction) => Promise<T>, options: AsyncTransactionOptions = {}): Promise<T> {
    if (typeof work !== 'function') throw new TypeError('transactionAsync takes a function');
    return runAsync(this.cores, this.journal, work, options);
  }

  /**
   * Every table as of now, for reads that go on while others write. Cost: O(1) a table, and the old versions of rows
   * that change until it is disposed. @throws TransactionError within a transaction
   */
  snapshot(): Snapshot {
    return this.snapshots.take();
  }

  /**
   * `commit`: each committed transaction, after it, in commit order. `listenerError`: what another listener threw or
   * rejected with; without a listener to it, the process is warned. Listeners may write.
   */
  on<N extends keyof DatabaseEvents>(event: N, listener: DatabaseEvents[N]): this {
    this.publisher.database.on(event, listener);
    return this;
  }

  /**
   * Committed changes in their order, from any position that there still is, without gap or repeat: first from the past,
   * then as they come. A slow reader is behind, and holds up nobody.
   *
   * @throws TypeError, SchemaError; what the feed's `next` throws is told there
   */
  changes(options: FeedOptions = {}): Feed<ChangeEvent> {
    return openFeed(this.feeds, options, changesOf);
  }

  /** As `changes`, by whole transactions: those that changed any of the tables. */
  commits(options: FeedOptions = {}): Feed<CommitEvent> {
    return openFeed(this.feeds, options, commitsOf);
  }

  /**
   * A reader of the feed that is remembered under a name, with the database: it goes on behind what it has acknowledged.
   * @throws TypeError, OffsetAheadError, PositionLimitError, and what a write throws, where it is new
   */
  consumer(name: string, options: ConsumerOptions = {}): Consumer {
    return this.consumersByName.get(name, options);
  }

  /** The consumers that are remembered, and how far behind each is. */
  get consumers(): readonly ConsumerStats[] {
    return this.consumersByName.stats();
  }

  /** Feeds can begin at this position, or any later one. */
  get oldestLsn(): Lsn {
    return this.feeds.oldestLsn as Lsn;
  }

  /** As `on`, for the next event alone. */
  once<N extends keyof DatabaseEvents>(event: N, listener: DatabaseEvents[N]): this {
    this.publisher.database.once(event, listener);
    return this;
  }

  /** Takes a listener away that `on` or `once` added. */
  off<N extends keyof DatabaseEvents>(event: N, listener: DatabaseEvents[N]): this {
    this.publisher.database.off(event, listener);
    return this;
  }

  private measure(): void {
    for (const manager of this.managers.values()) measureTable(manager, this.measured);
    for (const call of ['transaction', 'transactionAsync', 'snapshot'] as const) {
      Object.defineProperty(this, call, { value: this.measured.measured(`database.${call}`, this[call]) });
    }
  }

  /** With `measure: true`: count, failures, least, mean, median, 99th percentile and most of each operation's time. */
  measurements(): Measurement[] {
    return this.measured.rows();
  }

  /** Forgets what was measured, and begins anew. */
  resetMeasurements(): void {
    this.measured.reset();
  }

  /** The `stats()` of all tables, and of the snapshots over them. */
  stats(): DatabaseStats {
    const stats = { tables: this.tables.map((table) => table.stats()), snapshots: this.snapshots.stats() };
    return this.store === undefined ? stats : { ...stats, store: this.store.stats };
  }

  /** The `check()` of all tables. */
  *check(): Generator<Inconsistency> {
    for (const table of this.tables) yield* table.check();
  }

  /**
   * Resolves when everything committed so far is as safe as the database makes it, with the LSN up to which it is: in
   * memory, at once; stored, when the durability mode's promise holds.
   * @throws PersistenceFailedError: whether it is stored is not known
   */
  waitForOps(): Promise<Lsn> {
    return this.store?.task?.waitForOps() ?? Promise.resolve(this.lsn);
  }

  /** The position up to which everything is durable, as the durability mode means it. */
  get durableLsn(): Lsn {
    return this.store?.task?.durableLsn ?? this.lsn;
  }

  /** What opening the store found, and did about it; nothing in memory. */
  get recovery(): RecoveryReport | undefined {
    return this.store?.recovery;
  }

  /**
   * Stores the whole state as of now, so that the log before it is not needed any more. Made in slices, while writers go
   * on; one is made by itself when the log has grown. In memory there is nothing to do.
   * @throws DiskFullError, PersistenceFailedError, ReadOnlyError; TransactionError within a transaction
   */
  async checkpoint(): Promise<CheckpointResult> {
    return this.store?.checkpoint() ?? { lsn: this.lsn, rows: 0, bytes: 0, durationMs: 0 };
  }

  /**
   * Brings this database to the state of another one, by its transactions: of its feed, or read by `PlainEvents` from a
   * pipe. What was applied already is passed over, so reading on from anywhere at or before `appliedLsn` is safe. Each
   * transaction is applied whole, together with its position; keys, defaults and times come from there, and rows are
   * not removed here when their time is over.
   *
   * @returns the position when they end. @throws PositionGapError where transactions are missing, ChangeMismatchError where
   * one does not fit, EventFormatError, ValidationError: nothing of that transaction is applied then, all before it is
   * @example
   * ```ts
   * import type { CommitEvent } from 'worktable';
   *
   * const copy = new Database({ tables: [Account] });
   * const commits: CommitEvent[] = [];
   * db.on('commit', (commit) => commits.push(commit));
   * accounts.updateBy(1, { score: 8 });
   * try {
   *   await copy.apply(commits, { source: 'main' });
   * } catch (error) {
   *   console.log(String(error)); // the two rows from before are missing
   * }
   * // prints: PositionGapError: main: transaction 1 is next, and 3 came; read on from 0, or begin with an image
   * ```
   */
  async apply(
    events: Iterable<CommitEvent | ChangeEvent> | AsyncIterable<CommitEvent | ChangeEvent>,
    { source, tables }: ApplyOptions,
  ): Promise<Lsn> {
    if (typeof source !== 'string' || source === '') throw new TypeError('source is the name of what is followed');
    const followed = tables?.map((entity) => coreOf(this.cores, entity)) ?? [...this.cores.values()];
    return applyAll(new Follower(this.journal, followed, source, tables !== undefined), events, () => this.waitForOps());
  }

  /** The last transaction of a followed database that is applied here; 0 before the first. */
  appliedLsn(source: string): Lsn {
    return (this.journal.positions.get(FOLLOWED + source) ?? 0) as Lsn;
  }

  /** Forgets how far a followed database has been applied: from now on this one is its own master. @throws as any write */
  unfollow(source: string): void {
    this.journal.setPosition(FOLLOWED + source, undefined);
  }

  /**
   * Ends writing: later writes fail with `ClosedError`, reads go on. What was committed is stored and synced, and the
   * store is let go. Harmless when repeated.
   * @throws DiskFullError where there is no room for what waits: make some, and close again; PersistenceFailedError
   */
  async close(): Promise<void> {
    this.journal.close();
    this.ending ??= this.end().catch((error: unknown) => {
      this.ending = undefined;
      throw error;
    });
    return this.ending;
  }

  private async end(): Promise<void> {
    this.sweeper?.stop();
    await this.vacuums?.stop();
    try {
      await this.store?.close();
    } catch (error) {
      // Nothing comes any more; where there was no room for what waits, it may be closed again.
      if (error instanceof PersistenceFailedError) this.feeds.fail(error);
      throw error;
    }
    this.feeds.close();
  }

  /** Whether `close` was called: writes are refused then. */
  get closed(): boolean {
    return this.journal.isClosed;
  }

  /** `await using db = …` closes it when its scope is left. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isStored(options: Partial<OpenOptions>): boolean {
  return options.path !== undefined || options.engine !== undefined;
}
