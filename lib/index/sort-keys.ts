import type { Compare, Key } from './key-order.js';

/** The places of keys in ascending order; those of equal keys keep theirs. O(n log n), and four bytes a key beside them. */
export function orderOf(keys: readonly Key[], compare: Compare): Int32Array {
  const order = new Int32Array(keys.length);
  for (let at = 0; at < order.length; at++) order[at] = at;
  return order.sort((a, b) => compare(keys[a], keys[b]) || a - b);
}

/** What stands at these places, in their order. */
export function arrange<T>(values: readonly T[], order: Int32Array): T[] {
  const arranged = new Array<T>(order.length);
  for (let at = 0; at < order.length; at++) arranged[at] = values[order[at] as number] as T;
  return arranged;
}
