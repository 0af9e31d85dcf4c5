import { join } from 'node:path';
import { assert } from '../assert.js';
import type { Disk } from '../disk/disk.js';
import { CorruptionError, OffsetTruncatedError } from '../errors.js';
import { checkFrame, FRAME_HEADER_BYTES, FrameKind, frameBytes, readFrameHeader } from './frame.js';
import { segmentName } from './layout.js';
import type { LogHistory, SegmentExtent } from './log-history.js';
import type { LogCursor, LogSlice } from './persistence-engine.js';
import { type Frame, isKnownKind, readSegmentHeader, SEGMENT_HEADER_BYTES } from './segment.js';

/** Read at once where there is so much. */
const READ_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);
/** What is thrown where a segment was let go under its reader; no user sees it. */
const RETIRED = new Error('the segment was let go');

/** Where a store's log is, and how its files are known. */
export interface LogPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly storeId: Buffer;
  readonly storeSeed: number;
}

/**
 * Reads committed transactions from the log's segments while others are written. Between two calls it holds no file, and
 * where it has caught up no bytes: segments can be let go under it, which it finds out when it wants to go on.
 *
 * Only bytes are read that will not change any more, so whatever is not as it should be is damage.
 */
export class LogReader implements LogCursor {
  /** 0 before anything was read. */
  private segment = 0;
  /** Where the next frame begins. */
  private position = 0;
  /** The crc of the frame before it. */
  private crc = 0;
  /** The first transaction in it. */
  private lsn = 0;
  private bytes: Buffer = NOTHING;
  /** Where in the segment they begin. */
  private bytesAt = 0;
  private readonly parts: Buffer[] = [];

  constructor(
    private readonly place: LogPlace,
    private readonly history: LogHistory,
    /** The last transaction that its user has. */
    private afterLsn: number,
  ) {}

  async next(upTo: number): Promise<LogSlice | undefined> {
    while (this.afterLsn < upTo) {
      const slice = await this.step().catch((error: unknown) => this.startAgain(error));
      if (slice === undefined) continue;
      this.afterLsn = slice.firstLsn + slice.transactions - 1;
      return slice;
    }
    if (this.position === this.bytesAt + this.bytes.length) this.bytes = NOTHING;
    return undefined;
  }

  /** One frame further, or into the next segment. */
  private async step(): Promise<LogSlice | undefined> {
    if (this.segment === 0) {
      await this.enter(this.history.find(this.afterLsn + 1));
      return undefined;
    }
    const extent = this.history.extent(this.segment);
    if (extent === undefined) throw RETIRED;
    if (this.position === extent.bytes) {
      assert(extent.isEnded, 'what may be read is in the log');
      // Only of a store that is read in spite of damage: behind a segment that is whole there is always one.
      if (this.history.extent(this.segment + 1) === undefined) this.fail('the log ends before transactions that there were');
      await this.enter(this.segment + 1);
      return undefined;
    }
    const slice = this.sliceOf(await this.frame(extent));
    return slice === undefined || slice.firstLsn + slice.transactions - 1 <= this.afterLsn ? undefined : slice;
  }

  /** Its segment is gone. Where it had read it to its end, what comes next is in the oldest one that there is. */
  private startAgain(error: unknown): undefined {
    if (error !== RETIRED) throw error;
    const { oldestLsn } = this.history;
    if (this.afterLsn < oldestLsn) throw new OffsetTruncatedError(this.afterLsn, oldestLsn);
    if (this.history.find(this.afterLsn + 1) === undefined) {
      throw new CorruptionError(this.place.directory, 0, 'the log has no segment that can be read');
    }
    this.segment = 0;
    this.parts.length = 0;
    return undefined;
  }

  private get file(): string {
    return join(this.place.directory, segmentName(this.segment));
  }

  private fail(reason: string, at = this.position): never {
    throw new CorruptionError(this.file, at, reason);
  }

