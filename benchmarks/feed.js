/**
 * What the change feed costs, and what it gives: a commit under listeners and feeds, beside one that nobody observes;
 * events a second out of the log and out of the ring in memory. Each line runs in a process of its own. Prints tables of
 * ratios, and saves them as results/feed.md.
 *
 *     node benchmarks/feed.js [events]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './ratios.js';
import { build, identify } from './setup.js';

const [, script, size = '200000', wanted] = process.argv;
const EVENTS = Number(size);
const ROUNDS = 5;
const LISTENERS = [0, 1, 10, 100];

async function open(options = {}) {
  const { Column, Database, PrimaryKey, Table } = await import('../dist/lib/index.js');
  class Account {}
  PrimaryKey('autoincrement')(Account.prototype, 'id');
  for (const [name, type] of [
    ['email', 'string'],
    ['country', 'string'],
    ['balance', 'long'],
    ['score', 'int'],
  ]) {
    Column(type, type === 'long' ? { as: 'number' } : {})(Account.prototype, name);
  }
  Table()(Account);
  const db = await Database.open({ tables: [Account], ...options });
  const accounts = db.table(Account);
  for (let n = 0; n < 1000; n++) accounts.insert({ email: `user${n}@example.com`, country: 'FR', balance: n, score: n });
  await db.waitForOps();
  return { db, accounts };
}

/** Nanoseconds a commit of one update. Feeds are read in between, and not timed. */
async function commits({ db, accounts }, between = async () => undefined) {
  const times = [];
  const turn = 1000;
  for (let round = 0; round < ROUNDS + 1; round++) {
    let spent = 0n;
    for (let n = 0; n < EVENTS / ROUNDS; n += turn) {
      const begin = process.hrtime.bigint();
      for (let m = 0; m < turn; m++) accounts.updateBy((m % 1000) + 1, { score: n + m + round });
      spent += process.hrtime.bigint() - begin;
      await between(turn);
      await db.waitForOps();
    }
    if (round > 0) times.push(Number(spent) / (EVENTS / ROUNDS));
  }
  await db.close();
  return median(times);
}

async function listening(count) {
  const opened = await open();
  let heard = 0;
  for (let n = 0; n < count; n++) opened.accounts.on('change', () => heard++);
  const ns = await commits(opened);
  if (heard % Math.max(1, count) !== 0) throw new Error('a listener missed an event');
  return ns;
}

async function feeding(count, options) {
  const opened = await open(options);
  const feeds = Array.from({ length: count }, () => opened.db.changes());
  const ns = await commits(opened, async (turn) => {
    await opened.db.waitForOps();
    for (const feed of feeds) for (let n = 0; n < turn; n++) await feed.next();
  });
  return ns;
}

/** Nanoseconds an event, read after all were committed. */
async function replay(options, single) {
  const { db, accounts } = await open({ ...options, changes: { ringBytes: 2 ** 31 - 1 } });
  const from = db.lsn;
  for (let n = 0; n < EVENTS; ) {
    if (single) accounts.updateBy((n++ % 1000) + 1, { score: n });
    else
      db.transaction(() => {
        for (let m = 0; m < 100; m++) accounts.updateBy((n++ % 1000) + 1, { score: n });
      });
    if (n % 1000 === 0) await db.waitForOps();
  }
  await db.waitForOps();
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    let count = 0;
    for await (const _ of db.changes({ from, to: db.lsn })) count++;
    if (count !== EVENTS) throw new Error(`${count} events, and not ${EVENTS}`);
    times.push(Number(process.hrtime.bigint() - begin) / EVENTS);
  }
  await db.close();
  return median(times);
}

async function onDisk(work) {
  const path = mkdtempSync(join(tmpdir(), 'worktable-feed-'));
  try {
    return await work({ path, retention: { bytes: 2 ** 40 } });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const TRIALS = {
  ...Object.fromEntries(LISTENERS.map((count) => [`commit in memory, ${count} listeners`, () => listening(count)])),
  ...Object.fromEntries([1, 10].map((count) => [`commit in memory, ${count} feeds`, () => feeding(count, {})])),
  ...Object.fromEntries([0, 1, 10].map((count) => [`commit on disk, ${count} feeds`, () => onDisk((options) => feeding(count, options))])),
  'replay from memory, one event a transaction': () => replay({}, true),
  'replay from the log, one event a transaction': () => onDisk((options) => replay(options, true)),
  'replay from the log, 100 events a transaction': () => onDisk((options) => replay(options, false)),
};

if (wanted !== undefined) {
  console.log(await TRIALS[wanted]());
  process.exit(0);
}

build();
const results = new Map();
for (const name of Object.keys(TRIALS)) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, size, name], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  results.set(name, Number(stdout));
}
const line = (name, base) => `| ${name} | ${Math.round(results.get(name))} | ${(results.get(name) / results.get(base)).toFixed(2)} |`;
const rows = (kind, base) => [...results.keys()].filter((name) => name.startsWith(kind)).map((name) => line(name, base));
const { version, commit, dirty } = identify();
const text = `# What the change feed costs and gives

${EVENTS} updates of one column of a thousand rows, version ${version}, commit ${commit}${dirty ? ', changed' : ''}, Node ${process.version}. Each line ran in a process of its own. Feeds are read between turns of a thousand commits, outside of the time.

| a commit | ns | to nobody listening |
|---|---:|---:|
${[...rows('commit in memory', 'commit in memory, 0 listeners'), ...rows('commit on disk', 'commit on disk, 0 feeds')].join('\n')}

| an event, read after all were committed | ns | events a second |
|---|---:|---:|
${[...results]
  .filter(([name]) => name.startsWith('replay'))
  .map(([name, ns]) => `| ${name} | ${Math.round(ns)} | ${Math.round(1e9 / ns).toLocaleString('en')} |`)
  .join('\n')}
`;
console.log(text);
writeFileSync(fileURLToPath(new URL('results/feed.md', import.meta.url)), text);
