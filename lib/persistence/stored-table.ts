import { SchemaMismatchError } from '../errors.js';
import type { AvroRecord } from '../schema/avro-schema.js';
import { columnNames, type TableSchema } from '../schema/table-schema.js';

/** A table as it is written down in a store. */
export interface StoredTable {
  readonly name: string;
  readonly schema: StoredSchema;
}

/** A table's schema, as it stands in the store. */
export interface StoredSchema {
  readonly version: number;
  readonly avro: AvroRecord;
  /** CRC-64-AVRO of the canonical form, in hexadecimal. */
  readonly fingerprint: string;
  readonly key: { readonly columns: readonly string[]; readonly autoincrement: boolean };
  readonly indexes: readonly StoredIndex[];
}

/** An index, as far as stored rows depend on it. */
export interface StoredIndex {
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly nullsDistinct: boolean;
}

/** What of a table's schema decides what its files mean. Defaults, queries, kinds of index and page sizes do not. */
export function storedTable(schema: TableSchema): StoredTable {
  return {
    name: schema.name,
    schema: {
      version: schema.version,
      avro: { ...schema.avro, fields: schema.avro.fields.map(({ name, type }) => ({ name, type })) },
      fingerprint: schema.fingerprint.toString(16).padStart(16, '0'),
      key: { columns: columnNames(schema, schema.key.columns), autoincrement: schema.key.autoincrement },
      indexes: schema.indexes.map(({ name, columns, unique, nullsDistinct }) => {
        return { name, columns: columnNames(schema, columns), unique, nullsDistinct };
      }),
    },
  };
}

/** @throws SchemaMismatchError with all that differs between what is stored and what is given */
export function assertSameSchema(stored: StoredTable, given: StoredTable): void {
  const differences: string[] = [];
  const compare = (what: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) !== JSON.stringify(b)) differences.push(`${what}: stored ${show(a)}, the class has ${show(b)}`);
  };
  compare('version', stored.schema.version, given.schema.version);
  compareNamed('column', namedTypes(stored), namedTypes(given), compare);
  if (differences.length === 0) {
    compare('order of columns', [...namedTypes(stored).keys()], [...namedTypes(given).keys()]);
    compare('schema', stored.schema.avro, given.schema.avro);
  }
  compare('primary key', stored.schema.key, given.schema.key);
  compareNamed('index', namedIndexes(stored), namedIndexes(given), compare);
  if (differences.length > 0) throw new SchemaMismatchError(stored.name, differences);
}

function compareNamed(
  what: string,
  stored: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, unknown>,
  compare: (what: string, a: unknown, b: unknown) => void,
): void {
  for (const name of new Set([...stored.keys(), ...given.keys()])) compare(`${what} ${name}`, stored.get(name), given.get(name));
}

function namedTypes({ schema }: StoredTable): Map<string, unknown> {
  return new Map((schema.avro.fields ?? []).map((field) => [field.name, field.type]));
}

function namedIndexes({ schema }: StoredTable): Map<string, unknown> {
  return new Map((schema.indexes ?? []).map(({ name, ...index }) => [name, index]));
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
