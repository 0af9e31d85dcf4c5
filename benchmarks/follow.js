/**
 * How far a follower is behind: `node benchmarks/follow.js`, after `npm run build`. One process, files in a temporary
 * folder. Prints and saves, for followers in memory and on disk: the time to apply a history beside the time that it took to commit,
 * and, while a leader commits at a steady pace, the time from a commit until it is applied beside the time until it is durable.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Column, Database, Index, PrimaryKey, Table } from '../dist/lib/index.js';
import { median } from './ratios.js';
import { HERE, identify } from './setup.js';

class Item {}
PrimaryKey('autoincrement')(Item.prototype, 'id');
Column('long', { as: 'number' })(Item.prototype, 'id');
Column('string')(Item.prototype, 'name');
Index()(Item.prototype, 'name');
Column('double')(Item.prototype, 'price');
Table({ name: 'item' })(Item);

const HISTORY = Number(process.env.HISTORY ?? 20_000);
const STEADY = Number(process.env.STEADY ?? 1_000);
const folder = mkdtempSync(join(tmpdir(), 'worktable-bench-'));
const tables = [Item];
const open = (name) => (name === undefined ? new Database({ tables }) : Database.open({ path: join(folder, name), tables }));

/** One insert in a transaction of its own. */
const commit = (db, n) => db.table(Item).insert({ name: `item ${n % 1000}`, price: n / 8 });

async function run(kind) {
  const leader = await open(`leader-${kind}`);
  const started = performance.now();
  for (let n = 0; n < HISTORY; n++) commit(leader, n);
  await leader.waitForOps();
  const committedMs = performance.now() - started;

  const follower = await open(kind === 'memory' ? undefined : 'follower');
  const begun = performance.now();
  await follower.apply(leader.commits({ from: 0, to: HISTORY }), { source: 'leader' });
  await follower.waitForOps();
  const appliedMs = performance.now() - begun;

  const at = new Map();
  const applied = [];
  const durable = [];
  follower.on('commit', () => applied.push(performance.now() - at.get(follower.appliedLsn('leader'))));
  const following = follower.apply(leader.commits({ from: HISTORY, to: HISTORY + STEADY }), { source: 'leader' });
  for (let n = 0; n < STEADY; n++) {
    commit(leader, n);
    const time = performance.now();
    at.set(leader.lsn, time);
    void leader.waitForOps().then(() => durable.push(performance.now() - time));
    await pause(1);
  }
  await following;
  await leader.close();
  await follower.close();
  return {
    follower: kind,
    'apply ÷ commit, a history': (appliedMs / committedMs).toFixed(2),
    'lag ÷ until durable, median': (median(applied) / median(durable)).toFixed(2),
  };
}

try {
  const found = [await run('memory'), await run('disk')];
  console.table(found);
  const { version, commit } = identify();
  const names = Object.keys(found[0]);
  const lines = [names, names.map((name) => (name === 'follower' ? '---' : '---:')), ...found.map((one) => names.map((name) => one[name]))];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const made = `worktable ${version}, commit ${commit}, Node ${process.version}: a leader on disk, in commit mode; ${HISTORY.toLocaleString('en')} transactions of a row.`;
  writeFileSync(join(HERE, 'results', 'follow.md'), `# Following\n\n${made}\n\n${table}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
