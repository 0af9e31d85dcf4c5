import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Entry, EntryMap, KeyRange, Visit } from './entry-map.js';
import type { Compare, Key } from './key-order.js';
import { TreeMap } from './tree-map.js';

const BLOCK_SHIFT = 10;
const BLOCK_KEYS = 1 << BLOCK_SHIFT;
const BLOCK_MASK = BLOCK_KEYS - 1;
/** Blocks may be there for this many places for each key that there is, and for a block more. */
const MOST_PLACES_A_KEY = 2;
/** As many rows as a table may have. Keys up to here are small integers to the processor, too. */
const MOST_KEYS = 2 ** 30;
const WORD_BYTES = 8;

/** The rows of a block's keys: a row id plus one, or 0 where no row has the key. */
type Places = Int32Array | number[];

/**
 * A unique index whose keys are integers, as counted keys are: an array from key to row id, off the heap, which is in key
 * order as it is. It grows where keys are dense enough to be worth it. With the first key that it does not cover there is
 * a tree beside it, which then holds every key; the array goes on answering for its own. When the last key goes, so does
 * the tree.
 *
 * The array is in blocks of 1,024 keys, so that growing copies nothing. As long as the keys of a block come in the order
 * of counted rows, key 1 with row 0, key 2 with row 1, a block needs no places: its number of keys says it all. That is how
 * a table is that nothing was ever deleted from; the first key that is otherwise gives its block places, four bytes a key.
 *
 * Invariants: `counts` has the keys of each block; a block without places has its first `counts` keys, each with the row
 * before it; with a tree, every key is in the tree.
 */
export class DenseMap implements EntryMap {
  private blocks: (Places | undefined)[] = [];
  private counts: number[] = [];
  private tree: TreeMap | undefined;
  private keys = 0;

  constructor(private readonly compare: Compare) {}

  get size(): number {
    return this.keys;
  }

  private covers(key: Key): key is number {
    return (key as number) >>> 0 === key && key >>> BLOCK_SHIFT < this.counts.length;
  }

  get(key: Key): RowId | undefined {
    if (!this.covers(key)) return this.tree?.get(key) as RowId | undefined;
    const row = this.placeOf(key) - 1;
    return row < 0 ? undefined : (row as RowId);
  }

  getOf(key: Key): RowId {
    return this.get(key) as RowId;
  }

  /** Of a key that is covered. */
  private placeOf(key: number): number {
    const places = this.blocks[key >>> BLOCK_SHIFT];
    if (places !== undefined) return places[key & BLOCK_MASK] as number;
    return key < this.runEnd(key >>> BLOCK_SHIFT) ? key : 0;
  }

  /** The key behind the last one of a block without places. */
  private runEnd(block: number): number {
    return firstOf(block) + (this.counts[block] as number);
  }

  addIfAbsent(key: Key, row: RowId): boolean {
    if (this.get(key) !== undefined) return false;
    const isCovered = this.covers(key) || this.grow(key);
    if (!isCovered && this.tree === undefined) this.tree = this.treeOfPlaces();
    this.tree?.addIfAbsent(key, row);
    if (isCovered) this.put(key as number, row);
    this.keys++;
    return true;
  }

  private put(key: number, row: RowId): void {
    const block = key >>> BLOCK_SHIFT;
    const continues = this.blocks[block] === undefined && row + 1 === key && key === this.runEnd(block);
    if (!continues) this.placesOf(block)[key & BLOCK_MASK] = row + 1;
    (this.counts[block] as number)++;
  }

  /** The places of a block, made where it did without. */
  private placesOf(block: number): Places {
    const made = this.blocks[block];
    if (made !== undefined) return made;
    const places = allocate();
    const end = this.runEnd(block);
    for (let key = firstOf(block); key < end; key++) places[key & BLOCK_MASK] = key;
    this.blocks[block] = places;
    return places;
  }

  /** @returns whether the array covers the key now */
  private grow(key: Key): boolean {
    if ((key as number) >>> 0 !== key || key >= MOST_KEYS) return false;
    const before = this.counts.length * BLOCK_KEYS;
    const after = ((key >>> BLOCK_SHIFT) + 1) * BLOCK_KEYS;
    if (after > this.keys * MOST_PLACES_A_KEY + BLOCK_KEYS) return false;
    while (this.counts.length * BLOCK_KEYS < after) {
      this.blocks.push(undefined);
      this.counts.push(0);
    }
    this.tree?.scan({ low: before, lowInclusive: true, high: after, highInclusive: false }, false, (entry, other) => {
      if (this.covers(other)) this.put(other, entry as RowId);
      return false;
    });
    return true;
  }

