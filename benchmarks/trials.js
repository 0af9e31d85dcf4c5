/**
 * What is measured, as data. A trial prepares its arguments untimed, then runs once for each of them.
 *
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {import('./stores/store.js').Store} Store
 *
 * @typedef {object} Trial
 * @property {string} name
 * @property {string} title
 * @property {string} unit
 * @property {(size: number) => number} operations how many a round has; a slow store's `pace` takes a share of them
 * @property {number} [rounds] timed rounds at most, `ROUNDS` by default
 * @property {number} [checked] operations whose answers are compared between stores, `CHECKED` by default
 * @property {boolean} [fresh] each round begins with an empty store
 * @property {boolean} [writes] the rows are compared between stores afterwards, too
 * @property {(count: number) => unknown[]} [warmUp] of a trial that uses rows up: the arguments that use up all rows of a
 *   store with `count` of them, which is thrown away
 * @property {boolean} [memory] measures bytes, not time
 * @property {(data: Dataset, count: number, store: Store) => unknown[]} prepare the arguments of a round
 * @property {(store: Store, argument: never) => unknown} run one operation
 * @property {(result: never) => number} touch uses a result, so that no engine may leave it out; for rows, their number
 * @property {(touched: number, operations: number, size: number) => number} units what the time is divided by
 */

/** Rows of one query by a plain index. */
export const PLAIN_LIMIT = 50;
/** Rows of one ordered range. */
export const RANGE_LIMIT = 100;
/** Rows of one `insertMany`. */
export const BATCH_ROWS = 1000;

export const ROUNDS = 9;
export const CHECKED = 200;

const perOperation = (_touched, operations) => operations;
const perRowReturned = (touched) => touched;
const perRowStored = (_touched, operations, size) => operations * size;

