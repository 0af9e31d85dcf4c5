/**
 * A bank whose process is killed a hundred times, in the middle of whatever it does, on real files. After each kill it is
 * opened again at once, and audited from outside: nothing that was acknowledged is missing, and nothing is half there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bank, openBank, TOTAL } from './bank.js';

const KILLS = Number(process.env.KILLS ?? 100);
const LONGEST_LIFE_MS = 60;
const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));

/** Runs a writer, kills it after a while, and gives the last position that it said was safe. */
function runAndKill(path: string): Promise<{ acknowledged: number; count: number }> {
  return new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let errors = '';
    writer.stdout.on('data', (part: Buffer) => {
      if (said === '') setTimeout(() => writer.kill('SIGKILL'), Math.random() * LONGEST_LIFE_MS);
      said += part;
    });
    writer.stderr.on('data', (part: Buffer) => {
      errors += part;
    });
    writer.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the writer ended by itself, with code ${code}: ${errors}`));
      const lines = said.slice(0, said.lastIndexOf('\n') + 1).split('\n');
      const positions = lines.filter((line) => /^\d+$/.test(line)).map(Number);
      resolve({ acknowledged: Math.max(0, ...positions), count: positions.length });
    });
  });
}

function audit({ db, accounts, transfers }: Bank): void {
  assert.deepEqual([...db.check()], []);
  assert.equal(accounts.selectAll().sum('balance'), TOTAL);
  // The first transaction made the accounts; each one after it is a transfer.
  const last = transfers.selectAll().max('id') ?? 0;
  assert.equal(last, db.lsn - 1);
  assert.equal(transfers.count(), Math.min(last, 2000));
}

const path = mkdtempSync(join(tmpdir(), 'worktable-killed-'));
try {
  await (await openBank(path)).db.close();
  const tally = { kills: 0, acknowledged: 0, keptUnacknowledged: 0, tornTails: 0, checkpoints: 0, longestOpenMs: 0 };
  let checkpoint = 0;
  for (; tally.kills < KILLS; tally.kills++) {
    const { acknowledged, count } = await runAndKill(path);
    const bank = await openBank(path); // at once: a killed process holds no lock
    const { recovery } = bank.db;
    assert(recovery !== undefined && bank.db.lsn >= acknowledged, `${acknowledged} was acknowledged, and ${bank.db.lsn} is there`);
    audit(bank);
    tally.acknowledged += count;
    if (acknowledged > 0) tally.keptUnacknowledged += bank.db.lsn - acknowledged;
    if (recovery.tornTail !== null) tally.tornTails++;
    if (recovery.checkpointLsn > checkpoint) tally.checkpoints++;
    checkpoint = recovery.checkpointLsn;
    tally.longestOpenMs = Math.max(tally.longestOpenMs, recovery.durationMs);
    await bank.db.close();
  }
  assert(tally.acknowledged > KILLS, 'the writers had time to write');
  console.log(`${tally.kills} kills: ${tally.acknowledged} transactions acknowledged, none lost, none half there`);
  console.log(`kept, though not acknowledged yet: ${tally.keptUnacknowledged}; torn ends cut: ${tally.tornTails}`);
  console.log(`checkpoints between kills: ${tally.checkpoints}; longest opening: ${tally.longestOpenMs.toFixed(1)} ms`);
} finally {
  rmSync(path, { recursive: true, force: true });
}
