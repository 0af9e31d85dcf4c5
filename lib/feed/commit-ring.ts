import { OffsetTruncatedError } from '../errors.js';
import type { LogCursor, LogSlice } from '../persistence/persistence-engine.js';
import { recordBound, writeTransaction } from '../persistence/transaction-record.js';
import type { JournalEntry } from '../transaction/change.js';
import type { CommitRecorder } from '../transaction/commit-log.js';

const MOST_CHUNK_BYTES = 256 * 1024;
const LEAST_CHUNK_BYTES = 4 * 1024;
/** The ring is as many chunks, or more: so much of it goes at once. */
const CHUNKS = 8;

/** Some transactions, one after the other, as records of the log. */
interface Chunk {
  readonly bytes: Buffer;
  readonly firstLsn: number;
  used: number;
  transactions: number;
}

/**
 * The latest transactions, in memory, as the log has them on disk. The oldest go when there are more than `mostBytes`; a
 * reader that wanted them is told.
 */
export class CommitRing implements CommitRecorder {
  private readonly chunks: Chunk[] = [];
  private readonly chunkBytes: number;
  private heldBytes = 0;
  private lsn: number;

  constructor(
    private readonly mostBytes: number,
    /** The last transaction before it began. */
    lsn: number,
    private readonly recorded: () => void,
  ) {
    this.lsn = lsn;
    this.chunkBytes = Math.max(LEAST_CHUNK_BYTES, Math.min(MOST_CHUNK_BYTES, Math.floor(mostBytes / CHUNKS)));
  }

  /** The last transaction that is in it. */
  get lastLsn(): number {
    return this.lsn;
  }

  /** Behind this position everything can be read. */
  get oldestLsn(): number {
    return (this.chunks[0]?.firstLsn ?? this.lsn + 1) - 1;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.heldBytes;
  }

  reserve(entries: readonly JournalEntry[]): void {
    const bound = recordBound(entries);
    const last = this.chunks.at(-1);
    if (last !== undefined && last.used + bound <= last.bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.chunkBytes, bound));
    if (last?.transactions === 0) this.heldBytes -= (this.chunks.pop() as Chunk).bytes.length; // its transaction was not committed
    this.chunks.push({ bytes, firstLsn: this.lsn + 1, used: 0, transactions: 0 });
    this.heldBytes += bytes.length;
    while (this.heldBytes > this.mostBytes && this.chunks.length > 1) this.heldBytes -= (this.chunks.shift() as Chunk).bytes.length;
  }

  record(lsn: number, txn: number, at: number, entries: readonly JournalEntry[]): void {
    const chunk = this.chunks.at(-1) as Chunk;
    chunk.used = writeTransaction(chunk.bytes, chunk.used, txn, at, entries);
    chunk.transactions++;
    this.lsn = lsn;
    this.recorded();
  }

  readFrom(afterLsn: number): LogCursor {
    return new RingCursor(this, afterLsn);
  }

  /** The chunk with a transaction, which is in the ring, or will be. */
  chunkWith(lsn: number): Chunk | undefined {
    return this.chunks.findLast(({ firstLsn }) => firstLsn <= lsn);
  }
}

class RingCursor implements LogCursor {
  private chunk: Chunk | undefined;
  /** How much of it was given. */
  private position = 0;
  private given = 0;

  constructor(
    private readonly ring: CommitRing,
    private afterLsn: number,
  ) {}

  async next(upTo: number): Promise<LogSlice | undefined> {
    if (this.afterLsn >= upTo) return undefined;
    if (this.chunk === undefined || this.given === this.chunk.transactions) this.chunk = this.enter();
    const { chunk, position, given } = this;
    this.position = chunk.used;
    this.given = chunk.transactions;
    this.afterLsn = chunk.firstLsn + chunk.transactions - 1;
    const { bytes, used, transactions, firstLsn } = chunk;
    return {
      ...{ bytes, from: position, to: used, firstLsn: firstLsn + given, transactions: transactions - given },
      ...{ source: 'memory', sourceOffset: 0 },
    };
  }

  /** The next chunk, or what came into this one meanwhile. */
  private enter(): Chunk {
    const chunk = this.ring.chunkWith(this.afterLsn + 1);
    if (chunk === undefined) throw new OffsetTruncatedError(this.afterLsn, this.ring.oldestLsn);
    if (chunk !== this.chunk) {
      this.position = 0;
      this.given = 0;
    }
    return chunk;
  }

  close(): void {
    this.chunk = undefined;
  }
}
