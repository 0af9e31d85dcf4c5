/**
 * Makes `docs/performance.md` of the results that runs have saved: what was to be reached and what was, every table, and
 * the plots. What the remaining time is spent on is written by hand, in `profile.md` beside this file.
 *
 *     node benchmarks/performance.js
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HERE, RESULTS, ROOT, savedFigures } from './setup.js';
import { STORES } from './stores/stores.js';
import { reached, reachedBeyond } from './targets.js';

const GROWTH_PLOTS = ['get', 'unique', 'update', 'updateIndexed', 'range', 'insertMany'];
const REPORTS = [
  ['pauses', 'benchmarks/pauses.js'],
  ['ycsb', 'benchmarks/ycsb.js'],
  ['order-book', 'benchmarks/order-book.js'],
  ['durable', 'benchmarks/durable.js'],
  ['open', 'benchmarks/open.js'],
  ['feed', 'benchmarks/feed.js'],
  ['follow', 'benchmarks/follow.js'],
  ['live', 'benchmarks/live.js'],
  ['costs', 'benchmarks/costs.js'],
  ['gains', 'benchmarks/gains.js'],
  ['limits', 'benchmarks/limits.js'],
];

const parts = [
  '# Performance',
  'Made by `node benchmarks/performance.js` of what `npm run bench -- --all` and the runs named below have saved. Machines are small and noisy, so ratios of one run are what counts; a ratio below 1.2 either way says little.',
  targets(),
  beyond(),
  section(join(RESULTS, 'latest.md'), '## Every trial beside every store'),
  growth(),
  ...REPORTS.map(([name, script]) => section(join(RESULTS, `${name}.md`), undefined, `By \`node ${script}\`.`)),
  section(join(HERE, 'profile.md')),
];
const page = process.env.BENCH_RESULTS === undefined ? join(ROOT, 'docs', 'performance.md') : join(RESULTS, 'performance.md');
writeFileSync(page, `${parts.filter((part) => part !== '').join('\n\n')}\n`);

/** The run that `latest.md` shows, as numbers; nothing where there was none. */
function latestRun() {
  if (!existsSync(join(RESULTS, 'latest.md'))) return undefined;
  const commit = /commit (\w+)/.exec(readFileSync(join(RESULTS, 'latest.md'), 'utf8'))[1];
  const file = readdirSync(RESULTS).find((name) => name.endsWith(`-${commit}.json`));
  return JSON.parse(readFileSync(join(RESULTS, file), 'utf8'));
}

function targets() {
  const run = latestRun();
  if (run === undefined) return '';
  const parts = run.sizes.map((size) => {
    const lines = reached(run.results, size).map(({ title, peers, map, best, own, aheadOfPeers, withinMap }) => {
      const peer = peers === undefined || best === undefined ? '–' : `${best.ratio.toFixed(2)} (${titleOf(best.name)})`;
      const wanted = [peers === undefined ? '–' : `at least ${peers}`, map === undefined ? '–' : `at most ${map.toFixed(2)}`];
      return `| ${title} | ${wanted[0]} | ${peer} | ${mark(aheadOfPeers)} | ${wanted[1]} | ${own?.toFixed(2) ?? '–'} | ${mark(withinMap)} |`;
    });
    return [
      `### ${size.toLocaleString('en')} rows`,
      `| | against the best peer | measured | | against Map + sorted-btree by hand | measured | |\n|---|---:|---:|---|---:|---:|---|\n${lines.join('\n')}`,
    ].join('\n\n');
  });
  return [
    '## What was to be reached',
    `Of commit ${run.commit}. Against a peer: its time divided by worktable's (of bytes, its size). Against the map: worktable's time divided by the map's, which hands out the rows that it holds and undoes nothing.`,
    ...parts,
  ].join('\n\n');
}

function beyond() {
  const lines = reachedBeyond((name) => savedFigures(name)?.figures).map(
    ({ title, wanted, measured, holds }) => `| ${title} | ${wanted} | ${measured} | ${mark(holds)} |`,
  );
  if (lines.length === 0) return '';
  return `### Beyond single figures\n\nFrom the runs below, which say of which commit they are.\n\n| | wanted | measured | |\n|---|---:|---:|---|\n${lines.join('\n')}`;
}

function titleOf(name) {
  return STORES.find((store) => store.name === name)?.title ?? name;
}

function mark(holds) {
  return holds === undefined ? '' : holds ? 'reached' : '**not reached**';
}

/** A report of its own, as a part of this one: its headings a level deeper. */
function section(path, title, by) {
  if (!existsSync(path)) return '';
  const [first, ...rest] = readFileSync(path, 'utf8').trim().split('\n');
  const body = rest.map((line) => (line.startsWith('#') ? `#${line}` : line));
  return [title ?? `#${first}`, ...(by === undefined ? [] : ['', by]), ...body].join('\n');
}

function growth() {
  const text = section(join(RESULTS, 'growth.md'), undefined, 'By `node benchmarks/growth.js`.');
  if (text === '') return '';
  const plots = GROWTH_PLOTS.filter((name) => existsSync(join(RESULTS, `growth-${name}.svg`)));
  return [text, ...plots.map((name) => `![${name}: time as the table grows](../benchmarks/results/growth-${name}.svg)`)].join('\n\n');
}
