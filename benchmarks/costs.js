/**
 * What locks, snapshots, async transactions, vacuum and measurement cost: each line beside the plain call on the same
 * rows, in a process of its own. Prints a table of ratios, and saves it as results/costs.md.
 *
 *     node benchmarks/costs.js [rows]
 */
import { spawnSync } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Dataset } from './dataset.js';
import { median } from './ratios.js';
import { identity, saveReport } from './setup.js';
import { openUsing } from './stores/worktable.js';

const ROUNDS = 7;
const [, script, size = '100000', wanted] = process.argv;
const ROWS = Number(size);

const nanoseconds = () => Number(process.hrtime.bigint());

/** A store with all rows, and keys in random order. */
function fill(options) {
  const data = new Dataset(ROWS);
  const store = openUsing('hash', options);
  for (let n = 0; n < ROWS; n++) store.insert(data.row(n));
  return { ...store, store, keys: data.keys(Math.min(ROWS, 50_000)), data };
}

/** The time of one operation: the median of some rounds over all keys, the first two of which only warm up. */
async function time(filled, run, before = () => undefined, after = () => undefined) {
  const { keys } = filled;
  const times = [];
  for (let round = 0; round < ROUNDS + 2; round++) {
    const state = before(round);
    const start = nanoseconds();
    for (let n = 0; n < keys.length; n++) {
      const result = run(keys[n], n + round, state);
      if (result instanceof Promise) await result;
    }
    if (round >= 2) times.push((nanoseconds() - start) / keys.length);
    after(state);
  }
  return median(times);
}

const update =
  ({ accounts }) =>
  (key, n) =>
    accounts.updateBy(key, { balance: n });
const get =
  ({ accounts }) =>
  (key) =>
    accounts.select(key);

/** By what is measured: the plain call's time, or that of a variant. */
const COSTS = {
  'update of a column': async () => {
    const filled = fill();
    return time(filled, update(filled));
  },
  'update, while another row is locked': async () => {
    const filled = fill();
    await filled.accounts.lock(ROWS + 1);
    return time(filled, update(filled));
  },
  'lock, update through the guard, unlock': async () => {
    const filled = fill();
    return time(filled, async (key, n) => {
      const guard = await filled.accounts.lock(key);
      guard.updateBy(key, { balance: n });
      guard.unlock();
    });
  },
  'update of each row once, under one snapshot': async () => snapshotsDuring(1),
  'update of each row once, under 8 snapshots': async () => snapshotsDuring(8),
  'update in a transaction': async () => {
    const filled = fill();
    return time(filled, (key, n) => filled.db.transaction(() => filled.accounts.updateBy(key, { balance: n })));
  },
  'read and update in an async transaction': async () => {
    const filled = fill();
    const { Account } = filled;
    return time(filled, (key, n) =>
      filled.db.transactionAsync(async (tx) => {
        const accounts = tx.table(Account);
        accounts.select(key);
        accounts.updateBy(key, { balance: n });
      }),
    );
  },
  'get by key': async () => {
    const filled = fill();
    return time(filled, get(filled));
  },
  'get by key through a snapshot': async () => snapshotRead(0),
  'get by key through a snapshot, a tenth changed since': async () => snapshotRead(0.1),
  'get by key, measured': async () => {
    const filled = fill({ measure: true });
    return time(filled, get(filled));
  },
  'take a snapshot and dispose of it': async () => {
    const filled = fill();
    return time(filled, () => filled.db.snapshot().dispose());
  },
  'get by key, in turns of 500': async () => turns(false, get),
  'get by key, in turns of 500, while half of the rows are vacuumed': async () => turns(true, get),
  'update of a column, in turns of 500': async () => turns(false, update),
  'update of a column, in turns of 500, while half of the rows are vacuumed': async () => turns(true, update),
};

/** The plain call that a line is compared with. */
function baseOf(name) {
  const call = name.includes('update') ? 'update of a column' : 'get by key';
  return name.includes('in turns of 500') ? `${call}, in turns of 500` : call;
}

function snapshotsDuring(count) {
  const filled = fill();
  const open = () => Array.from({ length: count }, () => filled.db.snapshot());
  return time(filled, update(filled), open, (snapshots) => {
    for (const snapshot of snapshots) snapshot.dispose();
  });
}

function snapshotRead(changed) {
  const filled = fill();
  const snapshot = filled.db.snapshot();
  const reader = snapshot.table(filled.Account);
  for (let key = 1; key <= ROWS * changed; key++) filled.accounts.updateBy(key, { balance: 1 });
  return time(filled, (key) => reader.select(key));
}

/** Calls with a pause after each 500, in which a vacuum has its slices. */
async function turns(vacuum, call) {
  const filled = fill();
  const { accounts, data } = filled;
  for (let key = 1; key <= ROWS; key += 2) accounts.delete(key);
  const keys = data.keys(ROWS).map((key) => key + (key % 2));
  const run = call(filled);
  let running = vacuum;
  const work = vacuum ? accounts.vacuum({ budgetMs: 1 }).finally(() => (running = false)) : undefined;
  const times = [];
  for (let at = 0; vacuum ? running : at < 200_000; at += 500) {
    const start = nanoseconds();
    for (let n = 0; n < 500; n++) run(keys[(at + n) % keys.length], n);
    times.push((nanoseconds() - start) / 500);
    await nextTurn();
  }
  await work;
  return median(times);
}

if (wanted !== undefined) {
  console.log(await COSTS[wanted]());
} else {
  const times = new Map();
  for (const name of Object.keys(COSTS)) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, size, name], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    times.set(name, Number(stdout));
  }
  const lines = [...times].map(([name, ns]) => `| ${name} | ${Math.round(ns)} | ${(ns / times.get(baseOf(name))).toFixed(2)} |`);
  const text = `# What it costs

${identity()}: ${ROWS} rows of eight columns. Each line ran in a process of its own; the
ratio is to the plain update, or to the plain get, above it. Machines are noisy: below 1.2, a ratio says nothing.

| | ns | ratio |
|---|---:|---:|
${lines.join('\n')}
`;
  console.log(text);
  saveReport('costs', text, Object.fromEntries(times));
}
