import { describe, expect, it } from '@jest/globals';
import type { Disk } from '../../lib/disk/disk.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { LogWriter } from '../../lib/persistence/log-writer.js';
import { crashEverywhere } from '../support/crash-oracle.js';
import { record } from '../support/crash-workload.js';
import { type Omissions, omitting, replaceMethod } from '../support/mutants.js';

/** Bugs put in on purpose. The crash images must show each of them, or they would show nothing. */
const isLog = (path: string) => path.endsWith('.wal.tmp'); // a segment keeps the name that it was made under
const DISK_MUTANTS: Record<string, Omissions> = {
  'never syncs the log': { syncOf: (path, nth) => isLog(path) && nth > 0 },
  'does not sync a new segment before its name': { syncOf: (path, nth) => isLog(path) && nth === 0 },
  'does not sync the log’s directory': { directorySyncOf: (path) => path.endsWith('/wal') },
  'does not sync the manifest before its name': { syncOf: (path) => path.includes('MANIFEST') },
  'does not sync the store’s directory': { directorySyncOf: (path) => path === '/db' },
  'writes the manifest in place': { inPlace: (path) => path.includes('MANIFEST') },
  'does not sync a checkpoint': { syncOf: (path) => path.includes('.wtc') },
  'does not sync the checkpoints’ directory': { directorySyncOf: (path) => path.endsWith('/ckpt') },
};

// biome-ignore lint/suspicious/noExplicitAny: methods of whatever class
type Any = any;

const STEP_MUTANTS: Record<string, () => () => void> = {
  'acknowledges before the sync': () => replaceMethod(LogWriter.prototype, 'sync', () => function* () {}),
  'ends a segment without a sync': () =>
    replaceMethod(
      LogWriter.prototype,
      'rotate',
      (original: Any) =>
        function* (this: Any): Generator<Any, void, number> {
          const ended = this.file;
          const work = original.call(this);
          let step = work.next();
          while (!step.done) step = work.next(step.value.kind === 'sync' && step.value.file === ended ? 0 : yield step.value);
        },
    ),
  'deletes old checkpoints before the manifest': () =>
    replaceMethod(
      FileEngine.prototype,
      'checkpointed',
      (original: Any) =>
        function* (this: Any, ...args: unknown[]) {
          for (const { checkpoint } of this.manifest.tables) if (checkpoint !== null) this.remove(`/db/ckpt/${checkpoint.file}`);
          return yield* original.apply(this, args);
        },
    ),
  'lets go of a segment that is needed': () =>
    replaceMethod(
      FileEngine.prototype,
      'save',
      (original: Any) =>
        function (this: Any, manifest: Any) {
          const newest = this.writer?.segment;
          return original.call(
            this,
            manifest.checkpointLsn > 0 && newest !== undefined ? { ...manifest, firstSegment: newest + 1 } : manifest,
          );
        },
    ),
  'shows what it recovered without writing it anew': () => replaceMethod(FileEngine.prototype, 'rewrite', () => function* () {}),
  'stores a transaction in two frames': () =>
    replaceMethod(
      LogWriter.prototype,
      'appendLong',
      () =>
        function* (this: Any, bytes: Buffer, part: Any) {
          // Each half is told to be whole.
          const middle = (part.from + part.to) >> 1;
          yield* this.put(bytes.subarray(part.from - 40, middle));
          this.position += (middle - part.from + 47) & -8;
          yield* this.put(bytes.subarray(middle, part.to));
          this.position += (part.to - middle + 7) & -8;
        },
    ),
};

async function isCaught(over: (disk: Disk) => Disk): Promise<boolean> {
  for (let seed = 1; seed <= 6; seed++) {
    try {
      const recorded = await record(seed, 60, {}, undefined, over);
      if ((await crashEverywhere(recorded, { wholeOneIn: 20, over })).violation !== undefined) return true;
    } catch {
      return true; // the workload itself fell over it
    }
  }
  return false;
}

describe('crash images', () => {
  it.each(Object.entries(DISK_MUTANTS))('show a store that %s', async (_name, omissions) => {
    expect(await isCaught((disk) => omitting(disk, omissions))).toBe(true);
  });

  it.each(Object.entries(STEP_MUTANTS))('show a store that %s', async (_name, mutate) => {
    const putBack = mutate();
    try {
      expect(await isCaught((disk) => disk)).toBe(true);
    } finally {
      putBack();
    }
  });
});
