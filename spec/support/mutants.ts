import type { Disk, DiskFile } from '../../lib/disk/disk.js';

/** What may be left out of a disk's work: each a bug that a store could have. */
export interface Omissions {
  /** `nth` counts the syncs of the file from 0. */
  readonly syncOf?: (path: string, nth: number) => boolean;
  readonly directorySyncOf?: (path: string) => boolean;
  /** Files that are written where they will be, and not renamed. */
  readonly inPlace?: (path: string) => boolean;
  /** A sync that failed is tried once more, and believed. */
  readonly retriesSyncs?: boolean;
  /** A short write counts as a whole one. */
  readonly believesWrites?: boolean;
}

/** A disk that leaves out what it is told to, and says that it was done. */
export function omitting(disk: Disk, { syncOf, directorySyncOf, inPlace, believesWrites, retriesSyncs }: Omissions): Disk {
  const final = (path: string): string => (inPlace?.(path) ? path.replace(/\.tmp$/, '') : path);
  const wrap = (file: DiskFile, syncs = { count: 0 }): DiskFile => ({
    path: file.path,
    size: () => file.size(),
    read: (bytes, position) => file.read(bytes, position),
    readLater: (bytes, position) => file.readLater(bytes, position),
    write: (bytes, position) => {
      const written = file.write(bytes, position);
      return believesWrites ? bytes.length : written;
    },
    writeLater: async (bytes, position) => {
      const written = await file.writeLater(bytes, position);
      return believesWrites ? bytes.length : written;
    },
    truncate: (length) => file.truncate(length),
    sync: () => {
      if (syncOf?.(file.path, syncs.count++)) return;
      try {
        file.sync();
      } catch (error) {
        if (!retriesSyncs) throw error;
        file.sync();
      }
    },
    syncLater: async () => {
      if (syncOf?.(file.path, syncs.count++)) return;
      await file.syncLater().catch((error: unknown) => {
        if (!retriesSyncs) throw error;
        return file.syncLater();
      });
    },
    close: () => file.close(),
  });
  return {
    open: (path, mode) => wrap(disk.open(mode === 'create' ? final(path) : path, mode)),
    rename: (from, to) => {
      if (final(from) === from) disk.rename(from, to);
    },
    unlink: (path) => disk.unlink(path),
    unlinkLater: (path) => disk.unlinkLater(path),
    list: (path) => disk.list(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => {
      if (!directorySyncOf?.(path)) disk.syncDirectory(path);
    },
    syncDirectoryLater: async (path) => {
      if (!directorySyncOf?.(path)) await disk.syncDirectoryLater(path);
    },
    lock: (path) => disk.lock(path),
  };
}

/** Puts another method in the place of a class's own. @returns what puts it back */
export function replaceMethod(owner: object, name: string, make: (original: never) => unknown): () => void {
  const prototype = owner as Record<string, unknown>;
  const original = prototype[name];
  prototype[name] = make(original as never);
  return () => {
    prototype[name] = original;
  };
}
