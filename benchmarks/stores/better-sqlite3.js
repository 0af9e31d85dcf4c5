import Database from 'better-sqlite3';
import { RESIDENT, residentBytes } from './store.js';

export const BYTES = RESIDENT;

/**
 * SQLite in memory, every statement prepared once.
 *
 * @implements {import('./store.js').Store}
 */
class SqliteStore {
  db = new Database(':memory:');

  constructor() {
    this.db.exec(`
      CREATE TABLE account (
        id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, country TEXT NOT NULL, score INTEGER NOT NULL,
        balance INTEGER NOT NULL, name TEXT NOT NULL, createdAt INTEGER NOT NULL, active INTEGER NOT NULL
      );
      CREATE INDEX account_country ON account (country);
      CREATE INDEX account_score ON account (score);
    `);
    const prepare = (sql) => this.db.prepare(sql);
    this.inserting = prepare('INSERT INTO account (email, country, score, balance, name, createdAt, active) VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.byKey = prepare('SELECT * FROM account WHERE id = ?');
    this.byEmail = prepare('SELECT * FROM account WHERE email = ?');
    this.byCountry = prepare('SELECT * FROM account WHERE country = ? ORDER BY id LIMIT ?');
    this.byScore = prepare('SELECT * FROM account WHERE score >= ? ORDER BY score, id LIMIT ?');
    this.settingBalance = prepare('UPDATE account SET balance = ? WHERE id = ?');
    this.settingScore = prepare('UPDATE account SET score = ? WHERE id = ?');
    this.counting = prepare('SELECT count(*) FROM account WHERE balance > ? AND active').pluck();
    this.deleting = prepare('DELETE FROM account WHERE id = ?');
    this.insertingMany = this.db.transaction((rows) => {
      for (const row of rows) this.insert(row);
    });
  }

  shape(row) {
    return { ...row, createdAt: row.createdAt.getTime(), active: row.active ? 1 : 0 };
  }

  toRow(row) {
    return { ...row, createdAt: new Date(row.createdAt), active: row.active === 1 };
  }

  insert({ email, country, score, balance, name, createdAt, active }) {
    return this.inserting.run(email, country, score, balance, name, createdAt, active).lastInsertRowid;
  }

  insertMany(rows) {
    this.insertingMany(rows);
  }

  getByKey(key) {
    return this.byKey.get(key);
  }

  getByUnique(email) {
    return this.byEmail.get(email);
  }

  byPlainIndex(country, limit) {
    return this.byCountry.all(country, limit);
  }

  range(low, limit) {
    return this.byScore.all(low, limit);
  }

  updatePlain(key, balance) {
    this.settingBalance.run(balance, key);
  }

  updateIndexed(key, score) {
    this.settingScore.run(score, key);
  }

  filteredCount(above) {
    return this.counting.get(above);
  }

  delete(key) {
    this.deleting.run(key);
  }

  close() {
    this.db.close();
  }

  bytes() {
    return residentBytes();
  }
}

export function open() {
  return new SqliteStore();
}
