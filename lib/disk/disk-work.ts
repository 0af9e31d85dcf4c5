import { dirname } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { assert } from '../assert.js';
import type { Disk, DiskFile } from './disk.js';

/** A step that waits for the medium. */
export type SlowCall =
  | { readonly kind: 'write'; readonly file: DiskFile; readonly bytes: Uint8Array; readonly position: number }
  /** `isAwaited`: there is nothing else to do before it has ended. */
  | { readonly kind: 'sync'; readonly file: DiskFile; readonly isAwaited: boolean }
  | { readonly kind: 'syncDirectory'; readonly path: string }
  /** Lets other work run, for about a millisecond, where there is time for it. */
  | { readonly kind: 'pause' };

/**
 * Work on a disk as a sequence of steps, written once: `DiskRunner` makes the slow ones in the background or at once.
 * The number that comes back from a step is that of bytes written.
 */
export type DiskWork<T = void> = Generator<SlowCall, T, number>;

/** Writes all of `bytes`, however many a call takes. */
export function* writeAll(file: DiskFile, bytes: Uint8Array, position: number): DiskWork {
  for (let done = 0; done < bytes.length; ) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const written = yield { kind: 'write', file, bytes: rest, position: position + done };
    if (written === 0) throw Object.assign(new Error('the disk takes no more bytes'), { code: 'ENOSPC' });
    done += written;
  }
}

export function* sync(file: DiskFile, isAwaited = false): DiskWork {
  yield { kind: 'sync', file, isAwaited };
}

export function* syncDirectory(path: string): DiskWork {
  yield { kind: 'syncDirectory', path };
}

/** Makes a file of these bytes, and makes them last. */
export function* writeFile(disk: Disk, path: string, bytes: Uint8Array): DiskWork {
  const file = disk.open(path, 'create');
  try {
    yield* writeAll(file, bytes, 0);
    yield* sync(file);
  } finally {
    file.close();
  }
}

/** Puts a file of these bytes at `path`, whole or not at all, and makes it last. Until it is whole it is at `unfinished`. */
export function* replaceFile(disk: Disk, path: string, unfinished: string, bytes: Uint8Array): DiskWork {
  yield* writeFile(disk, unfinished, bytes);
  disk.rename(unfinished, path);
  yield* syncDirectory(dirname(path));
}

export function* pause(): DiskWork {
  yield { kind: 'pause' };
}

/** A write up to this is made at once: handing it to another thread takes longer. */
const SHORT_WRITE_BYTES = 64 * 1024;
/** So is a sync that is awaited, on a disk whose syncs lately took no longer than this, on the average. */
const QUICK_SYNC_MS = 0.4;
/** For so long they are made one after the other before other work has its turn. */
const TURN_MS = 2;
/** How much of that average each sync is. One slow sync among quick ones sends only the next few to the background. */
const SYNC_SHARE = 0.1;

interface Job {
  readonly work: DiskWork<unknown>;
  /** How the work ended, where it was finished in place while a call of it was still out. */
  outcome: { readonly value: unknown } | { readonly error: unknown } | undefined;
  call: SlowCall | undefined;
}

/** Runs one work after the other: in the background, or in place, for callers that cannot wait. */
export class DiskRunner {
  private job: Job | undefined;
  /** What a sync takes of late. */
  private syncMs = 0;
  /** When the first sync was made at once since other work last had its turn. */
  private turnBegan: number | undefined;

