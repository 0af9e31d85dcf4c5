import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where runs save what they found. `BENCH_RESULTS` names another place, for runs that only try whether all works. */
export const RESULTS = process.env.BENCH_RESULTS ?? join(HERE, 'results');

/** Builds the store from the sources, so that what is measured is what is written. `BENCH_SKIP_BUILD` leaves that out. */
export function build() {
  if (process.env.BENCH_SKIP_BUILD) return;
  if (npm(['run', '--silent', 'build'], ROOT).status !== 0) throw new Error('the build failed; see above');
}

/** Installs the peers on first use. Without them, what is there is measured. */
export function installPeers() {
  if (existsSync(join(HERE, 'node_modules'))) return;
  console.error('installing the peers, once');
  if (npm(['install', '--no-save', '--no-audit', '--no-fund'], HERE).status !== 0) console.error('the peers could not be installed');
}

function npm(args, cwd) {
  return spawnSync('npm', args, { cwd, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
}

/** What the figures depend on; their own results are not among it. */
const MEASURED = ['lib', 'decorators', 'package.json', 'benchmarks', ':!benchmarks/results', ':!benchmarks/*.md'];

/** The version, the last commit to anything that figures depend on, and whether anything of that was changed since. */
export function identify() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  try {
    const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const commit = git('log', '-1', '--format=%h', '--', ...MEASURED);
    return { version, commit, dirty: git('status', '--porcelain', '--', ...MEASURED) !== '' };
  } catch {
    return { version, commit: 'unknown', dirty: true };
  }
}

/** The same in words, for the head of a report. */
export function identity() {
  const { version, commit, dirty } = identify();
  return `worktable ${version}, commit ${commit}${dirty ? ' with changes not committed' : ''}, Node ${process.version}`;
}

/**
 * Saves a report, and beside it the figures that it was made of, for the page of all and for runs that go on where one was
 * ended.
 *
 * @param {string} name of the files, without their ends
 * @param {string} text Markdown
 * @param {object} figures
 */
export function saveReport(name, text, figures) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.md`), text);
  const made = { ...identify(), node: process.version, date: new Date().toISOString().slice(0, 10) };
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify({ ...made, figures }, null, 1)}\n`);
}

/** What `saveReport` saved, or nothing where it did not. */
export function savedFigures(name) {
  const path = join(RESULTS, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** The version of a peer that is installed here. */
export function versionOf(peer) {
  try {
    return JSON.parse(readFileSync(join(HERE, 'node_modules', peer, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}
