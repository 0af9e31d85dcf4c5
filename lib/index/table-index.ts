import { assert } from '../assert.js';
import { elementToUser, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema, IndexKind } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { DensePoints } from './dense-points.js';
import { type Compare, compareKeys, type Key, keyReader } from './key-order.js';
import { type Entry, type KeyAccess, PackedHash } from './packed-hash.js';
import { Posting, type RowOrder } from './posting.js';
import { addToList, LONGEST_LIST, type RowList, removeFromList } from './row-list.js';
import { type KeyRange, TreeMap } from './tree-map.js';

export interface IndexDefinition {
  readonly name: string;
  readonly columns: readonly ColumnSchema[];
  readonly unique: boolean;
  readonly using: IndexKind;
  /** Whether keys with a null never conflict. */
  readonly nullsDistinct: boolean;
}

/** What an index holds, and in how much memory. */
export interface IndexStats {
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly using: IndexKind;
  readonly keys: number;
  readonly entries: number;
  /** An estimate of the memory held, from a sample of the keys. */
  readonly bytes: number;
}

/**
 * One index: from keys to row ids. `add` and `remove` are each other's inverse, so a write that is refused halfway is
 * undone by calling the other. Rows that share a key are kept in primary-key order.
 */
export class TableIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly columns: readonly ColumnSchema[];
  /** The columns' positions in the table. */
  readonly positions: readonly number[];
  readonly compare: Compare;
  readonly using: IndexKind;
  /** The key of stored values. */
  readonly keyOf: (values: readonly Stored[]) => Key;
  /** The tree of the keys; a hash index has none. */
  readonly tree: TreeMap<Entry> | undefined;
  private readonly hash: PackedHash | undefined;
  private readonly dense: DensePoints | undefined;
  /** Whether a unique index has one row a key, whatever the key. */
  private readonly nullsConflict: boolean;
  private rows = 0;

  constructor(
    definition: IndexDefinition,
    private readonly order: RowOrder,
    /** How a hash index finds the keys of its rows. */
    keys?: KeyAccess,
  ) {
    this.name = definition.name;
    this.unique = definition.unique;
    this.columns = definition.columns;
    this.positions = definition.columns.map((column) => column.position);
    this.compare = compareKeys(definition.columns);
    this.using = definition.using;
    this.keyOf = keyReader(this.positions);
    this.nullsConflict = !definition.nullsDistinct || definition.columns.every((column) => !column.nullable);
    this.dense = hasDenseKeys(definition) ? new DensePoints() : undefined;
    this.tree = definition.using === 'btree' ? new TreeMap(this.compare) : undefined;
    assert(this.tree !== undefined || keys !== undefined, 'a hash index knows how to read its keys');
    this.hash = this.tree === undefined ? new PackedHash(definition.name, keys as KeyAccess) : undefined;
  }

  /** Whether it can be walked in key order. */
  get isOrdered(): boolean {
    return this.using === 'btree';
  }

  /** Rows in the index. */
  get entries(): number {
    return this.rows;
  }

  /** Different keys in the index. */
  get keys(): number {
    return (this.tree ?? (this.hash as PackedHash)).size;
  }

  /** Adds a row. @returns false where another row has the key in a unique index; nothing has changed then. */
  add(key: Key, row: RowId): boolean {
    // Where keys repeat, most rows join an entry that exists: looking first saves a descent.
    const shared = this.rows > this.keys * 2 ? this.get(key) : undefined;
    if (shared === undefined && (this.tree ?? (this.hash as PackedHash)).addIfAbsent(key, row)) {
      this.rows++;
      this.dense?.add(key, row, this.rows, this.visitRange);
      return true;
    }
    if (this.isExclusive(key)) return false;
    this.join(key, shared ?? (this.get(key) as Entry), row);
    this.rows++;
    return true;
  }

  /**
   * Adds rows to an empty index, at once: those of one value are put together first, and values come to the tree in
   * order. @param rows in primary-key order. @returns false where two have one key of a unique index
   */
  fill(rows: readonly RowId[], keyOf: (row: RowId) => Key): boolean {
    assert(this.rows === 0, 'an index is filled while it is empty');
    if (this.unique || this.tree === undefined || !this.hasIdenticalKeys()) return rows.every((row) => this.add(keyOf(row), row));
    const groups = new Map<Key, RowId[]>();
    for (const row of rows) {
      const key = keyOf(row);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [row]);
      else group.push(row);
    }
    for (const key of [...groups.keys()].sort(this.compare)) {
      const group = groups.get(key) as RowId[];
      const entry = group.length === 1 ? (group[0] as RowId) : group.length > LONGEST_LIST ? Posting.of(group) : group;
      this.tree.addIfAbsent(key, entry);
    }
    this.rows = rows.length;
    return true;
  }

  /** Whether equal keys are the same value to JavaScript: not so arrays, bytes, and numbers that may be −0 or no number. */
  private hasIdenticalKeys(): boolean {
    const kind = this.columns.length === 1 ? this.columns[0]?.type.kind : undefined;
    return kind !== undefined && kind !== 'bytes' && kind !== 'float' && kind !== 'double';
  }

  private readonly visitRange = (low: number, high: number, visit: (key: number, row: RowId) => void): void => {
    this.tree?.scan({ low, lowInclusive: true, high, highInclusive: false }, false, (entry, key) => {
      visit(key as number, entry as RowId);
      return false;
    });
  };

  private join(key: Key, entry: Entry, row: RowId): void {
    if (typeof entry === 'number') {
      const list: RowList = [entry];
      addToList(list, row, this.order);
      this.set(key, list, entry);
    } else if (entry instanceof Posting) {
      entry.add(row, this.order);
    } else if (entry.length < LONGEST_LIST) {
      addToList(entry, row, this.order);
    } else {
      const posting = Posting.of(entry);
      posting.add(row, this.order);
      this.set(key, posting, entry[0] as RowId);
    }
  }

  /** Whether one row at most may have the key. */
  isExclusive(key: Key): boolean {
    if (!this.unique) return false;
    if (this.nullsConflict) return true;
    return Array.isArray(key) ? !key.includes(null) : key !== null;
  }

  /** Removes a row that is in the index. Cannot fail. */
  remove(key: Key, row: RowId): void {
    this.rows--;
    if (this.unique && this.nullsConflict) {
      this.delete(key, row);
      this.dense?.remove(key, this.rows);
      return;
    }
    const entry = this.hash === undefined ? this.get(key) : this.hash.getOf(key, row);
    if (typeof entry !== 'object') {
      assert(entry === row, 'the row stands in the index under its key');
      this.delete(key, row);
    } else if (entry instanceof Posting) {
      entry.remove(row, this.order);
      if (entry.size <= SHORTEST_POSTING) this.set(key, entry.toList(), entry.first());
    } else {
      removeFromList(entry, row);
      if (entry.length === 1) this.set(key, entry[0] as RowId, entry[0] as RowId);
    }
  }

  private delete(key: Key, row: RowId): void {
    if (this.hash === undefined) assert((this.tree as TreeMap<Entry>).delete(key), 'the row stands in the index under its key');
    else this.hash.delete(key, row);
  }

  /** Gives a key that is there other rows; `member` is one of them. */
  private set(key: Key, entry: Entry, member: RowId): void {
    if (this.hash === undefined) (this.tree as TreeMap<Entry>).set(key, entry);
    else this.hash.set(key, entry, member);
  }

  get(key: Key): Entry | undefined {
    return this.hash === undefined ? (this.tree as TreeMap<Entry>).get(key) : this.hash.get(key);
  }

  /** The only row of a key, in an index where keys do not repeat. */
  getOne(key: Key): RowId | undefined {
    if (this.dense?.covers(key)) return this.dense.get(key);
    const entry = this.get(key);
    if (typeof entry !== 'object') return entry;
    return entry instanceof Posting ? entry.first() : entry[0];
  }

  /** Whether the row stands under the key. */
  holds(key: Key, row: RowId): boolean {
    const entry = this.get(key);
    if (typeof entry !== 'object') return entry === row;
    return entry instanceof Posting ? entry.has(row, this.order) : entry.includes(row);
  }

  /** How many rows have the key. */
  countOf(key: Key): number {
    const entry = this.get(key);
    return entry === undefined ? 0 : sizeOf(entry);
  }

  /** As `countOf`: here it is known at once. */
  mostOf(key: Key): number {
    return this.countOf(key);
  }

  /** Visits the rows of a key in primary-key order; `true` ends it. @returns whether it was ended. */
  visit(key: Key, reverse: boolean, visit: (row: RowId) => boolean): boolean {
    return visitEntry(this.get(key), reverse, visit);
  }

  /** Visits the rows of a range in key order; those of one key in primary-key order, whatever the direction. */
  scan(range: KeyRange, reverse: boolean, visit: (row: RowId, key: Key) => boolean): void {
    const { tree } = this;
    assert(tree !== undefined, 'ranges are scanned on trees');
    if (range.low !== undefined && range.high !== undefined && this.compare(range.low, range.high) > 0) return;
    let at: Key;
    const each = (row: RowId) => visit(row, at);
    tree.scan(range, reverse, (entry, key) => {
      at = key;
      return visitEntry(entry, false, each);
    });
  }

  /** Forgets every row, in an index that is only an overlay of another. */
  clear(): void {
    assert(this.tree !== undefined, 'an overlay is a tree');
    this.tree.clear();
    this.rows = 0;
    assert(this.dense === undefined, 'an overlay has no array beside it');
  }

  private entriesByKey(): Iterable<[Key, Entry]> {
    return (this.tree ?? (this.hash as PackedHash)).entries();
  }

  /** Throws where what the index keeps is not where it would look for it. */
  checkStructure(): void {
    (this.tree ?? (this.hash as PackedHash)).checkStructure();
  }

  /** Every key with its rows, for checks. */
  *all(): Generator<{ key: Key; row: RowId }> {
    for (const [key, entry] of this.entriesByKey()) {
      const rows: RowId[] = [];
      visitEntry(entry, false, (row) => {
        rows.push(row);
        return false;
      });
      for (const row of rows) yield { key, row };
    }
  }

  stats(): IndexStats {
    const { name, unique, using, keys, entries, columns } = this;
    return { name, columns: columns.map((column) => column.name), unique, using, keys, entries, bytes: this.estimateBytes() };
  }

  private estimateBytes(): number {
    let sampled = 0;
    let bytes = 0;
    for (const [key, entry] of this.entriesByKey()) {
      bytes += (this.tree === undefined ? 0 : bytesOfKey(key)) + bytesOfEntry(entry);
      if (++sampled === SAMPLE) break;
    }
    const slot = this.tree === undefined ? 0 : TREE_SLOT_BYTES;
    const arrays = (this.dense?.bytes ?? 0) + (this.hash?.bytes ?? 0);
    return arrays + (sampled === 0 ? 0 : Math.round((bytes / sampled + slot) * this.keys));
  }
}

