import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HERE, ROOT } from './setup.js';
import { STORES } from './stores/stores.js';

/** Measured time after which a process begins no new round. */
const BUDGET_MS = 3000;
/** Time that a process may take, its filling included, per size. */
const LIMIT_MS = 20_000;
const LIMIT_LARGE_MS = 40_000;
const LARGE_ROWS = 500_000;
/** Rows of slow stores take more room than the default allows. */
const HEAP_MIB = 8192;
const SHARED_MEMORY = '/dev/shm';

/**
 * What came of one trial of one store at one size.
 *
 * @typedef {object} Result
 * @property {string} store
 * @property {string} trial
 * @property {number} size
 * @property {'measured' | 'timeout' | 'failed' | 'unavailable'} status
 * @property {number} [value] the median, in the trial's unit
 * @property {number[]} [rounds]
 * @property {number} [operations] a round
 * @property {number} [busy] processor time for elapsed time: well below 1, others took the processor away
 * @property {boolean} [cut] whether a round was ended before it had done all of its operations, for want of time
 * @property {number} [heap] of the trial of memory: bytes a row on the JavaScript heap
 * @property {string} [measured] of the trial of memory: how the bytes were
 * @property {string} [checksum] of the answers
 * @property {boolean} [filled] of a timeout: whether the rows were in by then
 * @property {string} [reason] of a failure
 */

/** Below this share of the processor, a measurement is made again, in the hope of a calmer moment. */
const BUSY_ENOUGH = 0.9;
const ATTEMPTS = 3;
/** What took longer than this is not made again. */
const SHORT_MS = 10_000;

/**
 * Runs one trial in a process of its own; again, where others disturbed it.
 *
 * @param {{ store: string, trial: string, size: number, quick: boolean, without?: string[], budgetMs?: number, attempts?: number }} job
 * @returns {Promise<Result>}
 */
export async function measure(job) {
  const before = performance.now();
  let best = await measureOnce(job);
  const short = performance.now() - before < SHORT_MS;
  for (let attempt = 1; short && attempt < (job.attempts ?? ATTEMPTS) && best.busy < BUSY_ENOUGH; attempt++) {
    const again = await measureOnce(job);
    if (again.status === 'measured' && again.busy > best.busy) best = again;
  }
  return best;
}

function measureOnce({ store, trial, size, quick, without, budgetMs = budgetOf(store) }) {
  const directory = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'worktable-bench-'));
  const job = { store, trial, size, directory, quick, without, budgetMs };
  const limitMs = size >= LARGE_ROWS ? LIMIT_LARGE_MS : LIMIT_MS;
  const args = ['--expose-gc', `--max-old-space-size=${HEAP_MIB}`, '--no-warnings', join(HERE, 'worker.js'), JSON.stringify(job)];
  const options = { timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      rmSync(directory, { recursive: true, force: true });
      resolve({ store, trial, size, ...outcome(error, stdout, stderr) });
    });
  });
}

function budgetOf(store) {
  return STORES.find(({ name }) => name === store).budgetMs ?? BUDGET_MS;
}

function outcome(error, stdout, stderr) {
  const lines = stdout.trim().split('\n');
  if (error === null) return { status: 'measured', ...JSON.parse(lines.at(-1)) };
  if (error.killed) return { status: 'timeout', filled: lines.includes('filled') };
  return { status: 'failed', reason: error.signal ?? reasonIn(stderr) };
}

/** The line of the output that names the error, without where on this machine it was. */
function reasonIn(stderr) {
  const lines = stderr
    .replaceAll(ROOT, '')
    .split('\n')
    .map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.find((line) => line !== '') ?? 'no reason was given';
}
