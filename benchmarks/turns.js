/**
 * Processes that are measured in turns: each prepares, and waits; then one of them works at a time, a round each, over
 * and over. A machine's slow moment so meets all of them, and what they took is compared round by round.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { makeDirectory, OUT_OF_TIME, reasonOf } from './child.js';

/**
 * What a process gave when it was asked: an answer; nothing more to give (`done`); or how it ended.
 *
 * @typedef {{ answer: any } | { done: true } | { ended: string }} Given
 */

/** In the process itself: goes on to the next of its answers whenever it is asked, and ends with the last. */
export function answerInTurns(/** @type {AsyncGenerator} */ answers) {
  process.on('message', async () => {
    const { value, done } = await answers.next();
    process.send(done ? { done } : { answer: value });
  });
  process.on('disconnect', () => process.exit()); // whoever asked is gone
}

/** From the process itself, between answers: how far it came. */
export function tellProgress(/** @type {string} */ progress) {
  process.send?.({ progress });
}

/** A process that is asked for one answer after the other. */
class Contestant {
  /** The last that it told of how far it came. */
  progress = '';
  #errors = '';
  #child;
  #closed;
  #settle;

  /**
   * @param {string} script of this folder
   * @param {object} job its argument
   * @param {string[]} flags Node's
   */
  constructor(script, job, flags) {
    const args = [...flags, '--no-warnings', fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(job)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr.setEncoding('utf8').on('data', (part) => {
      this.#errors += part;
    });
    this.#child.on('message', ({ progress, ...given }) => {
      if (progress === undefined) this.#settle?.(given);
      else this.progress = progress;
    });
    this.#closed = once(this.#child, 'close').then(() => this.#settle?.(this.#reason()));
  }

  #reason() {
    return { ended: reasonOf(this.#errors, this.#child.signalCode) };
  }

  /** @param {number} limitMs time that it may take, after which it is ended @returns {Promise<Given>} */
  next(limitMs) {
    if (!this.#child.connected) return this.#closed.then(() => this.#reason());
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle({ ended: OUT_OF_TIME }), limitMs);
      this.#settle = (given) => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(given);
      };
      this.#child.send('next', () => {}); // where it cannot be sent, the process ends, and tells why
    });
  }

  /** Ends the process. @returns {Promise<void>} resolved when it is gone, its files closed */
  end() {
    this.#child.kill('SIGKILL');
    return this.#closed;
  }
}

/**
 * What came of one process.
 *
 * @typedef {object} Raced
 * @property {any} prepared its first answer
 * @property {any[]} turns its further ones
 * @property {string | undefined} ended how it ended, where it did not give all
 * @property {string} progress the last that it told of how far it came
 */

/**
 * Has processes of a script take turns: one for each job, with a `directory` of its own that is taken away afterwards.
 *
 * @param {string} script of this folder
 * @param {object[]} jobs
 * @param {{ flags: string[], limits: { prepareMs: number, turnMs: number }, make?: () => string }} options `flags` are Node's; `make` makes the directories, in memory by default
 * @returns {Promise<Raced[]>} by job
 */
export async function race(script, jobs, { flags, limits, make = makeDirectory }) {
  const directories = jobs.map(() => make());
  try {
    const contestants = jobs.map((job, at) => new Contestant(script, { ...job, directory: directories[at] }, flags));
    const found = await inTurns(contestants, limits);
    return found.map((one, at) => ({ ...one, progress: contestants[at].progress }));
  } finally {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Asks each for its first answer, the last ones first and as many at once as the machine has processors, for that is not
 * timed; then each in turn for the next, until none has more. Whoever was first in one turn is last in the next.
 */
async function inTurns(contestants, { prepareMs, turnMs }) {
  const found = contestants.map(() => ({ prepared: undefined, turns: [], ended: undefined }));
  const left = [...contestants.keys()].reverse().values();
  const prepareNext = async () => {
    for (const at of left) {
      const given = await contestants[at].next(prepareMs);
      found[at].prepared = given.answer;
      found[at].ended = given.ended;
      if (given.ended !== undefined) await contestants[at].end();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, prepareNext));
  let active = [...contestants.keys()].filter((at) => found[at].ended === undefined);
  while (active.length > 0) {
    const going = [];
    for (const at of active) {
      const given = await contestants[at].next(turnMs);
      found[at].ended = given.ended;
      if (given.answer === undefined) {
        await contestants[at].end();
        continue;
      }
      found[at].turns.push(given.answer);
      going.push(at);
    }
    active = [...going.slice(1), ...going.slice(0, 1)];
  }
  return found;
}
