/**
 * What a store has to do, so that it can be measured. The methods of NeDB give promises of these answers.
 *
 * @typedef {import('../dataset.js').Row} Row
 *
 * @typedef {object} Store
 * @property {(row: Row) => object} shape turns a row, untimed, into the form in which a user of the store would hold it
 * @property {(stored: object) => Row} toRow turns a row that was read, untimed, into the common form
 * @property {(row: object) => number} insert takes a row that it may keep. Gives the key
 * @property {(rows: object[]) => void} insertMany
 * @property {(key: number) => object | undefined} getByKey
 * @property {(email: string) => object | undefined} getByUnique
 * @property {(country: string, limit: number) => object[]} byPlainIndex the first rows by key
 * @property {(low: number, limit: number) => object[]} range the first rows with at least this score, by score, then by key
 * @property {(key: number, balance: number) => void} updatePlain
 * @property {(key: number, score: number) => void} updateIndexed
 * @property {(above: number) => number} filteredCount how many rows are active and have a larger balance
 * @property {(key: number) => void} delete
 * @property {() => void} close
 * @property {() => number} bytes what the process holds now, in the way that `BYTES` of the module says
 *
 * A module of a store has `open(directory)`, which gives an empty one, and `BYTES`, which says how `bytes` measures.
 */

/** `BYTES` of stores whose rows lie on the JavaScript heap or in its array buffers. */
export const ON_HEAP = 'growth of heap and external memory';
/** `BYTES` of stores whose rows lie in memory of their own. */
export const RESIDENT = 'growth of resident memory';

/** Bytes in use on the JavaScript heap, and outside of it on its behalf, which array buffers are a part of. */
export function heapBytes() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Resident bytes, without those that the JavaScript heap has taken and does not use. */
export function residentBytes() {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return rss - heapTotal + heapUsed;
}
