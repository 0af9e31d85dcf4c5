/**
 * A shop in one process; an audit log, a search index and a copy in another, which follow it. Both processes are killed at
 * random moments, again and again. At the end everything is compared: the log has each transaction once and in order, and
 * what it tells makes the very rows that the shop has; so do the copy, and the words of the search index.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CommitEvent, Database } from '../../lib/index.js';
import { serve } from './serve.js';
import { openCopy, openSearch, openShop, Posting, Product, placesIn, plain, wordsOf } from './shop.js';

const KILLS = Number(process.env.KILLS ?? 6);
const LONGEST_LIFE_MS = 120;
const folder = mkdtempSync(join(tmpdir(), 'wt-follow-'));
const places = placesIn(folder);

/** Starts a process, and waits until it is at work. */
function start(script: 'leader' | 'follower', ...more: string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
    const child = spawn(process.execPath, [file, folder, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (part: Buffer) => {
      errors += part;
    });
    child.stdout.once('data', () => resolve(child));
    child.once('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) reject(new Error(`the ${script} ended by itself, with code ${code}: ${errors}`));
      if (signal !== 'SIGKILL' && code !== 0) console.error(errors);
    });
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('close', (code) => resolve(code));
  });
}

/** Kills one of the two, or both, and starts it again, as often as is asked for. */
async function disturb(): Promise<void> {
  const running = { leader: await start('leader'), follower: await start('follower') };
  for (let kills = 0; kills < KILLS; kills++) {
    await pause(Math.random() * LONGEST_LIFE_MS);
    const names = ([['leader'], ['follower'], ['leader', 'follower']] as const)[Math.floor(Math.random() * 3)] ?? [];
    for (const name of names) {
      assert(running[name].kill('SIGKILL'), `the ${name} ended by itself`);
      await ended(running[name]);
    }
    for (const name of names) running[name] = await start(name);
  }
  await pause(LONGEST_LIFE_MS);
  for (const child of Object.values(running)) {
    child.kill('SIGKILL');
    await ended(child);
  }
}

function rowsOf(db: Database): Map<number, string> {
  return new Map([...db.table(Product).selectAll()].map((row) => [row.id, `${row.title} ${row.cents}`]));
}

/** The rows that the audit log tells of, which has every transaction once. */
function audited(text: string): { rows: Map<number, string>; lsn: number } {
  const commits = text
    .trimEnd()
    .split('\n')
    .map((line): CommitEvent => plain.readCommit(JSON.parse(line)));
  const rows = new Map<number, string>();
  commits.forEach(({ lsn, changes }, at) => {
    assert.equal(lsn, at + 1, 'a transaction is missing in the audit log, or there twice');
    for (const { before, after } of changes) {
      const product = (after ?? before) as Product;
      if (after === null) rows.delete(product.id);
      else rows.set(product.id, `${product.title} ${product.cents}`);
    }
  });
  return { rows: new Map([...rows].sort(([a], [b]) => a - b)), lsn: commits.length };
}

try {
  await disturb();
  const shop = await openShop(places.shop);
  const server = serve(shop, places.socket);
  const follower = await start('follower', String(shop.lsn));
  assert.equal(await ended(follower), 0);
  const positions = shop.consumers.map(({ name, position }) => [name, position]);
  const [copy, search] = [await openCopy(places.copy), await openSearch(places.search)];
  const { rows, lsn } = audited(readFileSync(places.audit, 'utf8'));

  assert.equal(lsn, shop.lsn);
  assert.deepEqual(rows, rowsOf(shop));
  assert.deepEqual(rowsOf(copy), rowsOf(shop));
  const words = [...shop.table(Product).selectAll()].flatMap((product) => wordsOf(product).map((word) => `${word} ${product.id}`));
  assert.deepEqual([...search.table(Posting).selectAll()].map(({ word, product }) => `${word} ${product}`).sort(), words.sort());
  for (const db of [shop, copy, search]) assert.deepEqual([...db.check()], []);
  copy.unfollow('shop');
  assert.equal(copy.table(Product).nextKey(), shop.table(Product).nextKey());
  assert.deepEqual(positions.map(([name]) => name).sort(), ['audit', 'search']);

  console.log(`${KILLS} times killed: ${shop.lsn} transactions followed, each once, by an audit log, a search index and a copy`);
  console.log(`${rows.size} products and ${words.length} words are the same everywhere; acknowledged: ${JSON.stringify(positions)}`);
  server.close();
  for (const db of [shop, copy, search]) await db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
