import type { RowId } from '../storage/link.js';
import type { Key } from './key-order.js';

const FIRST_CAPACITY = 1024;
/** The array may hold this many places for each key that there is. */
const MOST_PLACES_A_KEY = 4;

/**
 * Point lookups for a unique index whose keys are small integers, as counted keys are: an array from key to row id
 * beside the tree, four bytes a place and off the heap. It covers the keys below its capacity, and answers for those
 * whether they exist or not; the tree answers for the others. It grows where keys are dense enough to be worth it.
 */
export class DensePoints {
  /** A row id plus one; 0 where no row has the key. */
  private places: Int32Array<ArrayBuffer> = new Int32Array(FIRST_CAPACITY);

  covers(key: Key): key is number {
    return (key as number) >>> 0 === key && key < this.places.length;
  }

  /** For a key that is covered. */
  get(key: number): RowId | undefined {
    const place = this.places[key] as number;
    return place === 0 ? undefined : ((place - 1) as RowId);
  }

  /**
   * @param keys how many keys the index has; @param inRange visits those from `low` to below `high`, for keys that
   * become covered.
   */
  add(key: Key, row: RowId, keys: number, inRange: (low: number, high: number, visit: (key: number, row: RowId) => void) => void): void {
    if (!this.covers(key)) {
      const before = this.places.length;
      const after = before * 2;
      if ((key as number) >>> 0 !== key || key >= after || after > keys * MOST_PLACES_A_KEY) return;
      const larger = allocate(after);
      if (larger === undefined) return;
      larger.set(this.places);
      this.places = larger;
      inRange(before, after, (other, otherRow) => {
        larger[other] = otherRow + 1;
      });
    }
    this.places[key as number] = row + 1;
  }

  /** @param keys how many keys are left: with the last one, the array goes. */
  remove(key: Key, keys: number): void {
    if (this.covers(key)) this.places[key] = 0;
    if (keys === 0 && this.places.length > FIRST_CAPACITY) this.places = allocate(FIRST_CAPACITY) ?? this.places;
  }

  get bytes(): number {
    return this.places.byteLength;
  }
}

/** The array is a shortcut: where there is no memory for a larger one, the tree goes on answering. */
function allocate(places: number): Int32Array<ArrayBuffer> | undefined {
  try {
    return new Int32Array(places);
  } catch {
    return undefined;
  }
}