  private treeOfPlaces(): TreeMap {
    const keys: Key[] = [];
    const rows: Entry[] = [];
    for (const [key, row] of this.entries()) {
      keys.push(key);
      rows.push(row);
    }
    const tree = new TreeMap(this.compare, true);
    tree.fill(keys, rows);
    return tree;
  }

  set(): void {
    assert(false, 'keys do not repeat');
  }

  delete(key: Key, row: RowId): void {
    assert(this.get(key) === row, 'the row stands in the index under its key');
    this.tree?.delete(key);
    if (this.covers(key)) this.take(key);
    if (--this.keys > 0) return;
    this.tree = undefined;
    this.blocks = [];
    this.counts = [];
  }

  /** Takes a key out of its block: the last one of a run leaves a run. Cannot fail. */
  private take(key: number): void {
    const block = key >>> BLOCK_SHIFT;
    const isLast = this.blocks[block] === undefined && key === this.runEnd(block) - 1;
    if (!isLast) this.placesOf(block)[key & BLOCK_MASK] = 0;
    if (--(this.counts[block] as number) === 0) this.blocks[block] = undefined;
  }

  readonly isSorted = true;

  *entries(): Generator<[Key, Entry]> {
    if (this.tree !== undefined) {
      yield* this.tree.entries();
      return;
    }
    for (let key = 0; key < this.counts.length * BLOCK_KEYS; key++) {
      if (this.counts[key >>> BLOCK_SHIFT] === 0) key |= BLOCK_MASK;
      const place = this.placeOf(key);
      if (place !== 0) yield [key, (place - 1) as RowId];
    }
  }

  scan(range: KeyRange, reverse: boolean, visit: Visit): void {
    if (this.tree !== undefined) {
      this.tree.scan(range, reverse, visit);
      return;
    }
    const [first, last] = this.within(range);
    if (reverse) this.walkDown(first, last, visit);
    else this.walkUp(first, last, visit);
  }

  /** The places of a range, whose bounds may be any numbers: NaN is above all others. */
  private within({ low, lowInclusive, high, highInclusive }: KeyRange): [first: number, last: number] {
    const end = this.counts.length * BLOCK_KEYS - 1;
    let first = 0;
    let last = end;
    if (low !== undefined) {
      if (low !== low) return [0, -1];
      first = lowInclusive ? Math.ceil(low as number) : Math.floor(low as number) + 1;
    }
    if (high !== undefined && high === high) last = highInclusive ? Math.floor(high as number) : Math.ceil(high as number) - 1;
    return [Math.max(first, 0), Math.min(last, end)];
  }

  private walkUp(first: number, last: number, visit: Visit): void {
    for (let key = first; key <= last; key++) {
      const place = this.placeOf(key);
      if (place !== 0) {
        if (visit((place - 1) as RowId, key)) return;
      } else if (this.counts[key >>> BLOCK_SHIFT] === 0) {
        key |= BLOCK_MASK;
      }
    }
  }

  private walkDown(first: number, last: number, visit: Visit): void {
    for (let key = last; key >= first; key--) {
      const place = this.placeOf(key);
      if (place !== 0) {
        if (visit((place - 1) as RowId, key)) return;
      } else if (this.counts[key >>> BLOCK_SHIFT] === 0) {
        key &= ~BLOCK_MASK;
      }
    }
  }

  get bytes(): number {
    const made = this.blocks.reduce((count, places) => count + (places === undefined ? 0 : 1), 0);
    return made * BLOCK_KEYS * Int32Array.BYTES_PER_ELEMENT + this.counts.length * 2 * WORD_BYTES;
  }

  get heapKeys(): number {
    return this.tree?.size ?? 0;
  }

  checkStructure(): void {
    this.tree?.checkStructure();
    let covered = 0;
    assert(this.blocks.length === this.counts.length, 'each block has its count');
    this.counts.forEach((count, block) => {
      let keys = 0;
      for (let key = block * BLOCK_KEYS; key < (block + 1) * BLOCK_KEYS; key++) {
        const place = this.placeOf(key);
        if (place === 0) continue;
        keys++;
        assert(this.tree === undefined || this.tree.get(key) === place - 1, 'the array and the tree agree');
      }
      assert(keys === count, 'keys are counted by block');
      covered += keys;
    });
    assert(this.tree === undefined ? covered === this.keys : this.tree.size === this.keys, 'keys are counted');
    for (const [key] of this.tree?.entries() ?? []) {
      assert(!this.covers(key) || this.placeOf(key) !== 0, 'a key that is covered is in the array');
    }
  }
}

/** The first key of a block that has a row before it. */
function firstOf(block: number): number {
  return block === 0 ? 1 : block * BLOCK_KEYS;
}

/** Off the heap; where there is no memory left outside it, on it. */
function allocate(): Places {
  try {
    return new Int32Array(BLOCK_KEYS);
  } catch {
    return new Array<number>(BLOCK_KEYS).fill(0);
  }
}
