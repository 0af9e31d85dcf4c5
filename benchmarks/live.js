/**
 * What a change costs while a live query is kept: the ten active rows with the highest scores, beside peers that keep
 * the same answer, by size of the table. Each store and size runs in a process of its own. Prints a table, and saves it
 * as results/live.md.
 *
 *     node benchmarks/live.js [--rows 1000,10000,100000,1000000] [--timeout seconds]
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, identify, installPeers, ROOT, versionOf } from './setup.js';

const KEPT = 10;
const MOST_SCORE = 1_000_000;
const MOST_CHANGES = 20_000;
const MOST_MS = 4000;
const CHECKED = 10;
const WARM_MS = 2000;
/** Changes between two turns of the event loop, in which peers may do what they have put off. */
const TOGETHER = 10;

/** What is changed, by change `n`: the key, and the columns. */
const TRIALS = {
  'a row outside of the ten gets another score': (n, size) => [keyOf(n, size), { score: (n * 31) % 1000 }],
  'a row comes to the head of the ten': (n, size) => [keyOf(n, size), { score: MOST_SCORE + n }],
  'a row that does not meet the condition': (n, size) => [keyOf(n, size, 4), { name: `name ${n}` }],
};

/** Every fourth row is not active; `rest` 4 chooses one of those, and nothing one of the others. */
function keyOf(n, size, rest = 1 + (n % 3)) {
  return ((n * 7919) % (size / 4)) * 4 + rest;
}

function rowOf(id) {
  const mixed = Math.imul(id, 0x9e3779b1) >>> 0;
  return { id, name: `name ${id}`, score: 1000 + (mixed % (MOST_SCORE - 1000)), balance: mixed % 9973, active: id % 4 !== 0 };
}

function rowsOf(size) {
  return Array.from({ length: size }, (_, n) => rowOf(n + 1));
}

/** Opens a store with a live query: `change` changes a row, `top` gives the keys of the ten, `heard` counts what was told. */
const STORES = {
  worktable: async (size) => {
    const { Column, Database, PrimaryKey, Table } = await import(`${ROOT}dist/lib/index.js`);
    class Account {}
    PrimaryKey()(Account.prototype, 'id');
    const columns = { id: 'int', name: 'string', score: 'int', balance: 'int', active: 'boolean' };
    for (const [name, type] of Object.entries(columns)) Column(type)(Account.prototype, name);
    Table()(Account);
    const accounts = new Database({ tables: [Account] }).table(Account);
    for (let id = 1; id <= size; id++) accounts.insert(rowOf(id));
    const live = accounts.selectAll().where('active', '=', true).orderBy('score', 'desc').limit(KEPT).live();
    const store = { heard: 0, change: (id, patch) => accounts.updateBy(id, patch), top: () => live.rows.map((row) => row.id) };
    live.on('change', ({ added, removed, changed }) => {
      store.heard += added.length + removed.length + changed.length;
    });
    return store;
  },
  tinybase: async (size) => {
    const { createQueries, createStore } = await import('tinybase');
    const base = createStore();
    base.setTable('account', Object.fromEntries(rowsOf(size).map((row) => [row.id, row])));
    const queries = createQueries(base);
    queries.setQueryDefinition('top', 'account', ({ select, where }) => {
      for (const cell of ['id', 'name', 'score', 'balance', 'active']) select(cell);
      where('active', true);
    });
    const store = { heard: 0, change: (id, patch) => base.setPartialRow('account', String(id), patch) };
    store.top = () => queries.getResultSortedRowIds('top', 'score', true, 0, KEPT).map(Number);
    queries.addResultSortedRowIdsListener('top', 'score', true, 0, KEPT, () => store.heard++);
    return store;
  },
  signaldb: async (size) => {
    const { Collection } = await import('@signaldb/core');
    const accounts = new Collection();
    Collection.batch(() => {
      for (const row of rowsOf(size)) accounts.insert(row);
    });
    const cursor = accounts.find({ active: true }, { sort: { score: -1 }, limit: KEPT });
    const store = { heard: 0, change: (id, patch) => accounts.updateOne({ id }, { $set: patch }) };
    const hear = () => store.heard++;
    cursor.observeChanges({ added: hear, addedBefore: hear, changed: hear, removed: hear, movedBefore: hear }, true);
    store.top = () => accounts.find({ active: true }, { sort: { score: -1 }, limit: KEPT }).map(({ id }) => id);
    return store;
  },
  tanstack: async (size) => {
    const { createCollection, createLiveQueryCollection, eq, localOnlyCollectionOptions } = await import('@tanstack/db');
    const accounts = createCollection(localOnlyCollectionOptions({ id: 'account', getKey: ({ id }) => id, initialData: rowsOf(size) }));
    await accounts.preload();
    const top = createLiveQueryCollection((query) =>
      query
        .from({ account: accounts })
        .where(({ account }) => eq(account.active, true))
        .orderBy(({ account }) => account.score, 'desc')
        .limit(KEPT),
    );
    await top.preload();
    const store = { heard: 0, top: () => top.toArray.map(({ id }) => id) };
    store.change = (id, patch) => accounts.update(id, (draft) => void Object.assign(draft, patch));
    top.subscribeChanges((changes) => {
      store.heard += changes.length;
    });
    return store;
  },
};
const PEERS = { tinybase: 'tinybase', signaldb: '@signaldb/core', tanstack: '@tanstack/db' };

