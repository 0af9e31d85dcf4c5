import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs a script of this folder in a process of its own. What it prints line by line as JSON is what it found so far, so
 * a process that dies has still told how far it came.
 *
 * @param {string} script the file's name
 * @param {object} job its argument
 * @param {{ flags?: string[], limitMs: number }} options `flags` are Node's
 * @returns {Promise<{ lines: object[], ended: string | undefined }>} `ended`: how it died, where it did
 */
export function runChild(script, job, { flags = [], limitMs }) {
  const args = [...flags, '--no-warnings', fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text.out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    text.error += part;
  });
  return new Promise((resolve) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, limitMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const lines = text.out
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      const reason = timedOut ? OUT_OF_TIME : reasonOf(text.error, signal);
      resolve({ lines, ended: code === 0 ? undefined : reason });
    });
  });
}

export const OUT_OF_TIME = 'out of time';

/** How a process ended that was not ended for want of time: of what it wrote to its error output, and its signal. */
export function reasonOf(errors, signal) {
  if (/heap out of memory|Reached heap limit/.test(errors)) return 'out of heap';
  const named = errors.split('\n').find((line) => /^\w*Error\b/.test(line.trim()));
  return named?.trim() ?? `ended by ${signal ?? 'an error'}`;
}

const SHARED_MEMORY = '/dev/shm';

/** Makes an empty directory, in memory where there is one. */
export function makeDirectory() {
  return mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'worktable-bench-'));
}

/** The name under which `draw`, from 0 to 99, falls, when each has its share of the hundred; nothing beyond the last. */
export function pick(shares, draw) {
  let left = draw;
  for (const name in shares) {
    left -= shares[name];
    if (left < 0) return name;
  }
  return undefined;
}
