/**
 * Measures worktable beside other stores: `npm run bench -- [options]`.
 *
 *   --rows 100000,1000000   sizes
 *   --stores worktable,map  only these; worktable is what the others are compared with
 *   --trials insert,range   only these
 *   --repeat 3              processes a figure; all of their rounds count
 *   --quick                 few operations: a check that all works, and no measurement
 *   --check                 fails unless worktable is as fast as `rules.js` asks for
 *   --json                  prints the results as JSON, not as tables
 *   --all                   everything else that is measured, too, and the page of it all: `all.js`
 *
 * A run of everything is saved under `results`; of sizes by themselves, as one. All stores must give the same answers; the run fails where they do not.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, measureInTurns } from './measure.js';
import { median, mismatches } from './ratios.js';
import { markdown } from './report.js';
import { CHECKED_ROWS, CHECKED_STORES, CHECKED_TRIALS, judge } from './rules.js';
import { build, HERE, identify, installPeers, RESULTS, versionOf } from './setup.js';
import { mostOf, STORES } from './stores/stores.js';
import { TRIALS } from './trials.js';

const SIZES = [100_000, 1_000_000];
const REPEAT_DOUBTED = 3;
/** How often a store is tried that is not filled in time. */
const FILLINGS = 2;

/**
 * @typedef {object} Run
 * @property {string} version
 * @property {string} commit
 * @property {boolean} dirty
 * @property {string} node
 * @property {string} platform
 * @property {string} date
 * @property {number[]} sizes
 * @property {string[]} stores
 * @property {string[]} trials
 * @property {boolean} quick
 * @property {Record<string, string | undefined>} versions of the peers
 * @property {{ store: string, reason: string }[]} unavailable
 * @property {import('./measure.js').Result[]} results
 */

const options = readOptions();
if (options.all) process.exitCode = spawnSync(process.execPath, [join(HERE, 'all.js')], { stdio: 'inherit' }).status ?? 1;
else {
  installPeers();
  build();
  const run = await runAll(options);
  process.exitCode = finish(run, options) ? 0 : 1;
}

