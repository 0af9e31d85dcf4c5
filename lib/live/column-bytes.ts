import type { RowCodec } from '../schema/row-codec.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';
import { type Link, NO_LINK } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';

/** A row's bytes in a buffer. */
export interface RowBytes {
  readonly buffer: Buffer;
  readonly position: number;
  readonly length: number;
}

export function bytesAt(store: RowStore, link: Link): RowBytes {
  return { buffer: store.bufferAt(link), position: store.positionAt(link), length: store.lengthAt(link) };
}

/** As `bytesAt`, in a buffer of their own, which stays as it is. */
export function copyAt(store: RowStore, link: Link): RowBytes {
  const { buffer, byteOffset, length } = store.bytesAt(link);
  return { buffer: Buffer.from(buffer, byteOffset, length), position: 0, length };
}

/** Compares some columns of rows, or all of them, byte by byte, without decoding them. */
export class ColumnBytes {
  private readonly positions: readonly number[] | undefined;
  private readonly last: number;

  constructor(
    private readonly codec: RowCodec,
    schema: TableSchema,
    columns: readonly ColumnSchema[] | undefined,
  ) {
    this.positions = columns?.map(({ position }) => position);
    this.last = schema.columns.length - 1;
  }

  isSame(one: RowBytes, other: RowBytes): boolean {
    if (this.positions === undefined) return isSameRange(one, one.position, one.length, other, other.position, other.length);
    return this.positions.every((column) => {
      const from = this.codec.locate(column, one.buffer, one.position);
      const at = this.codec.locate(column, other.buffer, other.position);
      return isSameRange(one, from, this.endOf(column, one) - from, other, at, this.endOf(column, other) - at);
    });
  }

  /** As `isSame`, of rows in the store; where one of them is not there, they differ. */
  isSameAt(store: RowStore, one: Link, other: Link): boolean {
    if (one === other) return true;
    return one !== NO_LINK && other !== NO_LINK && this.isSame(bytesAt(store, one), bytesAt(store, other));
  }

  private endOf(column: number, { buffer, position, length }: RowBytes): number {
    return column === this.last ? position + length : this.codec.locate(column + 1, buffer, position);
  }
}

function isSameRange(one: RowBytes, from: number, length: number, other: RowBytes, at: number, otherLength: number): boolean {
  if (length !== otherLength) return false;
  return one.buffer.compare(other.buffer, at, at + length, from, from + length) === 0;
}
