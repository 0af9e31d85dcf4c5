import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Entry, EntryMap, KeyRange, Visit } from './entry-map.js';
import { type Compare, type Key, NAN_KEY } from './key-order.js';
import type { PackedHash } from './packed-hash.js';
import { arrange, orderOf } from './sort-keys.js';
import { TreeMap } from './tree-map.js';

/**
 * A unique index of keys that are no small integers: a hash answers for single keys, and there is a tree from the first
 * time on that the keys are walked in order. Until then no key is on the JavaScript heap, and a write costs what it costs
 * a hash. Making the tree reads and sorts all keys: O(n log n), once; writes keep it from then on, until the last key goes.
 *
 * Both hold the very same entries, so that a list of rows that share a key (nulls can) is changed in one place.
 */
export class HashedTree implements EntryMap {
  private tree: TreeMap | undefined;

  constructor(
    private readonly hash: PackedHash,
    private readonly compare: Compare,
    private readonly hasIdentity: boolean,
  ) {}

  get size(): number {
    return this.hash.size;
  }

  get(key: Key): Entry | undefined {
    return this.hash.get(key);
  }

  getOf(key: Key, row: RowId): Entry {
    return this.hash.getOf(key, row);
  }

  addIfAbsent(key: Key, row: RowId): boolean {
    if (!this.hash.addIfAbsent(key, row)) return false;
    if (this.tree !== undefined) this.addToTree(this.tree, key, row);
    return true;
  }

  private addToTree(tree: TreeMap, key: Key, row: RowId): void {
    try {
      assert(tree.addIfAbsent(key, row), 'the hash and the tree agree');
    } catch (error) {
      this.hash.delete(key, row);
      throw error;
    }
  }

  /** Adds rows while it is empty, under their own keys. @returns rows whose key another one has */
  fill(rows: Int32Array): RowId[] {
    assert(this.tree === undefined, 'rows are added in bulk before anything is read');
    return this.hash.fill(rows);
  }

  set(key: Key, entry: Entry, member: RowId): void {
    this.hash.set(key, entry, member);
    this.tree?.set(key, entry);
  }

  delete(key: Key, row: RowId): void {
    this.hash.delete(key, row);
    this.tree?.delete(key);
    if (this.hash.size === 0) this.tree = undefined;
  }

  private sorted(): TreeMap {
    if (this.tree !== undefined) return this.tree;
    const tree = new TreeMap(this.compare, this.hasIdentity);
    const keys: Key[] = [];
    const entries: Entry[] = [];
    for (const [key, entry] of this.hash.entries()) {
      keys.push(key);
      entries.push(entry);
    }
    const order = orderOf(keys, this.compare);
    tree.fill(arrange(keys, order), arrange(entries, order));
    this.tree = tree;
    return tree;
  }

  scan(range: KeyRange, reverse: boolean, visit: Visit): void {
    this.sorted().scan(range, reverse, visit);
  }

  get isSorted(): boolean {
    return this.tree !== undefined;
  }

  entries(): Iterable<[Key, Entry]> {
    return (this.tree ?? this.hash).entries();
  }

  get bytes(): number {
    return this.hash.bytes;
  }

  get heapKeys(): number {
    return this.tree?.size ?? 0;
  }

  checkStructure(): void {
    this.hash.checkStructure();
    if (this.tree === undefined) return;
    this.tree.checkStructure();
    assert(this.tree.size === this.hash.size, 'the hash and the tree hold as many keys');
    for (const [key, entry] of this.tree.entries()) {
      const found = this.hash.get(key) ?? (key === NAN_KEY ? this.hash.get(Number.NaN) : undefined);
      assert(found === entry, 'the hash and the tree hold the same entries');
    }
  }
}
