import type { AvroRecord } from './avro-schema.js';
import type { EntityClass, Field } from './column-type.js';

/**
 * A table, as frozen data: what decorators described, checked and resolved. Columns, keys and indexes name their
 * columns by position, which is also the order of the fields in the row's bytes.
 */
export interface TableSchema {
  readonly name: string;
  readonly version: number;
  readonly className: string;
  readonly ctor: EntityClass;
  readonly columns: readonly ColumnSchema[];
  readonly columnsByName: ReadonlyMap<string, ColumnSchema>;
  readonly key: KeySchema;
  readonly indexes: readonly IndexSchema[];
  readonly queries: readonly QuerySchema[];
  /** How rows expire, where they do. */
  readonly expires: ExpirySchema | undefined;
  /** Bytes of a page: a power of two from 4 KiB to 1 MiB. */
  readonly pageSizeBytes: number;
  /** Bytes that a row may take at most. */
  readonly maxRowBytes: number;
  readonly avro: AvroRecord;
  /** Avro's Parsing Canonical Form of `avro`. */
  readonly canonicalForm: string;
  /** CRC-64-AVRO of the canonical form, unsigned. */
  readonly fingerprint: bigint;
}

/** A column, checked, and its place among the columns, from 0. */
export interface ColumnSchema extends Field {
  readonly position: number;
}

/** The primary key, checked. Columns are named by their places. */
export interface KeySchema {
  readonly columns: readonly number[];
  readonly using: IndexKind;
  readonly autoincrement: boolean;
  readonly generate: (() => unknown) | undefined;
}

export interface ExpirySchema {
  /** The column that says when, in milliseconds since 1970. */
  readonly column: number;
  /** An ordered index over that column alone. */
  readonly index: string;
  /** How long a row has that does not say, in milliseconds. */
  readonly ttlMs: number | undefined;
}

/** `btree` and `packed` keep keys in order, `packed` off the JavaScript heap; `hash` serves equality alone. */
export type IndexKind = 'btree' | 'hash' | 'packed';

export const INDEX_KINDS: readonly IndexKind[] = ['btree', 'hash', 'packed'];

/** A secondary index, checked. Columns are named by their places. */
export interface IndexSchema {
  readonly name: string;
  readonly columns: readonly number[];
  readonly unique: boolean;
  readonly using: IndexKind;
  /** In a unique index: whether rows with a null among the columns never conflict. */
  readonly nullsDistinct: boolean;
}

/** A declared query, checked. Columns are named by their places. */
export interface QuerySchema {
  readonly name: string;
  readonly kind: 'update' | 'delete' | 'inPlace';
  /** The columns that it writes. */
  readonly set: readonly number[];
  /** The columns that select its rows, all by equality. */
  readonly by: readonly number[];
}

/** The name that the primary key goes by wherever indexes are named. */
export const PRIMARY = 'primary';

export function columnNames(schema: TableSchema, positions: readonly number[]): string[] {
  return positions.map((position) => (schema.columns[position] as ColumnSchema).name);
}
