import { mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open as openEnvironment } from 'lmdb';

export const BYTES = 'growth of the data file';

/**
 * LMDB without syncing, its file in memory where the machine has a place for that. Rows are MessagePack of a shared
 * structure; each index is a database of its own from values to keys, kept in step by a transaction.
 *
 * @implements {import('./store.js').Store}
 */
class LmdbStore {
  lastKey = 0;

  constructor(directory) {
    this.path = mkdtempSync(join(directory, 'lmdb-'));
    this.root = openEnvironment({ path: this.path, noSync: true, overlappingSync: false, maxDbs: 4, mapSize: 8 * 2 ** 30 });
    this.rows = this.root.openDB('account', { sharedStructuresKey: Symbol.for('structures') });
    this.emails = this.root.openDB('email', { encoding: 'ordered-binary' });
    this.countries = this.root.openDB('country', { encoding: 'ordered-binary', dupSort: true });
    this.scores = this.root.openDB('score', { encoding: 'ordered-binary', dupSort: true });
  }

  shape(row) {
    return { id: 0, ...row, createdAt: row.createdAt.getTime() };
  }

  toRow(row) {
    return { ...row, createdAt: new Date(row.createdAt) };
  }

  insert(row) {
    return this.root.transactionSync(() => this.put(row));
  }

  insertMany(rows) {
    this.root.transactionSync(() => {
      for (const row of rows) this.put(row);
    });
  }

  put(row) {
    if (this.emails.get(row.email) !== undefined) throw new Error('the email is taken');
    row.id = ++this.lastKey;
    this.rows.putSync(row.id, row);
    this.emails.putSync(row.email, row.id);
    this.countries.putSync(row.country, row.id);
    this.scores.putSync(row.score, row.id);
    return row.id;
  }

  getByKey(key) {
    return this.rows.get(key);
  }

  getByUnique(email) {
    const key = this.emails.get(email);
    return key === undefined ? undefined : this.rows.get(key);
  }

  byPlainIndex(country, limit) {
    const rows = [];
    for (const key of this.countries.getValues(country, { limit })) rows.push(this.rows.get(key));
    return rows;
  }

  range(low, limit) {
    const rows = [];
    for (const { value } of this.scores.getRange({ start: low, limit })) rows.push(this.rows.get(value));
    return rows;
  }

  updatePlain(key, balance) {
    this.root.transactionSync(() => {
      const row = this.rows.get(key);
      row.balance = balance;
      this.rows.putSync(key, row);
    });
  }

  updateIndexed(key, score) {
    this.root.transactionSync(() => {
      const row = this.rows.get(key);
      this.scores.removeSync(row.score, key);
      row.score = score;
      this.rows.putSync(key, row);
      this.scores.putSync(score, key);
    });
  }

  filteredCount(above) {
    let count = 0;
    for (const { value } of this.rows.getRange({})) if (value.balance > above && value.active) count++;
    return count;
  }

  delete(key) {
    this.root.transactionSync(() => {
      const row = this.rows.get(key);
      if (row === undefined) return;
      this.rows.removeSync(key);
      this.emails.removeSync(row.email);
      this.countries.removeSync(row.country, key);
      this.scores.removeSync(row.score, key);
    });
  }

  close() {
    return this.root.close();
  }

  bytes() {
    return statSync(join(this.path, 'data.mdb')).blocks * 512;
  }
}

export function open(directory) {
  return new LmdbStore(directory);
}
