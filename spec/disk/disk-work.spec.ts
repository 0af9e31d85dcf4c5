import { describe, expect, it } from '@jest/globals';
import type { Disk, DiskFile } from '../../lib/disk/disk.js';
import { DiskRunner, type DiskWork, pause, runNow, sync, syncDirectory, writeAll } from '../../lib/disk/disk-work.js';
import { LatchedDisk } from '../../lib/disk/latched-disk.js';
import { type DiskOp, RecordingDisk } from '../support/crash-disk.js';

const LARGE = Buffer.alloc(100_000, 7);

function* work(disk: Disk, file: DiskFile, log: string[]): DiskWork<string> {
  yield* writeAll(file, LARGE, 0);
  log.push('written');
  yield* sync(file);
  log.push('synced');
  yield* pause();
  yield* syncDirectory('/');
  log.push('named');
  return disk === undefined ? '' : 'done';
}

const kinds = (ops: readonly DiskOp[]) => ops.map(({ kind }) => kind);

describe('DiskRunner', () => {
  it('runs a work in the background, step by step', async () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    const log: string[] = [];
    const runner = new DiskRunner(disk);
    const running = runner.run(work(disk, file, log));
    expect(log).toEqual([]);
    expect(await running).toBe('done');
    expect(kinds(disk.history)).toEqual(['create', 'write', 'sync', 'syncDirectory']);
    expect(runner.isBusy).toBe(false);
  });

  it('finishes a work in place, and tells of it when the call that was out has settled', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const file = disk.open('/a', 'create');
    const log: string[] = [];
    const runner = new DiskRunner(disk);
    let isTold = false;
    const running = runner.run(work(disk, file, log)).then((value) => {
      isTold = true;
      return value;
    });
    runner.finishNow();
    runner.finishNow(); // harmless
    expect(log).toEqual(['written', 'synced', 'named']);
    expect(runner.runNow(writeAll(file, Buffer.from('behind'), LARGE.length))).toBeUndefined();
    await Promise.resolve();
    expect(isTold).toBe(false);
    expect(runner.isBusy).toBe(true);
    expect(await running).toBe('done');
    // The write that was out was made once more, in place; both wrote the same.
    expect(kinds(disk.history)).toEqual(['create', 'write', 'sync', 'syncDirectory', 'write', 'write']);
    expect(disk.image.get('/a')).toEqual(Buffer.concat([LARGE, Buffer.from('behind')]));
  });

  it('has nothing to finish once the work has ended, though nobody has heard of that yet', async () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    const runner = new DiskRunner(disk);
    const running = runner.run(writeAll(file, Buffer.from('short'), 0)); // made at once
    expect(runner.isBusy).toBe(false);
    runner.finishNow();
    runner.runNow(writeAll(file, Buffer.from('more'), 5));
    await running;
    expect(kinds(disk.history)).toEqual(['create', 'write', 'write']);
  });

  it('fails where a sync that was out failed, though the same one succeeded in place', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const file = disk.open('/a', 'create');
    let syncs = 0;
    disk.fault = (op) => {
      if (op.kind === 'sync' && ++syncs === 2) throw new Error('the kernel tells one of the two');
      return undefined;
    };
    const runner = new DiskRunner(disk);
    const running = runner.run(sync(file));
    runner.finishNow();
    await expect(running).rejects.toThrow('one of the two');
  });

  it('does not mind a write that failed out there and succeeded in place', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const file = disk.open('/a', 'create');
    let writes = 0;
    disk.fault = (op) => {
      if (op.kind === 'write' && ++writes === 2) throw new Error('no room, a moment ago');
      return undefined;
    };
    const runner = new DiskRunner(disk);
    const running = runner.run(writeAll(file, LARGE, 0));
    runner.finishNow();
    await running;
    expect(disk.image.get('/a')).toEqual(LARGE);
  });

  it('throws in place what the work throws there, each time, and rejects with it', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const file = disk.open('/a', 'create');
    disk.fault = (op) => {
      if (op.kind === 'sync') throw new Error('broken');
      return undefined;
    };
    const runner = new DiskRunner(disk);
    const running = runner.run(work(disk, file, []));
    expect(() => runner.finishNow()).toThrow('broken');
    expect(() => runner.finishNow()).toThrow('broken');
    await expect(running).rejects.toThrow('broken');
    runner.finishNow(); // nothing runs
  });

  it('lets a work catch what a step throws, in the background and in place', async () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    disk.fault = (op) => {
      if (op.kind === 'write') throw new Error('full');
      return undefined;
    };
    function* careful(): DiskWork<string> {
      try {
        yield* writeAll(file, LARGE, 0);
      } catch (error) {
        yield* sync(file);
        return (error as Error).message;
      }
      return 'written';
    }
    expect(await new DiskRunner(disk).run(careful())).toBe('full');
    expect(runNow(disk, careful())).toBe('full');
  });

  it('writes all of the bytes, however few of them a call takes', () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    disk.fault = (op) => (op.kind === 'write' ? 1 : undefined);
    runNow(disk, writeAll(file, Buffer.from('abc'), 1));
    expect(disk.image.get('/a')?.toString()).toBe('\0abc');
    expect(kinds(disk.history)).toEqual(['create', 'write', 'write', 'write']);
  });

  it('takes a disk that takes no byte for full', () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    disk.fault = () => 0;
    expect(() => runNow(disk, writeAll(file, LARGE, 0))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  });

  it('makes a sync that is awaited at once where syncs are quick, and lets others run where they are not', async () => {
    const disk = new RecordingDisk();
    disk.isSlow = true;
    const file = disk.open('/a', 'create');
    let now = 0;
    const runner = new DiskRunner(disk, () => now);
    const isInPlace = async () => {
      const before = disk.history.length;
      const running = runner.run(sync(file, true));
      const made = disk.history.length > before;
      await running;
      return made;
    };
    expect(await isInPlace()).toBe(true);
    disk.fault = () => {
      now += 5;
      return undefined;
    };
    expect(await isInPlace()).toBe(true); // nobody could know
    expect(await isInPlace()).toBe(false);
    disk.fault = undefined;
    let until = 0;
    while (!(await isInPlace())) until++;
    expect(until).toBeGreaterThan(5);
    expect(until).toBeLessThan(20);
  });

  it('lets other work have its turn from time to time, however quick the syncs are', async () => {
    const disk = new RecordingDisk();
    const file = disk.open('/a', 'create');
    let now = 0;
    const runner = new DiskRunner(disk, () => now);
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    disk.isSlow = true;
    disk.fault = () => {
      now += 0.3;
      return undefined;
    };
    let syncs = 0;
    while (!hadTurn && syncs < 20) {
      await runner.run(sync(file, true));
      syncs++;
    }
    expect([hadTurn, syncs > 3]).toEqual([true, true]);
    // Then they are made at once again.
    const before = disk.history.length;
    const running = runner.run(sync(file, true));
    expect(disk.history.length).toBe(before + 1);
    await running;
  });
});

