import { assert } from '../assert.js';
import { TableFullError } from '../errors.js';
import type { RowId } from '../storage/link.js';
import type { Entry, EntryMap, KeyAccess } from './entry-map.js';
import type { Key } from './key-order.js';
import { Posting } from './posting.js';
import type { RowList } from './row-list.js';

const FIRST_SLOTS = 16;
const MOST_SLOTS = 2 ** 28;
/** Of its slots, the share that a table fills. */
const MOST_LOAD = 4 / 5;
const EMPTY = 0;
/** Rows are added in bulk to this many parts of the table one after the other. */
const PARTITION_BITS = 8;

/**
 * A hash table of row ids in one array of words, off the JavaScript heap: eight bytes a slot, and no key in it. A slot
 * holds the hash of its key, and what stands for its rows; whether it is the key that is asked for is read from a row.
 *
 *   | hash | entry |      entry: 0 empty, row id + 1, or −1 − place in `shared`, for keys with several rows
 *     i32    i32
 *
 * Open addressing with linear probing at a load of up to 4/5; what is deleted is closed up by moving later slots back
 * (Knuth, "The Art of Computer Programming", 6.4, algorithm R), so there are no tombstones. The hash is keyed by random
 * numbers, so that nobody can choose keys that collide.
 *
 * A row stands under one key at a time. While it changes, its own bytes may already be others, so the calls that take a
 * row out find it by its id.
 */
export class PackedHash implements EntryMap {
  private slots = new Int32Array(FIRST_SLOTS * 2);
  private mask = FIRST_SLOTS - 1;
  private used = 0;
  private readonly shared: (RowList | Posting | undefined)[] = [];
  private readonly vacant: number[] = [];

  constructor(
    private readonly name: string,
    private readonly keys: KeyAccess,
  ) {}

  get size(): number {
    return this.used;
  }

  private entryAt(slot: number): Entry {
    const word = this.slots[slot * 2 + 1] as number;
    return word > 0 ? ((word - 1) as RowId) : (this.shared[-1 - word] as RowList | Posting);
  }

