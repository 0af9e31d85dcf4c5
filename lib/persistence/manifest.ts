import { crc32 } from '../bytes/crc32.js';
import type { Disk } from '../disk/disk.js';
import { type DiskWork, replaceFile } from '../disk/disk-work.js';
import { CorruptionError, FormatVersionError } from '../errors.js';
import { isPositionName, MOST_POSITIONS } from '../transaction/positions.js';
import { readU64, writeU64 } from './frame.js';
import { UNFINISHED } from './layout.js';
import type { StoredTable } from './stored-table.js';

/**
 * What there is in a store: two copies of one block, the second in the file's second half, so that damage to either
 * leaves the other. It is replaced as a whole: written beside, synced, renamed, its directory synced.
 *
 *   0       4        8            16    20
 *   | magic | length | generation | crc | body, JSON … | zeros to half of the file, a multiple of 4096 |
 *   | u32   | u32    | u64        | u32 |
 */
const MAGIC = 0x464d_5457; // 'WTMF'
const LENGTH_AT = 4;
const GENERATION_AT = LENGTH_AT + 4;
const CRC_AT = GENERATION_AT + 8;
const BODY_AT = CRC_AT + 4;
const COPY_ALIGNMENT = 4096;
export const MOST_MANIFEST_BYTES = 64 * 1024 * 1024;

/** The format that is written, and the oldest reader that can read it. */
export const FORMAT = 1;

export interface Manifest {
  readonly format: number;
  /** Readers of a format below this refuse. */
  readonly minReader: number;
  /** 16 random bytes, in hexadecimal: every file of the store bears them. */
  readonly storeId: string;
  /** Rises with each change of the manifest. */
  readonly generation: number;
  /** How often the store was opened to be written. */
  readonly epoch: number;
  /** The checkpoint's position: the log is needed from behind it on. */
  readonly checkpointLsn: number;
  /** The last transaction's number at the checkpoint. */
  readonly checkpointTxn: number;
  /** The first segment that is needed. */
  readonly firstSegment: number;
  /** The last segment that is known to be there. There may be later ones. */
  readonly lastSegment: number;
  /** Where the log ends, after a clean close. */
  readonly clean: CleanEnd | null;
  readonly tables: readonly ManifestTable[];
  /** The named positions at the checkpoint. */
  readonly positions: readonly (readonly [name: string, lsn: number])[];
}

export interface CleanEnd {
  readonly segment: number;
  readonly length: number;
  readonly lsn: number;
  readonly txn: number;
  readonly crc: number;
}

export interface ManifestTable extends StoredTable {
  readonly id: number;
  readonly checkpoint: TableCheckpoint | null;
}

export interface TableCheckpoint {
  readonly file: string;
  readonly bytes: number;
  readonly rows: number;
  readonly crc: number;
}

export function encodeManifest(manifest: Manifest): Buffer {
  const body = Buffer.from(JSON.stringify(manifest));
  const half = Math.ceil((BODY_AT + body.length) / COPY_ALIGNMENT) * COPY_ALIGNMENT;
  const file = Buffer.alloc(half * 2);
  for (const at of [0, half]) {
    file.writeUInt32LE(MAGIC, at);
    file.writeUInt32LE(body.length, at + LENGTH_AT);
    writeU64(file, at + GENERATION_AT, manifest.generation);
    body.copy(file, at + BODY_AT);
    file.writeUInt32LE(checksum(file, at, body.length), at + CRC_AT);
  }
  return file;
}

function checksum(file: Buffer, at: number, length: number): number {
  return crc32(file, at + BODY_AT, at + BODY_AT + length, crc32(file, at, at + CRC_AT));
}

/** Reads a manifest that may be anything. @throws CorruptionError where no copy is sound, FormatVersionError */
export function decodeManifest(bytes: Buffer, file: string): Manifest {
  const half = Math.floor(bytes.length / 2);
  const body = copyAt(bytes, 0) ?? copyAt(bytes, half - (half % COPY_ALIGNMENT));
  if (body === undefined) throw new CorruptionError(file, 0, 'neither copy of the manifest is sound');
  const manifest = parse(body);
  if (typeof manifest?.minReader === 'number' && manifest.minReader > FORMAT) {
    throw new FormatVersionError(file, manifest.minReader, FORMAT);
  }
  if (!isManifest(manifest)) throw new CorruptionError(file, BODY_AT, 'a manifest that is sound, and not as it should be');
  return manifest;
}

function copyAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + BODY_AT > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  const length = bytes.readUInt32LE(at + LENGTH_AT);
  if (length > bytes.length - at - BODY_AT || !Number.isSafeInteger(readU64(bytes, at + GENERATION_AT))) return undefined;
  if (bytes.readUInt32LE(at + CRC_AT) !== checksum(bytes, at, length)) return undefined;
  return bytes.subarray(at + BODY_AT, at + BODY_AT + length);
}

function parse(body: Buffer): Partial<Manifest> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Partial<Manifest>) : undefined;
  } catch {
    return undefined;
  }
}

/** Its checksum says that we wrote it; this is for bytes that somebody made to look so. */
function isManifest(value: Partial<Manifest> | undefined): value is Manifest {
  if (value === undefined) return false;
  const { storeId, clean, tables, positions } = value;
  const counts = [value.generation, value.epoch, value.checkpointLsn, value.checkpointTxn, value.firstSegment, value.lastSegment];
  return (
    counts.every(isCount) &&
    typeof storeId === 'string' &&
    /^[0-9a-f]{32}$/.test(storeId) &&
    (clean === null || (isObject(clean) && [clean.segment, clean.length, clean.lsn, clean.txn, clean.crc].every(isCount))) &&
    Array.isArray(tables) &&
    tables.every(isTable) &&
    Array.isArray(positions) &&
    positions.length <= MOST_POSITIONS &&
    positions.every(isPosition)
  );
}

function isPosition(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isPositionName(value[0]) && isCount(value[1]);
}

function isTable(value: unknown): value is ManifestTable {
  if (!isObject(value)) return false;
  const { id, name, checkpoint } = value as Partial<ManifestTable>;
  if (!isCount(id) || typeof name !== 'string' || !isObject(value.schema)) return false;
  if (checkpoint === null) return true;
  return isObject(checkpoint) && typeof checkpoint.file === 'string' && [checkpoint.bytes, checkpoint.rows, checkpoint.crc].every(isCount);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Puts a manifest in the place of the one that is there. */
export function saveManifest(disk: Disk, path: string, manifest: Manifest): DiskWork {
  return replaceFile(disk, path, path + UNFINISHED, encodeManifest(manifest));
}
