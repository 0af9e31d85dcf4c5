import { describe, expect, it } from '@jest/globals';
import type { Disk } from '../../lib/disk/disk.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { LogWriter } from '../../lib/persistence/log-writer.js';
import type { RecordingDisk } from '../support/crash-disk.js';
import { crashEverywhere } from '../support/crash-oracle.js';
import { record } from '../support/crash-workload.js';
import { damagedStores, flips, tryAll } from '../support/damage.js';
import { runFailing } from '../support/failing-run.js';
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

describe('failing disks', () => {
  it('show a store that tries a failed sync once more', async () => {
    const { ops } = await runFailing(1, undefined);
    const problems: string[] = [];
    for (let at = 0; at < ops && problems.length === 0; at++) {
      const over = (disk: Disk) => omitting(disk, { retriesSyncs: true });
      const { problem } = await runFailing(1, { at, code: 'EIO', forever: false }, over);
      if (problem !== undefined) problems.push(problem);
    }
    expect(problems).not.toEqual([]);
  });

  it('show a store that takes short writes for whole ones, and not one that goes on with the rest', async () => {
    const halved = (disk: RecordingDisk): void => {
      const { fault } = disk;
      disk.fault = (op, index) => {
        fault?.(op, index);
        return op.kind === 'write' && op.bytes.length > 100 ? op.bytes.length >> 1 : undefined;
      };
    };
    const sound = await record(1, 40, {}, halved);
    expect((await crashEverywhere(sound, { wholeOneIn: 20 })).violation).toBeUndefined();
    await expect(
      (async () => {
        const over = (disk: Disk) => omitting(disk, { believesWrites: true });
        const { violation } = await crashEverywhere(await record(1, 40, {}, halved, over), { wholeOneIn: 20 });
        if (violation !== undefined) throw new Error(violation);
      })(),
    ).rejects.toThrow();
  });
});

describe('flipped bits', () => {
  const LOG_MUTANTS: Record<string, () => () => void> = {
    'promises nothing': () => {
      const mute = (original: Any) =>
        function* (this: Any, ...args: unknown[]): Generator<Any, Any, number> {
          const { synced } = this;
          this.synced = 0; // what frames are told
          const work = original.apply(this, args);
          let step = work.next();
          while (!step.done) step = work.next(yield step.value);
          this.synced = Math.max(this.synced, synced);
          return step.value;
        };
      const putBack = [
        replaceMethod(LogWriter.prototype, 'appendRun', mute),
        replaceMethod(LogWriter.prototype, 'seal', () => function* () {}),
      ];
      return () => {
        for (const each of putBack) each();
      };
    },
    'never seals': () => replaceMethod(LogWriter.prototype, 'seal', () => function* () {}),
  };

  it.each(Object.entries(LOG_MUTANTS))('show a store that %s', async (_name, mutate) => {
    const putBack = mutate();
    let earlier = 0;
    try {
      for (let seed = 1; seed <= 4 && earlier === 0; seed++) {
        const [, killed] = await damagedStores(seed);
        if (killed === undefined) throw new Error('there are two stores');
        const log = new Map([...killed.image].filter(([path]) => path.endsWith('.wal')).slice(-1));
        earlier += (await tryAll(killed.recorded, killed.image, (bytes, path) => (log.has(path) ? flips(bytes) : []))).earlier;
      }
    } finally {
      putBack();
    }
    expect(earlier).toBeGreaterThan(0);
  });
});

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
