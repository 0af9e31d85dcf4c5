/** Stores on disk, worktable first, all with the rows of `dataset.js`: what `durable.js` and `open.js` measure. */
import { join } from 'node:path';

/**
 * @typedef {object} DurableStore
 * @property {(row: import('./dataset.js').Row) => unknown} commit stores one row; durable when what it gives has resolved
 * @property {(rows: import('./dataset.js').Row[]) => unknown} load stores many rows as one transaction
 * @property {() => number} count
 * @property {(email: string, country: string, score: number) => unknown[] | Promise<unknown[]>} reads reads by each index: the
 * row of an email, ten of a country, a hundred from a score on, in its order. Gives how many rows each found
 * @property {() => unknown} close
 * @property {() => unknown} [checkpoint]
 * @property {(key: number, balance: number) => unknown} [update] of one column; does not wait for the disk
 * @property {() => Promise<unknown>} [settled] everything is durable
 */

/** By name; `module` is what `open` imports. @type {Record<string, { title: string, module: string, open: (directory: string) => Promise<DurableStore> }>} */
export const DURABLE_STORES = {
  worktable: { title: 'worktable, commit', module: '../dist/lib/index.js', open: (directory) => openWorktable(directory, 'commit') },
  relaxed: {
    title: 'worktable, relaxed',
    module: '../dist/lib/index.js',
    open: (directory) => openWorktable(directory, { relaxed: { intervalMs: 100 } }),
  },
  'sqlite-full': { title: 'better-sqlite3, WAL, FULL', module: 'better-sqlite3', open: (directory) => openSqlite(directory, 'FULL') },
  'sqlite-normal': { title: 'better-sqlite3, WAL, NORMAL', module: 'better-sqlite3', open: (directory) => openSqlite(directory, 'NORMAL') },
  lmdb: { title: 'lmdb, synced', module: 'lmdb', open: openLmdb },
  nedb: { title: 'NeDB (never synced)', module: '@seald-io/nedb', open: openNedb },
  lokijs: { title: 'LokiJS, fs adapter (never synced)', module: 'lokijs', open: openLoki },
};

/** The class of the rows, with decorators called by hand. */
export async function declareAccount() {
  const { Column, Index, PrimaryKey, Table } = await import('../dist/lib/index.js');
  class Account {}
  const declare = (name, type, ...more) => {
    Column(type)(Account.prototype, name);
    for (const decorate of more) decorate(Account.prototype, name);
  };
  PrimaryKey({ autoincrement: true })(Account.prototype, 'id');
  Column('long', { as: 'number' })(Account.prototype, 'id');
  declare('email', 'string', Index({ unique: true }));
  declare('country', 'string', Index());
  declare('score', 'int', Index());
  declare('balance', 'double');
  declare('name', 'string');
  declare('createdAt', 'timestamp-millis');
  declare('active', 'boolean');
  Table({ name: 'account' })(Account);
  return Account;
}

async function openWorktable(path, durability) {
  const { Database } = await import('../dist/lib/index.js');
  const Account = await declareAccount();
  const db = await Database.open({ path, tables: [Account], durability });
  const accounts = db.table(Account);
  return {
    commit: (row) => {
      accounts.insert(row);
      return db.waitForOps();
    },
    load: async (rows) => {
      accounts.insertMany(rows);
      await db.waitForOps();
    },
    update: (key, balance) => accounts.updateBy(key, { balance }),
    settled: () => db.waitForOps(),
    count: () => accounts.count(),
    reads: (email, country, score) => [
      accounts.selectOneBy('email', email) ? 1 : 0,
      accounts.selectBy('country', country).limit(10).execute().length,
      accounts.selectAll().where('score', '>=', score).orderBy('score').limit(100).execute().length,
    ],
    checkpoint: () => db.checkpoint(),
    close: () => db.close(),
  };
}

