import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Database } from '../../lib/index.js';
import { City } from './city.js';
import type { PlainCity } from './oracle.js';
import { count, milliseconds } from './show.js';
import type { Tour } from './tour.js';

export const CITIES_A_TRANSACTION = 100;
const KILLED_AFTER = 500;
const WRITER = fileURLToPath(new URL('./stored-writer.js', import.meta.url));

/** Another process stores the cities, and is killed while it does. @returns the last transaction that it was promised */
function writeAndKill(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    writer.stdout.on('data', (part: Buffer) => {
      said += part;
      if (said.split('\n').length > KILLED_AFTER) writer.kill('SIGKILL');
    });
    writer.on('close', (code, signal) => {
      const promised = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
      if (signal === 'SIGKILL') resolve(promised);
      else reject(new Error(`the writer ended with code ${code}`));
    });
  });
}

/** The cities on disk: written by a process that is killed with kill -9, and opened again. */
export async function stored(tour: Tour, plain: readonly PlainCity[]): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'worktable-cities-'));
  try {
    const promised = await writeAndKill(path);
    const db = await Database.open({ path, tables: [City] });
    const cities = db.table(City);
    const rows = cities.count();
    tour.step({
      title: 'Stored, killed, opened again',
      about: 'Another process stores the cities, and is killed by kill -9 in mid-write: all that was promised is there.',
      table: () => ({
        kept: db.lsn >= promised,
        whole: rows % CITIES_A_TRANSACTION,
        problems: [...db.check()],
        rows: cities.selectAll().execute(),
      }),
      array: () => ({ kept: true, whole: 0, problems: [], rows: plain.slice(0, rows) }),
      show: () => [
        [
          {
            promised: `${count(promised * CITIES_A_TRANSACTION)} cities`,
            found: `${count(rows)} cities`,
            'opened in': milliseconds(db.recovery?.durationMs ?? 0),
            'torn end': `${db.recovery?.tornTail?.bytes ?? 0} bytes`,
          },
        ],
      ],
    });
    await db.close();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
