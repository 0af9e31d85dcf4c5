/**
 * How the time of an operation grows with the table: 10 thousand to 10 million rows in one process of each store, with
 * Node's default heap. A store that runs out of it shows where. Prints a table, and saves it with plots under `results`.
 *
 *     node benchmarks/growth.js [most rows] [stores, by commas]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.js';
import { Dataset } from './dataset.js';
import { plot } from './plot.js';
import { build, identity, installPeers, RESULTS, saveReport } from './setup.js';
import { openStore, STORES } from './stores/stores.js';
import { askIndexes, rows } from './trials.js';

const SIZES = [10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000];
const COMPARED = ['worktable', 'map', 'lokijs'];
const OPERATIONS = 30_000;
/** Operations of the stores that take milliseconds for one. */
const FEW = 300;
const ROUNDS = 3;
const BATCH_ROWS = 1000;
const WARM_ROWS = 50_000;
/** Rows after which a store says how far it came, for the case that it comes no further. */
const A_WORD = 500_000;
const LIMIT_MS = 600_000;
/** What any store has to do that keeps rows apart from what finds them: measured alone, it shows what the machine's memory takes. */
const MACHINE = 'machine';
/** About those of a row here, with what it has in front of it. */
const ROW_BYTES = 80;
const PAGE_BYTES = 256 * 1024;

/** @type {Record<string, { title: string, prepare: (data: Dataset, count: number) => unknown[], run: (store: object, argument: never) => unknown, few?: string[] }>} */
const OPERATIONS_MEASURED = {
  get: { title: 'get by key', prepare: (data, count) => data.keys(count), run: (store, key) => store.getByKey(key).score },
  unique: {
    title: 'get by unique index',
    prepare: (data, count) => data.keys(count).map((key) => data.row(key - 1).email),
    run: (store, email) => store.getByUnique(email).score,
  },
  update: {
    title: 'update of a plain column',
    prepare: (data, count) => data.keys(count).map((key) => [key, data.integer(10_000_000)]),
    run: (store, [key, balance]) => store.updatePlain(key, balance),
  },
  updateIndexed: {
    title: 'update of an indexed column',
    prepare: (data, count) => data.keys(count).map((key) => [key, data.integer(data.mostScore)]),
    run: (store, [key, score]) => store.updateIndexed(key, score),
  },
  range: {
    title: 'ordered range of 100',
    few: ['lokijs'],
    prepare: (data, count) => Array.from({ length: count >> 4 }, () => data.low()),
    run: (store, low) => store.range(low, 100).length,
  },
};

const argument = process.argv[2];
if (argument?.startsWith('{')) {
  const job = JSON.parse(argument);
  if (job.store === MACHINE) growMemory(job);
  else await grow(job);
} else await compare(Number(argument ?? 10_000_000), process.argv[3]?.split(',') ?? COMPARED);

/** One store, filled further and further; a line of figures at each size. */
async function grow({ store: name, sizes }) {
  await warmUp(name);
  const store = await openStore(name, '');
  // Some make an index when it is first asked: asked before there are rows, they keep it from the first one on.
  await askIndexes(store, new Dataset(sizes[0]));
  let filled = 0;
  for (const size of sizes) {
    const data = new Dataset(size);
    const from = filled;
    let insertMs = 0;
    for (; filled < size; filled += BATCH_ROWS) {
      const batch = rows(data, filled, Math.min(BATCH_ROWS, size - filled), store);
      const began = performance.now();
      store.insertMany(batch);
      insertMs += performance.now() - began;
      if ((filled + batch.length) % A_WORD === 0) console.log(JSON.stringify({ filled: filled + batch.length }));
    }
    const figures = { insertMany: (insertMs * 1e6) / (size - from) };
    for (const [operation, { prepare, run, few }] of Object.entries(OPERATIONS_MEASURED)) {
      figures[operation] = time(store, data, prepare, run, few?.includes(name) ? FEW : OPERATIONS);
    }
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    console.log(JSON.stringify({ size, figures, bytes: (heapUsed + external) / size, heap: heapUsed / size }));
  }
}

/** An array of places, and rows of bytes at them, as many as a table has: a line of figures at each size. */
function growMemory({ sizes }) {
  const rowsAPage = Math.floor(PAGE_BYTES / ROW_BYTES);
  const pages = [];
  const store = { places: new Int32Array(0), last: 0 };
  // All words are 0; but no read can begin before the one before it has ended, as none can whose row is being made.
  const readTwo = (_store, row) => {
    const place = store.places[row + store.last];
    store.last = pages[Math.floor(place / rowsAPage)][((place % rowsAPage) * ROW_BYTES) >> 2];
  };
  const rowsOf = (data, count) => data.keys(count).map((key) => key - 1);
  for (const size of [WARM_ROWS, ...sizes]) {
    while (pages.length * rowsAPage < size) pages.push(new Int32Array(PAGE_BYTES / 4).fill(0));
    store.places = Int32Array.from({ length: size }, (_, row) => row);
    const figures = { get: time(store, new Dataset(size), rowsOf, readTwo, OPERATIONS) };
    if (size !== WARM_ROWS) console.log(JSON.stringify({ size, figures }));
  }
}

