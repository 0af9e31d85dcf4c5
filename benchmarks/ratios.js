/** The store that all others are compared with. */
export const BASE = 'worktable';

/** A store's figure divided by worktable's, or `undefined` where one of them is missing. */
export function ratioOf(results, { trial, size, store, field = 'value' }) {
  const figure = (name) => results.find((r) => r.trial === trial && r.size === size && r.store === name)?.[field];
  const own = figure(BASE);
  const other = figure(store);
  return own > 0 && other !== undefined ? other / own : undefined;
}

/** Answers that differ between stores: each trial and size in which there is more than one checksum. */
export function mismatches(results) {
  const groups = new Map();
  for (const result of results) {
    if (result.checksum === undefined) continue;
    const group = `${result.trial} at ${result.size} rows`;
    groups.set(group, [...(groups.get(group) ?? []), result]);
  }
  return [...groups]
    .filter(([, group]) => new Set(group.map(({ checksum }) => checksum)).size > 1)
    .map(([name, group]) => `${name}: ${group.map(({ store, checksum }) => `${store} ${checksum}`).join(', ')}`);
}

/** The value in the middle, of two the larger; they are put in order. */
export function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
