import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseLockedError } from '../errors.js';
import type { DiskLock } from './disk.js';

/** Who holds a store, as its lock file says. For people, and where the kernel keeps no lock for us, for the decision too. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Differs after each start of the machine. */
  readonly boot: string;
  /** Differs between containers that number their processes separately. */
  readonly pidSpace: string;
  /** When the process began, in the kernel's ticks: a number that is used again has another one. */
  readonly started: string;
}

/** Stores that this process holds: the kernel's locks are its own, and would let it in twice on some systems. */
const held = new Set<string>();

const HELD_BY_ANOTHER = 1;

/**
 * Holds `path` for this process. On Linux by the kernel: `flock` puts a lock on our own open file, which lasts for as
 * long as we have it open, and ends with us however we end; nothing can be stale. Elsewhere by what the file says of its
 * holder: it is taken over only where that process surely is no more.
 */
export function lockFile(path: string): DiskLock {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const id = `${dev}:${ino}`;
  try {
    const holder = readHolder(path);
    const refused = () => new DatabaseLockedError(path, holder?.pid, holder?.host);
    if (held.has(id)) throw new DatabaseLockedError(path, process.pid, hostname());
    const byKernel = kernelLock(descriptor);
    if (byKernel === false) throw refused();
    if (byKernel === undefined && holder !== undefined && mayLive(holder)) throw refused();
    const text = Buffer.from(`${JSON.stringify(ourselves())}\n`);
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, text, 0, text.length, 0);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  held.add(id);
  return {
    release: () => {
      if (!held.delete(id)) return;
      ftruncateSync(descriptor, 0); // nobody holds it: what the file says counts where there is no kernel lock
      closeSync(descriptor);
    },
  };
}

/** @returns whether the lock is ours; nothing where this system has no such lock. */
function kernelLock(descriptor: number): boolean | undefined {
  if (process.platform === 'win32') return undefined;
  const { status, error } = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (error !== undefined || status === null) return undefined;
  if (status === 0) return true;
  return status === HELD_BY_ANOTHER ? false : undefined;
}

function ourselves(): LockHolder {
  return { pid: process.pid, host: hostname(), boot: bootId(), pidSpace: pidSpace(), started: startOf(process.pid) ?? '' };
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const { pid, host, boot, pidSpace: space, started } = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockHolder>;
    if (!Number.isSafeInteger(pid)) return undefined;
    return { pid: pid as number, host: String(host), boot: String(boot), pidSpace: String(space), started: String(started) };
  } catch {
    return undefined; // nothing in it, or not ours to understand
  }
}

/** Whether the holder may still be there. In doubt it is. */
export function mayLive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true;
  if (holder.boot !== '' && holder.boot !== bootId()) return false;
  if (holder.pidSpace !== pidSpace()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  const started = startOf(holder.pid);
  return started === undefined || holder.started === '' || started === holder.started;
}

function bootId(): string {
  return contentOf('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** The 22nd field of /proc/PID/stat, counted behind the program's name, which may hold anything. */
function startOf(pid: number): string | undefined {
  const stat = contentOf(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
