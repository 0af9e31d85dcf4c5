import Loki from 'lokijs';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

/**
 * LokiJS at its fastest: no clones, no change log, and ordered indexes that a write only marks as stale, to be sorted
 * again by the next read that needs them. Its writes are timed without that sort.
 *
 * @implements {import('./store.js').Store}
 */
class LokiStore {
  db = new Loki('benchmark', { adapter: new Loki.LokiMemoryAdapter(), autosave: false });
  accounts = this.db.addCollection('account', {
    unique: ['email'],
    indices: ['country', 'score'],
    adaptiveBinaryIndices: false,
    clone: false,
    disableMeta: true,
    disableChangesApi: true,
  });

  shape(row) {
    return { ...row };
  }

  toRow(row) {
    return { ...row, id: row.$loki };
  }

  insert(row) {
    return this.accounts.insert(row).$loki;
  }

  insertMany(rows) {
    this.accounts.insert(rows);
  }

  getByKey(key) {
    return this.accounts.get(key) ?? undefined;
  }

  getByUnique(email) {
    return this.accounts.by('email', email);
  }

  byPlainIndex(country, limit) {
    return this.accounts.chain().find({ country }).limit(limit).data();
  }

  range(low, limit) {
    // What an ordered index finds comes in its order, so nothing is sorted here.
    return this.accounts
      .chain()
      .find({ score: { $gte: low } })
      .limit(limit)
      .data();
  }

  updatePlain(key, balance) {
    const row = this.accounts.get(key);
    row.balance = balance;
    this.accounts.update(row);
  }

  updateIndexed(key, score) {
    const row = this.accounts.get(key);
    row.score = score;
    this.accounts.update(row);
  }

  filteredCount(above) {
    return this.accounts
      .chain()
      .where((row) => row.balance > above && row.active)
      .count();
  }

  delete(key) {
    this.accounts.remove(key);
  }

  close() {
    this.db.close();
  }

  bytes() {
    return heapBytes();
  }
}

export function open() {
  return new LokiStore();
}
