/**
 * Every run that `docs/performance.md` is made of, one after the other, and then the page: `npm run bench -- --all`. What is
 * saved for the commit that is measured is not run again, so a run that was ended goes on.
 *
 *     node benchmarks/all.js [names of runs, by commas]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, HERE, identify, installPeers, RESULTS, savedFigures } from './setup.js';

/** By name; what most depends on comes first, since a run may be ended. */
const RUNS = {
  'run-100000': { script: 'run.js', args: ['--rows', '100000'], saved: () => hasSize(100_000) },
  'run-1000000': { script: 'run.js', args: ['--rows', '1000000'], saved: () => hasSize(1_000_000) },
  open: { script: 'open.js' },
  durable: { script: 'durable.js', args: ['100000'] },
  limits: { script: 'limits.js' },
  'order-book': { script: 'order-book.js', args: ['200000'] },
  ycsb: { script: 'ycsb.js' },
  gains: { script: 'gains.js' },
  pauses: { script: 'pauses.js' },
  growth: { script: 'growth.js' },
};

const { version, commit } = identify();

/** Whether the trials beside other stores are saved for this commit, at that size. */
function hasSize(size) {
  const path = join(RESULTS, `${version}-${commit}.json`);
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).sizes.includes(size);
}

const wanted = process.argv[2]?.split(',') ?? Object.keys(RUNS);
const strange = wanted.find((name) => !(name in RUNS));
if (strange !== undefined) throw new Error(`there is no run ${strange}; there are ${Object.keys(RUNS).join(', ')}`);

installPeers();
build();
const failed = [];
for (const [name, { script, args = [], saved }] of Object.entries(RUNS)) {
  if (!wanted.includes(name)) continue;
  if (saved?.() ?? savedFigures(name)?.commit === commit) {
    console.error(`${name}: saved for ${commit}`);
    continue;
  }
  const began = performance.now();
  const env = { ...process.env, BENCH_SKIP_BUILD: '1' };
  const { status } = spawnSync(process.execPath, [join(HERE, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  console.error(`${name}: ${status === 0 ? 'done' : 'FAILED'} in ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
  if (status !== 0) failed.push(name);
}
const page = spawnSync(process.execPath, [join(HERE, 'performance.js')], { stdio: 'inherit' });
if (page.status !== 0) failed.push('the page');
process.exitCode = failed.length === 0 ? 0 : 1;
