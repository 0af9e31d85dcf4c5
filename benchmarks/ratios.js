/** The store that all others are compared with. */
export const BASE = 'worktable';

/**
 * A store's figure divided by worktable's, or `undefined` where one of them is missing. Of times that were measured in
 * turns, the median of what each turn's two rounds give: the machine's speed changes between turns, not so within one.
 */
export function ratioOf(results, { trial, size, store, field = 'value' }) {
  const find = (name) => results.find((r) => r.trial === trial && r.size === size && r.store === name);
  const own = find(BASE);
  const other = find(store);
  if (field === 'value' && own?.rounds !== undefined && other?.rounds !== undefined) {
    return ratioOfTurns(other.rounds, own.rounds);
  }
  return own?.[field] > 0 && other?.[field] !== undefined ? other[field] / own[field] : undefined;
}

/** What two stores gave in the same turns: the median of the first's figures divided by the second's, of turns that both had. */
export function ratioOfTurns(first, second) {
  const both = first.flatMap((figure, turn) => (figure == null || second[turn] == null ? [] : [figure / second[turn]]));
  return both.length === 0 ? undefined : median(both);
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
