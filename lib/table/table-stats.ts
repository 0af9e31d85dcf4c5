import type { IndexStats } from '../index/table-index.js';
import type { TableCore } from './table-core.js';

/** What a table holds, and in how much memory. All sizes in bytes. */
export interface TableStats {
  readonly table: string;
  readonly rows: number;
  /** Pages, row ids and indexes together: what the table takes of the process's memory. */
  readonly bytes: number;
  readonly pages: number;
  readonly pageSizeBytes: number;
  /** All pages. */
  readonly totalBytes: number;
  /** Of these, taken by rows, with headers and padding. */
  readonly usedBytes: number;
  /** Of these, the rows' own. */
  readonly liveBytes: number;
  readonly freeBytes: number;
  /** The share of the pages that is free, from 0 to 1: what `vacuum()` can make less. */
  readonly fragmentation: number;
  /** The arrays from row ids to places, and to primary keys where these are numbers. */
  readonly rowIdBytes: number;
  /** Row locks that are held, and requests that wait. */
  readonly locks: { readonly held: number; readonly waiting: number };
  /** The primary index first. Their bytes are estimates from a sample of the keys. */
  readonly indexes: readonly IndexStats[];
}

export function tableStats(core: TableCore): TableStats {
  const { store, schema } = core;
  const pages = store.stats();
  const rowIdBytes = store.idBytes + (core.rowKeys?.bytes ?? 0);
  const indexes = [core.primary, ...core.secondaries].map((index) => index.stats());
  return {
    table: core.name,
    rows: core.count,
    bytes: indexes.reduce((sum, index) => sum + index.bytes, pages.totalBytes + rowIdBytes),
    pageSizeBytes: schema.pageSizeBytes,
    ...pages,
    rowIdBytes,
    locks: core.locks.map.stats(),
    indexes,
  };
}
