import { Column, Database, Index, PrimaryKey, Table } from '../../dist/lib/index.js';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

/** As a program does, each class is declared once. */
const classes = new Map();

/**
 * The class of the rows. Decorators are called by hand, in the order in which a compiler would call them. The email is
 * asked for by equality alone, so its index is a hash, as the README advises, and as a Map is in the stores by hand.
 *
 * @param {'btree' | 'hash'} unique the kind of the unique index
 * @param {'btree' | 'packed'} plain the kind of the others
 */
export function accountClass(unique, plain = 'btree') {
  const kinds = `${unique} ${plain}`;
  const known = classes.get(kinds) ?? declareAccount(unique, plain);
  classes.set(kinds, known);
  return known;
}

function declareAccount(unique, plain) {
  class Account {}
  PrimaryKey({ autoincrement: true })(Account.prototype, 'id');
  Column('int')(Account.prototype, 'id');
  Index({ unique: true, using: unique })(Account.prototype, 'email');
  Column('string')(Account.prototype, 'email');
  Index({ using: plain })(Account.prototype, 'country');
  Column('string')(Account.prototype, 'country');
  Index({ using: plain })(Account.prototype, 'score');
  Column('int')(Account.prototype, 'score');
  Column('long', { as: 'number' })(Account.prototype, 'balance');
  Column('string')(Account.prototype, 'name');
  Column('timestamp-millis', { as: 'date' })(Account.prototype, 'createdAt');
  Column('boolean')(Account.prototype, 'active');
  Table({ name: 'account' })(Account);
  return Account;
}

/** @implements {import('./store.js').Store} */
class WorktableStore {
  constructor(unique, plain, options) {
    this.Account = accountClass(unique, plain);
    this.db = new Database({ tables: [this.Account], ...options });
    this.accounts = this.db.table(this.Account);
  }

  shape(row) {
    return row;
  }

  toRow(row) {
    return row;
  }

  insert(row) {
    return this.accounts.insert(row);
  }

  insertMany(rows) {
    this.accounts.insertMany(rows);
  }

  getByKey(key) {
    return this.accounts.select(key);
  }

  getByUnique(email) {
    return this.accounts.selectOneBy('email', email);
  }

  byPlainIndex(country, limit) {
    return this.accounts.selectBy('country', country).limit(limit).execute();
  }

  range(low, limit) {
    return this.accounts.selectAll().where('score', '>=', low).orderBy('score').limit(limit).execute();
  }

  updatePlain(key, balance) {
    this.accounts.updateBy(key, { balance });
  }

  updateIndexed(key, score) {
    this.accounts.updateBy(key, { score });
  }

  filteredCount(above) {
    return this.accounts.selectAll().where('balance', '>', above).where('active', '=', true).count();
  }

  delete(key) {
    this.accounts.delete(key);
  }

  close() {
    return this.db.close();
  }

  bytes() {
    return heapBytes();
  }
}

export function open() {
  return openUsing('hash');
}

/** @param {object} [options] of the database; `plain` is the kind of the indexes that may repeat keys */
export function openUsing(unique, { plain = 'btree', ...options } = {}) {
  return new WorktableStore(unique, plain, options);
}