  constructor(
    private readonly disk: Disk,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  get isBusy(): boolean {
    return this.job !== undefined;
  }

  /** Runs the work in the background. One at a time. */
  async run<T>(work: DiskWork<T>): Promise<T> {
    assert(this.job === undefined, 'one work at a time');
    const job: Job = { work, outcome: undefined, call: undefined };
    this.job = job;
    return this.drive(job) as Promise<T>;
  }

  private async drive(job: Job): Promise<unknown> {
    try {
      let step = job.work.next();
      while (!step.done) {
        const call = step.value;
        const began = call.kind === 'sync' ? this.clock() : 0;
        if (this.isQuick(call)) {
          step = advance(this.disk, job.work, call);
          if (call.kind === 'sync') this.took(began);
          continue;
        }
        job.call = call;
        let written = 0;
        let failure: { readonly error: unknown } | undefined;
        try {
          written = await later(this.disk, call);
        } catch (error) {
          failure = { error };
        }
        if (call.kind === 'sync') this.took(began);
        if (job.outcome !== undefined) {
          // It was finished in place meanwhile. A write that failed out here was made again there; but of two syncs, the
          // kernel tells only one that it failed.
          if (failure !== undefined && call.kind !== 'write') throw failure.error;
          if ('error' in job.outcome) throw job.outcome.error;
          return job.outcome.value;
        }
        step = failure === undefined ? job.work.next(written) : job.work.throw(failure.error);
      }
      return step.value;
    } finally {
      this.job = undefined; // at once: whoever waits for the promise hears of it later
    }
  }

  private isQuick(call: SlowCall): boolean {
    if (call.kind === 'write') return call.bytes.length <= SHORT_WRITE_BYTES;
    return call.kind === 'sync' && call.isAwaited && this.syncMs <= QUICK_SYNC_MS && this.isInTurn();
  }

  /** Whoever awaits one commit after the other never leaves the microtasks while syncs are made at once: nobody else would run. */
  private isInTurn(): boolean {
    const now = this.clock();
    if (this.turnBegan === undefined) {
      this.turnBegan = now;
      setImmediate(() => {
        this.turnBegan = undefined;
      });
    }
    return now - this.turnBegan <= TURN_MS;
  }

  private took(began: number): void {
    this.syncMs += (this.clock() - began - this.syncMs) * SYNC_SHARE;
  }

  /**
   * Ends the running work in place: the call that is out is made once more, and the rest of the steps after it. What
   * the work waited for is still awaited by whoever called `run`: only then is it known whether that call failed.
   * @throws what the work throws
   */
  finishNow(): void {
    const { job } = this;
    if (job === undefined) return;
    if (job.outcome !== undefined) {
      if ('error' in job.outcome) throw job.outcome.error;
      return;
    }
    assert(job.call !== undefined, 'a work that is running waits for a call');
    try {
      let step = advance(this.disk, job.work, job.call);
      while (!step.done) step = advance(this.disk, job.work, step.value);
      job.outcome = { value: step.value };
    } catch (error) {
      job.outcome = { error };
      throw error;
    }
  }

  /** Runs the work at once. Another one must have ended, in place at least. */
  runNow<T>(work: DiskWork<T>): T {
    assert(this.job === undefined || this.job.outcome !== undefined, 'one work at a time');
    return runNow(this.disk, work);
  }
}

/** Runs a work at once, by itself. */
export function runNow<T>(disk: Disk, work: DiskWork<T>): T {
  let step = work.next();
  while (!step.done) step = advance(disk, work, step.value);
  return step.value;
}

function advance<T>(disk: Disk, work: DiskWork<T>, call: SlowCall): IteratorResult<SlowCall, T> {
  let written: number;
  try {
    written = now(disk, call);
  } catch (error) {
    return work.throw(error);
  }
  return work.next(written);
}

function now(disk: Disk, call: SlowCall): number {
  switch (call.kind) {
    case 'write':
      return call.file.write(call.bytes, call.position);
    case 'sync':
      call.file.sync();
      return 0;
    case 'syncDirectory':
      disk.syncDirectory(call.path);
      return 0;
    case 'pause':
      return 0;
  }
}

const PAUSE_MS = 1;

async function later(disk: Disk, call: SlowCall): Promise<number> {
  switch (call.kind) {
    case 'write':
      return call.file.writeLater(call.bytes, call.position);
    case 'sync':
      await call.file.syncLater();
      return 0;
    case 'syncDirectory':
      await disk.syncDirectoryLater(call.path);
      return 0;
    case 'pause':
      await passed(PAUSE_MS);
      return 0;
  }
}
