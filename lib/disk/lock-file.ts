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
  /** Whether the kernel keeps the lock: then what the file says decides nothing. */
  readonly byKernel: boolean;
}

/** What a lock leans on of the system that it runs on. */
export interface LockSystem {
  readonly platform: string;
  /** The command that takes the kernel's lock. */
  readonly flock: string;
  /** Where the kernel tells of processes. */
  readonly proc: string;
}

const THIS_SYSTEM: LockSystem = { platform: process.platform, flock: 'flock', proc: '/proc' };

/** Stores that this process holds: the kernel's locks are its own, and would let it in twice on some systems. */
const held = new Set<string>();

const HELD_BY_ANOTHER = 1;

/**
 * Holds `path` for this process. On Linux by the kernel: `flock` puts a lock on our own open file, which lasts for as
 * long as we have it open, and ends with us however we end; nothing can be stale. Elsewhere by what the file says of its
 * holder: it is taken over only where that process surely is no more.
 */
export function lockFile(path: string, system: LockSystem = THIS_SYSTEM): DiskLock {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const id = `${dev}:${ino}`;
  try {
    const holder = readHolder(path);
    const refused = () => new DatabaseLockedError(path, holder?.pid, holder?.host);
    if (held.has(id)) throw new DatabaseLockedError(path, process.pid, hostname());
    const byKernel = kernelLock(descriptor, system);
    if (byKernel === false) throw refused();
    // A holder that found no `flock` has no lock of the kernel's, whoever gets it now.
    const isDecidedByText = byKernel === undefined || holder?.byKernel === false;
    if (isDecidedByText && holder !== undefined && mayLive(holder, system.proc)) throw refused();
    const text = Buffer.from(`${JSON.stringify(ourselves(byKernel === true, system.proc))}\n`);
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
function kernelLock(descriptor: number, { platform, flock }: LockSystem): boolean | undefined {
  if (platform === 'win32') return undefined;
  const { status } = spawnSync(flock, ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (status === 0) return true;
  return status === HELD_BY_ANOTHER ? false : undefined;
}

function ourselves(byKernel: boolean, proc: string): LockHolder {
  const started = startOf(process.pid, proc) ?? '';
  return { pid: process.pid, host: hostname(), boot: bootId(proc), pidSpace: pidSpace(proc), started, byKernel };
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockHolder>;
    const { pid, host, boot, pidSpace: space, started, byKernel } = holder;
    if (!Number.isSafeInteger(pid)) return undefined;
    return {
      pid: pid as number,
      host: String(host),
      boot: String(boot),
      pidSpace: String(space),
      started: String(started),
      byKernel: byKernel !== false,
    };
  } catch {
    return undefined; // nothing in it, or not ours to understand
  }
}

/** Whether the holder may still be there. In doubt it is. */
export function mayLive(holder: LockHolder, proc = THIS_SYSTEM.proc): boolean {
  if (holder.host !== hostname()) return true;
  const boot = bootId(proc);
  if (holder.boot !== '' && boot !== '' && holder.boot !== boot) return false;
  if (holder.pidSpace !== pidSpace(proc)) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  const started = startOf(holder.pid, proc);
  return started === undefined || holder.started === '' || started === holder.started;
}

function bootId(proc: string): string {
  return contentOf(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? '';
}

function pidSpace(proc: string): string {
  try {
    return readlinkSync(`${proc}/self/ns/pid`);
  } catch {
    return '';
  }
}

/** The 22nd field of /proc/PID/stat, counted behind the program's name, which may hold anything. */
function startOf(pid: number, proc: string): string | undefined {
  const stat = contentOf(`${proc}/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
