import { ratioOf } from './ratios.js';

export const CHECKED_ROWS = 100_000;

/**
 * What `--check` asks for at 100 thousand rows: in each of these trials, each of these stores takes at least this many
 * times worktable's time.
 */
const RULES = [
  {
    trials: ['getByKey', 'getByUnique', 'byPlainIndex', 'range', 'updatePlain', 'updateIndexed', 'delete'],
    stores: ['lokijs', 'better-sqlite3', 'lmdb'],
    atLeast: 1,
  },
  { trials: ['insert'], stores: ['better-sqlite3'], atLeast: 1 },
  // The map hands out the row that it holds, and pays for it when the row is read: both are measured to that point.
  { trials: ['readByKey'], stores: ['map'], atLeast: 1 / 2.5 },
];

export const CHECKED_TRIALS = [...new Set(RULES.flatMap(({ trials }) => trials))];
export const CHECKED_STORES = ['worktable', ...new Set(RULES.flatMap(({ stores }) => stores))];

/** Every rule for one trial and one store, with what was measured: `ratio` is `undefined` where nothing was. */
export function judge(results) {
  return RULES.flatMap(({ trials, stores, atLeast }) =>
    trials.flatMap((trial) =>
      stores.map((store) => {
        const ratio = ratioOf(results, { trial, size: CHECKED_ROWS, store });
        return { trial, store, atLeast, ratio, holds: ratio !== undefined && ratio >= atLeast };
      }),
    ),
  );
}
