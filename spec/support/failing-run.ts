import type { Disk } from '../../lib/disk/disk.js';
import { Database, DiskFullError, PersistenceFailedError } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { CRASH_MODES, type CrashMode, type DiskOp, Medium, RecordingDisk } from './crash-disk.js';
import { CRASH_TABLES, Left, Right, recover, SMALL, type State, stateOf, taskOf } from './crash-workload.js';
import { Random } from './random.js';

export const CODES = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'short'] as const;
export const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'short']);

export interface Failure {
  readonly at: number;
  readonly code: (typeof CODES)[number];
  readonly forever: boolean;
}

/** Throws in place of a change of the disk, or takes half of a write and nothing of the rest. */
function failing(
  { at, code, forever }: Failure,
  disk: RecordingDisk,
  healed: () => boolean,
): (op: DiskOp, index: number) => number | undefined {
  let count = 0;
  let cut = false;
  return (op) => {
    const n = count++;
    if (healed() || (forever ? n < at : n !== at && !(cut && n === at + 1))) return undefined;
    if (code === 'short') {
      if (op.kind !== 'write') return undefined;
      if (!cut || forever) {
        cut = !cut;
        if (cut) return op.bytes.length >> 1;
      }
    }
    // The kernel has let go of what it could not write, and says that all is well when it is asked once more.
    if (op.kind === 'sync' && code === 'EIO') disk.history.push({ kind: 'lose', inode: op.inode });
    throw Object.assign(new Error(`made to fail: ${code}`), { code: code === 'short' ? 'ENOSPC' : code });
  };
}

export interface Run {
  readonly ops: number;
  readonly ended: 'well' | 'failed' | 'full' | 'not opened';
  readonly problem: string | undefined;
}

/** A workload over a disk that fails; afterwards the machine stops, and what comes back is looked at. */
export async function runFailing(
  seed: number,
  failure: Failure | undefined,
  over: (disk: RecordingDisk) => Disk = (disk) => disk,
): Promise<Run> {
  const random = new Random(seed);
  const disk = new RecordingDisk();
  disk.isSlow = seed % 2 === 1;
  let isHealed = false;
  if (failure !== undefined) disk.fault = failing(failure, disk, () => isHealed);
  const states: State[] = [{ rows: '', counter: 0, applied: 0 }];
  let ack = 0;
  let ended: Run['ended'] = 'well';
  let problem: string | undefined;
  let db: Database | undefined;
  let ops = 0;
  try {
    db = await Database.open({ engine: new FileEngine(over(disk), SMALL), tables: CRASH_TABLES, queueBytes: 1500 });
    const task = taskOf(db) as unknown as { options: { queueBytes: number; retryMs: number } };
    task.options = { ...task.options, retryMs: 1 };
    const left = db.table(Left);
    const right = db.table(Right);
    for (let step = 0; step < 40 && ended === 'well'; step++) {
      const rows = stateOf(db).rows;
      try {
        if (random.chance(0.3)) right.upsert({ id: random.below(20), text: 'x'.repeat(random.below(200)) });
        else if (random.chance(0.2)) left.delete(random.below(20));
        else if (random.chance(0.1)) {
          db.transaction(() => {
            for (let n = 0; n < 40; n++) right.upsert({ id: random.below(60), text: 'many'.repeat(random.below(20)) });
          });
        } else left.insert({ tag: `t${step}-${random.word()}`, value: step });
      } catch (error) {
        if (!(error instanceof DiskFullError || error instanceof PersistenceFailedError)) throw error;
        if (stateOf(db).rows !== rows) problem = 'a refused write changed a table';
      }
      states[db.lsn] = stateOf(db);
      if (random.chance(0.4)) {
        const waited = await Promise.race([db.waitForOps(), full(db)]).catch((error: unknown) => {
          if (!(error instanceof PersistenceFailedError)) throw error;
          return 'failed' as const;
        });
        if (waited === 'failed') ended = 'failed';
        else if (waited === 'full') ended = failure?.forever ? 'full' : 'well';
        else ack = Math.max(ack, waited);
      }
      if (random.chance(0.1)) await db.checkpoint().catch(() => undefined);
    }
    ops = disk.history.length;
    if (ended === 'failed') {
      if (stateOf(db).rows !== states[db.lsn]?.rows) problem = 'reads do not go on';
      try {
        left.insert({ tag: 'refused', value: 0 });
        problem = 'a write was taken after a failure';
      } catch {}
    }
    if (ended === 'full') {
      isHealed = true; // somebody made room: all goes on as if nothing had been
      ack = await db.waitForOps();
      if (ack !== db.lsn) problem = 'not all is stored after there was room';
      left.insert({ tag: 'goes on', value: 0 });
      states[db.lsn] = stateOf(db);
      ack = await db.waitForOps();
    }
  } catch (error) {
    if (db !== undefined) throw error;
    ended = 'not opened';
  }
  const acknowledged = ack;
  const last = db?.lsn ?? 0;
  await Promise.race([db?.close(), full(db)]).catch(() => undefined);
  problem ??= await afterCrash(disk, states, acknowledged, last, random);
  const made = ops || disk.history.length;
  isHealed = true; // or what waits for room would wait for ever
  await db?.close().catch(() => undefined);
  return { ops: made, ended, problem };
}

function full(db: Database | undefined): Promise<'full'> {
  return new Promise((resolve) => {
    if (db !== undefined && (taskOf(db) as unknown as { full: unknown }).full !== undefined) resolve('full');
    else db?.once('full', () => resolve('full'));
  });
}

async function afterCrash(disk: RecordingDisk, states: State[], ack: number, last: number, random: Random): Promise<string | undefined> {
  const medium = new Medium();
  for (const op of disk.history) medium.apply(op);
  for (const mode of CRASH_MODES satisfies readonly CrashMode[]) {
    const image = medium.crash(mode, () => random.word() / 2 ** 32);
    try {
      const { lsn, state } = await recover(new RecordingDisk(image));
      if (lsn < ack || lsn > last) return `${mode}: LSN ${lsn}, with ${ack} acknowledged and ${last} committed`;
      if (state.rows !== states[lsn]?.rows) return `${mode}: other rows than those of LSN ${lsn}`;
    } catch (error) {
      return `${mode}: ${(error as Error).message}`;
    }
  }
  return undefined;
}
