import { isSameText, isString, textBytes } from '../bytes/text.js';
import { cursor } from '../bytes/varint.js';
import type { KeyAccess, KeysInPlace } from '../index/entry-map.js';
import { KeyHash } from '../index/key-hash.js';
import { type Compare, compareKeys, type Key } from '../index/key-order.js';
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
  const [column] = columns as [ColumnSchema];
  const isText = columns.length === 1 && (column.type.kind === 'string' || column.type.kind === 'uuid');
  return isText ? new TextAccess(store, codec, column) : new ValueAccess(store, columns);
}

/** Keys that are made into values to be looked at. */
class ValueAccess implements KeyAccess {
  readonly inPlace = undefined;
  private readonly hashes = new KeyHash();
  private readonly compare: Compare;
  /** Of a key over one column, its position; of others, −1. */
  private readonly single: number;
  private readonly positions: readonly number[];

  constructor(
    private readonly store: RowStore,
    columns: readonly ColumnSchema[],
  ) {
    this.compare = compareKeys(columns);
    this.positions = columns.map(({ position }) => position);
    this.single = columns.length === 1 ? (this.positions[0] as number) : -1;
  }

  hash(key: Key): number {
    return this.hashes.of(key);
  }

  keyOf(row: RowId): Key {
    const { store, single } = this;
    return single >= 0 ? store.read(row, single) : this.positions.map((position) => store.read(row, position));
  }

  hasKey(row: RowId, key: Key): boolean {
    return this.compare(this.keyOf(row), key) === 0;
  }
}

/** Text, which is looked at where it stands. */
class TextAccess implements KeyAccess, KeysInPlace {
  readonly inPlace = this;
  /** What was hashed last, and so was asked for. */
  private readonly asked = new TextKey();
  private readonly hashes: KeyHash;
  private readonly position: number;
  private readonly nullable: boolean;

  constructor(
    private readonly store: RowStore,
    private readonly codec: RowCodec,
    { position, nullable }: ColumnSchema,
  ) {
    this.position = position;
    this.nullable = nullable;
    this.hashes = new KeyHash(undefined, switches.askedText ? this.asked : undefined);
  }

  hash(key: Key): number {
    return this.hashes.of(key);
  }

  keyOf(row: RowId): Key {
    return this.store.read(row, this.position);
  }

  hasKey(row: RowId, key: Key): boolean {
    const { store, asked } = this;
    const buffer = store.bufferOf(row);
    let at = this.codec.locate(this.position, buffer, store.positionOf(row));
    if (this.nullable && buffer[at++] === 0) return key === null;
    if (key === null) return false;
    return asked.holds(key as string) ? asked.isAt(buffer, store.viewOf(row), at) : isString(buffer, at, key as string);
  }

  hashOf(row: RowId): number {
    const { store } = this;
    const buffer = store.bufferOf(row);
    let at = this.codec.locate(this.position, buffer, store.positionOf(row));
    if (this.nullable && buffer[at++] === 0) return this.hash(null);
    const length = textBytes(buffer, at);
    return this.hashes.ofAscii(buffer, cursor.position, length) ?? this.hash(this.keyOf(row));
  }

  isSame(a: RowId, b: RowId): boolean {
    const { store, codec, position, nullable } = this;
    const first = store.bufferOf(a);
    const second = store.bufferOf(b);
    let at = codec.locate(position, first, store.positionOf(a));
    let other = codec.locate(position, second, store.positionOf(b));
    if (nullable && (first[at++] === 0) !== (second[other++] === 0)) return false;
    if (nullable && first[at - 1] === 0) return true;
    return isSameText(first, at, second, other);
  }
}
