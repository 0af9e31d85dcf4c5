import { isUtf8 } from 'node:buffer';
import type { ByteReader } from '../bytes/byte-reader.js';
import { writeString } from '../bytes/text.js';
import { writeInt, writeLongBigInt, writeLongNumber } from '../bytes/varint.js';
import { copyBytes } from '../schema/patch-row.js';
import { type Link, NO_LINK } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';
import type { UpdateBytes } from '../table/table-loader.js';
import type { Change, JournalEntry, LoggedTable } from '../transaction/change.js';
import { isPositionName, MOST_POSITION_NAME_BYTES, type PositionChange } from '../transaction/positions.js';

/**
 * A committed transaction in the log. Its LSN is that of the record before it and one more. Numbers are Avro longs, rows
 * are their Avro bytes, as they lie in the pages.
 *
 *   record       | length u32 | kind u8: 1 | at f64, ms | txn | operations | operation … |
 *   aside        | length u32 | kind u8: 2 | operations | operation … |        no transaction: it takes no LSN
 *
 *   insert       | 1 | table | length | row after |
 *   update       | 2 | table | length | row after | prefix | suffix | length | the row before, between the two |
 *   delete       | 3 | table | length | row before |     4: the same, of a row whose time was over
 *   counter      | 5 | table | last key given out |
 *   position     | 6 | length | name, UTF-8 | LSN |     7: without the LSN, a position that is forgotten
 *
 * An update's rows share `prefix` bytes at their beginning and `suffix` at their end: what differs of the row before is
 * all that is stored of it. With it a change can be read in full, and a replay sees that it meets the row that it should.
 */
export const RecordKind = { Transaction: 1, Aside: 2 } as const;
const Op = { Insert: 1, Update: 2, Delete: 3, Expire: 4, Counter: 5, Position: 6, Forget: 7 } as const;

const LENGTH_BYTES = 4;
/** The length, the kind, the time, and two numbers. */
const RECORD_OVERHEAD = LENGTH_BYTES + 1 + 8 + 10 + 5;
/** The kind, and up to five numbers. */
const OPERATION_OVERHEAD = 1 + 5 * 10;

/** The most bytes that the record of these changes can take. */
export function recordBound(entries: readonly JournalEntry[]): number {
  let bound = RECORD_OVERHEAD;
  for (const entry of entries) {
    bound += OPERATION_OVERHEAD;
    if (entry.kind === 'position') {
      bound += MOST_POSITION_NAME_BYTES;
      continue;
    }
    const { target, oldLink, newLink } = entry;
    if (oldLink !== NO_LINK) bound += target.logged.store.lengthAt(oldLink);
    if (newLink !== NO_LINK) bound += target.logged.store.lengthAt(newLink);
  }
  return bound;
}

/** The most bytes that the record of an overwrite of the row at `link` can take. */
export function overwriteBound({ store }: LoggedTable, link: Link): number {
  return RECORD_OVERHEAD + OPERATION_OVERHEAD + 2 * Math.max(store.lengthAt(link), store.overwriteLength(link));
}

/** Writes a transaction's record at `position`, where `recordBound` bytes are free. @returns the position behind it. */
export function writeTransaction(bytes: Buffer, position: number, txn: number, at: number, entries: readonly JournalEntry[]): number {
  return writeOperations(bytes, position, writeBeginning(bytes, position, txn, at), entries);
}

function writeBeginning(bytes: Buffer, position: number, txn: number, at: number): number {
  let p = position + LENGTH_BYTES;
  bytes[p++] = RecordKind.Transaction;
  p = bytes.writeDoubleLE(at, p);
  return writeLongNumber(bytes, p, txn);
}

/** Writes the record of a transaction of one update, whose new bytes are staged, as `writeTransaction`. */
export function writeOverwrite(
  bytes: Buffer,
  position: number,
  txn: number,
  at: number,
  { store, logId }: LoggedTable,
  link: Link,
): number {
  let p = writeInt(bytes, writeBeginning(bytes, position, txn, at), 1);
  bytes[p++] = Op.Update;
  p = writeInt(bytes, p, logId);
  const from = writeInt(bytes, p, store.overwriteLength(link));
  p = store.copyOverwrite(link, bytes, from);
  return endRecord(bytes, position, writeDifference(bytes, from, p, store, link));
}

