import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Entry, EntryMap, KeyRange, Visit } from './entry-map.js';
import type { Compare, Key } from './key-order.js';
import { TreeMap } from './tree-map.js';

const FIRST_CAPACITY = 1024;
/** The array may hold this many places for each key that there is. */
const MOST_PLACES_A_KEY = 4;
const BLOCK_SHIFT = 9;
const BLOCK_PLACES = 1 << BLOCK_SHIFT;

/**
 * A unique index whose keys are integers, as counted keys are: an array from key to row id, four bytes a place and off
 * the heap, which is in key order as it is. It grows where keys are dense enough to be worth it. With the first key that
 * it does not cover there is a tree beside it, which then holds every key; the array goes on answering for its own. When
 * the last key goes, so does the tree.
 *
 * Blocks of 512 places count their keys, so that walking steps over what was deleted.
 */
export class DenseMap implements EntryMap {
  /** A row id plus one; 0 where no row has the key. */
  private places: Int32Array<ArrayBuffer> = new Int32Array(FIRST_CAPACITY);
  private counts: Int32Array<ArrayBuffer> = new Int32Array(FIRST_CAPACITY >> BLOCK_SHIFT);
  private tree: TreeMap | undefined;
  private keys = 0;

  constructor(private readonly compare: Compare) {}

  get size(): number {
    return this.keys;
  }

  private covers(key: Key): key is number {
    return (key as number) >>> 0 === key && key < this.places.length;
  }

  get(key: Key): RowId | undefined {
    if (!this.covers(key)) return this.tree?.get(key) as RowId | undefined;
    const place = this.places[key] as number;
    return place === 0 ? undefined : ((place - 1) as RowId);
  }

  getOf(key: Key): RowId {
    return this.get(key) as RowId;
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
    this.places[key] = row + 1;
    (this.counts[key >> BLOCK_SHIFT] as number)++;
  }

  /** @returns whether the array covers the key now */
  private grow(key: Key): boolean {
    const before = this.places.length;
    const after = before * 2;
    if ((key as number) >>> 0 !== key || key >= after || after > (this.keys + 1) * MOST_PLACES_A_KEY) return false;
    const places = allocate(after);
    const counts = allocate(after >> BLOCK_SHIFT);
    if (places === undefined || counts === undefined) return false;
    places.set(this.places);
    counts.set(this.counts);
    this.places = places;
    this.counts = counts;
    this.tree?.scan({ low: before, lowInclusive: true, high: after, highInclusive: false }, false, (entry, other) => {
      this.put(other as number, entry as RowId);
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
    if (this.covers(key)) {
      this.places[key] = 0;
      (this.counts[key >> BLOCK_SHIFT] as number)--;
    }
    if (--this.keys === 0) this.reset();
  }

  /** With the last key, the tree and a large array go. Cannot fail: the array is a shortcut, and may stay as it is. */
  private reset(): void {
    this.tree = undefined;
    if (this.places.length === FIRST_CAPACITY) return;
    const places = allocate(FIRST_CAPACITY);
    const counts = allocate(FIRST_CAPACITY >> BLOCK_SHIFT);
    if (places === undefined || counts === undefined) return;
    this.places = places;
    this.counts = counts;
  }

  readonly isSorted = true;

  *entries(): Generator<[Key, Entry]> {
    if (this.tree !== undefined) {
      yield* this.tree.entries();
      return;
    }
    const { places } = this;
    for (let key = 0; key < places.length; key++) {
      if (this.counts[key >> BLOCK_SHIFT] === 0) key |= BLOCK_PLACES - 1;
      else if (places[key] !== 0) yield [key, ((places[key] as number) - 1) as RowId];
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
    const end = this.places.length - 1;
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
    const { places, counts } = this;
    for (let key = first; key <= last; key++) {
      const place = places[key] as number;
      if (place !== 0) {
        if (visit((place - 1) as RowId, key)) return;
      } else if (counts[key >> BLOCK_SHIFT] === 0) {
        key |= BLOCK_PLACES - 1;
      }
    }
  }

  private walkDown(first: number, last: number, visit: Visit): void {
    const { places, counts } = this;
    for (let key = last; key >= first; key--) {
      const place = places[key] as number;
      if (place !== 0) {
        if (visit((place - 1) as RowId, key)) return;
      } else if (counts[key >> BLOCK_SHIFT] === 0) {
        key &= -BLOCK_PLACES;
      }
    }
  }

  get bytes(): number {
    return this.places.byteLength + this.counts.byteLength;
  }

  get heapKeys(): number {
    return this.tree?.size ?? 0;
  }

  checkStructure(): void {
    this.tree?.checkStructure();
    const counts = new Int32Array(this.counts.length);
    let keys = 0;
    this.places.forEach((place, key) => {
      if (place === 0) return;
      keys++;
      (counts[key >> BLOCK_SHIFT] as number)++;
      assert(this.tree === undefined || this.tree.get(key) === place - 1, 'the array and the tree agree');
    });
    assert(Buffer.compare(Buffer.from(counts.buffer), Buffer.from(this.counts.buffer)) === 0, 'keys are counted by block');
    assert(this.tree === undefined ? keys === this.keys : this.tree.size === this.keys, 'keys are counted');
    for (const [key] of this.tree?.entries() ?? [])
      assert(!this.covers(key) || this.places[key] !== 0, 'a key that is covered is in the array');
  }
}

/** The array is a shortcut: where there is no memory for a larger one, a tree answers. */
function allocate(places: number): Int32Array<ArrayBuffer> | undefined {
  try {
    return new Int32Array(places);
  } catch {
    return undefined;
  }
}
