import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

/** The version, the commit, and whether anything was changed since. */
export function identify() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  try {
    const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return { version, commit: git('rev-parse', '--short', 'HEAD'), dirty: git('status', '--porcelain', '--', ...MEASURED) !== '' };
  } catch {
    return { version, commit: 'unknown', dirty: true };
  }
}

/** What the figures depend on; their own results are not among it. */
const MEASURED = ['lib', 'decorators', 'package.json', 'benchmarks', ':!benchmarks/results'];

/** The version of a peer that is installed here. */
export function versionOf(peer) {
  try {
    return JSON.parse(readFileSync(join(HERE, 'node_modules', peer, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}
