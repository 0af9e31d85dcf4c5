import { ByteReader } from '../bytes/byte-reader.js';
import { crc32 } from '../bytes/crc32.js';
import { writeInt } from '../bytes/varint.js';
import type { DiskFile } from '../disk/disk.js';
import { CorruptionError } from '../errors.js';
import { readU64, writeU64 } from './frame.js';

/**
 * The rows of one table as of one position: a header, blocks of rows, a footer.
 *
 *   header   0       4         8         24      28    32    40       48    52
 *            | magic | version | storeId | table | 0   | lsn | counter | 0   | crc |
 *            | u32   | u32     | 16 B    | u32   | u32 | u64 | i64     | u32 | u32 |
 *   block    0        4      8      12    16
 *            | length | rows | crc  | 0   | length, Avro bytes; of each row … |
 *   footer   0       4   8     16    20
 *            | magic | 0 | rows | crc | 0 |
 *
 * Each crc is seeded with the one before it, so that the footer's is over all of them; the manifest has it too.
 */
const MAGIC = 0x504b_5457; // 'WTKP'
const FOOTER_MAGIC = 0x5a4b_5457; // 'WTKZ'
const VERSION = 1;
const VERSION_AT = 4;
const STORE_AT = VERSION_AT + 4;
const TABLE_AT = STORE_AT + 16;
const LSN_AT = TABLE_AT + 8;
const COUNTER_AT = LSN_AT + 8;
const HEADER_CRC_AT = COUNTER_AT + 12;
export const CHECKPOINT_HEADER_BYTES = HEADER_CRC_AT + 4;

const BLOCK_ROWS_AT = 4;
const BLOCK_CRC_AT = BLOCK_ROWS_AT + 4;
const BLOCK_HEADER_BYTES = BLOCK_CRC_AT + 8;

const FOOTER_ROWS_AT = 8;
const FOOTER_CRC_AT = FOOTER_ROWS_AT + 8;
export const CHECKPOINT_FOOTER_BYTES = FOOTER_CRC_AT + 8;

/** A block is ended when it has reached this. */
export const BLOCK_BYTES = 256 * 1024;
const MOST_BLOCK_BYTES = 2 ** 30;
const MOST_LENGTH_BYTES = 5;

export interface CheckpointHeader {
  readonly table: number;
  readonly lsn: number;
  /** The last key that was given out. */
  readonly counter: bigint;
}

/** Makes a checkpoint's bytes, a block at a time. Give it rows until `isFull`, take `block()`, and at last `footer()`. */
export class CheckpointEncoder {
  private bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES + 64 * 1024);
  private used = BLOCK_HEADER_BYTES;
  private blockRows = 0;
  private rows = 0;
  private crc = 0;

  header(storeId: Buffer, { table, lsn, counter }: CheckpointHeader): Buffer {
    const header = Buffer.alloc(CHECKPOINT_HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(VERSION, VERSION_AT);
    storeId.copy(header, STORE_AT);
    header.writeUInt32LE(table, TABLE_AT);
    writeU64(header, LSN_AT, lsn);
    header.writeBigInt64LE(counter, COUNTER_AT);
    this.crc = crc32(header, 0, HEADER_CRC_AT);
    header.writeUInt32LE(this.crc, HEADER_CRC_AT);
    return header;
  }

  row(source: Buffer, from: number, length: number): void {
    const needed = this.used + MOST_LENGTH_BYTES + length;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(needed);
      this.bytes.copy(larger, 0, 0, this.used);
      this.bytes = larger;
    }
    const at = writeInt(this.bytes, this.used, length);
    source.copy(this.bytes, at, from, from + length);
    this.used = at + length;
    this.blockRows++;
  }

  get isFull(): boolean {
    return this.used >= BLOCK_BYTES;
  }

  get isEmpty(): boolean {
    return this.blockRows === 0;
  }

  /** The block's bytes, good until the next row. */
  block(): Buffer {
    const { bytes, used } = this;
    bytes.writeUInt32LE(used - BLOCK_HEADER_BYTES, 0);
    bytes.writeUInt32LE(this.blockRows, BLOCK_ROWS_AT);
    bytes.writeUInt32LE(0, BLOCK_CRC_AT + 4);
    this.crc = blockCrc(bytes.subarray(0, used), this.crc);
    bytes.writeUInt32LE(this.crc, BLOCK_CRC_AT);
    this.rows += this.blockRows;
    this.blockRows = 0;
    this.used = BLOCK_HEADER_BYTES;
    return bytes.subarray(0, used);
  }

  footer(): { bytes: Buffer; rows: number; crc: number } {
    const { rows } = this;
    const bytes = Buffer.alloc(CHECKPOINT_FOOTER_BYTES);
    bytes.writeUInt32LE(FOOTER_MAGIC, 0);
    writeU64(bytes, FOOTER_ROWS_AT, rows);
    const crc = crc32(bytes, 0, FOOTER_CRC_AT, this.crc);
    bytes.writeUInt32LE(crc, FOOTER_CRC_AT);
    return { bytes, rows, crc };
  }
}

