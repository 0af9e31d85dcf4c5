import alasql from 'alasql';
import { heapBytes, ON_HEAP } from './store.js';

export const BYTES = ON_HEAP;

/**
 * AlaSQL, every statement compiled once. Its rows are objects in an array; where an index answers an equality, it is used,
 * and whatever else is asked for is found by going through all rows.
 *
 * @implements {import('./store.js').Store}
 */
class AlasqlStore {
  db = new alasql.Database();
  lastKey = 0;

  constructor() {
    this.db.exec(
      'CREATE TABLE account (id INT PRIMARY KEY, email STRING, country STRING, score INT, balance INT, name STRING, createdAt DATE, active BOOLEAN)',
    );
    this.db.exec('CREATE UNIQUE INDEX email ON account (email)');
    this.db.exec('CREATE INDEX country ON account (country)');
    const compile = (sql) => alasql.compile(sql, this.db.databaseid);
    this.inserting = compile('INSERT INTO account SELECT * FROM ?');
    this.byKey = compile('SELECT * FROM account WHERE id = ?');
    this.byEmail = compile('SELECT * FROM account WHERE email = ?');
    this.byCountry = compile('SELECT * FROM account WHERE country = ? ORDER BY id');
    this.byScore = compile('SELECT * FROM account WHERE score >= ? ORDER BY score, id');
    this.settingBalance = compile('UPDATE account SET balance = ? WHERE id = ?');
    this.settingScore = compile('UPDATE account SET score = ? WHERE id = ?');
    this.counting = compile('SELECT VALUE COUNT(*) FROM account WHERE balance > ? AND active = TRUE');
    this.deleting = compile('DELETE FROM account WHERE id = ?');
  }

  shape(row) {
    return { id: 0, ...row };
  }

  toRow(row) {
    return row;
  }

  insert(row) {
    row.id = ++this.lastKey;
    this.inserting([[row]]);
    return row.id;
  }

  insertMany(rows) {
    for (const row of rows) row.id = ++this.lastKey;
    this.inserting([rows]);
  }

  getByKey(key) {
    return this.byKey([key])[0];
  }

  getByUnique(email) {
    return this.byEmail([email])[0];
  }

  byPlainIndex(country, limit) {
    return this.byCountry([country]).slice(0, limit);
  }

  range(low, limit) {
    return this.byScore([low]).slice(0, limit);
  }

  updatePlain(key, balance) {
    this.settingBalance([balance, key]);
  }

  updateIndexed(key, score) {
    this.settingScore([score, key]);
  }

  filteredCount(above) {
    return this.counting([above]);
  }

  delete(key) {
    this.deleting([key]);
  }

  close() {}

  bytes() {
    return heapBytes();
  }
}

export function open() {
  return new AlasqlStore();
}
