/**
 * What each way of being fast gains: trials with it and without it, each in a process of its own, the rounds of the two in
 * turns and the median of the turns' ratios; what is stored is measured in pairs of processes, one after the other. The
 * switches are those that the build has. Saved under `results`.
 *
 *     node benchmarks/gains.js [rows] [pairs] [switches, by commas]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.js';
import { Dataset } from './dataset.js';
import { DURABLE_STORES } from './durable-stores.js';
import { leaveOut, listSwitches } from './leave-out.js';
import { measureInTurns } from './measure.js';
import { median, ratioOfTurns } from './ratios.js';
import { build, identity, saveReport } from './setup.js';
import { TRIALS } from './trials.js';

/** By switch, the trials that it is there for, and those that might pay for it. */
const MATTERS = {
  compiledCodecs: ['readByKey', 'insert', 'updatePlain', 'filteredCount', 'storedOpen'],
  deferredIndexes: [
    'insert',
    'insertMany',
    'insertThenRead',
    'updateIndexed',
    'delete',
    'memory',
    'storedLoad',
    'storedOpen',
    'storedReads',
  ],
  repeatedText: ['getByKey', 'readByKey', 'range', 'memory'],
  askedText: ['getByUnique', 'insertMany'],
  knownText: ['getByUnique', 'byPlainIndex'],
  compiledFilters: ['filteredCount'],
  fetchAhead: ['byPlainIndex', 'range'],
  denseKeys: ['getByKey', 'insert', 'delete', 'memory', 'storedOpen'],
  keptRow: ['getByKey', 'byPlainIndex', 'range'],
  tightIds: ['getByKey', 'readByKey', 'updatePlain', 'memory'],
  hashedUnique: ['getByUnique', 'insert', 'delete', 'memory'],
  updatesInPlace: ['updatePlain', 'storedUpdate', 'memory'],
};
/** Of these, ten times the rows: they are about memory that no cache holds. */
const LARGE = ['fetchAhead', 'tightIds'];
/** Measured time of a process, after which no new round begins. */
const BUDGET_MS = 2500;
/** Tables as they are without options. */
const STORE = 'worktable-btree';
const BATCH_ROWS = 1000;
const UPDATES = 20_000;
const ROUNDS = 5;
const LIMIT_MS = 120_000;

/** What is measured on a stored database, in the relaxed mode, which the disk has the least part in. */
const STORED = {
  storedLoad: { title: 'stored: load in transactions of 1000', run: timeLoad },
  storedUpdate: { title: 'stored: update of a plain column', run: timeUpdates },
  storedOpen: { title: 'stored: open', prepared: true, run: timeOpen },
  storedReads: { title: 'stored: open, and a first read by each index', prepared: true, run: timeReads },
};

const SUBJECTS = [
  ...TRIALS.map(({ name, title }) => ({ trial: name, title })),
  ...Object.entries(STORED).map(([name, { title }]) => ({ trial: name, title, stored: true })),
];

const argument = process.argv[2];
if (argument?.startsWith('{')) await runStored(JSON.parse(argument));
else await compare(Number(argument ?? 100_000), Number(process.argv[3] ?? 3), process.argv[4]?.split(','));

async function runStored({ what, directory, size, without }) {
  await leaveOut(without);
  const data = new Dataset(size);
  await import('../dist/lib/index.js');
  console.log(JSON.stringify({ value: await STORED[what].run(directory, data) }));
  process.exit(0);
}

async function load(directory, data) {
  const store = await DURABLE_STORES.relaxed.open(directory);
  for (let from = 0; from < data.size; from += BATCH_ROWS) {
    await store.load(Array.from({ length: Math.min(BATCH_ROWS, data.size - from) }, (_, n) => data.row(from + n)));
  }
  return store;
}

/** Nanoseconds a row. */
async function timeLoad(directory, data) {
  const began = performance.now();
  await load(directory, data);
  return ((performance.now() - began) * 1e6) / data.size;
}

/** Nanoseconds an update, the wait for the disk at a round's end included. */
async function timeUpdates(directory, data) {
  const store = await load(directory, data);
  const times = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const keys = data.keys(Math.min(UPDATES, data.size));
    const began = performance.now();
    for (const [n, key] of keys.entries()) store.update(key, n);
    await store.settled();
    times.push(((performance.now() - began) * 1e6) / keys.length);
  }
  return median(times.slice(1));
}

async function timeOpen(directory, data) {
  const began = performance.now();
  const store = await DURABLE_STORES.relaxed.open(directory);
  const ms = performance.now() - began;
  if (store.count() !== data.size) throw new Error('rows are missing');
  await store.close();
  return ms;
}

