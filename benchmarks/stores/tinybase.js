import { createIndexes, createStore } from 'tinybase';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

const TABLE = 'account';

/**
 * TinyBase with an index over each of three cells. Its row ids are text, its cells take no dates, and its indexes know
 * no ranges: scores being integers, a range is walked slice by slice, which is the fastest way that it offers.
 *
 * @implements {import('./store.js').Store}
 */
class TinybaseStore {
  store = createStore();
  indexes = createIndexes(this.store);
  lastKey = 0;
  mostScore = 0;

  constructor() {
    for (const cell of ['email', 'country', 'score']) this.indexes.setIndexDefinition(cell, TABLE, cell);
  }

  shape(row) {
    return { ...row, createdAt: row.createdAt.getTime() };
  }

  toRow(row) {
    return { ...row, createdAt: new Date(row.createdAt) };
  }

  insert(row) {
    const key = ++this.lastKey;
    this.mostScore = Math.max(this.mostScore, row.score);
    this.store.setRow(TABLE, String(key), row);
    return key;
  }

  insertMany(rows) {
    this.store.transaction(() => {
      for (const row of rows) this.insert(row);
    });
  }

  getByKey(key) {
    return this.read(String(key));
  }

  read(rowId) {
    const row = this.store.getRow(TABLE, rowId);
    if (row.email === undefined) return undefined;
    row.id = Number(rowId);
    return row;
  }

  getByUnique(email) {
    const [rowId] = this.indexes.getSliceRowIds('email', email);
    return rowId === undefined ? undefined : this.read(rowId);
  }

  byPlainIndex(country, limit) {
    const rowIds = this.indexes.getSliceRowIds('country', country);
    return rowIds.slice(0, limit).map((rowId) => this.read(rowId));
  }

  range(low, limit) {
    const rows = [];
    for (let score = low; score <= this.mostScore; score++) {
      for (const rowId of this.indexes.getSliceRowIds('score', String(score))) {
        if (rows.push(this.read(rowId)) === limit) return rows;
      }
    }
    return rows;
  }

  updatePlain(key, balance) {
    this.store.setCell(TABLE, String(key), 'balance', balance);
  }

  updateIndexed(key, score) {
    this.mostScore = Math.max(this.mostScore, score);
    this.store.setCell(TABLE, String(key), 'score', score);
  }

  filteredCount(above) {
    const { store } = this;
    let count = 0;
    for (const rowId of store.getRowIds(TABLE)) {
      if (store.getCell(TABLE, rowId, 'balance') > above && store.getCell(TABLE, rowId, 'active')) count++;
    }
    return count;
  }

  delete(key) {
    this.store.delRow(TABLE, String(key));
  }

  close() {
    this.indexes.destroy();
  }

  bytes() {
    return heapBytes();
  }
}

export function open() {
  return new TinybaseStore();
}
