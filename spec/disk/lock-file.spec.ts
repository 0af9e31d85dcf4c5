import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type LockHolder, lockFile, mayLive } from '../../lib/disk/lock-file.js';
import { NodeDisk } from '../../lib/disk/node-disk.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();

const LINUX = { platform: 'linux', flock: 'flock', proc: '/proc' };

/** A process that lives for longer than we do. */
function parent(byKernel: boolean): LockHolder {
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
  return { ...ourselves(), pid: process.ppid, started, byKernel };
}

function ourselves(): LockHolder {
  const path = join(directory(), 'LOCK');
  const lock = lockFile(path);
  const holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  lock.release();
  return holder;
}

describe('a lock file', () => {
  it('is held once, and free after its release', () => {
    const path = join(directory(), 'LOCK');
    const lock = lockFile(path);
    expect(() => lockFile(path)).toThrow(expect.objectContaining({ code: 'WT_DATABASE_LOCKED', pid: process.pid, host: hostname() }));
    lock.release();
    lock.release();
    lockFile(path).release();
  });

  it('decides by its text where the kernel keeps no lock: there is no flock, it fails, or it is killed', () => {
    const bin = directory();
    const script = (name: string, line: string): string => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o700 });
      return join(bin, name);
    };
    const systems = [
      { ...LINUX, flock: join(bin, 'none') },
      { ...LINUX, flock: script('fails', 'exit 69') },
      { ...LINUX, flock: script('killed', 'kill -9 $$') },
      { ...LINUX, platform: 'win32', flock: script('never', 'exit 0') },
    ];
    for (const system of systems) {
      const path = join(directory(), 'LOCK');
      const lock = lockFile(path, system);
      expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, byKernel: false });
      expect(() => lockFile(path, system)).toThrow(/open already/);
      lock.release();
      writeFileSync(path, JSON.stringify(parent(false)));
      expect(() => lockFile(path, system)).toThrow(expect.objectContaining({ pid: process.ppid, host: hostname() }));
      writeFileSync(path, JSON.stringify({ ...parent(false), started: '1' })); // its number was another's
      lockFile(path, system).release();
    }
  });

  it('is refused by the kernel while another process has it, whatever its text says', async () => {
    const path = join(directory(), 'LOCK');
    const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo held; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    await once(holder.stdout, 'data');
    for (const text of ['', '{', '5', '{"pid":"7"}', JSON.stringify({ ...parent(true), started: '1' })]) {
      writeFileSync(path, text);
      expect(() => lockFile(path)).toThrow(/open already/);
    }
    process.kill(-(holder.pid as number), 'SIGKILL');
    await once(holder, 'close');
    // What the text says of one that had the kernel's lock is of the past: the kernel knows better.
    writeFileSync(path, JSON.stringify(parent(true)));
    lockFile(path).release();
  });

  it('is not taken from a holder that found no flock by one that finds it', () => {
    const path = join(directory(), 'LOCK');
    writeFileSync(path, JSON.stringify(parent(false)));
    expect(() => lockFile(path)).toThrow(expect.objectContaining({ pid: process.ppid }));
    writeFileSync(path, JSON.stringify({ ...parent(false), started: '1' }));
    lockFile(path).release();
  });

  it('is held where nothing is told of processes, and then never taken over from one that may live', () => {
    const path = join(directory(), 'LOCK');
    const system = { platform: 'other', flock: '/none', proc: directory() };
    const lock = lockFile(path, system);
    const holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
    expect(holder).toEqual({ pid: process.pid, host: hostname(), boot: '', pidSpace: '', started: '', byKernel: false });
    lock.release();
    writeFileSync(path, JSON.stringify({ ...holder, pid: process.ppid }));
    expect(() => lockFile(path, system)).toThrow(/open already/);
  });
});