/** Writes keys and positions without a transaction, as `writeTransaction`. */
export function writeAside(bytes: Buffer, position: number, entries: readonly JournalEntry[]): number {
  let p = position + LENGTH_BYTES;
  bytes[p++] = RecordKind.Aside;
  return writeOperations(bytes, position, p, entries);
}

/** Ends the record that begins at `position` with its operations, at `at`. @returns the position behind it */
function writeOperations(bytes: Buffer, position: number, at: number, entries: readonly JournalEntry[]): number {
  let p = writeInt(bytes, at, entries.length);
  for (const entry of entries) p = entry.kind === 'position' ? writePosition(bytes, p, entry) : writeOperation(bytes, p, entry);
  return endRecord(bytes, position, p);
}

function endRecord(bytes: Buffer, position: number, end: number): number {
  bytes.writeUInt32LE(end - position - LENGTH_BYTES, position);
  return end;
}

function writeOperation(bytes: Buffer, position: number, change: Change): number {
  const { target, kind, oldLink, newLink } = change;
  const { store, logId } = target.logged;
  let p = position;
  switch (kind) {
    case 'insert':
      bytes[p++] = Op.Insert;
      p = writeInt(bytes, p, logId);
      return writeRow(bytes, p, store, newLink);
    case 'update':
      bytes[p++] = Op.Update;
      p = writeInt(bytes, p, logId);
      p = writeRow(bytes, p, store, newLink);
      return writeDifference(bytes, p - store.lengthAt(newLink), p, store, oldLink);
    case 'delete':
      bytes[p++] = change.expired ? Op.Expire : Op.Delete;
      p = writeInt(bytes, p, logId);
      return writeRow(bytes, p, store, oldLink);
    case 'counter': {
      bytes[p++] = Op.Counter;
      p = writeInt(bytes, p, logId);
      const { counterValue } = target.logged;
      return typeof counterValue === 'bigint' ? writeLongBigInt(bytes, p, counterValue) : writeLongNumber(bytes, p, counterValue);
    }
  }
}

function writePosition(bytes: Buffer, position: number, { name, after }: PositionChange): number {
  bytes[position] = after === undefined ? Op.Forget : Op.Position;
  const p = writeString(bytes, position + 1, name);
  return after === undefined ? p : writeLongNumber(bytes, p, after);
}

function writeRow(bytes: Buffer, position: number, store: RowStore, link: Change['oldLink']): number {
  const length = store.lengthAt(link);
  const p = writeInt(bytes, position, length);
  const from = store.positionAt(link);
  return copyBytes(store.bufferAt(link), from, from + length, bytes, p);
}

/** Writes what of the row before, at `link`, differs from the row after it, which stands in `[from, position)`. */
function writeDifference(bytes: Buffer, from: number, position: number, store: RowStore, link: Link): number {
  const before = store.bufferAt(link);
  const beforeAt = store.positionAt(link);
  const length = store.lengthAt(link);
  const most = Math.min(length, position - from);
  let prefix = 0;
  while (prefix < most && before[beforeAt + prefix] === bytes[from + prefix]) prefix++;
  let suffix = 0;
  while (suffix < most - prefix && before[beforeAt + length - suffix - 1] === bytes[position - suffix - 1]) suffix++;
  let p = writeInt(bytes, position, prefix);
  p = writeInt(bytes, p, suffix);
  p = writeInt(bytes, p, length - prefix - suffix);
  return copyBytes(before, beforeAt + prefix, beforeAt + length - suffix, bytes, p);
}

/** What a reader of the log is told of, in order. Ranges are of the record's own bytes. */
export interface RecordVisitor {
  begin(transaction: { readonly lsn: number; readonly txn: number; readonly at: number }): void;
  insert(table: number, bytes: Buffer, from: number, to: number): void;
  update(table: number, update: UpdateBytes): void;
  delete(table: number, bytes: Buffer, from: number, to: number, expired: boolean): void;
  counter(table: number, value: bigint): void;
  /** A named position; without an LSN, one that is forgotten. */
  position(name: string, lsn: number | undefined): void;
}

