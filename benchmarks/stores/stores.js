/**
 * The stores, worktable first. `pace` is the share of a trial's operations that a slow store does in a round: its
 * rounds then take about as long as those of others, over the same rows.
 *
 * @typedef {object} StoreInfo
 * @property {string} name also its module, beside this file
 * @property {string} title
 * @property {string} [peer] the package
 * @property {boolean} [promises] whether its calls give promises
 * @property {string} [note] what a reader of its figures has to know
 * @property {Record<string, number>} [pace] by trial; `every` is for those not named
 * @property {number} [budgetMs] measured time after which a process of it begins no new round, where that is less than others'
 * @property {number} [most] rows up to which it is measured unless it is asked for by name
 * @property {string[]} [endless] trials that do not end in time with a hundred thousand rows, and are not tried with more
 */

const SLOW = { budgetMs: 1500 };
const HUNDRED_THOUSAND = 100_000;

/** @type {readonly StoreInfo[]} */
export const STORES = [
  {
    name: 'worktable',
    title: 'worktable',
    note: 'worktable keeps the email in a hash index here, which serves equality alone; “B-trees alone” is how it is without options. It makes plain indexes when they are first asked, as LokiJS does: insert and insertMany do without them, “then a first read by each index” has all of it.',
  },
  { name: 'worktable-btree', title: 'worktable, B-trees alone', most: HUNDRED_THOUSAND },
  { name: 'worktable-packed', title: 'worktable, packed indexes', most: HUNDRED_THOUSAND },
  {
    name: 'map',
    title: 'Map + Map + sorted-btree by hand',
    peer: 'sorted-btree',
    note: 'The map by hand and LokiJS hand out the rows that they hold; all others make a new one of each row that is read. The map by hand checks nothing but keys, and undoes nothing.',
  },
  {
    name: 'lokijs',
    title: 'LokiJS',
    peer: 'lokijs',
    note: 'Inserts, updates and deletes of LokiJS only mark its ordered indexes as stale; the sort in the next read that needs one is timed in “then a first read by each index” alone. Memory is measured after a read by each index, of every store.',
    pace: { byPlainIndex: 0.2, range: 0.1, delete: 0.05 },
  },
  { name: 'better-sqlite3', title: 'better-sqlite3 in memory', peer: 'better-sqlite3', pace: { every: 0.5, delete: 1 } },
  { name: 'lmdb', title: 'lmdb, no sync', peer: 'lmdb', pace: { every: 0.5, updatePlain: 0.2, updateIndexed: 0.2 } },
  {
    name: 'nedb',
    ...SLOW,
    title: 'NeDB',
    peer: '@seald-io/nedb',
    promises: true,
    note: 'NeDB’s calls give promises, and are timed until these resolve. It does fewer operations a round, over the same rows.',
    pace: { every: 0.1, byPlainIndex: 0.02, range: 0.003, filteredCount: 0.2, delete: 0.2 },
  },
  {
    name: 'tinybase',
    ...SLOW,
    title: 'TinyBase',
    peer: 'tinybase',
    note: 'TinyBase does fewer operations a round, over the same rows.',
    pace: { every: 0.2, filteredCount: 0.4, delete: 0.5 },
  },
  {
    name: 'alasql',
    ...SLOW,
    title: 'AlaSQL',
    peer: 'alasql',
    endless: ['updatePlain', 'updateIndexed', 'delete', 'memory'],
    note: 'AlaSQL goes through all rows for what its primary key does not answer, and does fewer operations a round, over the same rows.',
    pace: { every: 0.01, byPlainIndex: 0.02, range: 0.005, filteredCount: 0.5, updateIndexed: 0.003, updatePlain: 0.003, delete: 0.02 },
  },
];

/** How many operations the store does in a round of a trial, which has `operations` of them. */
export function paced(store, trial, operations) {
  if (trial.fresh) return operations;
  const share = store.pace?.[trial.name] ?? store.pace?.every ?? 1;
  return Math.max(1, Math.round(operations * share));
}

/** @returns {Promise<import('./store.js').Store>} an empty store; lmdb puts its file into `directory` */
export async function openStore(name, directory) {
  const module = await import(`./${name}.js`);
  return module.open(directory);
}

/** How the store's memory is measured. */
export async function bytesMeasured(name) {
  return (await import(`./${name}.js`)).BYTES;
}

/** The rows up to which a store is measured in a trial, unless it is asked for by name. */
export function mostOf(name, trial) {
  const { most, endless } = STORES.find((store) => store.name === name);
  return endless?.includes(trial) ? HUNDRED_THOUSAND : (most ?? Number.POSITIVE_INFINITY);
}
