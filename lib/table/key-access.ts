import { isSameText, isString, textBytes } from '../bytes/text.js';
import { cursor } from '../bytes/varint.js';
import type { KeyAccess } from '../index/entry-map.js';
import { keyHash } from '../index/key-hash.js';
import { compareKeys, type Key } from '../index/key-order.js';
import { TextKey } from '../index/text-key.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';
import { switches } from '../switches.js';

/** The key over these columns of the row at `at`. Trusts the bytes. */
export function readKey(codec: RowCodec, positions: readonly number[], bytes: Buffer, at: number): Key {
  if (positions.length === 1) return codec.read(positions[0] as number, bytes, at);
  return positions.map((position) => codec.read(position, bytes, at));
}

/** Reads the keys of an index over these columns out of the rows. */
export function keyAccess(store: RowStore, codec: RowCodec, columns: readonly ColumnSchema[]): KeyAccess {
  const compare = compareKeys(columns);
  const positions = columns.map(({ position }) => position);
  const [column] = columns as [ColumnSchema];
  const { position, nullable, type } = column;
  const isText = columns.length === 1 && (type.kind === 'string' || type.kind === 'uuid');
  const asked = new TextKey();
  const hash = keyHash(undefined, isText && switches.askedText ? asked : undefined);
  const keyOf =
    columns.length === 1
      ? (row: RowId): Key => store.read(row, position)
      : (row: RowId): Key => positions.map((one) => store.read(row, one));
  if (!isText) {
    return { hash, keyOf, hasKey: (row, key) => compare(keyOf(row), key) === 0 };
  }
  const hasKey = (row: RowId, key: Key): boolean => {
    const buffer = store.bufferOf(row);
    let at = codec.locate(position, buffer, store.positionOf(row));
    if (nullable && buffer[at++] === 0) return key === null;
    if (key === null) return false;
    return asked.holds(key as string) ? asked.isAt(buffer, store.viewOf(row), at) : isString(buffer, at, key as string);
  };
  const hashOf = (row: RowId): number => {
    const buffer = store.bufferOf(row);
    let at = codec.locate(position, buffer, store.positionOf(row));
    if (nullable && buffer[at++] === 0) return hash(null);
    const length = textBytes(buffer, at);
    return hash.ofAscii(buffer, cursor.position, length) ?? hash(keyOf(row));
  };
  const isSame = (a: RowId, b: RowId): boolean => {
    const first = store.bufferOf(a);
    const second = store.bufferOf(b);
    let at = codec.locate(position, first, store.positionOf(a));
    let other = codec.locate(position, second, store.positionOf(b));
    if (nullable && (first[at++] === 0) !== (second[other++] === 0)) return false;
    if (nullable && first[at - 1] === 0) return true;
    return isSameText(first, at, second, other);
  };
  return { hash, keyOf, hasKey, inPlace: { hashOf, isSame } };
}
