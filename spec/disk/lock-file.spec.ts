import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type LockHolder, lockFile, mayLive } from '../../lib/disk/lock-file.js';
import { NodeDisk } from '../../lib/disk/node-disk.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();

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

  it('decides by its text where the kernel keeps no lock', () => {
    const path = process.env.PATH;
    process.env.PATH = ''; // no flock to be found
    try {
      const file = join(directory(), 'LOCK');
      const lock = lockFile(file);
      expect(() => lockFile(file)).toThrow(/open already/);
      lock.release();
      lockFile(file).release();
    } finally {
      process.env.PATH = path;
    }
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
    file.close();
    file.close();
    disk.rename(join(path, 'a'), join(path, 'b'));
    disk.syncDirectory(path);
    await disk.syncDirectoryLater(path);
    expect(disk.list(path)).toEqual(['b']);
    disk.unlink(join(path, 'b'));
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
    const file = disk.open(join(path, 'a'), 'create');
    expect(() => disk.list(join(path, 'a'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    file.close();
    const reader = disk.open(join(path, 'a'), 'read');
    const ebadf = expect.objectContaining({ code: 'EBADF' });
    expect(() => reader.write(Buffer.from('x'), 0)).toThrow(ebadf);
    await expect(reader.writeLater(Buffer.from('x'), 0)).rejects.toThrow(ebadf);
    reader.close();
    await expect(reader.syncLater()).rejects.toThrow(ebadf);
  });
});
