/**
 * Opening stored databases, beside one another and beside the least that it can take: reading the files, checking their
 * checksums, and decoding each row once. Some stores make indexes when they are first asked, so the time to
 * a first read by each index is told too. In turns, a process for each figure; saved under `results`.
 *
 *     node benchmarks/open.js [rows] [pairs] [stores, by commas]
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.js';
import { Dataset } from './dataset.js';
import { DURABLE_STORES, declareAccount } from './durable-stores.js';
import { median } from './ratios.js';
import { build, identity, installPeers, saveReport } from './setup.js';

const COMPARED = ['worktable', 'lokijs', 'nedb', 'sqlite-full', 'lmdb'];
/** Stores that take long are opened less often. */
const PAIRS_AT_MOST = { nedb: 3 };
const BATCH_ROWS = 1000;
const LIMIT_MS = 300_000;
const FLAGS = ['--max-old-space-size=12000'];

/** worktable's two directories: what is opened is also what is read for the least. */
const OWN = { checkpoint: 'worktable, from a checkpoint', log: 'worktable, from its log alone' };

const argument = process.argv[2];
if (argument?.startsWith('{')) await runJob(JSON.parse(argument));
else await compare(Number(argument ?? 1_000_000), Number(process.argv[3] ?? 5), process.argv[4]?.split(',') ?? COMPARED);

async function runJob(job) {
  const work = { load, checkpoint, open, least }[job.work];
  console.log(JSON.stringify({ result: (await work(job)) ?? null }));
  process.exit(0);
}

async function load({ store: name, directory, size }) {
  const store = await DURABLE_STORES[name].open(directory);
  const data = new Dataset(size);
  for (let from = 0; from < size; from += BATCH_ROWS) {
    await store.load(Array.from({ length: Math.min(BATCH_ROWS, size - from) }, (_, n) => data.row(from + n)));
  }
  await store.close();
}

async function checkpoint({ store: name, directory }) {
  const store = await DURABLE_STORES[name].open(directory);
  await store.checkpoint();
  await store.close();
}

/** Milliseconds to open it, and to have read by each index; each store's own code is loaded before. */
async function open({ store: name, directory, size }) {
  const info = DURABLE_STORES[name];
  await import(info.module);
  const row = new Dataset(size).row(Math.floor(size / 3));
  const began = performance.now();
  const store = await info.open(directory);
  const count = store.count();
  const openMs = performance.now() - began;
  const found = await store.reads(row.email, row.country, Math.floor(size / 20));
  const readMs = performance.now() - began;
  if (count !== size || String(found) !== '1,10,100') throw new Error(`${count} rows are there, and first reads found ${found}`);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  // Not of LokiJS: its close is a save.
  if (name === 'worktable') await store.close();
  return { openMs, readMs, peakMb };
}

/** Milliseconds to read the files with the store's own code, which checks each checksum, and to decode each row once. */
async function least({ directory, size }) {
  const { buildSchemas } = await import('../dist/lib/schema/build-schema.js');
  const { createCodec } = await import('../dist/lib/schema/create-codec.js');
  const { NodeDisk } = await import('../dist/lib/disk/node-disk.js');
  const recovery = await import('../dist/lib/persistence/recovery.js');
  const [schema] = buildSchemas([await declareAccount()]);
  const began = performance.now();
  const codec = createCodec(schema);
  let rows = 0;
  let scores = 0;
  const decode = (_table, bytes, from) => {
    rows++;
    scores += codec.decode(bytes, from).score;
  };
  const nothing = () => undefined;
  const target = { row: decode, insert: decode, begin: nothing, counter: nothing, position: nothing, end: nothing };
  const disk = new NodeDisk();
  const files = recovery.surveyStore(disk, directory);
  recovery.loadCheckpoints(disk, directory, files.manifest, target);
  recovery.replayLog(disk, directory, files.manifest, recovery.neededSegments(files, directory), target);
  const leastMs = performance.now() - began;
  if (rows !== size || !(scores > 0)) throw new Error(`${rows} rows were decoded`);
  return { leastMs };
}

