import sortedBTree from 'sorted-btree';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

const BTree = sortedBTree.default ?? sortedBTree;
/** A score and a key make one number: the key takes the lower 24 bits. */
const KEY_SPAN = 2 ** 24;

/**
 * What somebody would write by hand who needs nothing but these calls: two maps, a map of sets and a sorted tree, over
 * one object a row. The rows handed out are the stored ones; nothing is checked but keys, and nothing can be undone.
 *
 * @implements {import('./store.js').Store}
 */
class MapStore {
  byKey = new Map();
  byEmail = new Map();
  byCountry = new Map();
  byScore = new BTree(undefined, (a, b) => a - b);
  lastKey = 0;

  shape(row) {
    return { id: 0, ...row };
  }

  toRow(row) {
    return row;
  }

  insert(row) {
    if (this.byEmail.has(row.email)) throw new Error('the email is taken');
    row.id = ++this.lastKey;
    this.byKey.set(row.id, row);
    this.byEmail.set(row.email, row);
    const keys = this.byCountry.get(row.country);
    if (keys === undefined) this.byCountry.set(row.country, new Set([row.id]));
    else keys.add(row.id);
    this.byScore.set(row.score * KEY_SPAN + row.id, row);
    return row.id;
  }

  insertMany(rows) {
    for (const row of rows) this.insert(row);
  }

  getByKey(key) {
    return this.byKey.get(key);
  }

  getByUnique(email) {
    return this.byEmail.get(email);
  }

  byPlainIndex(country, limit) {
    const rows = [];
    for (const key of this.byCountry.get(country) ?? []) {
      if (rows.push(this.byKey.get(key)) === limit) break;
    }
    return rows;
  }

  range(low, limit) {
    const rows = [];
    const stop = { break: 0 };
    this.byScore.forRange(low * KEY_SPAN, Number.POSITIVE_INFINITY, true, (_key, row) => (rows.push(row) === limit ? stop : undefined));
    return rows;
  }

  updatePlain(key, balance) {
    this.byKey.get(key).balance = balance;
  }

  updateIndexed(key, score) {
    const row = this.byKey.get(key);
    this.byScore.delete(row.score * KEY_SPAN + key);
    row.score = score;
    this.byScore.set(score * KEY_SPAN + key, row);
  }

  filteredCount(above) {
    let count = 0;
    for (const row of this.byKey.values()) if (row.balance > above && row.active) count++;
    return count;
  }

  delete(key) {
    const row = this.byKey.get(key);
    if (row === undefined) return;
    this.byKey.delete(key);
    this.byEmail.delete(row.email);
    this.byCountry.get(row.country).delete(key);
    this.byScore.delete(row.score * KEY_SPAN + key);
  }

  close() {}

  bytes() {
    return heapBytes();
  }
}

export function open() {
  return new MapStore();
}
