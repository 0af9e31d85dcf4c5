/**
 * Stored databases beside one another: durable commits a second with 1 to 1,000 in flight, bulk load, opening, memory,
 * bytes on disk, and the latency of writes while a checkpoint runs. Each figure comes from a process of its own; prints
 * ratios, and saves them as results/durable.md.
 *
 *     node benchmarks/durable.js [rows]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Dataset } from './dataset.js';
import { median } from './ratios.js';
import { build, identify, installPeers } from './setup.js';

const [, script, size = '1000000', mode, storeName, trial] = process.argv;
const ROWS = Number(size);
const COMMIT_MS = 2000;
const IN_FLIGHT = [1, 10, 100, 1000];

/**
 * @typedef {object} DurableStore
 * @property {(row: import('./dataset.js').Row) => unknown} commit stores one row; durable when what it gives has resolved
 * @property {(rows: import('./dataset.js').Row[]) => unknown} load stores many rows as one transaction
 * @property {() => number} count
 * @property {(email: string, country: string, score: number) => unknown[] | Promise<unknown[]>} reads reads by each index: the
 * row of an email, ten of a country, a hundred from a score on, in its order. Gives how many rows each found
 * @property {() => unknown} close
 * @property {() => unknown} [checkpoint]
 */

/** @type {Record<string, { title: string, note?: string, open: (directory: string) => Promise<DurableStore> }>} */
const STORES = {
  worktable: { title: 'worktable, commit', open: (directory) => openWorktable(directory, 'commit') },
  relaxed: { title: 'worktable, relaxed', open: (directory) => openWorktable(directory, { relaxed: { intervalMs: 100 } }) },
  'sqlite-full': { title: 'better-sqlite3, WAL, FULL', open: (directory) => openSqlite(directory, 'FULL') },
  'sqlite-normal': { title: 'better-sqlite3, WAL, NORMAL', open: (directory) => openSqlite(directory, 'NORMAL') },
  lmdb: { title: 'lmdb, synced', open: openLmdb },
  nedb: { title: 'NeDB (never synced)', open: openNedb },
  lokijs: { title: 'LokiJS, fs adapter (never synced)', open: openLoki },
};

