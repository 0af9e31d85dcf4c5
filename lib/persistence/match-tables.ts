import { randomBytes } from 'node:crypto';
import { SchemaMismatchError } from '../errors.js';
import { FORMAT, type Manifest, type ManifestTable } from './manifest.js';
import { assertSameSchema, type StoredTable } from './stored-table.js';

/** The manifest of a store that is not there yet. */
export function newManifest(): Manifest {
  return {
    format: FORMAT,
    minReader: FORMAT,
    storeId: randomBytes(16).toString('hex'),
    generation: 0,
    epoch: 0,
    checkpointLsn: 0,
    checkpointTxn: 0,
    firstSegment: 1,
    lastSegment: 0,
    clean: null,
    tables: [],
    positions: [],
  };
}

/** The manifest with its tables in the order in which they are given, and new ones among them. @throws SchemaMismatchError */
export function matchTables(manifest: Manifest, given: readonly StoredTable[]): Manifest {
  const names = new Set(given.map(({ name }) => name));
  const missing = manifest.tables.find(({ name }) => !names.has(name));
  if (missing !== undefined) throw new SchemaMismatchError(missing.name, ['it is stored, and no class for it is among the tables']);
  let id = manifest.tables.reduce((most, table) => Math.max(most, table.id), 0);
  const tables = given.map((table): ManifestTable => {
    const stored = manifest.tables.find(({ name }) => name === table.name);
    if (stored === undefined) return { ...table, id: ++id, checkpoint: null };
    assertSameSchema(stored, table);
    return stored;
  });
  return { ...manifest, tables };
}
