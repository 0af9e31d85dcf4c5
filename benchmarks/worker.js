/**
 * One trial of one store at one size, in a process of its own, which the runner asks for one answer after the other.
 *
 * The first answer, untimed: fills the store; does a few operations and digests their answers, and after writes the rows
 * too, for the runner to compare between stores; warms up. Each answer after that is a timed round, after a collection of
 * garbage. Between them it tells how far it came, for the runner to know when it had to be ended.
 */
import { Dataset } from './dataset.js';
import { Digest, digestOfRows } from './digest.js';
import { leaveOut } from './leave-out.js';
import { bytesMeasured, openStore, paced, STORES } from './stores/stores.js';
import { askIndexes, BATCH_ROWS, CHECKED, ROUNDS, rows, TRIALS } from './trials.js';
import { answerInTurns, tellProgress } from './turns.js';

/**
 * @typedef {object} Job
 * @property {string} store
 * @property {string} trial
 * @property {number} size
 * @property {string} directory for files, emptied by the runner
 * @property {number} budgetMs no new round begins after this much measured time
 * @property {boolean} quick a tenth of the operations, two rounds
 * @property {string[]} [without] worktable's ways of being fast that are left out: names of `switches`
 */

/** Rows that a throwaway store is filled with, so that engines have compiled what they will. */
const WARM_ROWS = 20_000;
/** The same where memory is measured: few, for what they leave behind would be used again, unseen. */
const WARM_ROWS_MEMORY = 1000;
/** Measured time after which warming up ends. */
const WARM_MS = 1500;
/** Time after which a round ends, however many operations are left. */
const ROUND_MS = 8000;
/** Operations between two looks at the clock; where one takes longer than `SLOW_MS`, it is looked at after each. */
const STEP = 100;
const SLOW_MS = 5;
const QUICK_SHARE = 0.1;
const QUICK_ROUNDS = 2;

/** @type {Job} */
const job = JSON.parse(process.argv[2]);
const store = STORES.find((candidate) => candidate.name === job.store);
const data = new Dataset(job.size);
if (job.without !== undefined) await leaveOut(job.without);

answerInTurns(answersOf(TRIALS.find((candidate) => candidate.name === job.trial)));

function answersOf(trial) {
  if (trial === undefined) return probe();
  return trial.memory ? measureMemory() : measureTime(trial);
}

/** Whether the store works here at all: a native one may not even load. */
async function* probe() {
  const opened = await openStore(job.store, job.directory);
  await opened.insert(rows(data, 0, 1, opened)[0]);
  if ((await opened.getByKey(1))?.score === undefined) throw new Error('the row that was inserted is not there');
  await opened.close();
  yield { works: true };
}

async function* measureTime(trial) {
  const opened = await openStore(job.store, job.directory);
  if (!trial.fresh) await fillWithIndexes(opened, job.size);
  tellProgress('filled');
  const checksum = await check(trial, opened);
  const operations = operationsOf(trial);
  const begin = trial.fresh ? beginFresh : () => ({ opened, given: trial.prepare(data, operations, opened) });
  if (trial.fresh || trial.warmUp !== undefined) await warmElsewhere(trial);
  if (!trial.fresh) await pass(trial, opened, begin().given, WARM_MS);
  yield { operations, checksum };
  yield* rounds(trial, () => begin(trial, operations));
}

async function beginFresh(trial, operations) {
  const opened = await openStore(job.store, job.directory);
  return { opened, given: trial.prepare(data, operations, opened) };
}

function operationsOf(trial) {
  const operations = paced(store, trial, trial.operations(job.size));
  return job.quick && !trial.fresh ? Math.max(1, Math.ceil(operations * QUICK_SHARE)) : operations;
}

async function fill(opened, count) {
  for (let from = 0; from < count; from += BATCH_ROWS) {
    await opened.insertMany(rows(data, from, Math.min(BATCH_ROWS, count - from), opened));
  }
}

/** Some stores make an index when it is first asked: each is asked, so that no trial is of a store without them. */
async function fillWithIndexes(opened, count) {
  await fill(opened, count);
  await askIndexes(opened, data);
}

