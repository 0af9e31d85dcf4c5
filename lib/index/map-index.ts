import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import { switches } from '../switches.js';
import { DenseMap } from './dense-map.js';
import type { Entry, EntryMap, KeyAccess, KeyRange } from './entry-map.js';
import { entryOf, groupRows } from './group-rows.js';
import { HashedTree } from './hashed-tree.js';
import { estimateBytes } from './index-bytes.js';
import type { Compare, Key } from './key-order.js';
import { PackedHash } from './packed-hash.js';
import { Posting, type RowOrder } from './posting.js';
import { addToList, LONGEST_LIST, type RowList, removeFromList } from './row-list.js';
import { arrange, orderOf } from './sort-keys.js';
import { type IndexDefinition, TableIndex } from './table-index.js';
import { TreeMap } from './tree-map.js';

/** An index that keeps an entry for each different key, in a tree, a hash or an array: its row, or the rows that share it. */
export class MapIndex extends TableIndex {
  private map: EntryMap;

  constructor(
    private readonly definition: IndexDefinition,
    private readonly order: RowOrder,
    /** How the keys of rows are found; an overlay of another index needs none. */
    private readonly access?: KeyAccess,
    allRows?: () => Int32Array,
  ) {
    super(definition, allRows);
    this.map = createMap(definition, this.compare, access);
  }

  protected override addEntry(key: Key, row: RowId): boolean {
    // Where keys repeat, most rows join an entry that exists: looking first saves a descent.
    const shared = this.rows > this.map.size * 2 ? this.map.get(key) : undefined;
    if (shared === undefined && this.map.addIfAbsent(key, row)) return true;
    if (this.isExclusive(key)) return false;
    this.join(key, shared ?? (this.map.get(key) as Entry), row);
    return true;
  }

  /** Reads the keys where they stand. O(n), and for a tree the sort of its different keys. */
  protected override fillEntries(rows: Int32Array): boolean {
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

  protected override removeEntry(key: Key, row: RowId): void {
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

  protected override clearEntries(): void {
    this.map = createMap(this.definition, this.compare, this.access);
  }

  private get(key: Key): Entry | undefined {
    this.build();
    return this.map.get(key);
  }

  override getOne(key: Key): RowId | undefined {
    const entry = this.get(key);
    if (typeof entry !== 'object') return entry;
    return entry instanceof Posting ? entry.first() : entry[0];
  }

  override holds(key: Key, row: RowId): boolean {
    const entry = this.get(key);
    if (typeof entry !== 'object') return entry === row;
    return entry instanceof Posting ? entry.has(row, this.order) : entry.includes(row);
  }

  override countOf(key: Key): number {
    const entry = this.get(key);
    return entry === undefined ? 0 : sizeOf(entry);
  }

  override visit(key: Key, reverse: boolean, visit: (row: RowId) => boolean): boolean {
    return visitEntry(this.get(key), reverse, visit);
  }

  override scan(range: KeyRange, reverse: boolean, visit: (row: RowId, key: Key) => boolean): void {
    if (range.low !== undefined && range.high !== undefined && this.compare(range.low, range.high) > 0) return;
    this.build();
    let at: Key;
    const each = (row: RowId) => visit(row, at);
    this.map.scan(range, reverse, (entry, key) => {
      at = key;
      return visitEntry(entry, false, each);
    });
  }

  override scanKeys(range: KeyRange, reverse: boolean, visit: (row: RowId, key: Key) => boolean): void {
    this.scan(range, reverse, visit);
  }

  /** Forgets every row, in an index that is only an overlay of another. */
  clear(): void {
    assert(this.map instanceof TreeMap, 'an overlay is a tree');
    this.map.clear();
    this.rows = 0;
  }

  override checkStructure(): void {
    this.build();
    this.map.checkStructure();
  }

  override get isSorted(): boolean {
    return this.map.isSorted;
  }

  override *all(): Generator<{ key: Key; row: RowId }> {
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

  protected override get keys(): number {
    return this.map.size;
  }

  protected override get bytes(): number {
    return estimateBytes(this.map);
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
