import { assert } from '../assert.js';
import type { Key } from '../index/key-order.js';
import type { TableIndex } from '../index/table-index.js';
import type { RowId } from '../storage/link.js';

/** A row that is to stand under another key in an index. */
export interface KeyMove {
  readonly index: TableIndex;
  readonly from: Key;
  readonly to: Key;
}

/** Makes the moves, or none of them. @returns the index that refuses its key, if one does */
export function moveKeys(row: RowId, moves: readonly KeyMove[]): TableIndex | undefined {
  let moved = 0;
  try {
    for (; moved < moves.length; moved++) {
      const { index, from, to } = moves[moved] as KeyMove;
      index.remove(from, row); // first: a row stands under one key at a time
      let added = false;
      try {
        added = index.add(to, row);
      } finally {
        if (!added) addBack(index, from, row);
      }
      if (!added) break;
    }
  } catch (error) {
    moveBack(row, moves, moved);
    throw error;
  }
  if (moved === moves.length) return undefined;
  moveBack(row, moves, moved);
  return (moves[moved] as KeyMove).index;
}

/** Undoes the first `moved` moves, the latest first. Cannot fail. */
export function moveBack(row: RowId, moves: readonly KeyMove[], moved = moves.length): void {
  for (let at = moved - 1; at >= 0; at--) {
    const { index, from, to } = moves[at] as KeyMove;
    index.remove(to, row);
    addBack(index, from, row);
  }
}

/** Puts a key back that was there a moment ago. */
export function addBack(index: TableIndex, key: Key, row: RowId): void {
  assert(index.add(key, row), `undoing: index ${index.name} takes back the key that it had`);
}