function readOptions() {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

function optionsOf(args) {
  const list = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const declared = {
    rows: list,
    stores: list,
    trials: list,
    repeat: { type: 'string', default: '1' },
    quick: flag,
    check: flag,
    json: flag,
    all: flag,
  };
  const { values } = parseArgs({ args, options: declared });
  const { quick, check, json } = values;
  return {
    sizes: check ? [CHECKED_ROWS] : (values.rows?.split(',').map(natural) ?? SIZES),
    stores: check ? CHECKED_STORES : among(values.stores, STORES, 'store'),
    named: values.stores !== undefined,
    trials: check ? CHECKED_TRIALS : among(values.trials, TRIALS, 'trial'),
    repeat: natural(values.repeat),
    whole: !check && !quick && values.stores === undefined && values.trials === undefined,
    quick,
    check,
    json,
    all: values.all,
  };
}

function natural(text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${text} is not a positive integer`);
  return number;
}

function among(text, known, kind) {
  const names = known.map(({ name }) => name);
  const wanted = text?.split(',') ?? names;
  const strange = wanted.find((name) => !names.includes(name));
  if (strange !== undefined) throw new Error(`there is no ${kind} ${strange}; there are ${names.join(', ')}`);
  return names.filter((name) => wanted.includes(name));
}

/** @returns {Promise<Run>} */
async function runAll({ sizes, stores, named, trials, quick, repeat, check }) {
  const unavailable = await findUnavailable(stores);
  const available = stores.filter((name) => !unavailable.some(({ store }) => store === name));
  const results = [];
  const unfilled = new Map();
  for (const size of sizes) {
    for (const trial of trials) {
      const measured = available.filter((store) => named || size <= mostOf(store, trial));
      const jobs = measured.map((store) => ({ store, trial, size, quick }));
      results.push(...(await measureSideBySide(jobs, repeat, unfilled)));
    }
  }
  if (check) await measureDoubted(results, quick);
  const versions = Object.fromEntries(STORES.filter(({ peer }) => peer).map(({ name, peer }) => [name, versionOf(peer)]));
  const platform = `${process.platform} ${process.arch}`;
  const date = new Date().toISOString().slice(0, 10);
  return { ...identify(), node: process.version, platform, date, sizes, stores, trials, quick, versions, unavailable, results };
}

async function findUnavailable(stores) {
  const found = [];
  for (const store of stores) {
    const { status, reason } = await measure({ store, trial: 'probe', size: 1000, quick: true });
    if (status !== 'measured') found.push({ store, reason: reason ?? status });
  }
  for (const { store, reason } of found) console.error(`${store} is not available: ${reason}`);
  return found;
}

/**
 * Measures a trial of stores in turns, so that a slow moment of the machine meets all of them, and tells. A store that
 * could not be filled in time, twice, is not tried again at that size.
 */
async function measureSideBySide(jobs, repeat, unfilled) {
  const missed = ({ store, size }) => unfilled.get(`${store} ${size}`) ?? 0;
  const tried = jobs.filter((job) => missed(job) < FILLINGS);
  const runs = [];
  for (let n = 0; n < repeat && tried.length > 0; n++) runs.push(await measureInTurns(tried));
  const turns = runs.map((run) => Math.max(...run.map(({ rounds = [] }) => rounds.length)));
  const measured = tried.map((_, at) =>
    joined(
      runs.map((run) => run[at]),
      turns,
    ),
  );
  for (const result of measured.filter(({ status, filled }) => status === 'timeout' && !filled)) {
    unfilled.set(`${result.store} ${result.size}`, missed(result) + 1);
  }
  const results = jobs.map((job) => measured[tried.indexOf(job)] ?? { ...pointOf(job), status: 'timeout', filled: false });
  for (const result of results) tell(result);
  return results;
}

function pointOf({ store, trial, size }) {
  return { store, trial, size };
}

/** What several processes found, as one: all of their rounds, each run's as many as it had turns, and the median of what has none. */
function joined(results, turns) {
  const failed = results.find(({ status }) => status !== 'measured');
  if (failed !== undefined || results.length === 1) return failed ?? results[0];
  const middle = results.toSorted((a, b) => a.value - b.value)[results.length >> 1];
  if (middle.rounds === undefined) return middle;
  const rounds = results.flatMap((result, run) => Array.from({ length: turns[run] }, (_, turn) => result.rounds[turn] ?? null));
  const cut = results.some((result) => result.cut);
  return { ...middle, rounds, value: median(rounds.filter((round) => round !== null)), busy: median(results.map(({ busy }) => busy)), cut };
}

function tell({ store, trial, size, status, value, reason, busy }) {
  const shown = status === 'measured' ? value.toFixed(1) : `${status} ${reason ?? ''}`;
  const disturbed = busy < 0.9 ? `  (had ${Math.round(busy * 100)} % of a processor)` : '';
  console.error(`${String(size).padStart(8)}  ${trial.padEnd(14)} ${store.padEnd(15)} ${shown}${disturbed}`);
}

/** Where a rule does not hold, all stores of its trial are measured again, several times, before that is believed. */
async function measureDoubted(results, quick) {
  const doubted = judge(results).filter(({ ratio, holds }) => ratio !== undefined && !holds);
  for (const trial of new Set(doubted.map((rule) => rule.trial))) {
    const first = results.filter((result) => result.trial === trial);
    const jobs = first.map(({ store }) => ({ store, trial, size: CHECKED_ROWS, quick }));
    const again = await measureSideBySide(jobs, REPEAT_DOUBTED, new Map());
    for (const [at, result] of first.entries()) results[results.indexOf(result)] = again[at];
  }
}

/** Prints and saves. @returns whether all is well */
function finish(run, { whole, json, check }) {
  console.log(json ? JSON.stringify(run, null, 2) : markdown(run));
  if (whole) save(withOtherSizes(run));
  const wrong = mismatches(run.results);
  for (const line of wrong) console.error(`stores gave different answers: ${line}`);
  const failed = run.results.filter(({ status }) => status === 'failed');
  for (const { store, trial, size, reason } of failed) console.error(`${store} failed at ${trial}, ${size} rows: ${reason}`);
  return [wrong.length === 0, failed.length === 0, !check || passes(run)].every(Boolean);
}

function fileOf({ version, commit }) {
  return join(RESULTS, `${version}-${commit}.json`);
}

/** A run of one size is one with those of others of the same commit: they need not be made at one time. */
function withOtherSizes(run) {
  if (!existsSync(fileOf(run))) return run;
  const saved = JSON.parse(readFileSync(fileOf(run), 'utf8'));
  const others = saved.sizes.filter((size) => !run.sizes.includes(size));
  const results = [...saved.results.filter(({ size }) => others.includes(size)), ...run.results];
  return { ...run, sizes: [...others, ...run.sizes].sort((a, b) => a - b), results };
}

function save(run) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(fileOf(run), `${JSON.stringify(run, null, 1)}\n`);
  writeFileSync(join(RESULTS, 'latest.md'), markdown(run));
}

/** Tells how each rule came out. A store that is not available breaks none; figures that are missing otherwise do. */
function passes(run) {
  const absent = (name) => run.unavailable.some(({ store }) => store === name);
  let sound = true;
  for (const { trial, store, atLeast, ratio, holds } of judge(run.results)) {
    const left = absent(store);
    if (!holds && !left) sound = false;
    const verdict = holds ? 'holds ' : left ? 'left  ' : 'BROKEN';
    console.error(`${verdict}  ${trial.padEnd(14)} ${store.padEnd(15)} ${ratio?.toFixed(2) ?? '–'} of at least ${atLeast.toFixed(2)}`);
  }
  return sound;
}