/** @type {readonly Trial[]} */
export const TRIALS = [
  {
    name: 'insert',
    title: 'insert, one by one',
    unit: 'ns/row',
    operations: (size) => size,
    rounds: 5,
    fresh: true,
    writes: true,
    prepare: (data, count, store) => rows(data, 0, count, store),
    run: (store, row) => store.insert(row),
    touch: (key) => key,
    units: perOperation,
  },
  {
    name: 'insertMany',
    title: `insertMany, ${BATCH_ROWS} rows at a time`,
    unit: 'ns/row',
    operations: (size) => Math.ceil(size / BATCH_ROWS),
    rounds: 5,
    checked: 2,
    fresh: true,
    writes: true,
    prepare: (data, count, store) => Array.from({ length: count }, (_, batch) => rows(data, batch * BATCH_ROWS, BATCH_ROWS, store)),
    run: (store, batch) => store.insertMany(batch),
    touch: () => 0,
    units: (_touched, operations, size) => Math.min(operations * BATCH_ROWS, size),
  },
  {
    name: 'insertThenRead',
    title: 'insertMany of all rows, then a first read by each index',
    unit: 'ns/row',
    operations: (size) => Math.ceil(size / BATCH_ROWS),
    rounds: 3,
    checked: 2,
    fresh: true,
    writes: true,
    prepare: (data, count, store) => [
      ...Array.from({ length: count }, (_, batch) => rows(data, batch * BATCH_ROWS, BATCH_ROWS, store)).map(
        (batch) => (opened) => opened.insertMany(batch),
      ),
      ...firstReads(data),
    ],
    run: (store, step) => step(store),
    touch: () => 0,
    units: (_touched, operations, size) => Math.min(operations * BATCH_ROWS, size),
  },
  {
    name: 'getByKey',
    title: 'get by key, and read one column',
    unit: 'ns/row',
    operations: () => 100_000,
    prepare: (data, count) => data.keys(count),
    run: (store, key) => store.getByKey(key),
    touch: (row) => row.score,
    units: perOperation,
  },
  {
    name: 'readByKey',
    title: 'get by key, and read every column',
    unit: 'ns/row',
    operations: () => 100_000,
    prepare: (data, count) => data.keys(count),
    run: (store, key) => store.getByKey(key),
    touch: everyColumn,
    units: perOperation,
  },
  {
    name: 'getByUnique',
    title: 'get by unique index',
    unit: 'ns/row',
    operations: () => 50_000,
    prepare: (data, count) => data.keys(count).map((key) => data.row(key - 1).email),
    run: (store, email) => store.getByUnique(email),
    touch: (row) => row.score,
    units: perOperation,
  },
  {
    name: 'byPlainIndex',
    title: `rows by plain index, ${PLAIN_LIMIT} a query`,
    unit: 'ns/row',
    operations: () => 2000,
    checked: 50,
    prepare: (data, count) => Array.from({ length: count }, () => data.country()),
    run: (store, country) => store.byPlainIndex(country, PLAIN_LIMIT),
    touch: (found) => found.length,
    units: perRowReturned,
  },
  {
    name: 'range',
    title: `ordered range of ${RANGE_LIMIT}`,
    unit: 'ns/row',
    operations: () => 1000,
    checked: 5,
    prepare: (data, count) => Array.from({ length: count }, () => data.low()),
    run: (store, low) => store.range(low, RANGE_LIMIT),
    touch: (found) => found.length,
    units: perRowReturned,
  },
  {
    name: 'updatePlain',
    title: 'update of a plain column',
    unit: 'ns/row',
    operations: () => 50_000,
    writes: true,
    prepare: (data, count) => data.keys(count).map((key) => ({ key, balance: data.integer(10_000_000) })),
    run: (store, { key, balance }) => store.updatePlain(key, balance),
    touch: () => 0,
    units: perOperation,
  },
  {
    name: 'updateIndexed',
    title: 'update of an indexed column',
    unit: 'ns/row',
    operations: () => 50_000,
    writes: true,
    prepare: (data, count) => data.keys(count).map((key) => ({ key, score: data.integer(data.mostScore) })),
    run: (store, { key, score }) => store.updateIndexed(key, score),
    touch: () => 0,
    units: perOperation,
  },
  {
    name: 'filteredCount',
    title: 'filtered count without an index',
    unit: 'ns/row looked at',
    operations: (size) => Math.max(1, Math.round(500_000 / size)),
    checked: 3,
    prepare: (data, count) => Array.from({ length: count }, () => 2_000_000 + data.integer(6_000_000)),
    run: (store, above) => store.filteredCount(above),
    touch: (count) => count,
    units: perRowStored,
  },
  {
    name: 'delete',
    title: 'delete',
    unit: 'ns/row',
    operations: (size) => Math.floor(size / 10),
    rounds: 5,
    writes: true,
    warmUp: (count) => Array.from({ length: count }, (_, n) => n + 1),
    prepare: (data, count) => data.keys(count),
    run: (store, key) => store.delete(key),
    touch: () => 0,
    units: perOperation,
  },
  {
    name: 'memory',
    title: 'memory',
    unit: 'bytes/row',
    operations: () => 0,
    memory: true,
    prepare: () => [],
    run: () => undefined,
    touch: () => 0,
    units: perRowStored,
  },
];

/** One read by each index: some stores make an index when it is first asked, and pay for it then, in time and in bytes. */
function firstReads(data) {
  const { email, country } = data.row(0);
  return [
    (store) => store.getByKey(1),
    (store) => store.getByUnique(email),
    (store) => store.byPlainIndex(country, PLAIN_LIMIT),
    (store) => store.range(0, RANGE_LIMIT),
  ];
}

/** Asks a store by each index. */
export async function askIndexes(store, data) {
  for (const read of firstReads(data)) await read(store);
}

/** Reads each column of a row: of one that is handed out as it is stored, that is where its parts are fetched from memory. */
export function everyColumn({ email, country, score, balance, name, createdAt, active }) {
  return email.charCodeAt(0) + country.charCodeAt(0) + score + balance + name.charCodeAt(0) + +createdAt + (active ? 1 : 0);
}

/** Rows `from` to `from + count − 1`, in the form in which a user of the store would hold them. */
export function rows(data, from, count, store) {
  const made = new Array(Math.max(0, Math.min(count, data.size - from)));
  for (let n = 0; n < made.length; n++) made[n] = store.shape(data.row(from + n));
  return made;
}
