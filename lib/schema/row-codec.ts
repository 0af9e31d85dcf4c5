import type { Stored } from './stored-value.js';

/** `insert` fills in defaults and leaves out keys that are generated; `replace` takes the whole row as it is. */
export type CollectMode = 'insert' | 'replace';

/** Text, not null, that a column is known to have before a row is read: what a query asks for. */
export interface KnownText {
  readonly column: number;
  readonly text: string;
}

/** Makes a row of bytes that it trusts. `view` shows those of `buffer`, where somebody has one. */
export type Decode = (buffer: Buffer, position: number, view?: DataView, known?: string) => object;

/**
 * Turns rows into bytes and back. The bytes are Avro's binary encoding of the table's schema, one value after the
 * other; there is nothing in them but the values.
 *
 * Two implementations: one compiled for the table with `new Function`, and one that walks the schema, for places that
 * forbid code generation. Both give the same bytes and rows; one suite runs on both.
 */
export interface RowCodec {
  readonly compiled: boolean;
  /**
   * Reads each column of a user's row once, validates it, and puts the stored forms into `values`. Whatever user code
   * there is runs here. A generated key that was left out stays `undefined`.
   * @throws ValidationError naming the first wrong column; TypeError where `row` is no object.
   */
  collect(row: object, values: Stored[], mode: CollectMode): void;
  /**
   * Writes stored values. @returns the position behind the row. Where that lies past the buffer's end, the row did not
   * fit, and the returned position tells how long it is.
   */
  encode(values: readonly Stored[], buffer: Buffer, position: number): number;
  /** An instance of the table's class. Trusts the bytes. */
  decode(buffer: Buffer, position: number, view?: DataView): object;
  /** As `decode`; with `known`, for rows of which it is known which text that column has, not null: it is given, and not read. */
  decoder(known?: number): Decode;
  /** One column in its stored form. Trusts the bytes. */
  read(column: number, buffer: Buffer, position: number): Stored;
  /** Where the bytes of a column's value begin. Trusts the bytes. */
  locate(column: number, buffer: Buffer, position: number): number;
}