describe('mayLive', () => {
  it('knows a process that lives from one that is gone, and from another with its number', async () => {
    const us = ourselves();
    expect(mayLive(us)).toBe(true);
    expect(mayLive({ ...us, started: '1' })).toBe(false);
    expect(mayLive({ ...us, boot: 'an earlier start of the machine' })).toBe(false);
    const other = spawn('true');
    await once(other, 'close');
    expect(mayLive({ ...us, pid: other.pid as number })).toBe(false);
  });

  it('takes nothing over in doubt: from another machine, or from where processes are counted apart', () => {
    const us = ourselves();
    expect(mayLive({ ...us, host: 'elsewhere', started: '1' })).toBe(true);
    expect(mayLive({ ...us, pidSpace: 'pid:[1]', started: '1' })).toBe(true);
    expect(mayLive({ ...us, started: '' })).toBe(true);
    expect(mayLive({ ...us, started: '1' }, directory())).toBe(true);
    expect(mayLive({ ...us, boot: '', pid: 1, started: '' })).toBe(true);
  });
});

describe('NodeDisk', () => {
  const disk = new NodeDisk();

  it('reads back what it wrote, at once and later', async () => {
    const path = directory();
    const file = disk.open(join(path, 'a'), 'create');
    expect(file.write(Buffer.from('abc'), 0)).toBe(3);
    expect(await file.writeLater(Buffer.from('def'), 3)).toBe(3);
    file.sync();
    await file.syncLater();
    file.truncate(5);
    expect(file.size()).toBe(5);
    const bytes = Buffer.alloc(10);
    expect(file.read(bytes, 1)).toBe(4);
    expect(bytes.toString('latin1', 0, 4)).toBe('bcde');
    expect(await file.readLater(bytes, 3)).toBe(2);
    expect(bytes.toString('latin1', 0, 4)).toBe('dede');
    file.close();
    file.close();
    disk.rename(join(path, 'a'), join(path, 'b'));
    disk.syncDirectory(path);
    await disk.syncDirectoryLater(path);
    expect(disk.list(path)).toEqual(['b']);
    disk.unlink(join(path, 'b'));
    expect(disk.list(path)).toEqual([]);
    disk.open(join(path, 'c'), 'create').close();
    await disk.unlinkLater(join(path, 'c'));
    expect(disk.list(path)).toEqual([]);
    expect(disk.list(join(path, 'none'))).toEqual([]);
    expect(disk.makeDirectory(join(path, 'x', 'y'))).toBe(join(path, 'x'));
    expect(disk.makeDirectory(join(path, 'x', 'y'))).toBeUndefined();
  });

  it('gives the errors of the system', async () => {
    const path = directory();
    const enoent = expect.objectContaining({ code: 'ENOENT' });
    expect(() => disk.open(join(path, 'none'), 'read')).toThrow(enoent);
    expect(() => disk.syncDirectory(join(path, 'none'))).toThrow(enoent);
    expect(() => disk.syncDirectoryLater(join(path, 'none'))).toThrow(enoent);
    await expect(disk.unlinkLater(join(path, 'none'))).rejects.toEqual(enoent);
    const file = disk.open(join(path, 'a'), 'create');
    expect(() => disk.list(join(path, 'a'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    file.close();
    const reader = disk.open(join(path, 'a'), 'read');
    const ebadf = expect.objectContaining({ code: 'EBADF' });
    expect(() => reader.write(Buffer.from('x'), 0)).toThrow(ebadf);
    await expect(reader.writeLater(Buffer.from('x'), 0)).rejects.toThrow(ebadf);
    reader.close();
    await expect(reader.syncLater()).rejects.toThrow(ebadf);
    await expect(reader.readLater(Buffer.alloc(1), 0)).rejects.toThrow(ebadf);
  });

  it('syncs no directory where the system says that it has no such thing, and passes on whatever else it says', async () => {
    const einval = expect.objectContaining({ code: 'EINVAL' });
    // The kernel syncs nothing of /proc, and says so.
    expect(() => disk.syncDirectory('/proc')).toThrow(einval);
    await expect(disk.syncDirectoryLater('/proc')).rejects.toThrow(einval);
    const other = new NodeDisk('EINVAL');
    other.syncDirectory('/proc');
    await other.syncDirectoryLater('/proc');
    const windows = new NodeDisk('EPERM');
    expect(() => windows.syncDirectory('/proc')).toThrow(einval);
    await expect(windows.syncDirectoryLater('/proc')).rejects.toThrow(einval);
  });
});
