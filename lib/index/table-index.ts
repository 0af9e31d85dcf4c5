import { assert } from '../assert.js';
import { elementToUser, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema, IndexKind } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { switches } from '../switches.js';
import { DenseMap } from './dense-map.js';
import { type Entry, type EntryMap, EVERYTHING, type KeyAccess, type KeyRange } from './entry-map.js';
import { entryOf, groupRows } from './group-rows.js';
import { HashedTree } from './hashed-tree.js';
import { estimateBytes } from './index-bytes.js';
import { type Compare, compareKeys, type Key, keyReader } from './key-order.js';
import { PackedHash } from './packed-hash.js';
import { Posting, type RowOrder } from './posting.js';
import { addToList, LONGEST_LIST, type RowList, removeFromList } from './row-list.js';
import { arrange, orderOf } from './sort-keys.js';
import { TreeMap } from './tree-map.js';

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
  /** Whether it is there yet: an index that may repeat keys is built when somebody first asks it, and is empty until then. */
  readonly built: boolean;
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
 *
 * An index that refuses nothing is built when it is first asked, from all rows at once: a table that is filled, or opened,
 * pays for no order that nobody wants, and where one is wanted, sorting rows costs less than finding each its place.
 * Until then it only counts its rows.
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
  private map: EntryMap;
  /** Whether a unique index has one row a key, whatever the key. */
  private readonly nullsConflict: boolean;
  private rows = 0;
  private built: boolean;

  constructor(
    private readonly definition: IndexDefinition,
    private readonly order: RowOrder,
    /** How the keys of rows are found; an overlay of another index needs none. */
    private readonly access?: KeyAccess,
    /** All rows that the index is of, in primary-key order. Without it, the index is built from the beginning. */
    private readonly allRows?: () => Int32Array,
  ) {
    this.built = definition.unique || allRows === undefined || !switches.deferredIndexes;
    this.name = definition.name;
    this.unique = definition.unique;
    this.columns = definition.columns;
    this.positions = definition.columns.map((column) => column.position);
    this.compare = compareKeys(definition.columns);
    this.using = definition.using;
    this.keyOf = keyReader(this.positions);
    this.nullsConflict = !definition.nullsDistinct || definition.columns.every((column) => !column.nullable);
    this.map = createMap(definition, this.compare, access);
  }

  /** Whether it can be walked in key order. */
  get isOrdered(): boolean {
    return this.using === 'btree';
  }

  /** Rows in the index. */
  get entries(): number {
    return this.rows;
  }

  /** Builds it, where that was left until somebody asks. May throw where memory ends: it is as it was then. */
  build(): void {
    if (this.built) return;
    const rows = (this.allRows as () => Int32Array)();
    assert(rows.length === this.rows, 'an index that is not built counts the rows of its table');
    this.rows = 0;
    this.built = true;
    try {
      this.fillMap(rows);
    } catch (error) {
      this.map = createMap(this.definition, this.compare, this.access);
      this.rows = rows.length;
      this.built = false;
      throw error;
    }
  }

  /** Adds a row. @returns false where another row has the key in a unique index; nothing has changed then. */
  add(key: Key, row: RowId): boolean {
    if (!this.built) {
      this.rows++;
      return true;
    }
    // Where keys repeat, most rows join an entry that exists: looking first saves a descent.
    const shared = this.rows > this.map.size * 2 ? this.map.get(key) : undefined;
    if (shared === undefined && this.map.addIfAbsent(key, row)) {
      this.rows++;
      return true;
    }
    if (this.isExclusive(key)) return false;
    this.join(key, shared ?? (this.map.get(key) as Entry), row);
    this.rows++;
    return true;
  }

  /**
   * Adds all rows to an empty index, at once: to one that is built later, only their number. @param rows in primary-key
   * order, or, where the index knows all rows, in any. @returns false where two have one key of a unique index
   */
  fill(rows: Int32Array): boolean {
    assert(this.rows === 0, 'an index is filled while it is empty');
    if (this.built) return this.fillMap(this.unique || this.allRows === undefined ? rows : this.allRows());
    this.rows = rows.length;
    return true;
  }

  /** Reads the keys where they stand. O(n), and for a tree the sort of its different keys. */
  private fillMap(rows: Int32Array): boolean {
    const { map, access } = this;
    assert(map.size === 0 && access !== undefined, 'entries are filled in while there are none');
    if (map instanceof TreeMap) {
      this.fillTree(map, rows, access);
      return true;
    }
    // Rows that share a key join the one that came first.
    const isHashed = map instanceof HashedTree || map instanceof PackedHash;
    const rest: Iterable<number> = isHashed ? map.fill(rows) : rows;
    this.rows = map.size;
    for (const row of rest as Iterable<RowId>) if (!this.add(access.keyOf(row), row)) return false;
    return true;
  }

  private fillTree(tree: TreeMap, rows: Int32Array, access: KeyAccess): void {
    const groups = groupRows(rows, access, this.compare);
    const order = orderOf(groups.keys, this.compare);
    const entries: Entry[] = [];
    for (let at = 0; at < order.length; at++) entries.push(entryOf(groups, order[at] as number));
    tree.fill(arrange(groups.keys, order), entries);
    this.rows = rows.length;
  }

  private join(key: Key, entry: Entry, row: RowId): void {
    if (typeof entry === 'number') {
      const list: RowList = [entry];
      addToList(list, row, this.order);
      this.map.set(key, list, entry);
    } else if (entry instanceof Posting) {
      entry.add(row, this.order);
    } else if (entry.length < LONGEST_LIST) {
      addToList(entry, row, this.order);
    } else {
      const posting = Posting.of(entry);
      posting.add(row, this.order);
      this.map.set(key, posting, entry[0] as RowId);
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
    if (!this.built) return;
    if (this.unique && this.nullsConflict) {
      this.map.delete(key, row);
      return;
    }
    const entry = this.map.getOf(key, row);
    if (typeof entry !== 'object') {
      assert(entry === row, 'the row stands in the index under its key');
      this.map.delete(key, row);
    } else if (entry instanceof Posting) {
      entry.remove(row, this.order);
      if (entry.size <= SHORTEST_POSTING) this.map.set(key, entry.toList(), entry.first());
    } else {
      removeFromList(entry, row);
      if (entry.length === 1) this.map.set(key, entry[0] as RowId, entry[0] as RowId);
    }
  }

  get(key: Key): Entry | undefined {
    if (!this.built) this.build();
    return this.map.get(key);
  }

  /** The only row of a key, in an index where keys do not repeat. */
  getOne(key: Key): RowId | undefined {
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
    if (range.low !== undefined && range.high !== undefined && this.compare(range.low, range.high) > 0) return;
    if (!this.built) this.build();
    let at: Key;
    const each = (row: RowId) => visit(row, at);
    this.map.scan(range, reverse, (entry, key) => {
      at = key;
      return visitEntry(entry, false, each);
    });
  }

  /** The rows of a unique index in key order: O(n), or, of one that nobody has walked yet, the sort of its keys. */
  rowsInOrder(): Int32Array {
    const rows = new Int32Array(this.rows);
    let count = 0;
    if (this.isSorted) {
      this.scan(EVERYTHING, false, (row) => {
        rows[count++] = row;
        return false;
      });
    } else {
      const keys: Key[] = [];
      for (const { key, row } of this.all()) {
        keys.push(key);
        rows[count++] = row;
      }
      rows.set(orderOf(keys, this.compare).map((place) => rows[place] as number));
    }
    assert(count === rows.length, 'the rows are counted');
    return rows;
  }

  /** Forgets every row, in an index that is only an overlay of another. */
  clear(): void {
    assert(this.map instanceof TreeMap, 'an overlay is a tree');
    this.map.clear();
    this.rows = 0;
  }

  /** Throws where what the index keeps is not where it would look for it. */
  checkStructure(): void {
    this.build();
    this.map.checkStructure();
  }

  /** Whether `all` gives the keys in order: a hash does not, nor does a tree that nobody has walked yet. */
  get isSorted(): boolean {
    return this.map.isSorted;
  }

  /** Every key with its rows, for checks. */
  *all(): Generator<{ key: Key; row: RowId }> {
    this.build();
    for (const [key, entry] of this.map.entries()) {
      const rows: RowId[] = [];
      visitEntry(entry, false, (row) => {
        rows.push(row);
        return false;
      });
      for (const row of rows) yield { key, row };
    }
  }

  stats(): IndexStats {
    const { name, unique, using, map, entries, built, columns } = this;
    const bytes = estimateBytes(map);
    return { name, columns: columns.map((column) => column.name), unique, using, built, keys: map.size, entries, bytes };
  }
}

