import { default as sortedBTree } from 'sorted-btree';
import { type Compare, type Key, NAN_KEY } from './key-order.js';

/** Bounds of a scan; `undefined` is no bound. */
export interface KeyRange {
  readonly low: Key | undefined;
  readonly lowInclusive: boolean;
  readonly high: Key | undefined;
  readonly highInclusive: boolean;
}

/** Called for each key in order; `true` ends the scan. */
export type Visit<V> = (value: V, key: Key) => boolean;

// Node hands a CommonJS default over inside the module's exports; bundlers and types hand it over as it is.
type Tree<V> = import('sorted-btree').default<Key, V>;
type TreeClass = new <V>(entries: undefined, compare: Compare) => Tree<V>;
const BTree = ((sortedBTree as unknown as { default?: TreeClass }).default ?? sortedBTree) as TreeClass;

const STOP = { break: 0 };

/** The key as the tree holds it. */
const inTree = (key: Key): Key => (key !== key ? NAN_KEY : key);

/** sorted-btree with a comparator made for the columns. O(log n). */
export class TreeMap<V> {
  private readonly tree: Tree<V>;

  constructor(private readonly compare: Compare) {
    this.tree = new BTree<V>(undefined, compare);
  }

  get size(): number {
    return this.tree.size;
  }

  get(key: Key): V | undefined {
    return this.tree.get(inTree(key));
  }

  /** @returns false, and changes nothing, where the key is there already. */
  addIfAbsent(key: Key, value: V): boolean {
    return this.tree.set(inTree(key), value, false);
  }

  set(key: Key, value: V): void {
    this.tree.set(inTree(key), value, true);
  }

  /** @returns whether the key was there. */
  delete(key: Key): boolean {
    return this.tree.delete(inTree(key));
  }

  clear(): void {
    this.tree.clear();
  }

  entries(): Iterable<[Key, V]> {
    return this.tree.entries();
  }

  /** Visits the keys of a range, upwards or downwards. The tree must not change meanwhile. */
  scan(range: KeyRange, reverse: boolean, visit: Visit<V>): void {
    if (reverse) this.scanDown(range, visit);
    else this.scanUp(range, visit);
  }

  private scanUp({ low, lowInclusive, high, highInclusive }: KeyRange, visit: Visit<V>): void {
    const { tree, compare } = this;
    if (tree.size === 0) return;
    const from = low === undefined ? tree.minKey() : inTree(low);
    const to = high === undefined ? tree.maxKey() : inTree(high);
    const skipLow = low !== undefined && !lowInclusive;
    tree.forRange(from, to, high === undefined || highInclusive, ((key: Key, value: V) => {
      if (skipLow && compare(key, low) === 0) return undefined;
      return visit(value, key) ? STOP : undefined;
    }) as (key: Key, value: V) => void);
  }

  private scanDown({ low, lowInclusive, high, highInclusive }: KeyRange, visit: Visit<V>): void {
    const { tree, compare } = this;
    const skipHigh = high !== undefined && !highInclusive;
    for (const [key, value] of tree.entriesReversed(inTree(high), [], skipHigh)) {
      if (low !== undefined) {
        const order = compare(key, low);
        if (order < 0 || (order === 0 && !lowInclusive)) return;
      }
      if (visit(value, key)) return;
    }
  }

  /** Throws where the tree's own structure is broken. */
  checkStructure(): void {
    this.tree.checkValid(true);
  }
}
