import type { RowId } from '../storage/link.js';
import type { Key } from './key-order.js';
import type { Posting } from './posting.js';
import type { RowList } from './row-list.js';

/** What an index keeps for a key: its only row, or the rows that share it, in a list while they are few. */
export type Entry = RowId | RowList | Posting;

/** The keys of an index, as they stand in the rows themselves. */
export interface KeyAccess {
  /** 32 bits of a key. */
  hash(key: Key): number;
  keyOf(row: RowId): Key;
  /** Whether the row has the key. */
  hasKey(row: RowId, key: Key): boolean;
  /** For keys that cost more to make into values than to look at where they stand. */
  readonly inPlace?: KeysInPlace | undefined;
}

export interface KeysInPlace {
  /** As `hash` of the row's key. */
  hashOf(row: RowId): number;
  /** Whether two rows have the same key. */
  isSame(a: RowId, b: RowId): boolean;
}

/** Bounds of a scan; `undefined` is no bound. */
export interface KeyRange {
  readonly low: Key | undefined;
  readonly lowInclusive: boolean;
  readonly high: Key | undefined;
  readonly highInclusive: boolean;
}

export const EVERYTHING: KeyRange = { low: undefined, lowInclusive: true, high: undefined, highInclusive: true };

/** Called for each key in order; `true` ends the scan. */
export type Visit = (entry: Entry, key: Key) => boolean;

/** Where the entries of one index are. */
export interface EntryMap {
  /** Different keys. */
  readonly size: number;
  get(key: Key): Entry | undefined;
  /** The entry of a key that `row` is under. */
  getOf(key: Key, row: RowId): Entry;
  /** @returns false, and changes nothing, where the key is there already. @throws TableFullError; nothing has changed then */
  addIfAbsent(key: Key, row: RowId): boolean;
  /** Gives a key that is there other rows. `member` is one that it has, or had until now. */
  set(key: Key, entry: Entry, member: RowId): void;
  /** Removes a key whose only row is `row`. */
  delete(key: Key, row: RowId): void;
  /** Visits the keys of a range, upwards or downwards. Nothing may change meanwhile. */
  scan(range: KeyRange, reverse: boolean, visit: Visit): void;
  /** Whether `entries` come in key order. */
  readonly isSorted: boolean;
  entries(): Iterable<[Key, Entry]>;
  /** Memory that is known: of arrays. */
  readonly bytes: number;
  /** Keys that stand on the JavaScript heap, whose memory is estimated. */
  readonly heapKeys: number;
  /** Throws where something is not where a search would look for it. */
  checkStructure(): void;
}
