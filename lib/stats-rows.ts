import type { DatabaseStats } from './database.js';

/** One line of `statsRows`. Sizes in bytes; what a part does not have is left out. */
export interface StatsRow {
  readonly part: string;
  readonly rows: number;
  readonly bytes: number;
  readonly live?: number;
  readonly free?: number;
  readonly fragmentation?: number;
  readonly pages?: number;
  readonly keys?: number;
  readonly locked?: number;
  readonly waiting?: number;
}

/**
 * `db.stats()` as lines that `console.table` prints: a table's pages, each of its indexes, what snapshots keep, and the
 * sum of all bytes.
 */
export function statsRows({ tables, snapshots }: DatabaseStats): StatsRow[] {
  const lines: StatsRow[] = [];
  for (const { table, rows, totalBytes, liveBytes, freeBytes, fragmentation, pages, rowIdBytes, locks, indexes } of tables) {
    const share = Math.round(fragmentation * 100) / 100;
    const held = { locked: locks.held, waiting: locks.waiting };
    lines.push({ part: table, rows, bytes: totalBytes, live: liveBytes, free: freeBytes, fragmentation: share, pages, ...held });
    lines.push({ part: `${table}, row ids`, rows, bytes: rowIdBytes });
    for (const { name, using, unique, entries, keys, bytes } of indexes) {
      lines.push({ part: `${table}.${name}, ${unique ? 'unique ' : ''}${using}`, rows: entries, bytes, keys });
    }
  }
  // What snapshots keep lies in the pages, and is counted there.
  lines.push({ part: `snapshots, ${snapshots.open} open, ${snapshots.forgotten} forgotten`, rows: snapshots.versions, bytes: 0 });
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  return [...lines, { part: 'all', rows: tables.reduce((sum, { rows }) => sum + rows, 0), bytes }];
}
