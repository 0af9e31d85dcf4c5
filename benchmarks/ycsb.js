/**
 * The YCSB workloads A to F on every store, in turns: operations a second of each, as ratios. Rows are those of the other
 * trials; keys are drawn by YCSB's zipfian distribution (0.99), scrambled, and by the latest for D. Saved under `results`.
 *
 *     node benchmarks/ycsb.js [rows] [stores beside worktable, by commas]
 *
 * Cooper, Silberstein, Tam, Ramakrishnan, Sears: Benchmarking Cloud Serving Systems with YCSB, SoCC 2010. The zipfian
 * generator is that of Gray et al.: Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994.
 */
import { pick } from './child.js';
import { Dataset, mulberry32, SEED } from './dataset.js';
import { BASE, median, ratioOfTurns } from './ratios.js';
import { build, identity, installPeers, saveReport } from './setup.js';
import { openStore, STORES } from './stores/stores.js';
import { askIndexes, rows } from './trials.js';
import { answerInTurns, race } from './turns.js';

/** Shares of a hundred operations. A scan is an ordered range by an indexed column, from 1 to 100 rows. */
const WORKLOADS = {
  A: { title: 'half reads, half updates', shares: { read: 50, update: 50 } },
  B: { title: '95 reads, 5 updates', shares: { read: 95, update: 5 } },
  C: { title: 'reads alone', shares: { read: 100 } },
  D: { title: '95 reads of the latest, 5 inserts', shares: { read: 95, insert: 5 }, latest: true },
  E: { title: '95 scans, 5 inserts', shares: { scan: 95, insert: 5 } },
  F: { title: 'half reads, half read-modify-writes', shares: { read: 50, readModifyWrite: 50 } },
};
const BATCH_ROWS = 1000;
const WARM_MS = 700;
const TURN_MS = 300;
const TURNS = 11;
const LIMITS = { prepareMs: 240_000, turnMs: 60_000 };
const LONGEST_SCAN = 100;
const THETA = 0.99;
/** Operations between two looks at the clock. */
const A_LOOK = 16;

async function* turnsOf({ store: name, size, workload, directory }) {
  const store = await openStore(name, directory);
  const data = new Dataset(size);
  for (let from = 0; from < size; from += BATCH_ROWS) await store.insertMany(rows(data, from, Math.min(BATCH_ROWS, size - from), store));
  await askIndexes(store, data);
  const client = new Client(store, data, size, WORKLOADS[workload]);
  const { promises } = STORES.find((info) => info.name === name);
  await work(client, WARM_MS, promises);
  yield {};
  for (let turn = 0; turn < TURNS; turn++) yield await work(client, TURN_MS, promises);
}

/** @returns operations a second */
async function work(client, ms, promises) {
  const began = performance.now();
  let done = 0;
  let touched = 0;
  for (; performance.now() < began + ms; done += A_LOOK) {
    for (let n = 0; n < A_LOOK; n++) {
      const result = client.step();
      touched += touch(promises ? await result : result);
    }
  }
  if (Number.isNaN(touched)) throw new Error('what was read is no row');
  return (done / (performance.now() - began)) * 1000;
}

/** Draws operations and does them, the same ones on each store. */
class Client {
  constructor(store, data, size, { shares, latest }) {
    this.store = store;
    this.data = data;
    this.shares = shares;
    this.latest = latest;
    this.rows = size;
    this.random = mulberry32(SEED);
    this.zipf = new Zipfian(size, this.random);
  }

  step() {
    const { store, data } = this;
    switch (pick(this.shares, Math.floor(this.random() * 100))) {
      case 'update':
        return store.updatePlain(this.key(), data.integer(10_000_000));
      case 'insert':
        return store.insert(store.shape(data.row(this.rows++)));
      case 'scan':
        return store.range(data.low(), 1 + Math.floor(this.random() * LONGEST_SCAN));
      case 'readModifyWrite':
        return this.readModifyWrite(this.key());
      default:
        return store.getByKey(this.key());
    }
  }

  readModifyWrite(key) {
    const row = this.store.getByKey(key);
    if (typeof row?.then === 'function') return row.then((found) => this.store.updatePlain(key, found.balance + 1));
    return this.store.updatePlain(key, row.balance + 1);
  }

  key() {
    const rank = this.zipf.next();
    return this.latest ? this.rows - rank : 1 + ((Math.imul(rank, 0x9e3779b1) >>> 0) % this.zipf.items);
  }
}

/** Uses what was read, a row or rows, so that no engine leaves the read out. */
function touch(result) {
  return result?.score ?? result?.length ?? 0;
}

/** Ranks from 0, the smaller the likelier. */
class Zipfian {
  constructor(items, random) {
    this.items = items;
    this.random = random;
    let zeta = 0;
    for (let n = 1; n <= items; n++) zeta += 1 / n ** THETA;
    this.zeta = zeta;
    this.alpha = 1 / (1 - THETA);
    this.eta = (1 - (2 / items) ** (1 - THETA)) / (1 - (1 + 0.5 ** THETA) / zeta);
  }

  next() {
    const u = this.random();
    const scaled = u * this.zeta;
    if (scaled < 1) return 0;
    if (scaled < 1 + 0.5 ** THETA) return 1;
    return Math.min(this.items - 1, Math.floor(this.items * (this.eta * u - this.eta + 1) ** this.alpha));
  }
}

async function compare(size, names) {
  installPeers();
  build();
  const stores = STORES.filter(({ name }) => name === BASE || names === undefined || names.includes(name));
  const speeds = {};
  const times = {};
  for (const workload of Object.keys(WORKLOADS)) {
    const jobs = stores.map(({ name }) => ({ store: name, size, workload }));
    const found = await race('ycsb.js', jobs, { flags: ['--max-old-space-size=8192'], limits: LIMITS });
    const own = found[stores.findIndex(({ name }) => name === BASE)];
    speeds[workload] = {};
    times[workload] = {};
    for (const [at, { name, title }] of stores.entries()) {
      const { turns, ended } = found[at];
      console.error(`${workload}  ${title}  ${turns.length > 0 ? median([...turns]).toFixed(0) : ended}`);
      if (turns.length === 0) continue;
      speeds[workload][name] = median([...turns]);
      times[workload][name] = ratioOfTurns(own.turns, turns);
    }
  }
  const report = markdown(times, stores, size);
  console.log(report);
  saveReport('ycsb', report, { size, speeds, times });
}

/** @param times worktable's operations a second divided by each store's */
function markdown(times, stores, size) {
  const others = stores.filter(({ name }) => name !== 'worktable');
  const lines = Object.entries(WORKLOADS).map(([name, { title }]) => {
    const cells = others.map((store) => times[name][store.name]?.toFixed(2) ?? '–');
    return `| ${name}: ${title} | ${cells.join(' | ')} |`;
  });
  return `${[
    '# YCSB',
    `${identity()}: ${size.toLocaleString('en')} rows of eight columns, zipfian keys, in memory, a process for each figure; the stores took turns.`,
    "Operations a second of worktable divided by the other's: above 1, worktable is faster.",
    `| | ${others.map(({ title }) => title).join(' | ')} |\n|---|${others.map(() => '---:').join('|')}|\n${lines.join('\n')}`,
    'Scans of E are ordered ranges by an indexed column, which every store here has; YCSB scans by key.',
  ].join('\n\n')}\n`;
}

const argument = process.argv[2];
if (argument?.startsWith('{')) answerInTurns(turnsOf(JSON.parse(argument)));
else await compare(Number(argument ?? 100_000), process.argv[3]?.split(','));
