import { CorruptionError } from '../errors.js';
import type { TableIndex } from '../index/table-index.js';
import { verifyRow } from '../schema/verify.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { TableCore } from './table-core.js';

/** One disagreement that `check()` found. `where` is an index's name, `rows`, `pages` or `counter`. */
export interface Inconsistency {
  readonly table: string;
  readonly where: string;
  readonly problem: string;
}

/**
 * Compares everything that is kept twice: each index with the rows, both ways, and its order; row ids with pages;
 * pages with free space; the counter with the keys; and each row's bytes with its schema.
 */
export function* checkTable(core: TableCore): Generator<Inconsistency> {
  const at = (where: string, problem: string): Inconsistency => ({ table: core.name, where, problem });
  const pending = core.journal.pendingOf(core);
  const deleted = new Set(pending.filter((change) => change.kind === 'delete').map((change) => change.row));
  // A version that is kept may be that of an open change, too.
  const kept = new Set(core.versions.kept());
  for (const change of pending) if (change.kind === 'update') kept.add(change.oldLink);

  const rows = new Set<RowId>();
  for (const row of core.store.rowIds) if (!deleted.has(row)) rows.add(row);
  if (rows.size !== core.count) yield at('rows', `${rows.size} rows, and ${core.count} in the primary index`);
  for (const index of [core.primary, ...core.secondaries]) {
    for (const problem of checkIndex(core, index, rows)) yield at(index.name, problem);
  }
  for (const row of rows) {
    const key = core.keyAt(core.primary, core.store.linkOf(row));
    if (core.primary.compare(key, core.primaryKeyOf(row)) !== 0) yield at('rows', 'a row is remembered under another primary key');
    const problem = checkBytes(core, core.store.linkOf(row));
    if (problem !== undefined) yield at('rows', problem);
  }
  for (const problem of core.store.problems(kept)) yield at('pages', problem);
  if (core.schema.key.autoincrement) {
    for (const row of rows) {
      const key = core.primaryKeyOf(row) as number | bigint;
      if (key > core.counter.value) yield at('counter', 'a key is beyond the counter');
    }
  }
}

function* checkIndex(core: TableCore, index: TableIndex, rows: ReadonlySet<RowId>): Generator<string> {
  let entries = 0;
  let previous: { key: unknown; row: RowId } | undefined;
  const met = new Set<RowId>();
  for (const { key, row } of index.all()) {
    entries++;
    if (met.has(row)) yield 'a row stands in it twice';
    met.add(row);
    if (!rows.has(row)) {
      yield 'an entry leads to no row';
      continue;
    }
    if (index.compare(core.keyAt(index, core.store.linkOf(row)), key) !== 0) yield 'an entry leads to a row with another key';
    if (previous !== undefined) yield* checkOrder(core, index, previous, { key, row });
    previous = { key, row };
  }
  if (entries !== index.entries) yield `${entries} entries, and ${index.entries} are counted`;
  if (entries !== rows.size) yield `${entries} entries for ${rows.size} rows`;
  for (const row of rows) {
    const key = core.keyAt(index, core.store.linkOf(row));
    if (!index.holds(key, row)) yield 'a row is not found by its key';
    if (!index.isExclusive(key)) continue;
    if (index.getOne(key) !== row) yield 'a point lookup finds another row, or none';
    if (index.countOf(key) > 1) yield 'a unique key leads to several rows';
  }
  try {
    index.checkStructure();
  } catch (error) {
    yield `its structure is broken: ${String(error)}`;
  }
}

function* checkOrder(
  core: TableCore,
  index: TableIndex,
  a: { key: unknown; row: RowId },
  b: { key: unknown; row: RowId },
): Generator<string> {
  const order = index.compare(a.key, b.key);
  if (index.isSorted && order > 0) yield 'its keys are out of order';
  if (order !== 0) return;
  const byKey = core.primary.compare(core.primaryKeyOf(a.row), core.primaryKeyOf(b.row));
  if (byKey >= 0) yield 'rows of one key are not in primary-key order';
}

function checkBytes(core: TableCore, link: Link): string | undefined {
  if (link === NO_LINK) return 'a row has no place';
  const bytes = core.store.bytesAt(link);
  try {
    verifyRow(core.schema.columns, bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof CorruptionError) return `a row's bytes are damaged: ${error.reason}`;
    throw error;
  }
  return undefined;
}