async function openSqlite(directory, synchronous) {
  const { default: Sqlite } = await import('better-sqlite3');
  const db = new Sqlite(join(directory, 'data.db'));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.exec(`create table if not exists account (id integer primary key autoincrement, email text not null unique, country text not null,
    score integer not null, balance integer not null, name text not null, createdAt integer not null, active integer not null);
    create index if not exists country on account (country); create index if not exists score on account (score)`);
  const insert = db.prepare('insert into account (email, country, score, balance, name, createdAt, active) values (?, ?, ?, ?, ?, ?, ?)');
  const one = (row) => insert.run(row.email, row.country, row.score, row.balance, row.name, row.createdAt.getTime(), row.active ? 1 : 0);
  return {
    commit: one,
    load: db.transaction((rows) => {
      for (const row of rows) one(row);
    }),
    count: () => db.prepare('select count(*) as n from account').get().n,
    reads: (email, country, score) => [
      db.prepare('select * from account where email = ?').get(email) ? 1 : 0,
      db.prepare('select * from account where country = ? limit 10').all(country).length,
      db.prepare('select * from account where score >= ? order by score limit 100').all(score).length,
    ],
    checkpoint: () => db.pragma('wal_checkpoint(RESTART)'),
    close: () => db.close(),
  };
}

async function openLmdb(directory) {
  const { open } = await import('lmdb');
  const root = open({ path: join(directory, 'lmdb'), overlappingSync: false, maxDbs: 4, mapSize: 8 * 2 ** 30 });
  const rows = root.openDB('account', { sharedStructuresKey: Symbol.for('structures') });
  const emails = root.openDB('email', { encoding: 'ordered-binary' });
  const countries = root.openDB('country', { encoding: 'ordered-binary', dupSort: true });
  const scores = root.openDB('score', { encoding: 'ordered-binary', dupSort: true });
  let last = rows.getKeys({ reverse: true, limit: 1 }).asArray[0] ?? 0;
  const put = (row) => {
    const id = ++last;
    rows.put(id, { ...row, id, createdAt: row.createdAt.getTime() });
    emails.put(row.email, id);
    countries.put(row.country, id);
    scores.put(row.score, id);
  };
  return {
    commit: (row) => root.transaction(() => put(row)),
    load: (many) => root.transaction(() => many.forEach(put)),
    count: () => rows.getCount(),
    reads: (email, country, score) => [
      rows.get(emails.get(email)) ? 1 : 0,
      countries.getValues(country, { limit: 10 }).map((id) => rows.get(id)).asArray.length,
      scores.getRange({ start: score, limit: 100 }).map(({ value }) => rows.get(value)).asArray.length,
    ],
    close: () => root.close(),
  };
}

async function openNedb(directory) {
  const { default: Datastore } = await import('@seald-io/nedb');
  const db = new Datastore({ filename: join(directory, 'data.db') });
  for (const fieldName of ['country', 'score']) await db.ensureIndexAsync({ fieldName });
  await db.ensureIndexAsync({ fieldName: 'email', unique: true });
  await db.loadDatabaseAsync();
  return {
    commit: (row) => db.insertAsync(row),
    load: (rows) => db.insertAsync(rows),
    count: () => db.getAllData().length,
    reads: async (email, country, score) => [
      (await db.findOneAsync({ email })) ? 1 : 0,
      (await db.findAsync({ country }).limit(10)).length,
      (
        await db
          .findAsync({ score: { $gte: score } })
          .sort({ score: 1 })
          .limit(100)
      ).length,
    ],
    close: () => undefined,
  };
}

async function openLoki(directory) {
  const { default: Loki } = await import('lokijs');
  const db = new Loki(join(directory, 'data.json'), { autosave: false });
  await new Promise((resolve) => db.loadDatabase({}, resolve));
  const rows =
    db.getCollection('account') ??
    db.addCollection('account', { unique: ['email'], indices: ['country', 'score'], adaptiveBinaryIndices: false });
  const save = () => new Promise((resolve, reject) => db.saveDatabase((error) => (error ? reject(error) : resolve())));
  return {
    commit: (row) => {
      rows.insert({ ...row });
      return save();
    },
    load: (many) => {
      rows.insert(many.map((row) => ({ ...row })));
    },
    count: () => rows.count(),
    reads: (email, country, score) => [
      rows.by('email', email) ? 1 : 0,
      rows.chain().find({ country }).limit(10).data().length,
      rows
        .chain()
        .find({ score: { $gte: score } })
        .simplesort('score')
        .limit(100)
        .data().length,
    ],
    close: save,
  };
}
