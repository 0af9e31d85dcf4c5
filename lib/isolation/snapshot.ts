import { SchemaError, TransactionError } from '../errors.js';
import type { EntityClass } from '../schema/column-type.js';
import type { Epoch } from '../storage/row-versions.js';
import type { TableCore } from '../table/table-core.js';
import { TableReader } from '../table/table-reader.js';
import type { Journal } from '../transaction/journal.js';
import { SnapshotView, type TableMoment } from './snapshot-view.js';

const disposed = () => new TransactionError('the snapshot was disposed');

/** @throws SchemaError */
export function coreOf<V>(cores: ReadonlyMap<EntityClass, V>, entity: EntityClass): V {
  const core = cores.get(entity);
  if (core !== undefined) return core;
  const name = typeof entity === 'function' ? entity.name : String(entity);
  throw new SchemaError(name, undefined, 'the class is not among the tables of this database', 'Name it in new Database({ tables })');
}

/** One moment, held in every table. */
export class Moment {
  private readonly tables = new Map<TableCore, { readonly epoch: Epoch; readonly rows: number }>();
  private held = true;
  private readonly at = Date.now();

  constructor(
    cores: Iterable<TableCore>,
    private readonly journal: Journal,
  ) {
    journal.assertOutside('a snapshot is of committed states: take it before or after the transaction');
    for (const core of cores) this.tables.set(core, { epoch: core.versions.open(), rows: core.count });
  }

  of(core: TableCore): TableMoment {
    const { epoch, rows } = this.tables.get(core) as { epoch: Epoch; rows: number };
    return { epoch, rows, at: this.at };
  }

  get isHeld(): boolean {
    return this.held;
  }

  /** Harmless when repeated. */
  release(): void {
    if (!this.held) return;
    this.held = false;
    this.journal.afterTransaction(() => {
      for (const [core, { epoch }] of this.tables) core.versions.close(epoch);
    });
  }
}

/**
 * Every table and index as of one moment, while writers go on. Reads cost what they cost on the table, and a little for
 * each row that has changed since. Old versions of rows are kept until `dispose`; leaving the scope of a `using`
 * declaration does that.
 *
 * @example
 * ```ts
 * using snapshot = db.snapshot();
 * accounts.delete(1);
 * console.log(accounts.count(), snapshot.table(Account).count()); // prints: 1 2
 * ```
 */
export class Snapshot {
  private readonly readers = new Map<EntityClass, TableReader<EntityClass>>();
  private readonly views: SnapshotView[] = [];

  /** @internal */
  constructor(
    private readonly cores: ReadonlyMap<EntityClass, TableCore>,
    private readonly moment: Moment,
    /** The last transaction that the snapshot shows. */
    readonly lsn: number,
    private readonly onDispose: () => void,
  ) {}

  /** The reads of a class's table. @throws SchemaError for a class that is not of this database */
  table<C extends EntityClass>(entity: C): TableReader<C> {
    let reader = this.readers.get(entity);
    if (reader === undefined) {
      const core = coreOf(this.cores, entity);
      const view = new SnapshotView(core, this.moment.of(core), this);
      if (this.isDisposed) view.end(disposed());
      this.views.push(view);
      reader = new TableReader(view);
      this.readers.set(entity, reader);
    }
    return reader as unknown as TableReader<C>;
  }

  /** Whether it was disposed of: reads are refused then. */
  get isDisposed(): boolean {
    return !this.moment.isHeld;
  }

  /** Gives back what was kept for it; later reads throw `TransactionError`. Harmless when repeated. */
  dispose(): void {
    if (!this.moment.isHeld) return;
    for (const view of this.views) view.end(disposed());
    this.moment.release();
    this.onDispose();
  }

  /** `using snapshot = …` disposes of it when its scope is left. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
