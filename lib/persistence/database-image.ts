import { Moment } from '../isolation/snapshot.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Epoch } from '../storage/row-versions.js';
import type { TableCore } from '../table/table-core.js';
import type { Journal } from '../transaction/journal.js';
import type { DatabaseImage, TableImage } from './persistence-engine.js';

/** Rows that are given between two looks at the clock. */
const ROWS_A_LOOK = 256;

/**
 * All tables as of now, to be read while writers go on: as snapshots do, it has versions of rows kept that change
 * meanwhile. @throws TransactionError within a transaction
 */
export function takeImage(cores: readonly TableCore[], journal: Journal): DatabaseImage {
  const moment = new Moment(cores, journal);
  const tables = cores.map((core) => new RowsImage(core, moment.of(core)));
  return { lsn: journal.lsn, txn: journal.txn, tables, positions: new Map(journal.positions), release: () => moment.release() };
}

class RowsImage implements TableImage {
  readonly counter: bigint;
  readonly rows: number;
  private readonly epoch: Epoch;
  private readonly extent: number;
  private next = 0;

  constructor(
    private readonly core: TableCore,
    { epoch, rows }: { readonly epoch: Epoch; readonly rows: number },
  ) {
    this.counter = BigInt(core.counterValue);
    this.rows = rows;
    this.epoch = epoch;
    this.extent = core.store.idExtent;
  }

  read(take: (bytes: Buffer, from: number, length: number) => boolean, deadline: number): boolean {
    const { store } = this.core;
    const epochs = this.core.versions.since(this.epoch);
    for (let looked = 0; this.next < this.extent; looked++) {
      if (looked === ROWS_A_LOOK) {
        if (performance.now() >= deadline) return true;
        looked = 0;
      }
      const link = this.linkOf(epochs, this.next++ as RowId);
      if (link !== NO_LINK && !take(store.bufferAt(link), store.positionAt(link), store.lengthAt(link))) return true;
    }
    return false;
  }

  /** Where the row was: in the first epoch that knows it, or where it is. */
  private linkOf(epochs: readonly Epoch[], row: RowId): Link {
    for (const { rows } of epochs) {
      const link = rows.size === 0 ? undefined : rows.get(row);
      if (link !== undefined) return link;
    }
    return this.core.store.isAlive(row) ? this.core.store.linkOf(row) : NO_LINK;
  }
}