  /** Begins a segment: the first one, or the one that follows. */
  private async enter(number: number | undefined): Promise<void> {
    const extent = number === undefined ? undefined : this.history.extent(number);
    if (number === undefined || extent === undefined) {
      assert(this.history.extent(this.segment) === undefined, 'segments follow one another');
      throw RETIRED;
    }
    const before = this.segment === 0 ? undefined : { length: this.position, crc: this.crc };
    this.segment = number;
    this.position = 0;
    this.bytes = NOTHING;
    await this.have(SEGMENT_HEADER_BYTES, extent);
    const header = readSegmentHeader(this.bytes, this.file, this.place.storeId, number);
    if (before !== undefined) {
      const follows = header.previousLength === before.length && header.previousCrc === before.crc && header.firstLsn === this.lsn;
      if (!follows || this.parts.length > 0) this.fail('the segment before it does not end as this one says');
    }
    this.lsn = header.firstLsn;
    this.crc = header.crc;
    this.position = SEGMENT_HEADER_BYTES;
  }

  /** Has the next bytes of the segment, so many at least. */
  private async have(length: number, extent: SegmentExtent): Promise<void> {
    const { position } = this;
    const left = this.bytesAt + this.bytes.length - position;
    if (this.bytes !== NOTHING && left >= length) return;
    if (length > extent.bytes - position) this.fail('a frame beyond its segment');
    this.bytes = await this.read(position, Math.min(Math.max(READ_BYTES, length), extent.bytes - position));
    this.bytesAt = position;
  }

  private async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    const file = this.openFile();
    try {
      for (let done = 0; done < length; ) {
        const read = await file.readLater(bytes.subarray(done), position + done);
        if (read === 0) this.fail('the segment ends before its length', position + done);
        done += read;
      }
    } finally {
      file.close();
    }
    return bytes;
  }

  private openFile(): ReturnType<Disk['open']> {
    try {
      return this.place.disk.open(this.file, 'read');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (this.history.extent(this.segment) === undefined) throw RETIRED;
      return this.fail('a segment of the log is missing');
    }
  }

  /** The next frame, with its payload in `bytes`. */
  private async frame(extent: SegmentExtent): Promise<Frame> {
    await this.have(FRAME_HEADER_BYTES, extent);
    const header = readFrameHeader(this.bytes, this.position - this.bytesAt, this.place.storeSeed);
    if (header === undefined) return this.fail('damaged bytes within the log');
    const size = frameBytes(header.length);
    await this.have(size, extent);
    const at = this.position - this.bytesAt;
    const crc = checkFrame(this.bytes, at, header, this.crc);
    if (crc === undefined) return this.fail('damaged bytes within the log');
    if (!isKnownKind(header.kind)) this.fail(`a frame of kind ${header.kind}, which this version does not know`);
    this.position += size;
    this.crc = crc;
    const from = at + FRAME_HEADER_BYTES;
    return { ...header, at, from, to: from + header.length };
  }

  private sliceOf({ kind, from, to, transactions, firstLsn }: Frame): LogSlice | undefined {
    if (kind !== FrameKind.Group && kind !== FrameKind.Part && kind !== FrameKind.Last) return undefined;
    if (firstLsn !== this.lsn || (kind === FrameKind.Group && this.parts.length > 0)) this.fail('transactions are missing, or there twice');
    const source = { source: this.file, sourceOffset: this.bytesAt };
    if (kind === FrameKind.Group) {
      this.lsn += transactions;
      return transactions === 0 ? undefined : { bytes: this.bytes, from, to, firstLsn, transactions, ...source };
    }
    this.parts.push(Buffer.from(this.bytes.subarray(from, to)));
    if (kind === FrameKind.Part) return undefined;
    this.lsn += transactions;
    const bytes = Buffer.concat(this.parts.splice(0));
    return { bytes, from: 0, to: bytes.length, firstLsn, transactions, ...source };
  }

  close(): void {
    this.bytes = NOTHING;
    this.parts.length = 0;
  }
}
