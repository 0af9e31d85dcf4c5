import type { RowId } from '../storage/link.js';
import type { Entry, KeyAccess } from './entry-map.js';
import type { Compare, Key } from './key-order.js';
import { Posting } from './posting.js';
import { LONGEST_LIST } from './row-list.js';

const FIRST_SLOTS = 1024;

/** Rows put together by their keys: those of group `n` are `rows` from `starts[n]` to below `starts[n + 1]`. */
export interface RowGroups {
  /** The key of each group. */
  readonly keys: readonly Key[];
  readonly rows: Int32Array;
  readonly starts: Int32Array;
}

/**
 * Puts rows of one key together, in the order in which they come. A hash of the keys finds the group of each row; keys
 * that can be looked at where they stand are made into values once a group. O(n).
 */
export function groupRows(rows: Int32Array, access: KeyAccess, compare: Compare): RowGroups {
  const groups = new Groups(access, compare);
  const groupOf = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at++) groupOf[at] = groups.groupOf(rows[at] as RowId);
  const starts = new Int32Array(groups.keys.length + 1);
  for (let at = 0; at < groupOf.length; at++) (starts[(groupOf[at] as number) + 1] as number)++;
  for (let group = 0; group < groups.keys.length; group++) (starts[group + 1] as number) += starts[group] as number;
  const next = starts.slice();
  const grouped = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at++) grouped[(next[groupOf[at] as number] as number)++] = rows[at] as number;
  return { keys: groups.keys, rows: grouped, starts };
}

/** What an index keeps for the rows of a group, which are in primary-key order. */
export function entryOf({ rows, starts }: RowGroups, group: number): Entry {
  const from = starts[group] as number;
  const to = starts[group + 1] as number;
  if (to - from === 1) return rows[from] as RowId;
  if (to - from > LONGEST_LIST) return Posting.of(rows.subarray(from, to));
  const list: RowId[] = [];
  for (let at = from; at < to; at++) list.push(rows[at] as RowId);
  return list;
}

/** Open addressing with linear probing: slots hold a hash and the number of a group, plus one. */
class Groups {
  readonly keys: Key[] = [];
  private slots = new Int32Array(FIRST_SLOTS * 2);
  /** A row of each group. */
  private members = new Int32Array(FIRST_SLOTS);

  constructor(
    private readonly access: KeyAccess,
    private readonly compare: Compare,
  ) {}

  groupOf(row: RowId): number {
    if ((this.keys.length + 1) * 4 > this.members.length * 3) this.grow();
    const { inPlace } = this.access;
    if (inPlace === undefined) return this.groupByValue(row);
    const { slots, members } = this;
    const mask = members.length - 1;
    const hash = inPlace.hashOf(row) | 0;
    let slot = hash & mask;
    for (let group = slots[slot * 2 + 1] as number; group !== 0; group = slots[slot * 2 + 1] as number) {
      if (slots[slot * 2] === hash && inPlace.isSame(members[group - 1] as RowId, row)) return group - 1;
      slot = (slot + 1) & mask;
    }
    return this.open(slot, hash, this.access.keyOf(row), row);
  }

  private groupByValue(row: RowId): number {
    const { slots, keys, compare } = this;
    const mask = this.members.length - 1;
    const key = this.access.keyOf(row);
    const hash = this.access.hash(key) | 0;
    let slot = hash & mask;
    for (let group = slots[slot * 2 + 1] as number; group !== 0; group = slots[slot * 2 + 1] as number) {
      if (slots[slot * 2] === hash && compare(keys[group - 1], key) === 0) return group - 1;
      slot = (slot + 1) & mask;
    }
    return this.open(slot, hash, key, row);
  }

  private open(slot: number, hash: number, key: Key, row: RowId): number {
    this.slots[slot * 2] = hash;
    this.slots[slot * 2 + 1] = this.keys.length + 1;
    this.members[this.keys.length] = row;
    return this.keys.push(key) - 1;
  }

  private grow(): void {
    const { slots: old } = this;
    const slots = new Int32Array(old.length * 2);
    const mask = slots.length / 2 - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      let slot = (old[at] as number) & mask;
      while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
      slots[slot * 2] = old[at] as number;
      slots[slot * 2 + 1] = old[at + 1] as number;
    }
    const members = new Int32Array(mask + 1);
    members.set(this.members);
    this.slots = slots;
    this.members = members;
  }
}
