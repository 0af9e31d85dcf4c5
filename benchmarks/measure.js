import { OUT_OF_TIME } from './child.js';
import { median } from './ratios.js';
import { STORES } from './stores/stores.js';
import { race } from './turns.js';

const LARGE_ROWS = 500_000;
/** Measured time after which a process begins no new round, with few and with many rows. */
const BUDGET_MS = [3000, 6000];
/** Time that a process may take to be filled and to warm up, and for a round with the collection before it. */
const PREPARE_MS = [25_000, 150_000];
const TURN_MS = 40_000;
/** Rows of slow stores take more room than the default allows. */
const HEAP_MIB = 8192;

/**
 * What came of one trial of one store at one size.
 *
 * @typedef {object} Result
 * @property {string} store
 * @property {string} trial
 * @property {number} size
 * @property {'measured' | 'timeout' | 'failed' | 'unavailable'} status
 * @property {number} [value] the median, in the trial's unit
 * @property {number[]} [rounds] in their order: the same one of another store was measured beside it
 * @property {number} [operations] a round
 * @property {number} [busy] processor time for elapsed time: well below 1, others took the processor away
 * @property {boolean} [cut] whether a round was ended before it had done all of its operations, for want of time
 * @property {number} [heap] of the trial of memory: bytes a row on the JavaScript heap
 * @property {string} [measured] of the trial of memory: how the bytes were
 * @property {string} [checksum] of the answers
 * @property {boolean} [filled] of a timeout: whether the rows were in by then
 * @property {string} [reason] of a failure
 */

/**
 * @typedef {object} Job
 * @property {string} store
 * @property {string} trial
 * @property {number} size
 * @property {boolean} quick
 * @property {string[]} [without] of worktable's ways of being fast
 * @property {number} [budgetMs]
 */

/** Runs one trial in a process of its own. @param {Job} job @returns {Promise<Result>} */
export async function measure(job) {
  return (await measureInTurns([job]))[0];
}

/** Runs trials of one size, each in a process of its own, their rounds in turns. @param {Job[]} jobs @returns {Promise<Result[]>} */
export async function measureInTurns(jobs) {
  const large = Number(jobs[0].size >= LARGE_ROWS);
  const budgeted = jobs.map((job) => ({ ...job, budgetMs: job.budgetMs ?? budgetOf(job.store) ?? BUDGET_MS[large] }));
  const limits = { prepareMs: PREPARE_MS[large], turnMs: TURN_MS };
  const found = await race('worker.js', budgeted, { flags: ['--expose-gc', `--max-old-space-size=${HEAP_MIB}`], limits });
  return jobs.map(({ store, trial, size }, at) => ({ store, trial, size, ...outcome(found[at]) }));
}

function budgetOf(store) {
  return STORES.find(({ name }) => name === store).budgetMs;
}

function outcome({ prepared, turns, ended, progress }) {
  if (ended === OUT_OF_TIME) return { status: 'timeout', filled: progress === 'filled' };
  if (ended !== undefined) return { status: 'failed', reason: ended };
  if (turns.length === 0) return { status: 'measured', ...prepared };
  const rounds = turns.map(({ ns }) => Math.round(ns * 10) / 10);
  const busy = Math.round(median(turns.map((turn) => turn.busy)) * 100) / 100;
  return { status: 'measured', value: median([...rounds]), rounds, busy, cut: turns.some(({ cut }) => cut), ...prepared };
}
