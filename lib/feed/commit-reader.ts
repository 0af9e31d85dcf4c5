import { ByteReader } from '../bytes/byte-reader.js';
import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { ChangeKind, Lsn } from '../cdc/operation.js';
import { CorruptionError } from '../errors.js';
import type { LogSlice } from '../persistence/persistence-engine.js';
import { type RecordVisitor, readRecord } from '../persistence/transaction-record.js';
import type { UpdateBytes } from '../table/table-loader.js';
import type { FeedTable, FeedTables } from './feed-tables.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes commit events of the log's records, one at a time. */
export class CommitReader {
  private reader: ByteReader | undefined;
  private slice: LogSlice | undefined;
  private lsn = 0;
  private readonly builder: EventBuilder;

  constructor(tables: FeedTables) {
    this.builder = new EventBuilder(tables);
  }

  /** Goes on with these records. All of those before were read. */
  take(slice: LogSlice): void {
    this.slice = slice;
    this.reader = new ByteReader(slice.bytes, slice.from, slice.to, slice.source, slice.sourceOffset);
    this.lsn = slice.firstLsn;
  }

  /** The next transaction behind `afterLsn`, with what is wanted of its changes. @throws CorruptionError */
  next(afterLsn: number): CommitEvent | undefined {
    const { reader, slice } = this;
    if (reader === undefined || slice === undefined) return undefined;
    const last = slice.firstLsn + slice.transactions - 1;
    while (reader.left > 0) {
      if (!this.readOne(reader, slice, last, afterLsn)) continue;
      if (this.lsn++ > afterLsn) return this.builder.end();
    }
    if (this.lsn !== last + 1) reader.fail('fewer transactions than the frame says');
    this.forget();
    return undefined;
  }

  private readOne(reader: ByteReader, { source, sourceOffset }: LogSlice, last: number, afterLsn: number): boolean {
    try {
      return readRecord(reader, this.lsn, last, afterLsn, this.builder);
    } catch (error) {
      if (!(error instanceof CorruptionError) || error.file !== undefined) throw error;
      throw new CorruptionError(source, sourceOffset + error.offsetBytes, error.reason);
    }
  }

  forget(): void {
    this.slice = undefined;
    this.reader = undefined;
  }
}

class EventBuilder implements RecordVisitor {
  private transaction = { lsn: 0, txn: 0, at: 0 };
  private changes: Mutable<ChangeEvent>[] = [];
  private seq = 0;
  /** Keys that were given out without a row, by their tables. */
  private readonly counters = new Map<string, bigint>();
  /** Room for the row before an update. */
  private before = Buffer.alloc(256);

  constructor(private readonly tables: FeedTables) {}

  begin(transaction: { lsn: number; txn: number; at: number }): void {
    this.transaction = transaction;
    this.changes = [];
    this.seq = 0;
  }

  end(): CommitEvent {
    const { changes, transaction } = this;
    const last = changes.at(-1);
    if (last !== undefined) last.last = true;
    const commit = { lsn: transaction.lsn as Lsn, txn: transaction.txn, at: new Date(transaction.at), changes };
    if (this.counters.size === 0 || last === undefined) return commit;
    const counters = Array.from(this.counters, ([table, key]) => ({ table, key }));
    this.counters.clear();
    return { ...commit, counters };
  }

  private add(table: FeedTable, kind: ChangeKind, key: unknown, before: object | null, after: object | null, seq: number): void {
    const { lsn, txn, at } = this.transaction;
    this.changes.push({ lsn: lsn as Lsn, txn, seq, table: table.name, kind, key, before, after, at: new Date(at) });
  }

  insert(id: number, bytes: Buffer, from: number, to: number): void {
    const seq = this.seq++;
    const table = this.tables.get(id);
    if (!table.isWanted) return;
    const { row, key } = table.read(bytes, from, to);
    this.add(table, 'insert', key, null, row, seq);
  }

  update(id: number, update: UpdateBytes): void {
    const seq = this.seq++;
    const table = this.tables.get(id);
    if (!table.isWanted) return;
    const { row, key } = table.read(update.bytes, update.from, update.to);
    const length = this.restore(update);
    this.add(table, 'update', key, table.read(this.before, 0, length).row, row, seq);
  }

  /** Puts the row before an update together. @returns its length */
  private restore({ bytes, from, to, prefix, suffix, middleFrom, middleTo }: UpdateBytes): number {
    const length = prefix + middleTo - middleFrom + suffix;
    if (length > this.before.length) this.before = Buffer.alloc(length * 2);
    bytes.copy(this.before, 0, from, from + prefix);
    bytes.copy(this.before, prefix, middleFrom, middleTo);
    bytes.copy(this.before, length - suffix, to - suffix, to);
    return length;
  }

  delete(id: number, bytes: Buffer, from: number, to: number, expired: boolean): void {
    const seq = this.seq++;
    const table = this.tables.get(id);
    if (!table.isWanted) return;
    const { row, key } = table.read(bytes, from, to);
    this.add(table, 'delete', key, row, null, seq);
    if (expired) (this.changes.at(-1) as Mutable<ChangeEvent>).expired = true;
  }

  /** It is told of with the next transaction that is given. */
  counter(id: number, key: bigint): void {
    const table = this.tables.get(id);
    if (table.isWanted) this.counters.set(table.name, key);
  }

  position(): void {}
}
