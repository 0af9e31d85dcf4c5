import type { IndexStats } from '../index/table-index.js';
import type { TableCore } from './table-core.js';

/** What a table holds, and in how much memory. All sizes in bytes. */
export interface TableStats {
  readonly table: string;
  readonly rows: number;
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
  return {
    table: core.name,
    rows: core.count,
    pageSizeBytes: schema.pageSizeBytes,
    ...store.stats(),
    rowIdBytes: store.idBytes + (core.rowKeys?.bytes ?? 0),
    locks: core.locks.map.stats(),
    indexes: [core.primary, ...core.secondaries].map((index) => index.stats()),
  };
}
