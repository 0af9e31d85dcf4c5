import { assert } from '../assert.js';
import { crc32 } from '../bytes/crc32.js';

/**
 * A frame of the log: whole transactions under one checksum, so that each is stored over all its tables or not at all.
 *
 *   0       4        8      9       10      12             16         24          32          36    40
 *   | magic | length | kind | flags | 0     | transactions | firstLsn | promised  | headerCrc | crc | payload … | zeros |
 *   | u32   | u32    | u8   | u8    | u16   | u32          | u64      | u64       | u32       | u32 |           | to 8  |
 *
 * `length` is the payload's. `promised` says how many bytes of the segment were synced when the frame was made: damage
 * below it is damage, and no torn end (after Pebble's log). `headerCrc` is over what stands before it, seeded with the
 * store's id, and checked before `length` is believed. `crc` is over everything else of the frame, seeded with the crc of
 * the frame before it, or of the segment's header.
 */
export const FRAME_MAGIC = 0x4652_5457; // 'WTRF'
const LENGTH_AT = 4;
const KIND_AT = LENGTH_AT + 4;
const FLAGS_AT = KIND_AT + 1;
const TRANSACTIONS_AT = FLAGS_AT + 3;
const FIRST_LSN_AT = TRANSACTIONS_AT + 4;
const PROMISED_AT = FIRST_LSN_AT + 8;
const HEADER_CRC_AT = PROMISED_AT + 8;
const CRC_AT = HEADER_CRC_AT + 4;
export const FRAME_HEADER_BYTES = CRC_AT + 4;
export const FRAME_ALIGNMENT = 8;

export const FrameKind = {
  /** Whole records. */
  Group: 1,
  /** Bytes that go on in the next frame. */
  Part: 2,
  /** The end of what parts began: with them, whole records. */
  Last: 3,
  /** Nothing but a promise. */
  Seal: 4,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
/** Kinds from here on may be skipped by who does not know them. */
export const FIRST_SKIPPABLE_KIND = 128;

export const MOST_FRAME_BYTES = 16 * 1024 * 1024;

/** The sizes must be right, the rest of the bytes may be any. */
export interface FrameHeader {
  readonly length: number;
  readonly kind: number;
  readonly transactions: number;
  readonly firstLsn: number;
  readonly promised: number;
}

/** A frame's bytes in the log, with its zeros. */
export function frameBytes(length: number): number {
  return (FRAME_HEADER_BYTES + length + FRAME_ALIGNMENT - 1) & -FRAME_ALIGNMENT;
}

/** Writes the header of a frame whose payload stands behind it already. @returns its crc, the seed of the next. */
export function writeFrameHeader(bytes: Buffer, at: number, header: FrameHeader, seed: number, storeSeed: number): number {
  assert(header.length <= MOST_FRAME_BYTES, 'a frame is within its limit');
  bytes.writeUInt32LE(FRAME_MAGIC, at);
  bytes.writeUInt32LE(header.length, at + LENGTH_AT);
  bytes[at + KIND_AT] = header.kind;
  bytes[at + FLAGS_AT] = 0;
  bytes[at + FLAGS_AT + 1] = 0;
  bytes[at + FLAGS_AT + 2] = 0;
  bytes.writeUInt32LE(header.transactions, at + TRANSACTIONS_AT);
  writeU64(bytes, at + FIRST_LSN_AT, header.firstLsn);
  writeU64(bytes, at + PROMISED_AT, header.promised);
  bytes.writeUInt32LE(crc32(bytes, at, at + HEADER_CRC_AT, storeSeed), at + HEADER_CRC_AT);
  const crc = frameCrc(bytes, at, header.length, seed);
  bytes.writeUInt32LE(crc, at + CRC_AT);
  return crc;
}

function frameCrc(bytes: Buffer, at: number, length: number, seed: number): number {
  const head = crc32(bytes, at, at + CRC_AT, seed);
  return crc32(bytes, at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length, head);
}

/** @returns the header at `at`, or nothing where no sound one stands there. Whatever the bytes are. */
export function readFrameHeader(bytes: Buffer, at: number, storeSeed: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== FRAME_MAGIC) return undefined;
  if (bytes.readUInt32LE(at + HEADER_CRC_AT) !== crc32(bytes, at, at + HEADER_CRC_AT, storeSeed)) return undefined;
  const header = {
    length: bytes.readUInt32LE(at + LENGTH_AT),
    kind: bytes[at + KIND_AT] as number,
    transactions: bytes.readUInt32LE(at + TRANSACTIONS_AT),
    firstLsn: readU64(bytes, at + FIRST_LSN_AT),
    promised: readU64(bytes, at + PROMISED_AT),
  };
  return header.length <= MOST_FRAME_BYTES ? header : undefined;
}

/** @returns the crc of a frame with a sound header, or nothing where the frame is not whole and sound. */
export function checkFrame(bytes: Buffer, at: number, header: FrameHeader, seed: number): number | undefined {
  const end = at + frameBytes(header.length);
  if (end > bytes.length) return undefined;
  const crc = bytes.readUInt32LE(at + CRC_AT);
  if (crc !== frameCrc(bytes, at, header.length, seed)) return undefined;
  return isZero(bytes, at + FRAME_HEADER_BYTES + header.length, end) ? crc : undefined;
}

export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

const TWO_32 = 2 ** 32;

/** A safe integer as 64 bits. */
export function writeU64(bytes: Buffer, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a position is a safe integer');
  bytes.writeUInt32LE(value % TWO_32, at);
  bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

/** Beyond the safe integers it is not exact, and differs from whatever is expected. */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32;
}