/**
 * Reads records that may be anything. `transactions` are to be in them, the first with `firstLsn`; those up to `skip`
 * are read, but not visited. @returns the position whose state has all of them. @throws CorruptionError
 */
export function readRecords(reader: ByteReader, firstLsn: number, transactions: number, skip: number, visitor: RecordVisitor): number {
  let lsn = firstLsn;
  let coveredBy = firstLsn - 1;
  while (reader.left > 0) {
    coveredBy = lsn;
    if (readRecord(reader, lsn, firstLsn + transactions - 1, skip, visitor)) lsn++;
  }
  if (lsn !== firstLsn + transactions) reader.fail('fewer transactions than the frame says');
  return coveredBy;
}

/**
 * Reads the next record, as `readRecords`. Where it is a transaction it has `lsn`, of which `last` is the last that there
 * is to be. @returns whether it is one. @throws CorruptionError
 */
export function readRecord(reader: ByteReader, lsn: number, last: number, skip: number, visitor: RecordVisitor): boolean {
  const at = reader.position;
  const length = reader.u32();
  if (length > reader.left) reader.fail('a record beyond its frame', at);
  const end = reader.position + length;
  const kind = reader.byte();
  // A record aside belongs to what is before the next transaction; a checkpoint that has this one has it, too.
  const visited = lsn > skip ? visitor : IGNORE;
  if (kind === RecordKind.Transaction) {
    if (lsn > last) reader.fail('more transactions than the frame says', at);
    const ms = reader.double();
    visited.begin({ lsn, txn: reader.natural(), at: ms });
  } else if (kind !== RecordKind.Aside) {
    reader.fail('a record of no known kind', at);
  }
  readOperations(reader, end, visited);
  if (reader.position !== end) reader.fail('a record that is not as long as it says', at);
  return kind === RecordKind.Transaction;
}

function readOperations(reader: ByteReader, end: number, visitor: RecordVisitor): void {
  const count = reader.natural();
  for (let left = count; left > 0; left--) {
    if (reader.position >= end) reader.fail('fewer operations than the record says');
    readOperation(reader, visitor);
  }
}

function readOperation(reader: ByteReader, visitor: RecordVisitor): void {
  const at = reader.position;
  const kind = reader.byte();
  if (kind < Op.Insert || kind > Op.Forget) reader.fail('an operation of no known kind', at);
  if (kind >= Op.Position) {
    const name = readPositionName(reader);
    visitor.position(name, kind === Op.Position ? reader.natural() : undefined);
    return;
  }
  const table = reader.natural();
  if (kind === Op.Counter) {
    visitor.counter(table, reader.long());
    return;
  }
  const length = reader.length();
  const from = reader.take(length);
  const to = from + length;
  if (kind === Op.Insert) visitor.insert(table, reader.bytes, from, to);
  else if (kind === Op.Update) visitor.update(table, readUpdate(reader, from, to));
  else visitor.delete(table, reader.bytes, from, to, kind === Op.Expire);
}

function readPositionName(reader: ByteReader): string {
  const at = reader.position;
  const length = reader.length();
  const from = reader.take(length);
  const bytes = reader.bytes.subarray(from, from + length);
  const name = length <= MOST_POSITION_NAME_BYTES && isUtf8(bytes) ? bytes.toString() : '';
  if (!isPositionName(name)) reader.fail('the name of a position that cannot be', at);
  return name;
}

function readUpdate(reader: ByteReader, from: number, to: number): UpdateBytes {
  const at = reader.position;
  const prefix = reader.natural();
  const suffix = reader.natural();
  if (prefix + suffix > to - from) reader.fail('an update that shares more bytes than it has', at);
  const middle = reader.length();
  const middleFrom = reader.take(middle);
  return { bytes: reader.bytes, from, to, prefix, suffix, middleFrom, middleTo: middleFrom + middle };
}

const IGNORE: RecordVisitor = {
  begin: () => undefined,
  insert: () => undefined,
  update: () => undefined,
  delete: () => undefined,
  counter: () => undefined,
  position: () => undefined,
};
