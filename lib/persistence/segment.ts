import { crc32 } from '../bytes/crc32.js';
import { CorruptionError } from '../errors.js';
import {
  checkFrame,
  FIRST_SKIPPABLE_KIND,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  FrameKind,
  frameBytes,
  isZero,
  readFrameHeader,
  readU64,
  writeU64,
} from './frame.js';

/**
 * A segment of the log: a header, frames, and zeros where the file reaches further than they do.
 *
 *   0       4         8         24       32        40          44          48            56            60    64
 *   | magic | version | storeId | number | firstLsn | epoch    | begun     | previous    | previousCrc | crc | frames …
 *   | u32   | u32     | 16 B    | u64    | u64      | u32      | u32       | length u64  | u32         | u32 |
 *
 * `previous length` and `previousCrc` are those of the segment before, which was whole and synced when this one was made:
 * only the last segment's end can be torn. `epoch` counts how often the store was opened. `begun` is when the segment was, in
 * seconds since 1970.
 */
const MAGIC = 0x4753_5457; // 'WTSG'
export const LOG_VERSION = 1;
const VERSION_AT = 4;
const STORE_AT = VERSION_AT + 4;
const NUMBER_AT = STORE_AT + 16;
const FIRST_LSN_AT = NUMBER_AT + 8;
const EPOCH_AT = FIRST_LSN_AT + 8;
const BEGUN_AT = EPOCH_AT + 4;
const PREVIOUS_LENGTH_AT = BEGUN_AT + 4;
const PREVIOUS_CRC_AT = PREVIOUS_LENGTH_AT + 8;
const CRC_AT = PREVIOUS_CRC_AT + 4;
export const SEGMENT_HEADER_BYTES = CRC_AT + 4;

export interface SegmentHeader {
  readonly number: number;
  readonly firstLsn: number;
  readonly epoch: number;
  readonly begun: number;
  readonly previousLength: number;
  readonly previousCrc: number;
  /** The seed of the first frame's crc. */
  readonly crc: number;
}

export function writeSegmentHeader(storeId: Buffer, header: Omit<SegmentHeader, 'crc'>): { bytes: Buffer; crc: number } {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(LOG_VERSION, VERSION_AT);
  storeId.copy(bytes, STORE_AT);
  writeU64(bytes, NUMBER_AT, header.number);
  writeU64(bytes, FIRST_LSN_AT, header.firstLsn);
  bytes.writeUInt32LE(header.epoch, EPOCH_AT);
  bytes.writeUInt32LE(header.begun, BEGUN_AT);
  writeU64(bytes, PREVIOUS_LENGTH_AT, header.previousLength);
  bytes.writeUInt32LE(header.previousCrc, PREVIOUS_CRC_AT);
  const crc = crc32(bytes, 0, CRC_AT);
  bytes.writeUInt32LE(crc, CRC_AT);
  return { bytes, crc };
}

/** @throws CorruptionError */
export function readSegmentHeader(bytes: Buffer, file: string, storeId: Buffer, number: number): SegmentHeader {
  const refuse = (at: number, reason: string): never => {
    throw new CorruptionError(file, at, reason);
  };
  if (bytes.length < SEGMENT_HEADER_BYTES) refuse(0, 'a segment without a whole header');
  if (bytes.readUInt32LE(0) !== MAGIC) refuse(0, 'no segment of a log');
  const crc = bytes.readUInt32LE(CRC_AT);
  if (crc !== crc32(bytes, 0, CRC_AT)) refuse(CRC_AT, 'the header is damaged');
  if (bytes.readUInt32LE(VERSION_AT) !== LOG_VERSION) refuse(VERSION_AT, 'a segment of another version');
  if (!bytes.subarray(STORE_AT, NUMBER_AT).equals(storeId)) refuse(STORE_AT, 'a segment of another store');
  const header = {
    number: readU64(bytes, NUMBER_AT),
    firstLsn: readU64(bytes, FIRST_LSN_AT),
    epoch: bytes.readUInt32LE(EPOCH_AT),
    begun: bytes.readUInt32LE(BEGUN_AT),
    previousLength: readU64(bytes, PREVIOUS_LENGTH_AT),
    previousCrc: bytes.readUInt32LE(PREVIOUS_CRC_AT),
    crc,
  };
  if (header.number !== number) refuse(NUMBER_AT, 'a segment under the name of another one');
  return header;
}

/** A sound frame, and where its payload is. */
export interface Frame {
  readonly kind: number;
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly transactions: number;
  readonly firstLsn: number;
}

/** Where a segment's sound frames end, and what is behind. */
export interface SegmentEnd {
  /** Behind the last sound frame. */
  readonly at: number;
  /** The crc of that frame, or of the header. */
  readonly crc: number;
  /** `clean`: nothing, or zeros. `torn`: bytes that are no frame. `damaged`: such, where a frame behind says that all was synced. */
  readonly state: 'clean' | 'torn' | 'damaged';
}

/** Walks a segment's frames. @returns where they end. @throws CorruptionError for a sound frame of a kind that must be known */
export function walkFrames(
  bytes: Buffer,
  file: string,
  header: SegmentHeader,
  storeSeed: number,
  visit: (frame: Frame) => void,
): SegmentEnd {
  let at = SEGMENT_HEADER_BYTES;
  let { crc } = header;
  for (;;) {
    const found = readFrameHeader(bytes, at, storeSeed);
    const sum = found && checkFrame(bytes, at, found, crc);
    if (found === undefined || sum === undefined) break;
    if (!isKnownKind(found.kind)) throw new CorruptionError(file, at, `a frame of kind ${found.kind}, which this version does not know`);
    const from = at + FRAME_HEADER_BYTES;
    if (found.kind < FIRST_SKIPPABLE_KIND) visit({ ...found, at, from, to: from + found.length });
    at += frameBytes(found.length);
    crc = sum;
  }
  return { at, crc, state: stateBehind(bytes, at, storeSeed) };
}

export function isKnownKind(kind: number): boolean {
  return kind >= FIRST_SKIPPABLE_KIND || (kind >= FrameKind.Group && kind <= FrameKind.Seal);
}

function stateBehind(bytes: Buffer, end: number, storeSeed: number): SegmentEnd['state'] {
  if (isZero(bytes, end, bytes.length)) return 'clean';
  for (let at = end; at < bytes.length; at += FRAME_ALIGNMENT) {
    const header = readFrameHeader(bytes, at, storeSeed);
    if (header !== undefined && header.promised > end) return 'damaged';
  }
  return 'torn';
}