async function timeReads(directory, data) {
  const { email, country } = data.row(1);
  const began = performance.now();
  const store = await DURABLE_STORES.relaxed.open(directory);
  await store.reads(email, country, 0);
  const ms = performance.now() - began;
  await store.close();
  return ms;
}

async function compare(size, pairs, names) {
  build();
  const root = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'worktable-gains-'));
  try {
    const switches = (await listSwitches()).filter(({ name }) => names === undefined || names.includes(name));
    const prepared = join(root, 'prepared');
    await storedOnce({ what: 'storedLoad', directory: prepared, size, without: [] });
    const lab = { root, prepared, size, pairs };
    const found = [];
    for (const one of switches) found.push({ ...one, ...(await gainsOf(one.name, lab)) });
    const report = markdown(found, size, pairs);
    console.log(report);
    saveReport('gains', report, { size, pairs, found });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function gainsOf(name, lab) {
  if (MATTERS[name] === undefined) throw new Error(`it is not said which trials ${name} is there for`);
  const subjects = SUBJECTS.filter(({ trial }) => MATTERS[name].includes(trial));
  const gains = [];
  for (const subject of subjects)
    gains.push(...(await gainsIn(subject, name, LARGE.includes(name) ? { ...lab, size: lab.size * 10 } : lab)));
  for (const { title, ratio } of gains) console.error(`${name}: ${title} ${ratio.toFixed(2)}`);
  return { gains };
}

/** Of each figure of a trial, what it takes without the switch divided by what it takes with it. */
async function gainsIn({ trial, title, stored }, name, lab) {
  const ratios = stored ? { value: await storedRatio(trial, name, lab) } : await ratiosOf(trial, name, lab.size);
  return Object.entries(ratios).map(([field, ratio]) => ({
    trial,
    title: `${title}${field === 'heap' ? ', on the JavaScript heap' : ''}${LARGE.includes(name) ? `, ${lab.size.toLocaleString('en')} rows` : ''}`,
    ratio,
  }));
}

/** Of times, the median of what the turns gave; of bytes, that of all and that of those on the JavaScript heap. */
async function ratiosOf(trial, name, size) {
  const job = { store: STORE, trial, size, quick: false, budgetMs: BUDGET_MS };
  const found = await measureInTurns([job, { ...job, without: [name] }]);
  for (const { status, reason } of found) if (status !== 'measured') throw new Error(`${trial} without ${name}: ${reason ?? status}`);
  const [usual, without] = found;
  if (usual.rounds !== undefined) return { value: ratioOfTurns(without.rounds, usual.rounds) };
  return { value: without.value / usual.value, heap: without.heap / usual.heap };
}

/** The median of pairs of processes that begin with either in turn. */
async function storedRatio(what, name, lab) {
  const ratios = [];
  for (let pair = 0; pair < lab.pairs; pair++) {
    const order = pair % 2 === 0 ? [[], [name]] : [[name], []];
    const found = [await storedFigure(what, order[0], lab), await storedFigure(what, order[1], lab)];
    const [usual, without] = pair % 2 === 0 ? found : found.reverse();
    ratios.push(without.value / usual.value);
  }
  return median(ratios);
}

async function storedFigure(what, without, { root, prepared, size }) {
  if (STORED[what].prepared) return storedOnce({ what, directory: prepared, size, without });
  const directory = mkdtempSync(join(root, 'fresh-'));
  try {
    return await storedOnce({ what, directory, size, without });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function storedOnce(job) {
  const { lines, ended } = await runChild('gains.js', job, { flags: ['--max-old-space-size=8192'], limitMs: LIMIT_MS });
  if (lines.length === 0) throw new Error(`${job.what} without ${job.without}: ${ended}`);
  return lines[0];
}

function markdown(found, size, pairs) {
  const lines = found.flatMap(({ name, says, gains }) =>
    gains.length === 0
      ? [`| \`${name}\`: ${says} | – | |`]
      : gains.map(({ title, ratio }, at) => `| ${at === 0 ? `\`${name}\`: ${says}` : ''} | ${title} | ${ratio.toFixed(2)} |`),
  );
  return `${[
    '# What each way of being fast gains',
    `${identity()}: ${size.toLocaleString('en')} rows, tables without options; each figure in a process of its own, the two in turns; of what is stored the median of ${pairs} pairs. What a trial takes without it, divided by what it takes with it: **above 1, it pays**.`,
    `| left out | trial | without / with |\n|---|---|---:|\n${lines.join('\n')}`,
  ].join('\n\n')}\n`;
}
