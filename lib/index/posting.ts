import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Compare, Key } from './key-order.js';

/** Rows in the order of their primary keys. */
export interface RowOrder {
  keyOf(row: RowId): Key;
  readonly compare: Compare;
}

const LARGEST_CHUNK = 256;

/**
 * The rows of one value in an index, in primary-key order: row ids in chunks of up to 256, four bytes a row. The keys
 * themselves stay in the pages, read where a comparison needs them. Finding a row compares O(log n) keys, putting it in
 * moves at most a chunk; rows that come in key order are appended after one comparison.
 */
export class Posting {
  private readonly chunks: Int32Array[] = [];
  private readonly counts: number[] = [];
  /** The last row of each chunk, so that finding a chunk visits no other. */
  private readonly lasts: RowId[] = [];
  size = 0;

  /** A posting of rows that are in key order. O(n). */
  static of(rows: ArrayLike<number>): Posting {
    const posting = new Posting();
    posting.size = rows.length;
    for (let from = 0; from < rows.length; from += LARGEST_CHUNK) {
      const count = Math.min(rows.length - from, LARGEST_CHUNK);
      const chunk = new Int32Array(roomFor(count));
      for (let at = 0; at < count; at++) chunk[at] = rows[from + at] as number;
      posting.open(posting.chunks.length, chunk, count);
    }
    return posting;
  }

  toList(): RowId[] {
    return this.chunks.flatMap((chunk, at) => [...chunk.subarray(0, this.counts[at])] as RowId[]);
  }

  add(row: RowId, order: RowOrder): void {
    const key = order.keyOf(row);
    const last = this.chunks.length - 1;
    if (last < 0 || order.compare(order.keyOf(this.lasts[last] as RowId), key) < 0) {
      this.append(last, row);
    } else {
      const chunk = this.chunkFor(key, order);
      const place = this.placeIn(chunk, key, order);
      if (this.counts[chunk] === LARGEST_CHUNK) this.split(chunk, place, row);
      else this.insertAt(chunk, place, row);
    }
    this.size++;
  }

  /** Puts a row behind all others: into the last chunk, or into a new one where that is full. */
  private append(last: number, row: RowId): void {
    const count = this.counts[last];
    if (count !== undefined && count < LARGEST_CHUNK) this.insertAt(last, count, row);
    else this.open(last + 1, Int32Array.of(row, 0, 0, 0), 1);
  }

  private open(at: number, chunk: Int32Array, count: number): void {
    this.chunks.splice(at, 0, chunk);
    this.counts.splice(at, 0, count);
    this.lasts.splice(at, 0, chunk[count - 1] as RowId);
  }

  private resize(chunk: number, count: number): void {
    this.counts[chunk] = count;
    this.lasts[chunk] = (this.chunks[chunk] as Int32Array)[count - 1] as RowId;
  }

  /** The first chunk whose last key is not below `key`. */
  private chunkFor(key: Key, order: RowOrder): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order.compare(order.keyOf(this.lasts[middle] as RowId), key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private placeIn(chunk: number, key: Key, order: RowOrder): number {
    const rows = this.chunks[chunk] as Int32Array;
    let low = 0;
    let high = this.counts[chunk] as number;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order.compare(order.keyOf(rows[middle] as RowId), key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private insertAt(chunk: number, place: number, row: RowId): void {
    let rows = this.chunks[chunk] as Int32Array;
    const count = this.counts[chunk] as number;
    if (count === rows.length) {
      const larger = new Int32Array(rows.length * 2);
      larger.set(rows);
      this.chunks[chunk] = larger;
      rows = larger;
    }
    if (place < count) rows.copyWithin(place + 1, place, count);
    rows[place] = row;
    this.resize(chunk, count + 1);
  }

  private split(chunk: number, place: number, row: RowId): void {
    const rows = this.chunks[chunk] as Int32Array;
    const half = LARGEST_CHUNK / 2;
    const upper = new Int32Array(LARGEST_CHUNK);
    upper.set(rows.subarray(half));
    this.resize(chunk, half);
    this.open(chunk + 1, upper, LARGEST_CHUNK - half);
    if (place <= half) this.insertAt(chunk, place, row);
    else this.insertAt(chunk + 1, place - half, row);
  }

  remove(row: RowId, order: RowOrder): void {
    const chunk = this.chunkFor(order.keyOf(row), order);
    const rows = this.chunks[chunk] as Int32Array;
    const count = this.counts[chunk] as number;
    const place = placeOf(row, rows, count);
    assert(place >= 0, 'the row stands in the posting of its value');
    rows.copyWithin(place, place + 1, count);
    this.resize(chunk, count - 1);
    this.size--;
    this.shrink(chunk);
  }

  /** Drops an empty chunk and joins small neighbours, so that chunks stay a quarter full on average. */
  private shrink(chunk: number): void {
    const count = this.counts[chunk] as number;
    const next = this.counts[chunk + 1];
    if (count === 0) {
      this.chunks.splice(chunk, 1);
      this.counts.splice(chunk, 1);
      this.lasts.splice(chunk, 1);
    } else if (next !== undefined && count + next <= LARGEST_CHUNK / 4) {
      const joined = new Int32Array(LARGEST_CHUNK / 2);
      joined.set((this.chunks[chunk] as Int32Array).subarray(0, count));
      joined.set((this.chunks[chunk + 1] as Int32Array).subarray(0, next), count);
      this.chunks.splice(chunk, 2, joined);
      this.counts.splice(chunk, 2, count + next);
      this.lasts.splice(chunk, 2, joined[count + next - 1] as RowId);
    }
  }

  has(row: RowId, order: RowOrder): boolean {
    const chunk = this.chunkFor(order.keyOf(row), order);
    return placeOf(row, this.chunks[chunk] as Int32Array, this.counts[chunk] as number) >= 0;
  }

  last(): RowId {
    return this.lasts[this.lasts.length - 1] as RowId;
  }

  first(): RowId {
    return (this.chunks[0] as Int32Array)[0] as RowId;
  }

  /** Visits the rows in key order, or against it; `true` ends it. @returns whether it was ended. */
  forEach(reverse: boolean, visit: (row: RowId) => boolean): boolean {
    const { chunks, counts } = this;
    for (let n = 0; n < chunks.length; n++) {
      const chunk = reverse ? chunks.length - 1 - n : n;
      const rows = chunks[chunk] as Int32Array;
      const count = counts[chunk] as number;
      for (let at = 0; at < count; at++) {
        if (visit(rows[reverse ? count - 1 - at : at] as RowId)) return true;
      }
    }
    return false;
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.byteLength + 80, 64);
  }
}

/** Where a row stands, or −1. A look at 256 neighbours costs less than the keys of eight rows, which lie anywhere. */
function placeOf(row: RowId, rows: Int32Array, count: number): number {
  for (let place = 0; place < count; place++) if (rows[place] === row) return place;
  return -1;
}

/** Chunks grow by doubling, from four rows on. */
function roomFor(count: number): number {
  let room = 4;
  while (room < count) room *= 2;
  return room;
}
