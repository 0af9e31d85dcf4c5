import { layoutOf } from './element-codec.js';
import type { ColumnSchema } from './table-schema.js';

/**
 * Text of code that is compiled for a table: how one column is read or stepped over, where it lies. The code has
 * `buffer`, a position `p` in it, and the locals of `LOCALS`; `columns`, `cursor` and the functions named here are the
 * helpers of whoever compiles it. Nothing of a user's is in it but numbers.
 */
export const LOCALS = 'let v, w, b, n;';

/** How a column is read, where there is more than one way. */
export interface ReadWays {
  /** An expression for the text of `n` bytes at `p`. */
  readonly text: string;
  /** Whether there is `view`, a view of the bytes of `buffer`. */
  readonly hasView: boolean;
}

/** Reads a column at `p` into `v`, in its stored form, and moves `p` behind it. */
export function readSource(column: ColumnSchema, ways: ReadWays): string {
  const read = readValueSource(column, ways);
  if (read === undefined) return `v = readElement(columns[${column.position}], buffer, p); p = cursor.position;`;
  return column.nullable ? `if (buffer[p++] === 0) v = null; else { ${read} }` : read;
}

function readValueSource(column: ColumnSchema, ways: ReadWays): string | undefined {
  switch (layoutOf(column.type)) {
    case 'boolean':
      return 'v = buffer[p++] === 1;';
    case 'int':
      return `${varintSource('v', 5)} v = (v >>> 1) ^ -(v & 1);`;
    case 'longNumber':
      return longSource();
    case 'longBigInt':
      return 'v = readLongBigInt(buffer, p); p = cursor.position;';
    case 'float':
      return `v = ${ways.hasView ? 'view.getFloat32(p, true)' : 'readFloat(buffer, p)'}; p += 4;`;
    case 'double':
      return `v = ${ways.hasView ? 'view.getFloat64(p, true)' : 'readDouble(buffer, p)'}; p += 8;`;
    case 'string':
      return `${lengthSource()} v = ${ways.text}; p += n;`;
    default:
      return undefined;
  }
}

/** Adds up at most `most` bytes of a varint. A byte that says that there are more has 128 too much: the next takes it away. */
function varintSource(into: string, most: number, beyond = ''): string {
  const more = (byte: number): string => {
    if (byte === most) return beyond;
    return `if (b > 127) { b = buffer[p++]; ${into} += (b - 1) << ${byte * 7}; ${more(byte + 1)} }`;
  };
  return `b = buffer[p++]; ${into} = b; ${more(1)}`;
}

/**
 * A safe integer takes up to eight bytes: 28 bits from four of them in `v`, the sign among these, and the rest in `w`.
 * What is left of the bits of `v` is less than 2^27, so all arithmetic on integers is within 31 bits.
 */
function longSource(): string {
  const high = `if (b > 127) { v -= 268435456; ${varintSource('w', 4)} }`;
  return `w = 0; ${varintSource('v', 4, high)}
    v = w === 0 ? (v >>> 1) ^ -(v & 1) : (v & 1) === 0 ? w * 134217728 + (v >>> 1) : -1 - w * 134217728 - (v >>> 1);`;
}

/** Moves `p` to the bytes of text, and leaves their number in `n`. */
function lengthSource(): string {
  return 'n = buffer[p]; if (n < 128) { n >>= 1; p++; } else { n = readInt(buffer, p); p = cursor.position; }';
}

/** Moves `p` behind a column. */
export function skipSource(column: ColumnSchema): string {
  const skip = skipValueSource(column);
  if (skip === undefined) return `p = skipElement(columns[${column.position}], buffer, p);`;
  return column.nullable ? `if (buffer[p++] !== 0) { ${skip} }` : skip;
}

function skipValueSource(column: ColumnSchema): string | undefined {
  switch (layoutOf(column.type)) {
    case 'boolean':
      return 'p += 1;';
    case 'int':
    case 'longNumber':
    case 'longBigInt':
      return 'while (buffer[p++] > 127);';
    case 'float':
      return 'p += 4;';
    case 'double':
      return 'p += 8;';
    case 'string':
    case 'bytes':
    case 'decimal':
      return 'p = buffer[p] < 128 ? p + 1 + (buffer[p] >> 1) : skipText(buffer, p);';
    default:
      return undefined;
  }
}
