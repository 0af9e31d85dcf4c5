import { skipElement, writeElement } from './element-codec.js';
import type { RowCodec } from './row-codec.js';
import type { Stored } from './stored-value.js';
import type { ColumnSchema, TableSchema } from './table-schema.js';

/**
 * Encodes the row at `position` of `source` anew with some columns replaced. Columns that stay are copied as bytes,
 * without being decoded.
 *
 * @param changed the columns' positions, ascending; `values` holds their stored forms by position.
 * @returns the position in `target` behind the row; as for `encode` it may lie past the end.
 */
export function patchRow(
  codec: RowCodec,
  schema: TableSchema,
  source: Buffer,
  position: number,
  length: number,
  changed: readonly number[],
  values: readonly Stored[],
  target: Buffer,
  start: number,
): number {
  let from = position;
  let to = start;
  for (const column of changed) {
    const field = schema.columns[column] as ColumnSchema;
    // Columns that follow one another need no second walk from the row's start.
    const at = column === 0 ? position : codec.locate(column, source, position);
    to = copyBytes(source, from, at, target, to);
    to = writeElement(field, values[column], target, to);
    from = skipElement(field, source, at);
  }
  return copyBytes(source, from, position + length, target, to);
}

const SHORT_COPY = 64;

/** Copies `[from, end)`; as with every writer, what lies past the target's end is dropped. */
export function copyBytes(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const length = end - from;
  if (length > SHORT_COPY) {
    if (to + length <= target.length) source.copy(target, to, from, end);
  } else {
    for (let at = 0; at < length; at++) target[to + at] = source[from + at] as number;
  }
  return to + length;
}
