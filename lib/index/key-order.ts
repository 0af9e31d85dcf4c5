import { assert } from '../assert.js';
import { type ColumnType, isScalar } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';

/**
 * A key in an index: the stored value of its column, or, over several columns, an array of them. Null is an ordinary
 * key and sorts before all values. NaN is one key, after all numbers; −0 is 0. Text is ordered by UTF-16 code units,
 * as JavaScript's `<` does; enums by their symbols' places.
 */
export type Key = Stored;

export type Compare = (a: Key, b: Key) => number;

/** In a bound over several columns: above every value that could stand there. */
export const HIGH = Symbol('above every value');

const compareNumbers: Compare = (a, b) => (a as number) - (b as number);

/**
 * What stands for NaN in a tree: sorted-btree recognizes the key that it deletes by identity, which NaN does not have.
 * As a number it is NaN, so that it compares with numbers as NaN does.
 */
export const NAN_KEY = 'NaN';

const isNaNKey = (key: Key): boolean => key !== key || key === NAN_KEY;

const compareFloats: Compare = (a, b) => {
  if ((a as number) < (b as number)) return -1;
  if ((a as number) > (b as number)) return 1;
  if (a === b) return 0;
  return isNaNKey(a) ? (isNaNKey(b) ? 0 : 1) : -1;
};

const compareText: Compare = (a, b) => (a === b ? 0 : (a as string) < (b as string) ? -1 : 1);

const compareBytes: Compare = (a, b) => Buffer.compare(a as Uint8Array, b as Uint8Array);

/** The order of a column's stored values; `nullable` ones need a comparator that knows null. */
export function compareValues(type: ColumnType, nullable: boolean): Compare {
  const compare = comparePresent(type);
  if (!nullable) return compare;
  return (a, b) => (a === null ? (b === null ? 0 : -1) : b === null ? 1 : compare(a, b));
}

function comparePresent(type: ColumnType): Compare {
  assert(isScalar(type), 'only scalar columns are ordered');
  switch (type.kind) {
    case 'int':
    case 'date':
    case 'enum':
      return compareNumbers;
    case 'long':
    case 'timestamp-millis':
    case 'timestamp-micros':
      // A literal may be NaN or infinite, and infinities subtract to NaN.
      return type.as === 'bigint' || type.kind === 'timestamp-micros' ? compareText : compareFloats;
    case 'float':
    case 'double':
      return compareFloats;
    case 'bytes':
      return compareBytes;
    default:
      return compareText; // strings, uuids, bigints, booleans
  }
}

/** The order of whole keys over these columns. */
export function compareKeys(columns: readonly ColumnSchema[]): Compare {
  const parts = columns.map((column) => compareValues(column.type, column.nullable));
  if (parts.length === 1) return parts[0] as Compare;
  return (left, right) => {
    const a = left as Key[];
    const b = right as Key[];
    const shared = Math.min(a.length, b.length);
    for (let at = 0; at < shared; at++) {
      const x = a[at];
      const y = b[at];
      if (x === HIGH) return y === HIGH ? 0 : 1;
      if (y === HIGH) return -1;
      const order = (parts[at] as Compare)(x, y);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  };
}

/** The key that stands in stored values at these positions. */
export function keyIn(values: readonly Stored[], positions: readonly number[]): Key {
  if (positions.length === 1) return values[positions[0] as number];
  return positions.map((position) => values[position]);
}

export function columnsOf(schema: TableSchema, positions: readonly number[]): ColumnSchema[] {
  return positions.map((position) => schema.columns[position] as ColumnSchema);
}

/**
 * Turns a key into something that a `Map` holds by value: bytes become text, several columns one text in which each
 * part tells its kind and length, so that no two keys meet.
 */
export function hashOf(columns: readonly ColumnSchema[]): ((key: Key) => Key) | undefined {
  if (columns.length > 1) return (key) => (key as Key[]).map(hashPart).join('');
  if (columns[0]?.type.kind === 'bytes') return (key) => (key === null ? null : Buffer.from(key as Uint8Array).toString('latin1'));
  return undefined;
}

function hashPart(value: Key): string {
  if (value === null) return 'n';
  if (value instanceof Uint8Array) return `y${value.length}:${Buffer.from(value).toString('latin1')}`;
  const text = String(value === 0 ? 0 : value); // −0 is 0
  return `${(typeof value)[0]}${text.length}:${text}`;
}
