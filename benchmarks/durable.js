/**
 * Stored databases beside one another: durable commits a second with 1 to 1,000 in flight, bulk load, bytes on disk, and
 * the latency of writes while a checkpoint runs. Each figure comes from a process of its own, those of commits from
 * processes that take turns; prints ratios, and saves them as results/durable.md. Opening has a run of its own, `open.js`.
 *
 *     node benchmarks/durable.js [rows]
 */
import { spawnSync } from 'node:child_process';
import { fdatasyncSync, fsyncSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dataset } from './dataset.js';
import { DURABLE_STORES } from './durable-stores.js';
import { median, ratioOfTurns } from './ratios.js';
import { build, identity, installPeers, saveReport } from './setup.js';
import { answerInTurns, race } from './turns.js';

const [, script, size = '1000000', mode, storeName, trial] = process.argv;
const ROWS = Number(size);
const WARM_MS = 300;
const TURN_MS = 300;
const TURNS = 12;
const IN_FLIGHT = [1, 10, 100, 1000];
/** Time that a process may take to prepare, and for a turn: where files are written anew with each commit, one takes long. */
const LIMITS = { prepareMs: 60_000, turnMs: 60_000 };

function bytesIn(directory) {
  return readdirSync(directory, { recursive: true }).reduce((sum, name) => {
    const { size: bytes, blocks } = statSync(join(directory, name));
    return sum + (statSync(join(directory, name)).isFile() ? Math.min(bytes, blocks * 512) : 0);
  }, 0);
}

/** Turns of clients that each commit a row, wait until it is durable, and commit the next: commits a second. */
async function* commits({ store: name, inFlight, directory }) {
  const store = await DURABLE_STORES[name].open(directory);
  const data = new Dataset(1_000_000);
  let next = 0;
  const run = async (ms) => {
    let done = 0;
    const began = performance.now();
    const client = async () => {
      for (; performance.now() < began + ms; done++) await store.commit(data.row(next++));
    };
    await Promise.all(Array.from({ length: inFlight }, client));
    return (done / (performance.now() - began)) * 1000;
  };
  await run(WARM_MS);
  yield {};
  for (let turn = 0; turn < TURNS; turn++) yield await run(TURN_MS);
}

/** Commits whose bytes in the log tell how many a bare sync has to write. */
const WEIGHED = 500;
const AHEAD_BYTES = 2 ** 22;
const BARE = 'bare syncs';

/** The least of a durable commit: as many bytes as one has in the log, written over zeros and synced, and nothing else. */
async function* bareSyncs({ directory }) {
  const store = await DURABLE_STORES.worktable.open(directory);
  const data = new Dataset(WEIGHED);
  for (let n = 0; n < WEIGHED; n++) await store.commit(data.row(n));
  await store.close();
  const bytes = Buffer.alloc(Math.round(bytesIn(join(directory, 'wal')) / WEIGHED), 1);
  const file = openSync(join(directory, 'bare'), 'w');
  writeSync(file, Buffer.alloc(AHEAD_BYTES), 0, AHEAD_BYTES, 0);
  fsyncSync(file);
  let at = 0;
  const run = (ms) => {
    let done = 0;
    const began = performance.now();
    for (; performance.now() < began + ms; done++) {
      at = (at + bytes.length) % (AHEAD_BYTES - bytes.length);
      writeSync(file, bytes, 0, bytes.length, at);
      fdatasyncSync(file);
    }
    return (done / (performance.now() - began)) * 1000;
  };
  run(WARM_MS);
  yield { bytes: bytes.length };
  for (let turn = 0; turn < TURNS; turn++) yield run(TURN_MS);
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
  const info = DURABLE_STORES[storeName];
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
  return latencies(store);
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

/** Makes an empty directory on the disk that is measured. */
function makeStored() {
  return mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'worktable-durable-'));
}

