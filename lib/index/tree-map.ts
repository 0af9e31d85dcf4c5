import { default as sortedBTree } from 'sorted-btree';
import { bulkLoad } from 'sorted-btree/extended/bulkLoad.js';
import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Entry, EntryMap, KeyRange, Visit } from './entry-map.js';
import { type Compare, type Key, NAN_KEY } from './key-order.js';

// Node hands a CommonJS default over inside the module's exports; bundlers and types hand it over as it is.
type Tree = import('sorted-btree').default<Key, Entry>;
type TreeClass = new (entries: undefined, compare: Compare, mostInNode: number) => Tree;
const BTree = ((sortedBTree as unknown as { default?: TreeClass }).default ?? sortedBTree) as TreeClass;

const MOST_IN_NODE = 32;
const STOP = { break: 0 };

/** The key as the tree holds it. */
const inTree = (key: Key): Key => (key !== key ? NAN_KEY : key);

/** sorted-btree with a comparator made for the columns. O(log n). */
export class TreeMap implements EntryMap {
  private tree: Tree;

  constructor(
    private readonly compare: Compare,
    /** Whether equal keys are identical to JavaScript, as sorted-btree takes them to be where it checks itself. */
    private readonly hasIdentity: boolean,
  ) {
    this.tree = new BTree(undefined, compare, MOST_IN_NODE);
  }

  get size(): number {
    return this.tree.size;
  }

  get(key: Key): Entry | undefined {
    return this.tree.get(inTree(key));
  }

  getOf(key: Key): Entry {
    return this.get(key) as Entry;
  }

  addIfAbsent(key: Key, entry: Entry): boolean {
    return this.tree.set(inTree(key), entry, false);
  }

  /** Puts entries into a tree that is empty; the keys ascend. O(n). */
  fill(keys: Key[], entries: Entry[]): void {
    assert(this.tree.size === 0, 'a tree is filled while it is empty');
    const last = keys.length - 1;
    if (last >= 0) keys[last] = inTree(keys[last]); // NaN comes after all others
    this.tree = bulkLoad(keys, entries, MOST_IN_NODE, this.compare) as unknown as Tree;
  }

  set(key: Key, entry: Entry): void {
    this.tree.set(inTree(key), entry, true);
  }

  delete(key: Key, _row?: RowId): void {
    assert(this.tree.delete(inTree(key)), 'the row stands in the index under its key');
  }

  clear(): void {
    this.tree.clear();
  }

  readonly isSorted = true;

  entries(): Iterable<[Key, Entry]> {
    return this.tree.entries();
  }

  get bytes(): number {
    return 0;
  }

  get heapKeys(): number {
    return this.tree.size;
  }

  scan(range: KeyRange, reverse: boolean, visit: Visit): void {
    if (reverse) this.scanDown(range, visit);
    else this.scanUp(range, visit);
  }

  private scanUp({ low, lowInclusive, high, highInclusive }: KeyRange, visit: Visit): void {
    const { tree, compare } = this;
    if (tree.size === 0) return;
    const from = low === undefined ? tree.minKey() : inTree(low);
    const to = high === undefined ? tree.maxKey() : inTree(high);
    const skipLow = low !== undefined && !lowInclusive;
    tree.forRange(from, to, high === undefined || highInclusive, ((key: Key, entry: Entry) => {
      if (skipLow && compare(key, low) === 0) return undefined;
      return visit(entry, key) ? STOP : undefined;
    }) as (key: Key, entry: Entry) => void);
  }

  private scanDown({ low, lowInclusive, high, highInclusive }: KeyRange, visit: Visit): void {
    const { tree, compare } = this;
    const skipHigh = high !== undefined && !highInclusive;
    for (const [key, entry] of tree.entriesReversed(inTree(high), [], skipHigh)) {
      if (low !== undefined) {
        const order = compare(key, low);
        if (order < 0 || (order === 0 && !lowInclusive)) return;
      }
      if (visit(entry, key)) return;
    }
  }

  checkStructure(): void {
    if (this.hasIdentity) this.tree.checkValid(true);
  }
}