/** Over the block without its crc. */
function blockCrc(block: Buffer, seed: number): number {
  return crc32(block, BLOCK_CRC_AT + 4, block.length, crc32(block, 0, BLOCK_CRC_AT, seed));
}

/** What the manifest says of a file: all of it must hold. */
export interface CheckpointExpectation {
  readonly table: number;
  readonly lsn: number;
  readonly bytes: number;
  readonly rows: number;
  readonly crc: number;
}

/** Takes a row; the bytes are good until it returns. What it throws without a file is about this one. */
export type VisitRow = (bytes: Buffer, from: number, to: number) => void;

/**
 * Reads a checkpoint that may be anything, a block at a time: the memory that it takes is that of the largest block.
 * @returns the counter. @throws CorruptionError
 */
export function readCheckpoint(file: DiskFile, storeId: Buffer, expected: CheckpointExpectation, visit: VisitRow): bigint {
  const name = file.path;
  const refuse = (at: number, reason: string): never => {
    throw new CorruptionError(name, at, reason);
  };
  const size = file.size();
  if (size !== expected.bytes || size < CHECKPOINT_HEADER_BYTES + CHECKPOINT_FOOTER_BYTES)
    refuse(0, `${size} bytes, and not as many as it should have`);
  const header = readAt(file, 0, CHECKPOINT_HEADER_BYTES);
  let crc = crc32(header, 0, HEADER_CRC_AT);
  if (header.readUInt32LE(0) !== MAGIC || header.readUInt32LE(HEADER_CRC_AT) !== crc) refuse(0, 'the header is damaged');
  if (header.readUInt32LE(VERSION_AT) !== VERSION) refuse(VERSION_AT, 'a checkpoint of another version');
  if (!header.subarray(STORE_AT, TABLE_AT).equals(storeId)) refuse(STORE_AT, 'a checkpoint of another store');
  if (header.readUInt32LE(TABLE_AT) !== expected.table) refuse(TABLE_AT, 'the checkpoint of another table');
  if (readU64(header, LSN_AT) !== expected.lsn) refuse(LSN_AT, 'a checkpoint of another position');
  let rows = 0;
  let room = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES * 2, size));
  let at = CHECKPOINT_HEADER_BYTES;
  const end = size - CHECKPOINT_FOOTER_BYTES;
  while (at < end) {
    if (at + BLOCK_HEADER_BYTES > end) refuse(at, 'a block that does not fit');
    const length = readAt(file, at, BLOCK_HEADER_BYTES).readUInt32LE(0);
    if (length > MOST_BLOCK_BYTES || length > end - at - BLOCK_HEADER_BYTES) refuse(at, 'a block beyond its file');
    if (room.length < BLOCK_HEADER_BYTES + length) room = Buffer.allocUnsafeSlow(BLOCK_HEADER_BYTES + length);
    const block = room.subarray(0, BLOCK_HEADER_BYTES + length);
    readInto(block, file, at);
    crc = blockCrc(block, crc);
    if (block.readUInt32LE(BLOCK_CRC_AT) !== crc) refuse(at, 'the block is damaged');
    rows += readBlock(block, name, at, visit);
    at += block.length;
  }
  const footer = readAt(file, end, CHECKPOINT_FOOTER_BYTES);
  const last = crc32(footer, 0, FOOTER_CRC_AT, crc);
  if (footer.readUInt32LE(FOOTER_CRC_AT) !== last || footer.readUInt32LE(0) !== FOOTER_MAGIC) refuse(end, 'the footer is damaged');
  if (readU64(footer, FOOTER_ROWS_AT) !== rows || rows !== expected.rows) refuse(end, `${rows} rows, and not as many as it should have`);
  if (last !== expected.crc) refuse(end, 'another file than the one that the manifest means');
  return header.readBigInt64LE(COUNTER_AT);
}

function readBlock(block: Buffer, name: string, base: number, visit: VisitRow): number {
  const rows = block.readUInt32LE(BLOCK_ROWS_AT);
  const reader = new ByteReader(block, BLOCK_HEADER_BYTES, block.length, name, base);
  try {
    for (let row = 0; row < rows; row++) {
      const length = reader.length();
      const from = reader.take(length);
      visit(block, from, from + length);
    }
  } catch (error) {
    if (!(error instanceof CorruptionError) || error.file !== undefined) throw error;
    throw new CorruptionError(name, base + error.offsetBytes, error.reason);
  }
  if (reader.left > 0) reader.fail('more in the block than its rows');
  return rows;
}

/** Reads `length` bytes, which the file has. @throws CorruptionError where it has not */
export function readAt(file: DiskFile, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  readInto(bytes, file, position);
  return bytes;
}

function readInto(bytes: Buffer, file: DiskFile, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const read = file.read(done === 0 ? bytes : bytes.subarray(done), position + done);
    if (read === 0) throw new CorruptionError(file.path, position + done, 'the file ends before its size');
    done += read;
  }
}
