import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { Key } from './key-order.js';
import type { RowOrder } from './posting.js';

/** A few rows of one value, in primary-key order: a plain array, since most values of most indexes have few rows. */
export type RowList = RowId[];

/** From this many rows on, a `Posting` takes over. */
export const LONGEST_LIST = 32;

export function addToList(list: RowList, row: RowId, order: RowOrder): void {
  const place = placeIn(list, order.keyOf(row), order);
  list.push(row);
  for (let at = list.length - 1; at > place; at--) list[at] = list[at - 1] as RowId;
  list[place] = row;
}

export function removeFromList(list: RowList, row: RowId): void {
  const place = list.indexOf(row);
  assert(place >= 0, 'the row stands in the list of its value');
  for (let at = place + 1; at < list.length; at++) list[at - 1] = list[at] as RowId;
  list.pop();
}

/** How many rows have lower keys. */
function placeIn(list: RowList, key: Key, order: RowOrder): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order.compare(order.keyOf(list[middle] as RowId), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
