/**
 * Pauses under a steady mixed load: reads and writes come at a fixed rate, whatever the store is doing, and an operation
 * has waited since the moment at which it was due. Prints the percentiles, the longest, and the time spent on garbage, of
 * worktable and of the map by hand; saves them under `results`.
 *
 *     node benchmarks/pauses.js [rows] [seconds] [operations a second]
 */
import { createHistogram, PerformanceObserver } from 'node:perf_hooks';
import { pick, runChild } from './child.js';
import { Dataset } from './dataset.js';
import { build, identity, installPeers, saveReport } from './setup.js';
import { openStore, STORES } from './stores/stores.js';
import { askIndexes, rows } from './trials.js';

const COMPARED = ['worktable', 'map'];
const BATCH_ROWS = 1000;
const WARM_SECONDS = 5;
/** Out of a hundred operations: the rest are reads, half by key and half by the unique index. */
const SHARES = { insert: 5, delete: 5, updateIndexed: 10, updatePlain: 20, range: 5 };
const RANGE_ROWS = 20;
/** Operations that are done before others of the process get their turn. */
const A_TURN = 64;

async function load({ store: name, size, seconds, perSecond }) {
  const data = new Dataset(size);
  const store = await openStore(name, '');
  for (let from = 0; from < size; from += BATCH_ROWS) store.insertMany(rows(data, from, Math.min(BATCH_ROWS, size - from), store));
  await askIndexes(store, data);
  const mix = new Mix(store, data, size);
  await run(mix, WARM_SECONDS, perSecond, undefined, undefined);
  globalThis.gc();
  const garbage = { ms: 0, longestMs: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      garbage.ms += duration;
      garbage.longestMs = Math.max(garbage.longestMs, duration);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const reads = createHistogram();
  const writes = createHistogram();
  const done = await run(mix, seconds, perSecond, reads, writes);
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  console.log(JSON.stringify({ done, reads: figures(reads), writes: figures(writes), garbage, perMillionMs: (garbage.ms / done) * 1e6 }));
}

function figures(histogram) {
  const at = (share) => histogram.percentile(share) / 1000;
  return { p50: at(50), p99: at(99), p999: at(99.9), p9999: at(99.99), longest: histogram.max / 1000 };
}

/** Operations drawn at random, the same ones for each store. */
class Mix {
  constructor(store, data, size) {
    this.store = store;
    this.data = data;
    this.next = size;
    this.oldest = 1;
  }

  /** Does one. @returns whether it was a write */
  step() {
    const { store, data } = this;
    const kind = pick(SHARES, data.integer(100));
    if (kind === 'insert') store.insert(store.shape(data.row(this.next++)));
    else if (kind === 'delete') store.delete(this.oldest++);
    else if (kind === 'updateIndexed') store.updateIndexed(this.key(), data.integer(data.mostScore));
    else if (kind === 'updatePlain') store.updatePlain(this.key(), data.integer(10_000_000));
    else if (kind === 'range') store.range(data.low(), RANGE_ROWS);
    else if (data.integer(2) === 0) store.getByKey(this.key());
    else store.getByUnique(data.row(this.key() - 1).email);
    return kind !== 'range' && kind !== undefined;
  }

  /** The key of a row that is there. */
  key() {
    return this.oldest + this.data.integer(this.next - this.oldest);
  }
}

/** Does what is due, one operation after the other, and lets the process have its turns. @returns how many were done */
async function run(mix, seconds, perSecond, reads, writes) {
  const gapNs = 1e9 / perSecond;
  const total = Math.round(seconds * perSecond);
  const began = performance.now() * 1e6;
  for (let done = 0; done < total; ) {
    for (const end = Math.min(total, done + A_TURN); done < end; done++) {
      const due = began + done * gapNs;
      if (performance.now() * 1e6 < due) break;
      const isWrite = mix.step();
      const waited = Math.max(1, Math.round(performance.now() * 1e6 - due));
      (isWrite ? writes : reads)?.record(waited);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return total;
}

async function compare(size, seconds, perSecond) {
  installPeers();
  build();
  const found = [];
  for (const store of COMPARED) {
    const flags = ['--expose-gc', '--max-old-space-size=12000'];
    const limitMs = (seconds + WARM_SECONDS) * 2000 + 600_000;
    const { lines, ended } = await runChild('pauses.js', { store, size, seconds, perSecond }, { flags, limitMs });
    const { title } = STORES.find(({ name }) => name === store);
    if (lines.length === 0) throw new Error(`${title}: ${ended}`);
    found.push({ store, title, ...lines[0] });
  }
  const report = markdown(found, { size, seconds, perSecond });
  console.log(report);
  saveReport('pauses', report, { size, seconds, perSecond, found });
}

function markdown(found, { size, seconds, perSecond }) {
  const columns = ['p50', 'p99', 'p999', 'p9999', 'longest'];
  const [own, ...others] = found;
  const line = (title, kind, value) => `| ${title} | ${kind} | ${columns.map(value).join(' | ')} |`;
  const ratios = others.flatMap((other) =>
    ['reads', 'writes'].map((kind) => line(other.title, kind, (column) => (other[kind][column] / own[kind][column]).toFixed(2))),
  );
  const figuresOf = found.flatMap((one) =>
    ['reads', 'writes'].map((kind) => line(one.title, kind, (column) => one[kind][column].toFixed(1))),
  );
  const head = '| | | p50 | p99 | p99.9 | p99.99 | longest |\n|---|---|---:|---:|---:|---:|---:|';
  const shares = Object.entries(SHARES).map(([name, share]) => `${share} % ${name}`);
  const garbage = found.map(
    ({ title, perMillionMs, garbage: { longestMs } }) => `| ${title} | ${perMillionMs.toFixed(0)} | ${longestMs.toFixed(1)} |`,
  );
  return `${[
    '# Pauses',
    `${identity()}: ${size.toLocaleString('en')} rows, ${seconds} seconds of ${perSecond.toLocaleString('en')} operations a second (${shares.join(', ')}, the rest gets by key and by the unique index). A time counts from the moment at which the operation was due.`,
    "## The other's time divided by worktable's (above 1, worktable's pause is shorter)",
    `${head}\n${ratios.join('\n')}`,
    '## Microseconds',
    `${head}\n${figuresOf.join('\n')}`,
    '## Garbage collection',
    `| | ms a million operations | longest, ms |\n|---|---:|---:|\n${garbage.join('\n')}`,
  ].join('\n\n')}\n`;
}

const argument = process.argv[2];
if (argument?.startsWith('{')) await load(JSON.parse(argument));
else await compare(Number(argument ?? 2_000_000), Number(process.argv[3] ?? 300), Number(process.argv[4] ?? 40_000));
