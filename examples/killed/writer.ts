/** Moves money between two tables as fast as it can, and says what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openBank } from './bank.js';

const AT_ONCE = 8;
const [path = ''] = process.argv.slice(2);
const { db, accounts, transfers } = await openBank(path);

/** One transaction over both tables; tells of it when the store has promised to keep it. */
async function transfer(): Promise<void> {
  db.transaction(() => {
    const from = Math.floor(Math.random() * accounts.count());
    const to = (from + 1 + Math.floor(Math.random() * (accounts.count() - 1))) % accounts.count();
    const amount = BigInt(Math.floor(Math.random() * 100));
    accounts.updateBy(from, { balance: (accounts.select(from)?.balance ?? 0n) - amount });
    accounts.updateBy(to, { balance: (accounts.select(to)?.balance ?? 0n) + amount });
    transfers.insert({ from, to, amount, note: 'x'.repeat(Math.floor(Math.random() * 200)) });
    if (transfers.count() > 2000) transfers.delete(transfers.selectAll().min('id') as number);
  });
  const { lsn } = db;
  await db.waitForOps();
  writeSync(1, `${lsn}\n`); // before anything else can happen to this process
}

async function task(): Promise<never> {
  for (;;) {
    await transfer();
    if (Math.random() < 0.1) await nextTurn();
    if (Math.random() < 0.002) void db.checkpoint();
  }
}

writeSync(1, 'ready\n');
await Promise.all(Array.from({ length: AT_ONCE }, task));