function createMap(definition: IndexDefinition, compare: Compare, access: KeyAccess | undefined): EntryMap {
  const { name, unique, using } = definition;
  if (using === 'btree' && !unique) return new TreeMap(compare, hasIdentity(definition));
  if (using === 'btree' && hasIntegerKeys(definition)) {
    return switches.denseKeys ? new DenseMap(compare) : new TreeMap(compare, hasIdentity(definition));
  }
  if (using === 'btree' && !switches.hashedUnique) return new TreeMap(compare, hasIdentity(definition));
  assert(access !== undefined, 'a hash knows how to read its keys');
  const hash = new PackedHash(name, access);
  return using === 'hash' ? hash : new HashedTree(hash, compare, hasIdentity(definition));
}

/** Whether keys are integers that a table may count. */
function hasIntegerKeys({ columns: [column, ...others] }: IndexDefinition): boolean {
  if (column === undefined || others.length > 0 || column.nullable) return false;
  return column.type.kind === 'int' || (column.type.kind === 'long' && column.type.as === 'number');
}

/** Whether equal keys are identical to JavaScript: not so arrays, bytes, and numbers that may be −0 or no number. */
function hasIdentity({ columns: [column, ...others] }: IndexDefinition): boolean {
  const kind = others.length === 0 ? column?.type.kind : undefined;
  return kind !== undefined && kind !== 'bytes' && kind !== 'float' && kind !== 'double';
}

/** The user's form of an index's key: a compound one as an array. */
export function keyToUser(index: { readonly columns: readonly ColumnSchema[] }, key: Key): unknown {
  if (index.columns.length === 1) return elementToUser(index.columns[0] as ColumnSchema, key);
  return index.columns.map((column, at) => elementToUser(column, (key as Key[])[at]));
}

/** A posting that shrinks to this becomes a list again: half of the longest list, so that it does not go to and fro. */
const SHORTEST_POSTING = LONGEST_LIST / 2;

function sizeOf(entry: Entry): number {
  if (typeof entry === 'number') return 1;
  return entry instanceof Posting ? entry.size : entry.length;
}

function visitEntry(entry: Entry | undefined, reverse: boolean, visit: (row: RowId) => boolean): boolean {
  if (entry === undefined) return false;
  if (typeof entry === 'number') return visit(entry);
  if (entry instanceof Posting) return entry.forEach(reverse, visit);
  const last = entry.length - 1;
  for (let at = 0; at <= last; at++) if (visit(entry[reverse ? last - at : at] as RowId)) return true;
  return false;
}