function fresh(work) {
  const directory = makeStored();
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const ratio = (value, base) => (value === undefined || base === undefined ? '–' : (value / base).toPrecision(3));

/** The turns of every store with so many commits in flight; with one, those of bare syncs too. */
async function commitTurns(inFlight) {
  const stores = [...Object.keys(DURABLE_STORES), ...(inFlight === 1 ? [BARE] : [])];
  const jobs = stores.map((store) => ({ store, inFlight }));
  const found = await race('durable.js', jobs, { flags: ['--max-old-space-size=4096'], limits: LIMITS, make: makeStored });
  for (const [at, { ended }] of found.entries()) if (ended !== undefined) console.error(`${stores[at]} ${inFlight}: ${ended}`);
  return Object.fromEntries(stores.map((store, at) => [store, found[at]]));
}

async function compare() {
  installPeers();
  build();
  const lines = [];
  const say = (line) => {
    lines.push(line);
    console.log(line);
  };
  say('# Stored: beside others\n');
  say(`${identity()}, made by \`node benchmarks/durable.js ${ROWS}\` in one run.`);
  say('Rows of eight columns, a unique and two plain indexes; a process for each figure, those of commits in turns. Ratios');
  say(
    'are how many times worktable is faster (or smaller): above 1 is in its favour. Machines are noisy: below 1.2, a ratio says little.\n',
  );

  say('## Commits a second, each of one row, in flight at once\n');
  say(`| beside worktable in commit mode | ${IN_FLIGHT.join(' | ')} |\n|---|${IN_FLIGHT.map(() => '---:').join('|')}|`);
  const turns = [];
  for (const inFlight of IN_FLIGHT) turns.push(await commitTurns(inFlight));
  const [names] = turns.map((by) => Object.keys(by));
  const times = (at, name) => ratioOfTurns(turns[at].worktable.turns, turns[at][name].turns);
  for (const name of names.slice(1)) {
    if (name === BARE) continue;
    say(`| ${DURABLE_STORES[name].title} | ${IN_FLIGHT.map((_, at) => times(at, name)?.toPrecision(3) ?? '–').join(' | ')} |`);
  }
  const one = turns[0];
  const speeds = turns.map(({ worktable }) => median([...worktable.turns]));
  say(
    `\nworktable with 10, 100 and 1,000 in flight against itself with one: ${speeds
      .slice(1)
      .map((speed) => ratio(speed, speeds[0]))
      .join(', ')}.\n`,
  );
  const share = ratioOfTurns(one.worktable.turns, one[BARE].turns);
  if (share !== undefined)
    say(
      `Of a commit's time with one in flight, a loop that does nothing but write as many bytes (${one[BARE].prepared.bytes}) over zeros and sync them takes ${(share * 100).toFixed(0)} %.\n`,
    );

  say(`## ${ROWS.toLocaleString('en')} rows: load in transactions of ${BATCH}, bytes\n`);
  say('| beside worktable in commit mode | load | bytes on disk |');
  say('|---|---:|---:|');
  const sizes = Object.keys(DURABLE_STORES).map((name) =>
    fresh((directory) => {
      const load = measure(name, 'load', directory);
      const compact = name === 'worktable' ? measure(name, 'compact', directory) : undefined;
      return { name, load, bytes: compact?.bytes ?? load?.bytes };
    }),
  );
  const [ours, ...peers] = sizes;
  for (const { name, load, bytes } of peers) {
    say(`| ${DURABLE_STORES[name].title} | ${ratio(load?.seconds, ours.load?.seconds)} | ${ratio(bytes, ours.bytes)} |`);
  }
  say(`\nworktable: ${(ours.bytes / ROWS).toFixed(0)} bytes a row after a checkpoint.\n`);

  say('## Latency of a commit, one in flight, while checkpoints are made one after the other\n');
  say('| | p50 | p99 | p99.9 |\n|---|---:|---:|---:|');
  for (const name of ['worktable', 'sqlite-full']) {
    const found = fresh((directory) => measure(name, 'latency', directory));
    if (found === undefined) continue;
    const { alone, during } = found;
    say(
      `| ${DURABLE_STORES[name].title}: with checkpoints, against without | ${['p50', 'p99', 'p999'].map((p) => ratio(during[p], alone[p])).join(' | ')} |`,
    );
    say(
      `| ${DURABLE_STORES[name].title}: microseconds with checkpoints | ${['p50', 'p99', 'p999'].map((p) => during[p].toFixed(0)).join(' | ')} |`,
    );
  }
  const againstFull = IN_FLIGHT.map((_, at) => times(at, 'sqlite-full'));
  saveReport('durable', `${lines.join('\n')}\n`, { rows: ROWS, inFlight: IN_FLIGHT, againstFull, share });
}

if (size.startsWith('{')) {
  const job = JSON.parse(size);
  answerInTurns(job.store === BARE ? bareSyncs(job) : commits(job));
} else if (mode === 'one') {
  const result = await runOne(process.env.BENCH_STORE);
  process.stdout.write(`\n${JSON.stringify(result)}\n`);
  process.exit(0);
} else await compare();