async function measure(name, size) {
  const store = await STORES[name](size);
  let n = 0;
  const times = {};
  // The same changes in all stores first: all must have the same answer then, and have told of it.
  for (const trial of Object.values(TRIALS)) for (let at = 0; at < CHECKED; at++) store.change(...trial(n++, size));
  await nextTurn();
  const top = store.top();
  const heard = store.heard > 0;
  for (const [trial, change] of Object.entries(TRIALS)) {
    const changeFor = async (mostMs) => {
      const begun = performance.now();
      let changes = 0;
      while (changes < MOST_CHANGES && performance.now() - begun < mostMs) {
        for (let at = 0; at < TOGETHER; at++) store.change(...change(n++, size));
        changes += TOGETHER;
        await nextTurn();
      }
      return changes;
    };
    await changeFor(WARM_MS);
    const before = process.cpuUsage();
    const changes = await changeFor(MOST_MS);
    const { user, system } = process.cpuUsage(before);
    times[trial] = ((user + system) * 1000) / changes;
  }
  return { top, heard, times };
}

function runAll(sizes, timeoutMs) {
  const results = new Map();
  const beaten = new Set();
  for (const size of sizes) {
    for (const name of Object.keys(STORES)) {
      if (beaten.has(name)) continue;
      const args = ['--max-old-space-size=6000', fileURLToPath(import.meta.url), '--store', name, '--rows', String(size)];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: timeoutMs });
      const result = status === 0 ? JSON.parse(stdout) : undefined;
      console.error(`${name} ${size}: ${result === undefined ? `did not end (${stderr.slice(0, 300)})` : JSON.stringify(result.times)}`);
      if (result !== undefined && !result.heard) throw new Error(`${name} told nothing`);
      const ours = results.get(`worktable ${size}`);
      if (result !== undefined && ours !== undefined && String(result.top) !== String(ours.top)) {
        throw new Error(`${name} has another answer: ${result.top}, and not ${ours.top}`);
      }
      if (result === undefined) beaten.add(name);
      results.set(`${name} ${size}`, result);
    }
  }
  return results;
}

const amount = (ns) => (ns >= 1e6 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e3).toFixed(1)} µs`);

function table(results, sizes, trial) {
  const names = Object.keys(STORES);
  const cell = (name, size) => {
    const ns = results.get(`${name} ${size}`)?.times[trial];
    if (ns === undefined) return '—';
    return name === 'worktable' ? amount(ns) : `${amount(ns)} (${(ns / results.get(`worktable ${size}`).times[trial]).toFixed(1)})`;
  };
  const lines = sizes.map((size) => `| ${size} | ${names.map((name) => cell(name, size)).join(' | ')} |`);
  return `| rows | ${names.join(' | ')} |\n|---:|${names.map(() => '---:').join('|')}|\n${lines.join('\n')}`;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000,10000,100000,1000000' },
    timeout: { type: 'string', default: '300' },
    store: { type: 'string' },
  },
});
const sizes = values.rows.split(',').map(Number);
if (values.store !== undefined) {
  console.log(JSON.stringify(await measure(values.store, sizes[0])));
  process.exit(0);
}
installPeers();
build();
const results = runAll(sizes, Number(values.timeout) * 1000);
const { version, commit, dirty } = identify();
const peers = Object.values(PEERS).map((peer) => `${peer} ${versionOf(peer)}`);
const text = `# Live queries: what a change costs

A live query keeps the ${KEPT} active rows with the highest scores, of a table of five columns in which three rows of four are
active; none has an index. Each change is an update of one row and what the query makes of it, its listener called. In
brackets, how many times worktable's: **above 1, worktable is faster**. worktable ${version}, commit ${commit}${dirty ? ', with changes' : ''},
Node ${process.version}; ${peers.join(', ')}. Each store and size ran in a process of its own, and what
is told is processor time, since others used the machine meanwhile: below 1.5, a ratio says nothing. — did not end within ${values.timeout} seconds, and is not tried with more rows. All stores had the same ten rows.

${Object.keys(TRIALS)
  .map((trial) => `## ${trial[0].toUpperCase()}${trial.slice(1)}\n\n${table(results, sizes, trial)}`)
  .join('\n\n')}
`;
console.log(text);
writeFileSync(fileURLToPath(new URL('results/live.md', import.meta.url)), text);