async function openWorktable(path, durability) {
  const { Column, Database, Index, PrimaryKey, Table } = await import('../dist/lib/index.js');
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

function bytesIn(directory) {
  return readdirSync(directory, { recursive: true }).reduce((sum, name) => {
    const { size: bytes, blocks } = statSync(join(directory, name));
    return sum + (statSync(join(directory, name)).isFile() ? Math.min(bytes, blocks * 512) : 0);
  }, 0);
}

/** Clients that each commit a row, wait until it is durable, and commit the next. */
async function commits(store, inFlight) {
  const data = new Dataset(10_000_000);
  let next = 0;
  let done = 0;
  const client = async (until) => {
    while (performance.now() < until) {
      await store.commit(data.row(next++));
      done++;
    }
  };
  const clients = (ms) => Promise.all(Array.from({ length: inFlight }, () => client(performance.now() + ms)));
  await clients(300);
  done = 0;
  const began = performance.now();
  await clients(COMMIT_MS);
  return { perSecond: (done / (performance.now() - began)) * 1000 };
}

const BATCH = 1000;

async function fill(store) {
  const data = new Dataset(ROWS);
  for (let from = 0; from < ROWS; from += BATCH) {
    await store.load(Array.from({ length: Math.min(BATCH, ROWS - from) }, (_, n) => data.row(from + n)));
  }
}

/** Latencies of one client, while checkpoints are made one after the other. */
async function latencies(store) {
  await fill(store);
  const data = new Dataset(10_000_000);
  let next = ROWS;
  const measure = async (ms) => {
    const times = [];
    for (const until = performance.now() + ms; performance.now() < until; ) {
      const began = performance.now();
      await store.commit(data.row(next++));
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] * 1000;
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  };
  const alone = await measure(3000);
  let ended = false;
  const work = (async () => {
    while (!ended) {
      await store.checkpoint();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const during = await measure(3000);
  ended = true;
  await work;
  return { alone, during };
}

async function runOne(directory) {
  const info = STORES[storeName];
  if (trial === 'open') {
    const began = performance.now();
    const store = await info.open(directory);
    const count = store.count();
    const seconds = (performance.now() - began) / 1000;
    if (count !== ROWS) throw new Error(`${count} rows, and ${ROWS} were stored`);
    const row = new Dataset(ROWS).row(Math.floor(ROWS / 3));
    const found = await store.reads(row.email, row.country, Math.floor(ROWS / 20));
    const firstReads = (performance.now() - began) / 1000;
    if (String(found) !== '1,10,100') throw new Error(`the first reads found ${found} rows`);
    return { seconds, firstReads, peakMb: process.resourceUsage().maxRSS / 1024 };
  }
  const store = await info.open(directory);
  if (trial === 'load') {
    const began = performance.now();
    await fill(store);
    await store.close();
    return { seconds: (performance.now() - began) / 1000, bytes: bytesIn(directory) };
  }
  if (trial === 'compact') {
    await store.checkpoint();
    await store.close();
    return { bytes: bytesIn(directory) };
  }
  if (trial === 'latency') return latencies(store);
  return commits(store, Number(trial));
}

if (mode === 'one') {
  const result = await runOne(process.env.BENCH_STORE);
  process.stdout.write(`\n${JSON.stringify(result)}\n`);
  process.exit(0);
}

/** Runs a trial in a process of its own. @returns what it measured, or nothing where it failed or took too long */
function measure(store, what, directory) {
  const args = ['--max-old-space-size=12000', script, size, 'one', store, String(what)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 240_000,
    env: { ...process.env, BENCH_STORE: directory },
  });
  if (status !== 0) {
    console.error(`${store} ${what}: ${stderr.trim().split('\n').at(-1) || 'took too long'}`);
    return undefined;
  }
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function fresh(work) {
  const directory = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'worktable-durable-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const ratio = (value, base) => (value === undefined || base === undefined ? '–' : (value / base).toPrecision(3));

installPeers();
build();
const lines = [];
const say = (line) => {
  lines.push(line);
  console.log(line);
};
const { version, commit, dirty } = identify();
say('# Stored: beside others\n');
say(
  `worktable ${version}, commit ${commit}${dirty ? '-dirty' : ''}, Node ${process.version}, made by \`node benchmarks/durable.js ${ROWS}\` in one run.`,
);
say('Rows of eight columns, a unique and two plain indexes; a process for each figure, the median of three for commits. Ratios');
say('are how many times worktable is faster (or smaller): above 1 is in its favour. Machines are noisy: below 1.2, a ratio says little.\n');

say('## Commits a second, each of one row, in flight at once\n');
say(`| beside worktable in commit mode | ${IN_FLIGHT.join(' | ')} |\n|---|${IN_FLIGHT.map(() => '---:').join('|')}|`);
const speeds = Object.keys(STORES).map((name) => [
  name,
  IN_FLIGHT.map((inFlight) => {
    const times = [1, 2, 3]
      .map(() => fresh((directory) => measure(name, inFlight, directory)?.perSecond))
      .filter((speed) => speed !== undefined);
    return median(times);
  }),
]);
const [, own] = speeds[0];
for (const [name, values] of speeds.slice(1))
  say(`| ${STORES[name].title} | ${values.map((value, at) => ratio(own[at], value)).join(' | ')} |`);
say(
  `\nworktable with 10, 100 and 1,000 in flight against itself with one: ${own
    .slice(1)
    .map((value) => ratio(value, own[0]))
    .join(', ')}.\n`,
);

say(`## ${ROWS.toLocaleString('en')} rows: load in transactions of ${BATCH}, open again, bytes\n`);
say(
  '| beside worktable in commit mode | load | open | open, and a first read by each index | peak memory of the opened process | bytes on disk |',
);
say('|---|---:|---:|---:|---:|---:|');
const sizes = Object.keys(STORES).map((name) =>
  fresh((directory) => {
    const load = measure(name, 'load', directory);
    const compact = name === 'worktable' ? measure(name, 'compact', directory) : undefined;
    return { name, load, bytes: compact?.bytes ?? load?.bytes, open: load && measure(name, 'open', directory) };
  }),
);
const [ours, ...peers] = sizes;
for (const { name, load, open, bytes } of peers) {
  const cells = [
    ratio(load?.seconds, ours.load?.seconds),
    ratio(open?.seconds, ours.open?.seconds),
    ratio(open?.firstReads, ours.open?.firstReads),
    ratio(open?.peakMb, ours.open?.peakMb),
    ratio(bytes, ours.bytes),
  ];
  say(`| ${STORES[name].title} | ${cells.join(' | ')} |`);
}
say(
  `\nworktable: ${(ours.bytes / ROWS).toFixed(0)} bytes a row after a checkpoint. better-sqlite3 and lmdb open without reading their rows; the others have them in memory then.\n`,
);

say('## Latency of a commit, one in flight, while checkpoints are made one after the other\n');
say('| | p50 | p99 | p99.9 |\n|---|---:|---:|---:|');
for (const name of ['worktable', 'sqlite-full']) {
  const found = fresh((directory) => measure(name, 'latency', directory));
  if (found === undefined) continue;
  const { alone, during } = found;
  say(
    `| ${STORES[name].title}: with checkpoints, against without | ${['p50', 'p99', 'p999'].map((p) => ratio(during[p], alone[p])).join(' | ')} |`,
  );
  say(`| ${STORES[name].title}: microseconds with checkpoints | ${['p50', 'p99', 'p999'].map((p) => during[p].toFixed(0)).join(' | ')} |`);
}
writeFileSync(fileURLToPath(new URL('./results/durable.md', import.meta.url)), `${lines.join('\n')}\n`);
