import { join } from 'node:path';
import type { Disk } from '../disk/disk.js';
import { type DiskWork, pause, sync, syncDirectory, writeAll } from '../disk/disk-work.js';
import { CheckpointEncoder } from './checkpoint-file.js';
import { CHECKPOINT_DIRECTORY, checkpointName, UNFINISHED } from './layout.js';
import type { TableCheckpoint } from './manifest.js';
import type { DatabaseImage, TableImage } from './persistence-engine.js';

/** How long one slice may hold up other work, in milliseconds. */
export const SLICE_MS = 0.5;
/** So much is made last at once: a commit's sync may have to wait for it. */
const SYNC_BYTES = 256 * 1024;

/** Writes one table's rows into a file of its own, a slice at a time. Lasting when the directory is synced. */
export function* writeTableCheckpoint(
  disk: Disk,
  path: string,
  storeId: Buffer,
  lsn: number,
  id: number,
  image: TableImage,
  clock: () => number,
): DiskWork<TableCheckpoint> {
  const name = checkpointName(lsn, id);
  const unfinished = join(path, CHECKPOINT_DIRECTORY, name + UNFINISHED);
  const encoder = new CheckpointEncoder();
  const file = disk.open(unfinished, 'create');
  let bytes = 0;
  let synced = 0;
  try {
    const put = function* (part: Buffer): DiskWork {
      yield* writeAll(file, part, bytes);
      bytes += part.length;
      if (bytes - synced < SYNC_BYTES) return;
      yield* sync(file);
      synced = bytes;
    };
    yield* put(encoder.header(storeId, { table: id, lsn, counter: image.counter }));
    const take = (source: Buffer, from: number, length: number): boolean => {
      encoder.row(source, from, length);
      return !encoder.isFull;
    };
    for (let more = true; more; ) {
      more = image.read(take, clock() + SLICE_MS);
      if (encoder.isFull || !(more || encoder.isEmpty)) yield* put(encoder.block());
      if (more) yield* pause();
    }
    const { bytes: footer, rows, crc } = encoder.footer();
    yield* put(footer);
    yield* sync(file);
    disk.rename(unfinished, join(path, CHECKPOINT_DIRECTORY, name));
    return { file: name, bytes, rows, crc };
  } finally {
    file.close();
  }
}

/** Writes all tables of an image. @returns what the manifest is to say of each, in the order of `ids`. */
export function* writeCheckpoints(
  disk: Disk,
  path: string,
  storeId: Buffer,
  image: DatabaseImage,
  ids: readonly number[],
  clock: () => number,
): DiskWork<TableCheckpoint[]> {
  const written: TableCheckpoint[] = [];
  for (const [place, id] of ids.entries()) {
    written.push(yield* writeTableCheckpoint(disk, path, storeId, image.lsn, id, image.tables[place] as TableImage, clock));
  }
  yield* syncDirectory(join(path, CHECKPOINT_DIRECTORY));
  return written;
}