/** The digest of a few operations' answers, the same operations for every store, and of what they left behind. */
async function check(trial, opened) {
  const digest = new Digest(opened);
  for (const argument of trial.prepare(data, trial.checked ?? CHECKED, opened)) {
    const given = await trial.run(opened, argument);
    if (!trial.writes) digest.add(given);
  }
  if (trial.writes) await digestOfRows(digest, opened, data);
  return digest.value;
}

/** Warms up on a store that is thrown away: one that is filled by the trial itself, or whose every row it uses up. */
async function warmElsewhere(trial) {
  const count = paced(store, trial, Math.min(WARM_ROWS, job.size));
  const throwaway = await openStore(job.store, job.directory);
  if (trial.fresh) {
    await pass(trial, throwaway, trial.prepare(data, trial.operations(count), throwaway));
  } else {
    await fillWithIndexes(throwaway, count);
    await pass(trial, throwaway, trial.warmUp(count));
  }
  await throwaway.close();
}

/** Times rounds until there are enough, or the budget is spent: of each the nanoseconds a unit, how busy it was, and whether it was cut short. */
async function* rounds(trial, begin) {
  const wanted = job.quick ? QUICK_ROUNDS : (trial.rounds ?? ROUNDS);
  let spentMs = 0;
  for (let round = 0; round < wanted && spentMs < job.budgetMs; round++) {
    const { opened, given } = await begin();
    gc();
    const before = process.cpuUsage();
    const { elapsedMs, touched, done } = await pass(trial, opened, given);
    const { user, system } = process.cpuUsage(before);
    spentMs += elapsedMs;
    const ns = (elapsedMs * 1e6) / trial.units(touched, done, job.size);
    if (trial.fresh) await opened.close();
    yield { ns, busy: (user + system) / 1000 / elapsedMs, cut: done < given.length };
  }
}

/**
 * Runs a trial once for each argument, or for as many as there is time for. The clock is looked at between steps alone;
 * stores that answer at once are not made to wait for promises.
 */
async function pass(trial, opened, given, limitMs = ROUND_MS) {
  const step = store.promises ? stepAwaited : stepAtOnce;
  const before = performance.now();
  let touched = 0;
  let done = 0;
  let elapsedMs = 0;
  let operations = 1;
  while (done < given.length && elapsedMs < limitMs) {
    const end = Math.min(done + operations, given.length);
    const result = step(trial, opened, given, done, end);
    touched += store.promises ? await result : result;
    done = end;
    elapsedMs = performance.now() - before;
    operations = elapsedMs > SLOW_MS * done ? 1 : STEP;
  }
  return { elapsedMs, touched, done };
}

function stepAtOnce({ run, touch }, opened, given, from, end) {
  let touched = 0;
  for (let n = from; n < end; n++) touched += touch(run(opened, given[n]));
  return touched;
}

async function stepAwaited({ run, touch }, opened, given, from, end) {
  let touched = 0;
  for (let n = from; n < end; n++) touched += touch(await run(opened, given[n]));
  return touched;
}

/** Bytes a row of one filled store with all of its indexes, all of them and those on the JavaScript heap. */
async function* measureMemory() {
  const throwaway = await openStore(job.store, job.directory);
  await fill(throwaway, Math.min(WARM_ROWS_MEMORY, job.size));
  await throwaway.close();
  const opened = await openStore(job.store, job.directory);
  await settle();
  const bytesBefore = opened.bytes();
  const heapBefore = process.memoryUsage().heapUsed;
  await fillWithIndexes(opened, job.size);
  await settle();
  const value = (opened.bytes() - bytesBefore) / job.size;
  const heap = (process.memoryUsage().heapUsed - heapBefore) / job.size;
  const checksum = await digestOfRows(new Digest(opened), opened, data);
  yield { value, heap, measured: await bytesMeasured(job.store), checksum };
}

/** Collects garbage, array buffers too, which are freed a turn later. */
async function settle() {
  for (let turn = 0; turn < 5; turn++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
