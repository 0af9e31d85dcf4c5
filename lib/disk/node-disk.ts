import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import type { Disk, DiskFile, DiskLock } from './disk.js';
import { lockFile } from './lock-file.js';

const { O_CREAT, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC } = constants;
const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/** How a system says that it syncs no directories. Windows needs it not: a rename is in its log. */
const NO_DIRECTORY_SYNC: Partial<Record<string, string>> = { win32: 'EPERM' };

/** The file system, through Node. */
export class NodeDisk implements Disk {
  /** @param noDirectorySync the code of the error that says so */
  constructor(private readonly noDirectorySync = NO_DIRECTORY_SYNC[process.platform]) {}

  open(path: string, mode: 'read' | 'create'): DiskFile {
    // O_NOFOLLOW is not everywhere; undefined adds nothing.
    const flags = (mode === 'read' ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC) | O_NOFOLLOW;
    return new NodeFile(path, openSync(path, flags, OWNER_ONLY));
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  unlink(path: string): void {
    unlinkSync(path);
  }

  unlinkLater(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      unlink(path, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  list(directory: string): string[] {
    try {
      return readdirSync(directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  makeDirectory(path: string): string | undefined {
    return mkdirSync(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  }

  syncDirectory(path: string): void {
    const directory = openSync(path, O_RDONLY);
    try {
      fsyncSync(directory);
    } catch (error) {
      if (!this.isNoDirectorySync(error)) throw error;
    } finally {
      closeSync(directory);
    }
  }

  syncDirectoryLater(path: string): Promise<void> {
    const directory = openSync(path, O_RDONLY);
    return new Promise((resolve, reject) => {
      fsync(directory, (error) => {
        closeSync(directory);
        if (error === null || this.isNoDirectorySync(error)) resolve();
        else reject(error);
      });
    });
  }

  private isNoDirectorySync(error: unknown): boolean {
    return this.noDirectorySync !== undefined && codeOf(error) === this.noDirectorySync;
  }

  lock(path: string): DiskLock {
    return lockFile(path);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

class NodeFile implements DiskFile {
  private closed = false;

  constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  size(): number {
    return fstatSync(this.descriptor).size;
  }

  read(bytes: Uint8Array, position: number): number {
    return readSync(this.descriptor, bytes, 0, bytes.length, position);
  }

  readLater(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.descriptor, bytes, 0, bytes.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  write(bytes: Uint8Array, position: number): number {
    return writeSync(this.descriptor, bytes, 0, bytes.length, position);
  }

  writeLater(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.descriptor, bytes, 0, bytes.length, position, (error, written) => (error === null ? resolve(written) : reject(error)));
    });
  }

  truncate(length: number): void {
    ftruncateSync(this.descriptor, length);
  }

  sync(): void {
    fdatasyncSync(this.descriptor);
  }

  syncLater(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.descriptor, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.descriptor);
  }
}