async function compare(size, pairs, names) {
  installPeers();
  build();
  const root = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'worktable-open-'));
  try {
    const subjects = await prepare(root, size, names);
    const turns = [];
    for (let turn = 0; turn < pairs; turn++) turns.push(await measureAll(subjects, size, turn));
    const figures = { size, pairs, least: leastOf(turns), beside: besideOf(turns), turns };
    const report = markdown(figures);
    console.log(report);
    saveReport('open', report, figures);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Fills a directory for each store; worktable's is kept as the load left it, too. */
async function prepare(root, size, names) {
  const subjects = [];
  for (const store of names) {
    const directory = join(root, store);
    mkdirSync(directory);
    await job({ work: 'load', store, directory, size });
    if (store !== 'worktable') subjects.push({ name: store, store, directory });
    else {
      const log = join(root, 'log');
      cpSync(directory, log, { recursive: true });
      await job({ work: 'checkpoint', store, directory });
      subjects.push({ name: 'checkpoint', store, directory, floor: true }, { name: 'log', store, directory: log, floor: true });
    }
  }
  return subjects;
}

async function measureAll(subjects, size, turn) {
  const found = {};
  for (const { name, store, directory, floor } of subjects) {
    if (turn >= (PAIRS_AT_MOST[store] ?? Number.POSITIVE_INFINITY)) continue;
    const least = floor ? await job({ work: 'least', store, directory, size }) : undefined;
    found[name] = { ...least, ...(await job({ work: 'open', store, directory, size })) };
    console.error(`${name}: ${JSON.stringify(found[name])}`);
  }
  return found;
}

async function job(what) {
  const { lines, ended } = await runChild('open.js', what, { flags: FLAGS, limitMs: LIMIT_MS });
  if (lines.length === 0) throw new Error(`${what.work} of ${what.store}: ${ended}`);
  return lines[0].result;
}

/** By worktable's directory: its time divided by the least, turn by turn, the medians. */
function leastOf(turns) {
  return Object.keys(OWN).map((name) => ({
    name,
    open: median(turns.map((found) => found[name].openMs / found[name].leastMs)),
    read: median(turns.map((found) => found[name].readMs / found[name].leastMs)),
  }));
}

/** By other store: its time, and its memory, divided by worktable's from a checkpoint in the same turn, the medians. */
function besideOf(turns) {
  const others = Object.keys(turns[0]).filter((name) => !(name in OWN));
  return others.map((name) => {
    const pairs = turns.filter((found) => name in found);
    const ratio = (field) => median(pairs.map((found) => found[name][field] / found.checkpoint[field]));
    return { name, pairs: pairs.length, open: ratio('openMs'), read: ratio('readMs'), peak: ratio('peakMb') };
  });
}

function markdown({ size, pairs, least, beside }) {
  const row = (title, ...ratios) => `| ${title} | ${ratios.map((ratio) => ratio.toPrecision(3)).join(' | ')} |`;
  return `${[
    '# Opening a stored database',
    `${identity()}: ${size.toLocaleString('en')} rows of eight columns with a unique and two plain indexes. Each figure is the median of ${pairs} turns (of NeDB, ${PAIRS_AT_MOST.nedb} at most), in each of which every store was opened once, in a process of its own.`,
    "Some stores make an index when it is first asked, so opening is told with a first read by each index, too. The least is to read the files, check every checksum and decode each row once, by the store's own code, with nothing kept; opening also verifies that each row is one, makes the pages, and finds each key and each unique value to be there once.",
    `## worktable's time divided by the least (below 2 was to be reached)\n\n| | open | open, and a first read by each index |\n|---|---:|---:|\n${least.map(({ name, open, read }) => row(OWN[name], open, read)).join('\n')}`,
    `## Others divided by worktable from a checkpoint (above 1, worktable is faster, or smaller)\n\n| | open | open, and a first read by each index | peak memory after that |\n|---|---:|---:|---:|\n${beside.map(({ name, open, read, peak }) => row(DURABLE_STORES[name].title, open, read, peak)).join('\n')}`,
    'better-sqlite3 and lmdb open without reading their rows; the others have them in memory then.',
  ].join('\n\n')}\n`;
}