/** So that the first size is not measured while the engine still compiles. */
async function warmUp(name) {
  const store = await openStore(name, '');
  const data = new Dataset(WARM_ROWS);
  for (let from = 0; from < WARM_ROWS; from += BATCH_ROWS) store.insertMany(rows(data, from, BATCH_ROWS, store));
  for (const { prepare, run, few } of Object.values(OPERATIONS_MEASURED)) {
    time(store, data, prepare, run, few?.includes(name) ? FEW : OPERATIONS);
  }
  await store.close();
}

/** Nanoseconds an operation: the least of a few rounds, for what disturbs only adds. */
function time(store, data, prepare, run, count) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const given = prepare(data, count);
    const began = performance.now();
    for (const one of given) run(store, one);
    least = Math.min(least, ((performance.now() - began) * 1e6) / given.length);
  }
  return least;
}

async function compare(most, names) {
  installPeers();
  build();
  const sizes = SIZES.filter((size) => size <= most);
  const found = [];
  const { lines: machine } = await runChild('growth.js', { store: MACHINE, sizes }, { flags: ['--expose-gc'], limitMs: LIMIT_MS });
  for (const name of names) {
    const { lines, ended } = await runChild('growth.js', { store: name, sizes }, { flags: ['--expose-gc'], limitMs: LIMIT_MS });
    const most = Math.max(0, ...lines.map(({ size, filled }) => size ?? filled));
    const { title } = STORES.find((store) => store.name === name);
    found.push({ name, title, lines: lines.filter(({ figures }) => figures !== undefined), most, ended });
    console.error(`${name}: to ${most} rows${ended === undefined ? '' : `, ${ended}`}`);
  }
  const report = markdown(found, machine, sizes);
  console.log(report);
  saveReport('growth', report, { found, machine });
  for (const [operation, { title }] of [['insertMany', { title: 'insertMany, a row' }], ...Object.entries(OPERATIONS_MEASURED)]) {
    const lines = found.map(({ title: store, lines: all, ended }) => ({
      name: store,
      points: all.map(({ size, figures }) => [size, figures[operation]]),
      ...(ended === undefined ? {} : { end: ended }),
    }));
    const svg = plot({ title: `${title}: time as the table grows`, x: 'rows', y: 'nanoseconds', lines });
    writeFileSync(join(RESULTS, `growth-${operation}.svg`), svg);
  }
}

function markdown(found, machine, sizes) {
  const own = found.find(({ name }) => name === 'worktable');
  const operations = [
    ['insertMany', 'insertMany, a row'],
    ...Object.entries(OPERATIONS_MEASURED).map(([name, { title }]) => [name, title]),
  ];
  const head = (first) =>
    `| ${first} | ${sizes.map((size) => size.toLocaleString('en')).join(' | ')} |\n|---|${sizes.map(() => '---:').join('|')}|`;
  const at = (lines, size, operation) => lines.find((line) => line.size === size)?.figures[operation];
  const growth = operations.map(([operation, title]) => {
    const first = own?.lines[0]?.figures[operation];
    const cells = sizes.map((size) => ratio(at(own?.lines ?? [], size, operation), first));
    return `| ${title} | ${cells.join(' | ')} |`;
  });
  const alone = sizes.map((size) => ratio(at(machine, size, 'get'), machine[0]?.figures.get));
  const logarithm = sizes.map((size) => (Math.log(size) / Math.log(sizes[0])).toFixed(2));
  const beside = found.flatMap(({ name, title, lines, ended }) =>
    name === 'worktable'
      ? []
      : operations.map(([operation, what]) => {
          const cells = sizes.map((size) => ratio(at(lines, size, operation), at(own?.lines ?? [], size, operation), ended));
          return `| ${title}: ${what} | ${cells.join(' | ')} |`;
        }),
  );
  const memory = found.map(({ title, lines, ended }) => {
    const cells = sizes.map((size) => lines.find((line) => line.size === size)?.bytes.toFixed(0) ?? ended ?? '–');
    return `| ${title} | ${cells.join(' | ')} |`;
  });
  return `${[
    '# Growth',
    `${identity()} with its default heap; one process a store, filled further and further.`,
    `## worktable's time an operation, as multiples of its time at ${sizes[0].toLocaleString('en')} rows`,
    `${head('')}\n${growth.join('\n')}\n| the machine alone | ${alone.join(' | ')} |\n| log n | ${logarithm.join(' | ')} |`,
    `The machine alone: of a random row, its place from an array, and a word of the ${ROW_BYTES} bytes there, with no store around it. What it grows by is what caches and page tables no longer hold.`,
    "## Others' time divided by worktable's (above 1, worktable is faster)",
    `${head('')}\n${beside.join('\n')}`,
    '## Bytes a row: heap and external memory of the process',
    `${head('')}\n${memory.join('\n')}`,
    found
      .filter(({ ended }) => ended !== undefined)
      .map(
        ({ title, most, ended }) =>
          `${title} ended between ${most.toLocaleString('en')} and ${(most + A_WORD).toLocaleString('en')} rows: ${ended}.`,
      )
      .join(' '),
  ].join('\n\n')}\n`;
}

function ratio(value, base, otherwise = '–') {
  return value === undefined || base === undefined ? otherwise : (value / base).toFixed(2);
}