  /** The slot of a key, or −1. */
  private find(key: Key): number {
    const { slots, mask, keys } = this;
    const hash = keys.hash(key) | 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      if (word === EMPTY) return -1;
      if (slots[slot * 2] === hash && keys.hasKey(word > 0 ? ((word - 1) as RowId) : this.memberOf(word), key)) return slot;
    }
  }

  /** The slot of a key that `row` is under. */
  private findOf(key: Key, row: RowId): number {
    const { slots, mask, keys } = this;
    const hash = keys.hash(key) | 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      assert(word !== EMPTY, 'the row stands in the index under its key');
      if (slots[slot * 2] !== hash) continue;
      if (word > 0 ? word - 1 === row : keys.hasKey(this.memberOf(word, row), key)) return slot;
    }
  }

  /** A row of a key that has several: other than `but`, where there is another. */
  private memberOf(word: number, but?: RowId): RowId {
    const rows = this.shared[-1 - word] as RowList | Posting;
    if (rows instanceof Posting) return rows.first() === but ? rows.last() : rows.first();
    return (rows.length > 1 && rows[0] === but ? rows[1] : rows[0]) as RowId;
  }

  get(key: Key): Entry | undefined {
    const slot = this.find(key);
    return slot < 0 ? undefined : this.entryAt(slot);
  }

  getOf(key: Key, row: RowId): Entry {
    return this.entryAt(this.findOf(key, row));
  }

  addIfAbsent(key: Key, row: RowId): boolean {
    if (!isRoomFor(this.used + 1, this.mask + 1)) this.grow((this.mask + 1) * 2);
    const { slots, mask, keys } = this;
    const hash = keys.hash(key) | 0;
    let slot = hash & mask;
    for (; ; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      if (word === EMPTY) break;
      if (slots[slot * 2] === hash && keys.hasKey(word > 0 ? ((word - 1) as RowId) : this.memberOf(word), key)) return false;
    }
    slots[slot * 2] = hash;
    slots[slot * 2 + 1] = row + 1;
    this.used++;
    return true;
  }

  /**
   * Adds rows to a table that is empty, under their own keys. They go in by the places of their slots: first each behind
   * the one before in the part of the table where its slot is, then one part after the other is put in order. So a table
   * larger than the processor's caches is not jumped through, and no other memory is touched.
   * @returns rows whose key another one has, which came before it
   */
  fill(rows: Int32Array): RowId[] {
    assert(this.used === 0, 'a hash is filled while it is empty');
    this.reserve(rows.length);
    const { keys, mask, slots } = this;
    const { inPlace } = keys;
    const shift = Math.max(0, 32 - Math.clz32(mask) - PARTITION_BITS);
    const room = 1 << shift;
    const lengths = new Int32Array((mask >>> shift) + 1);
    const beyond: number[] = []; // hash and row of those for which their part has no room
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] as RowId;
      const one = inPlace === undefined ? keys.hash(keys.keyOf(row)) | 0 : inPlace.hashOf(row) | 0;
      const part = (one & mask) >>> shift;
      const length = lengths[part] as number;
      if (length === room) {
        beyond.push(one, row);
        continue;
      }
      const to = (part * room + length) * 2;
      slots[to] = one;
      slots[to + 1] = row + 1;
      lengths[part] = length + 1;
    }
    const refused: RowId[] = [];
    const crossing: number[] = [];
    for (let part = 0; part < lengths.length; part++) {
      const from = part * room;
      this.arrangePart(from, from + room, lengths[part] as number, crossing, refused);
    }
    for (const pairs of [crossing, beyond]) {
      for (let at = 0; at < pairs.length; at += 2) {
        const row = pairs[at + 1] as RowId;
        if (this.put(pairs[at] as number, row, mask + 1) < 0) refused.push(row);
      }
    }
    return refused;
  }

  /** Gives the entries that stand at the beginning of a part their slots. @param crossing gets those that find none there */
  private arrangePart(from: number, to: number, length: number, crossing: number[], refused: RowId[]): void {
    const pairs = this.slots.slice(from * 2, (from + length) * 2);
    this.slots.fill(EMPTY, from * 2, (from + length) * 2);
    for (let at = 0; at < pairs.length; at += 2) {
      const hash = pairs[at] as number;
      const row = ((pairs[at + 1] as number) - 1) as RowId;
      const slot = this.put(hash, row, to);
      if (slot < 0) refused.push(row);
      else if (slot === to) crossing.push(hash, row);
    }
  }

  /** Puts a row into a slot before `end`. @returns the slot; `end` where none was left; −1 where the key is there */
  private put(hash: number, row: RowId, end: number): number {
    const { slots, mask } = this;
    let slot = hash & mask;
    for (; slot !== end; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      if (word === EMPTY) {
        slots[slot * 2] = hash;
        slots[slot * 2 + 1] = row + 1;
        this.used++;
        return slot;
      }
      if (slots[slot * 2] === hash && this.isSame((word - 1) as RowId, row)) return -1;
    }
    return end;
  }

  private isSame(a: RowId, b: RowId): boolean {
    const { keys } = this;
    return keys.inPlace === undefined ? keys.hasKey(a, keys.keyOf(b)) : keys.inPlace.isSame(a, b);
  }

  private reserve(keys: number): void {
    let slots = this.mask + 1;
    while (!isRoomFor(this.used + keys, slots)) slots *= 2;
    if (slots > this.mask + 1) this.grow(slots);
  }

  private grow(count: number): void {
    const { slots: old } = this;
    if (count > MOST_SLOTS) throw new TableFullError(this.name, `${Math.floor(MOST_SLOTS * MOST_LOAD)} keys of a hash index`);
    const slots = new Int32Array(count * 2); // may throw where memory ends: before anything has changed
    const mask = count - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === EMPTY) continue;
      let slot = (old[at] as number) & mask;
      while (slots[slot * 2 + 1] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot * 2] = old[at] as number;
      slots[slot * 2 + 1] = old[at + 1] as number;
    }
    this.slots = slots;
    this.mask = mask;
  }

  set(key: Key, entry: Entry, member: RowId): void {
    const at = this.findOf(key, member) * 2 + 1;
    const word = this.slots[at] as number;
    if (typeof entry === 'number') {
      if (word < 0) this.giveBack(word);
      this.slots[at] = entry + 1;
    } else if (word < 0) {
      this.shared[-1 - word] = entry;
    } else {
      const place = this.vacant.pop() ?? this.shared.length;
      this.shared[place] = entry;
      this.slots[at] = -1 - place;
    }
  }

  private giveBack(word: number): void {
    this.shared[-1 - word] = undefined;
    this.vacant.push(-1 - word);
  }

  delete(key: Key, row: RowId): void {
    const { slots, mask } = this;
    let hole = this.findOf(key, row);
    assert(slots[hole * 2 + 1] === row + 1, 'the key has this row alone');
    for (let slot = (hole + 1) & mask; slots[slot * 2 + 1] !== EMPTY; slot = (slot + 1) & mask) {
      const home = (slots[slot * 2] as number) & mask;
      // What is behind the hole moves into it, unless its home lies between the two.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole * 2] = slots[slot * 2] as number;
      slots[hole * 2 + 1] = slots[slot * 2 + 1] as number;
      hole = slot;
    }
    slots[hole * 2] = 0;
    slots[hole * 2 + 1] = EMPTY;
    this.used--;
  }

  scan(): never {
    return assert(false, 'ranges are scanned on trees') as never;
  }

  readonly isSorted = false;
  readonly heapKeys = 0;

  *entries(): Generator<[Key, Entry]> {
    for (let slot = 0; slot <= this.mask; slot++) {
      const word = this.slots[slot * 2 + 1] as number;
      if (word !== EMPTY) yield [this.keys.keyOf(word > 0 ? ((word - 1) as RowId) : this.memberOf(word)), this.entryAt(slot)];
    }
  }

  /** The array, and the lists beside it; not what is in these. */
  get bytes(): number {
    return this.slots.byteLength + (this.shared.length + this.vacant.length) * 8;
  }

  /** Throws where a slot is not where a search would look for it. */
  checkStructure(): void {
    let used = 0;
    for (let slot = 0; slot <= this.mask; slot++) {
      const word = this.slots[slot * 2 + 1] as number;
      if (word === EMPTY) continue;
      used++;
      const key = this.keys.keyOf(word > 0 ? ((word - 1) as RowId) : this.memberOf(word));
      assert((this.keys.hash(key) | 0) === this.slots[slot * 2], 'a slot has the hash of its key');
      assert(this.find(key) === slot, 'a key is found where it is');
    }
    assert(used === this.used, 'the keys are counted');
    const lists = this.shared.filter((rows) => rows !== undefined).length;
    assert(lists + this.vacant.length === this.shared.length, 'lists are in use or given back');
  }
}

function isRoomFor(keys: number, slots: number): boolean {
  return keys <= slots * MOST_LOAD;
}
