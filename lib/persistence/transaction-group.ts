import type { Link } from '../storage/link.js';
import type { JournalEntry, LoggedTable } from '../transaction/change.js';
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES } from './frame.js';
import { overwriteBound, recordBound, writeAside, writeOverwrite, writeTransaction } from './transaction-record.js';

/** Bytes before each part of a group, for whatever an engine writes in front of it. */
export const HEADROOM_BYTES = FRAME_HEADER_BYTES;
const PART_BYTES = 1024 * 1024;
const FIRST_BYTES = 64 * 1024;
/** A buffer that has grown beyond this is not kept. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024;
const MOST_BYTES = 2 ** 31 - 1024;

/** Whole records, `[from, to)`. The bytes before `from`, and those from `to` to the next multiple of 8, are the engine's. */
export interface GroupPart {
  readonly from: number;
  to: number;
  /** How many transactions are in it. */
  transactions: number;
  readonly firstLsn: number;
  /** The position that its last record belongs to: its own, or, of one without a transaction, that of the next one. */
  coveredBy: number;
}

/** Committed transactions that wait to be stored, encoded into one buffer, in parts of about a megabyte. */
export class TransactionGroup {
  /** Every part's bytes, one after another; what is behind the last is of no meaning. */
  bytes: Buffer = Buffer.alloc(FIRST_BYTES);
  /** Where each part is, in order. */
  readonly parts: GroupPart[] = [];
  private used = 0;
  private nextLsn = 0;
  private records = 0;
  /** How many parts an engine has stored already: where one that was full goes on. */
  stored = 0;

  /** Bytes that are held. */
  get size(): number {
    return this.used;
  }

  /** Records that are held. */
  get count(): number {
    return this.records;
  }

  /** Whether it holds no record. */
  get isEmpty(): boolean {
    return this.records === 0;
  }

  /** The last transaction in it, or before it where there is none. */
  get lastLsn(): number {
    return this.nextLsn - 1;
  }

  /** Adds a transaction. Where it throws, for want of memory, nothing was added. */
  addTransaction(lsn: number, txn: number, at: number, entries: readonly JournalEntry[]): void {
    const part = this.room(recordBound(entries), lsn);
    part.to = writeTransaction(this.bytes, part.to, txn, at, entries);
    this.endTransaction(part, lsn);
  }

  /** Adds a transaction of one update, whose new bytes are staged, as `addTransaction`. */
  addOverwrite(lsn: number, txn: number, at: number, table: LoggedTable, link: Link): void {
    const part = this.room(overwriteBound(table, link), lsn);
    part.to = writeOverwrite(this.bytes, part.to, txn, at, table, link);
    this.endTransaction(part, lsn);
  }

  private endTransaction(part: GroupPart, lsn: number): void {
    part.transactions++;
    this.nextLsn = lsn + 1;
    this.end(part, lsn);
  }

  /** Adds keys and positions without a transaction; `lsn` is that of the next one. */
  addAside(lsn: number, entries: readonly JournalEntry[]): void {
    const part = this.room(recordBound(entries), lsn);
    part.to = writeAside(this.bytes, part.to, entries);
    this.nextLsn = lsn;
    this.end(part, lsn);
  }

  private end(part: GroupPart, lsn: number): void {
    part.coveredBy = lsn;
    this.used = part.to;
    this.records++;
  }

  /** The part that takes the next record, with `bound` bytes behind it. */
  private room(bound: number, lsn: number): GroupPart {
    const last = this.parts.at(-1);
    if (last !== undefined && last.to - last.from < PART_BYTES) {
      this.grow(last.to + bound + FRAME_ALIGNMENT);
      return last;
    }
    const from = align(this.used) + HEADROOM_BYTES;
    this.grow(from + bound + FRAME_ALIGNMENT);
    const part = { from, to: from, transactions: 0, firstLsn: lsn, coveredBy: lsn };
    this.parts.push(part);
    return part;
  }

  private grow(needed: number): void {
    if (needed <= this.bytes.length) return;
    if (needed > MOST_BYTES) throw new RangeError('a transaction, with those that wait before it, is larger than 2 GiB');
    const larger = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
  }

  /** Empties it for the next transactions. */
  clear(): void {
    this.parts.length = 0;
    this.used = 0;
    this.records = 0;
    this.stored = 0;
    if (this.bytes.length > MOST_KEPT_BYTES) this.bytes = Buffer.alloc(FIRST_BYTES);
  }
}

function align(size: number): number {
  return (size + FRAME_ALIGNMENT - 1) & -FRAME_ALIGNMENT;
}
