/**
 * Everything that a store asks of a file system, so that tests can stand in for one. Calls throw what Node throws: an
 * error with a `code`. Those that may wait for the medium can be made in two ways, at once and in the background; both do
 * the same, and both may be made for the same thing at the same time, since each is idempotent.
 */
export interface Disk {
  /** `create` makes an empty file, or empties the one that is there. Nobody but the owner may read it. */
  open(path: string, mode: 'read' | 'create'): DiskFile;
  /** Replaces what is at `to`, as one step. Lasting after `syncDirectory`. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  unlinkLater(path: string): Promise<void>;
  /** The names in a directory; nothing where there is none. */
  list(directory: string): string[];
  /** Makes a directory and those above it. @returns the first one that was made, if any */
  makeDirectory(path: string): string | undefined;
  syncDirectory(path: string): void;
  syncDirectoryLater(path: string): Promise<void>;
  /** Holds the store for this process alone, until `release` or its end. @throws DatabaseLockedError */
  lock(path: string): DiskLock;
}

export interface DiskFile {
  readonly path: string;
  size(): number;
  /** @returns how many bytes were read: fewer at the end of the file. */
  read(bytes: Uint8Array, position: number): number;
  readLater(bytes: Uint8Array, position: number): Promise<number>;
  /** @returns how many bytes were written: maybe fewer. */
  write(bytes: Uint8Array, position: number): number;
  writeLater(bytes: Uint8Array, position: number): Promise<number>;
  truncate(length: number): void;
  /** Makes what was written last: the bytes, and the length that is needed to read them. */
  sync(): void;
  syncLater(): Promise<void>;
  close(): void;
}

export interface DiskLock {
  release(): void;
}
