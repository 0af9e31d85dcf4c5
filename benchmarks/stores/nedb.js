import Datastore from '@seald-io/nedb';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

/**
 * NeDB in memory. All of its calls give promises, and the time until they resolve is measured.
 *
 * @implements {import('./store.js').Store}
 */
class NedbStore {
  accounts = new Datastore({ inMemoryOnly: true });
  lastKey = 0;

  async declareIndexes() {
    await this.accounts.ensureIndexAsync({ fieldName: 'email', unique: true });
    await this.accounts.ensureIndexAsync({ fieldName: 'country' });
    await this.accounts.ensureIndexAsync({ fieldName: 'score' });
  }

  shape(row) {
    return { _id: 0, ...row };
  }

  toRow(row) {
    return { ...row, id: row._id };
  }

  async insert(row) {
    row._id = ++this.lastKey;
    await this.accounts.insertAsync(row);
    return row._id;
  }

  insertMany(rows) {
    for (const row of rows) row._id = ++this.lastKey;
    return this.accounts.insertAsync(rows);
  }

  async getByKey(key) {
    return (await this.accounts.findOneAsync({ _id: key })) ?? undefined;
  }

  getByUnique(email) {
    return this.accounts.findOneAsync({ email });
  }

  byPlainIndex(country, limit) {
    return this.accounts.findAsync({ country }).limit(limit);
  }

  range(low, limit) {
    return this.accounts
      .findAsync({ score: { $gte: low } })
      .sort({ score: 1, _id: 1 })
      .limit(limit);
  }

  updatePlain(key, balance) {
    return this.accounts.updateAsync({ _id: key }, { $set: { balance } }, {});
  }

  updateIndexed(key, score) {
    return this.accounts.updateAsync({ _id: key }, { $set: { score } }, {});
  }

  filteredCount(above) {
    return this.accounts.countAsync({ balance: { $gt: above }, active: true });
  }

  delete(key) {
    return this.accounts.removeAsync({ _id: key }, {});
  }

  close() {}

  bytes() {
    return heapBytes();
  }
}

export async function open() {
  const store = new NedbStore();
  await store.declareIndexes();
  return store;
}