describe('LatchedDisk', () => {
  it('changes nothing any more after a sync in the background failed', async () => {
    const inner = new RecordingDisk();
    const disk = new LatchedDisk(inner);
    const file = disk.open('/a', 'create');
    inner.fault = (op) => {
      if (op.kind === 'sync') throw new Error('failed later');
      return undefined;
    };
    await expect(file.syncLater()).rejects.toThrow('failed later');
    inner.fault = undefined;
    await expect(file.syncLater()).rejects.toThrow('failed later');
    expect(() => file.write(Buffer.from('x'), 0)).toThrow('failed later');
  });

  it('changes nothing any more after a sync, a rename or a truncation failed', async () => {
    for (const broken of ['sync', 'rename', 'truncate', 'syncDirectory'] as const) {
      const inner = new RecordingDisk();
      const disk = new LatchedDisk(inner);
      const file = disk.open('/a', 'create');
      file.write(Buffer.from('abc'), 0);
      inner.fault = (op) => {
        if (op.kind === broken) throw new Error(`${broken} failed`);
        return undefined;
      };
      const attempt = {
        sync: () => file.sync(),
        rename: () => disk.rename('/a', '/b'),
        truncate: () => file.truncate(0),
        syncDirectory: () => disk.syncDirectory('/'),
      };
      expect(disk.hasFailed).toBe(false);
      expect(attempt[broken]).toThrow(`${broken} failed`);
      expect(disk.hasFailed).toBe(true);
      inner.fault = undefined;
      const before = inner.history.length;
      const refused = [
        ...Object.values(attempt),
        () => file.write(Buffer.from('x'), 0),
        () => disk.open('/c', 'create'),
        () => disk.unlink('/a'),
      ];
      for (const change of [...refused, () => disk.makeDirectory('/d')]) expect(change).toThrow(`${broken} failed`);
      await expect(file.syncLater()).rejects.toThrow(`${broken} failed`);
      await expect(disk.syncDirectoryLater('/')).rejects.toThrow(`${broken} failed`);
      expect(() => file.writeLater(Buffer.from('x'), 0)).toThrow(`${broken} failed`);
      expect(() => disk.unlinkLater('/a')).toThrow(`${broken} failed`);
      expect(inner.history.length).toBe(before);
      // Reading goes on.
      expect(disk.list('')).toEqual(['a']);
      expect(disk.open('/a', 'read').size()).toBe(3);
      disk.lock('/LOCK').release();
      file.close();
    }
  });

  it('goes on after a write that failed: it left everything as it was', async () => {
    const inner = new RecordingDisk();
    const disk = new LatchedDisk(inner);
    const file = disk.open('/a', 'create');
    inner.fault = () => {
      throw new Error('full');
    };
    expect(() => file.write(Buffer.from('x'), 0)).toThrow('full');
    inner.fault = undefined;
    expect(file.write(Buffer.from('x'), 0)).toBe(1);
    await file.syncLater();
    await disk.syncDirectoryLater('/');
    expect(disk.hasFailed).toBe(false);
  });
});
