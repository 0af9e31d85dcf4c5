import type { Lsn } from './cdc/operation.js';
import { type DatabaseEvents, Publisher } from './cdc/publisher.js';
import { type AsyncTransaction, type AsyncTransactionOptions, runAsync } from './isolation/async-transaction.js';
import { coreOf, type Snapshot } from './isolation/snapshot.js';
import { type SnapshotStats, Snapshots } from './isolation/snapshots.js';
import { type Measurement, Measurements } from './measure/measurements.js';
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

/** What a database holds. */
export interface DatabaseStats {
  readonly tables: readonly TableStats[];
  readonly snapshots: SnapshotStats;
}

export interface DatabaseOptions {
  /** The decorated classes, one for each table. */
  readonly tables: readonly EntityClass[];
  /** How often expired rows are removed, in milliseconds; 1000 by default. Reads never give them, whatever this is. */
  readonly expiryIntervalMs?: number;
  /** Vacuums tables by themselves when they are fragmented; without it, only `table.vacuum()` does. */
  readonly vacuum?: VacuumManagerOptions;
  /** Measures every call: `measurements()` tells. Off by default, and then costs nothing at all. */
  readonly measure?: boolean;
}

/**
 * Tables that share transactions and one order of commits, in memory.
 *
 * @example
 * ```ts
 * const db = new Database({ tables: [Account] });
 * const accounts = db.table(Account);
 * accounts.insert({ email: 'ada@example.com', country: 'GB' });
 * ```
 */
export class Database {
  private readonly publisher = new Publisher();
  private readonly journal = new Journal(this.publisher);
  private readonly managers = new Map<EntityClass, TableManager<EntityClass>>();
  private readonly measured = new Measurements();
  private readonly cores = new Map<EntityClass, TableCore>();
  private readonly vacuums: VacuumManager | undefined;
  private readonly sweeper: ExpirySweeper | undefined;
  private readonly snapshots = new Snapshots(this.cores, this.journal);

  /** @throws SchemaError for whatever is wrong with a class, or with the classes beside one another */
  constructor(options: DatabaseOptions) {
    if (!Array.isArray(options?.tables)) throw new TypeError('new Database({ tables: [Class, …] }) takes an array of classes');
    for (const schema of buildSchemas(options.tables)) {
      const core = new TableCore(schema, this.journal, this.publisher.table(schema.name));
      this.cores.set(schema.ctor, core);
      this.managers.set(schema.ctor, new TableManager(core, this.publisher));
    }
    if (options.measure === true) this.measure();
    if (options.vacuum !== undefined) this.vacuums = new VacuumManager([...this.cores.values()], options.vacuum);
    const expiring = [...this.cores.values()].filter((core) => core.expiry !== undefined);
    if (expiring.length > 0) this.sweeper = new ExpirySweeper(expiring, options.expiryIntervalMs ?? 1000);
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

  /** As `on`, for the next event alone. */
  once<N extends keyof DatabaseEvents>(event: N, listener: DatabaseEvents[N]): this {
    this.publisher.database.once(event, listener);
    return this;
  }

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

  resetMeasurements(): void {
    this.measured.reset();
  }

  /** The `stats()` of all tables, and of the snapshots over them. */
  stats(): DatabaseStats {
    return { tables: this.tables.map((table) => table.stats()), snapshots: this.snapshots.stats() };
  }

  /** The `check()` of all tables. */
  *check(): Generator<Inconsistency> {
    for (const table of this.tables) yield* table.check();
  }

  /** Resolves when everything written so far is as safe as the database makes it: in memory, at once. */
  waitForOps(): Promise<Lsn> {
    return Promise.resolve(this.lsn);
  }

  /** Ends writing: later writes fail with `ClosedError`, reads go on. Harmless when repeated. */
  async close(): Promise<void> {
    this.journal.close();
    this.sweeper?.stop();
    await this.vacuums?.stop();
  }

  get closed(): boolean {
    return this.journal.isClosed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
