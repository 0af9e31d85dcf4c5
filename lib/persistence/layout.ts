/**
 * The names of a store's files. None of them is made from a user's text.
 *
 *   LOCK                                     held by the kernel while the store is open
 *   MANIFEST                                 what else there is, and the tables' schemas
 *   wal/0000000000000001.wal                 the log's segments, numbered without gaps
 *   ckpt/0000000000000042-0003.wtc           the rows of table 3 as of LSN 42
 *   quarantine/0000000000000007-1024.torn    what stood behind the log's end after a crash, from byte 1024 of segment 7
 */
export const LOCK = 'LOCK';
export const MANIFEST = 'MANIFEST';
export const LOG_DIRECTORY = 'wal';
export const CHECKPOINT_DIRECTORY = 'ckpt';
export const QUARANTINE_DIRECTORY = 'quarantine';
/** What a file is called until it is whole. */
export const UNFINISHED = '.tmp';

const DIGITS = 16;
const SEGMENT = /^(\d{16})\.wal$/;
const CHECKPOINT = /^\d{16}-\d{4,}\.wtc$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(DIGITS, '0')}.wal`;
}

/** @returns the number of a segment with this name, or nothing where it is another file's. */
export function segmentNumber(name: string): number | undefined {
  const digits = SEGMENT.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function checkpointName(lsn: number, table: number): string {
  return `${String(lsn).padStart(DIGITS, '0')}-${String(table).padStart(4, '0')}.wtc`;
}

export function isCheckpointName(name: string): boolean {
  return CHECKPOINT.test(name);
}

export function tornName(segment: number, offset: number): string {
  return `${String(segment).padStart(DIGITS, '0')}-${offset}.torn`;
}
