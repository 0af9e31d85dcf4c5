import type { Disk, DiskFile, DiskLock } from './disk.js';

/**
 * A disk that never forgets its first failure. After a failed sync the kernel may hold pages as clean that are not on the
 * medium, so that a later sync proves nothing (Rebello et al., "Can Applications Recover from fsync Failures?", 2020):
 * once a sync, a rename or a truncation has failed, nothing is changed any more, and each call throws that failure.
 */
export class LatchedDisk implements Disk {
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly inner: Disk) {}

  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  private assertSound(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Runs a change that may fail and leave everything as it was. */
  readonly plainly = <T>(work: () => T): T => {
    this.assertSound();
    return work();
  };

  /** Runs a change of which nobody knows what a failure leaves. */
  readonly once = <T>(work: () => T): T => {
    this.assertSound();
    try {
      return work();
    } catch (error) {
      throw this.latch(error);
    }
  };

  readonly onceLater = async (work: () => Promise<void>): Promise<void> => {
    this.assertSound();
    try {
      await work();
    } catch (error) {
      throw this.latch(error);
    }
  };

  private latch(error: unknown): unknown {
    this.failure ??= { error };
    return error;
  }

  open(path: string, mode: 'read' | 'create'): DiskFile {
    if (mode === 'create') this.assertSound();
    return new LatchedFile(this.inner.open(path, mode), this);
  }

  rename(from: string, to: string): void {
    this.once(() => this.inner.rename(from, to));
  }

  unlink(path: string): void {
    this.plainly(() => this.inner.unlink(path));
  }

  unlinkLater(path: string): Promise<void> {
    return this.plainly(() => this.inner.unlinkLater(path));
  }

  list(directory: string): string[] {
    return this.inner.list(directory);
  }

  makeDirectory(path: string): string | undefined {
    return this.plainly(() => this.inner.makeDirectory(path));
  }

  syncDirectory(path: string): void {
    this.once(() => this.inner.syncDirectory(path));
  }

  syncDirectoryLater(path: string): Promise<void> {
    return this.onceLater(() => this.inner.syncDirectoryLater(path));
  }

  lock(path: string): DiskLock {
    return this.inner.lock(path);
  }
}

class LatchedFile implements DiskFile {
  readonly path: string;

  constructor(
    private readonly inner: DiskFile,
    private readonly disk: LatchedDisk,
  ) {
    this.path = inner.path;
  }

  size(): number {
    return this.inner.size();
  }

  read(bytes: Uint8Array, position: number): number {
    return this.inner.read(bytes, position);
  }

  readLater(bytes: Uint8Array, position: number): Promise<number> {
    return this.inner.readLater(bytes, position);
  }

  write(bytes: Uint8Array, position: number): number {
    return this.disk.plainly(() => this.inner.write(bytes, position));
  }

  writeLater(bytes: Uint8Array, position: number): Promise<number> {
    return this.disk.plainly(() => this.inner.writeLater(bytes, position));
  }

  truncate(length: number): void {
    this.disk.once(() => this.inner.truncate(length));
  }

  sync(): void {
    this.disk.once(() => this.inner.sync());
  }

  syncLater(): Promise<void> {
    return this.disk.onceLater(() => this.inner.syncLater());
  }

  close(): void {
    this.inner.close();
  }
}