/** The user's form of an index's key: a compound one as an array. */
export function keyToUser(index: { readonly columns: readonly ColumnSchema[] }, key: Key): unknown {
  if (index.columns.length === 1) return elementToUser(index.columns[0] as ColumnSchema, key);
  return index.columns.map((column, at) => elementToUser(column, (key as Key[])[at]));
}

const SAMPLE = 1000;
/** Two words an entry, in nodes that are not full and whose arrays have grown beyond them: measured with a million keys. */
const TREE_SLOT_BYTES = 28;
/** A posting that shrinks to this becomes a list again: half of the longest list, so that it does not go to and fro. */
const SHORTEST_POSTING = LONGEST_LIST / 2;

/** Whether keys are integers that a table may count: a unique index on a sorted column of them has an array beside it. */
function hasDenseKeys({ columns, unique, using }: IndexDefinition): boolean {
  const [column] = columns;
  if (!unique || using !== 'btree' || columns.length > 1 || column === undefined || column.nullable) return false;
  return column.type.kind === 'int' || (column.type.kind === 'long' && column.type.as === 'number');
}

/** A list takes eight bytes a row in an array that grows to 17, then to 41; a posting four, in chunks mostly three quarters full. */
function bytesOfEntry(entry: Entry): number {
  if (typeof entry === 'number') return 0;
  return entry instanceof Posting ? Math.round(144 + entry.size * 5.4) : 48 + (entry.length <= 17 ? 17 : 41) * 8;
}

function sizeOf(entry: Entry): number {
  if (typeof entry === 'number') return 1;
  return entry instanceof Posting ? entry.size : entry.length;
}

/** Characters for which V8 keeps two bytes each. */
const WIDE = /[^\0-\xff]/;

function bytesOfKey(key: Key): number {
  if (typeof key === 'string') return (16 + key.length * (WIDE.test(key) ? 2 : 1) + 7) & -8;
  if (typeof key === 'bigint') return 24;
  if (key instanceof Uint8Array) return 96 + key.length;
  if (Array.isArray(key)) return key.reduce((sum: number, part) => sum + 8 + bytesOfKey(part), 48);
  return typeof key === 'number' && !Number.isInteger(key) ? 16 : 0;
}

function visitEntry(entry: Entry | undefined, reverse: boolean, visit: (row: RowId) => boolean): boolean {
  if (entry === undefined) return false;
  if (typeof entry === 'number') return visit(entry);
  if (entry instanceof Posting) return entry.forEach(reverse, visit);
  const last = entry.length - 1;
  for (let at = 0; at <= last; at++) if (visit(entry[reverse ? last - at : at] as RowId)) return true;
  return false;
}
