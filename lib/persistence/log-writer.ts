import { join } from 'node:path';
import { assert } from '../assert.js';
import type { Disk, DiskFile } from '../disk/disk.js';
import { type DiskWork, sync, syncDirectory, writeAll } from '../disk/disk-work.js';
import { FRAME_HEADER_BYTES, FrameKind, frameBytes, writeFrameHeader } from './frame.js';
import { segmentName, UNFINISHED } from './layout.js';
import type { EndedSegment, LiveSegment } from './log-history.js';
import { SEGMENT_HEADER_BYTES, writeSegmentHeader } from './segment.js';
import { type GroupPart, HEADROOM_BYTES, type TransactionGroup } from './transaction-group.js';

export interface LogSettings {
  /** A segment is ended when the next frame would make it larger. */
  readonly segmentBytes: number;
  /** What a frame holds at most; a larger transaction is spread over several. */
  readonly frameBytes: number;
  /** Zeros that are written ahead, so that a sync has no new length to store; 0 for none. */
  readonly aheadBytes: number;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Where the log goes on. */
export interface LogPosition {
  readonly segment: number;
  readonly lsn: number;
  readonly previousLength: number;
  readonly previousCrc: number;
}

const ZEROS = Buffer.alloc(256 * 1024);

/**
 * Writes the log's last segment. Invariants: what is below `synced` is on the medium; `position` is behind the last whole
 * frame, and moves only when all of a write has succeeded, so a write that failed is written again over its own bytes.
 */
export class LogWriter {
  private file: DiskFile | undefined;
  private number = 0;
  private position = 0;
  /** The file reaches to here; behind `position` there are zeros. */
  private reach = 0;
  private synced = 0;
  private promised = 0;
  private crc = 0;
  private lastLsn = 0;
  private coveredBy = 0;
  private ahead: number;
  /** Files of ended segments, which a call in the background may still use. */
  private readonly retired: DiskFile[] = [];
  private firstLsn = 0;
  private begun = 0;
  /** Behind the last group that is whole. */
  private whole = 0;

  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly storeId: Buffer,
    private readonly storeSeed: number,
    private readonly epoch: number,
    private readonly settings: LogSettings,
    private readonly ended: (segment: EndedSegment) => void,
  ) {
    this.ahead = settings.aheadBytes;
  }

  get segment(): number {
    return this.number;
  }

  get endOfLog(): { segment: number; length: number; crc: number } {
    return { segment: this.number, length: this.position, crc: this.crc };
  }

  get live(): LiveSegment {
    const { number, firstLsn, begun, whole } = this;
    return { number, firstLsn, begun, bytes: whole };
  }

  /** Whether the last sync is older than the last write. */
  get isSynced(): boolean {
    return this.synced === this.position;
  }

  /** Whether a frame stands behind what was synced, to say so. */
  get isSealed(): boolean {
    return this.isSynced && (this.promised === this.position || this.position === SEGMENT_HEADER_BYTES);
  }

  /** Makes the segment in which the log goes on. */
  *begin({ segment, lsn, previousLength, previousCrc }: LogPosition): DiskWork {
    const path = join(this.directory, segmentName(segment));
    const begun = Math.floor(this.settings.now() / 1000);
    const { bytes, crc } = writeSegmentHeader(this.storeId, {
      number: segment,
      firstLsn: lsn + 1,
      epoch: this.epoch,
      begun,
      previousLength,
      previousCrc,
    });
    const file = this.disk.open(path + UNFINISHED, 'create');
    try {
      yield* writeAll(file, bytes, 0);
      yield* sync(file);
    } catch (error) {
      file.close();
      throw error;
    }
    this.disk.rename(path + UNFINISHED, path);
    yield* syncDirectory(this.directory);
    this.file = file;
    this.number = segment;
    this.firstLsn = lsn + 1;
    this.begun = begun;
    this.position = SEGMENT_HEADER_BYTES;
    this.whole = SEGMENT_HEADER_BYTES;
    this.reach = SEGMENT_HEADER_BYTES;
    this.synced = SEGMENT_HEADER_BYTES;
    this.promised = SEGMENT_HEADER_BYTES;
    this.ahead = this.settings.aheadBytes;
    this.crc = crc;
    this.lastLsn = lsn;
    this.coveredBy = lsn;
  }

  /** Writes what of a group is not written yet. Where it throws, whole parts of it may be written. */
  *append(group: TransactionGroup): DiskWork {
    while (group.stored < group.parts.length) {
      const first = group.parts[group.stored] as GroupPart;
      if (first.to - first.from > this.settings.frameBytes) {
        yield* this.appendLong(group.bytes, first);
        group.stored++;
      } else {
        group.stored += yield* this.appendRun(group);
      }
    }
  }

  private *fit(bytes: number): DiskWork {
    if (this.position > SEGMENT_HEADER_BYTES && this.position + bytes > this.settings.segmentBytes) yield* this.rotate();
  }

  /** Writes as many parts as fit the segment in one call. @returns how many */
  private *appendRun(group: TransactionGroup): DiskWork<number> {
    const { bytes, parts, stored } = group;
    const { from, to } = parts[stored] as GroupPart;
    yield* this.fit(frameBytes(to - from));
    const start = from - HEADROOM_BYTES;
    const end = { position: this.position, crc: this.crc, lastLsn: this.lastLsn, coveredBy: this.coveredBy };
    let count = 0;
    let last = start;
    for (const part of parts.slice(stored)) {
      const length = part.to - part.from;
      const framed = frameBytes(length);
      if (length > this.settings.frameBytes || (count > 0 && end.position + framed > this.settings.segmentBytes)) break;
      bytes.fill(0, part.to, part.from - HEADROOM_BYTES + framed);
      const kind = FrameKind.Group;
      const { firstLsn, transactions } = part;
      const header = { length, kind, transactions, firstLsn, promised: this.synced };
      end.crc = writeFrameHeader(bytes, part.from - HEADROOM_BYTES, header, end.crc, this.storeSeed);
      end.position += framed;
      end.lastLsn = firstLsn + transactions - 1;
      end.coveredBy = part.coveredBy;
      last = part.from - HEADROOM_BYTES + framed;
      count++;
    }
    yield* this.put(bytes.subarray(start, last));
    this.advance(end);
    return count;
  }

  /** Writes a part that is larger than a frame, as several of them in one segment. */
  private *appendLong(bytes: Buffer, { from, to, transactions, firstLsn, coveredBy }: GroupPart): DiskWork {
    const { frameBytes: most } = this.settings;
    const whole = Math.floor((to - from) / most) * frameBytes(most) + frameBytes((to - from) % most);
    yield* this.fit(whole);
    const begin = this.position;
    let { crc } = this;
    try {
      for (let at = from; at < to; at += most) {
        const length = Math.min(most, to - at);
        const isLast = at + length === to;
        const frame = Buffer.alloc(frameBytes(length));
        bytes.copy(frame, FRAME_HEADER_BYTES, at, at + length);
        const kind = isLast ? FrameKind.Last : FrameKind.Part;
        const header = { length, kind, transactions: isLast ? transactions : 0, firstLsn, promised: this.synced };
        crc = writeFrameHeader(frame, 0, header, crc, this.storeSeed);
        yield* this.put(frame);
        this.position += frame.length;
      }
    } catch (error) {
      this.position = begin;
      throw error;
    }
    this.advance({ position: this.position, crc, lastLsn: firstLsn + transactions - 1, coveredBy });
  }

  private advance({ position, crc, lastLsn, coveredBy }: { position: number; crc: number; lastLsn: number; coveredBy: number }): void {
    this.position = position;
    this.whole = position;
    this.crc = crc;
    this.lastLsn = lastLsn;
    this.coveredBy = coveredBy;
    this.promised = this.synced;
  }

  /** Writes at the end of the log. */
  private *put(bytes: Buffer): DiskWork {
    const file = this.open();
    const end = this.position + bytes.length;
    if (end > this.reach && bytes.length < this.ahead) yield* this.reachAhead(file, end);
    yield* writeAll(file, bytes, this.position);
    this.reach = Math.max(this.reach, end);
  }

  private *reachAhead(file: DiskFile, end: number): DiskWork {
    const to = Math.min(Math.ceil(end / this.ahead) * this.ahead, Math.max(end, this.settings.segmentBytes));
    try {
      for (let at = this.reach; at < to; at += ZEROS.length) {
        yield* writeAll(file, ZEROS.subarray(0, Math.min(ZEROS.length, to - at)), at);
        this.reach = Math.min(to, at + ZEROS.length);
      }
    } catch {
      this.ahead = 0; // it is but a convenience; where there is no room, the frames themselves will say so
      this.reach = Math.max(this.reach, file.size());
    }
  }

  /** Makes all that was written last. `isAwaited`: there is nothing else to do meanwhile. */
  *sync(isAwaited = false): DiskWork {
    const { position } = this;
    if (this.synced === position) return;
    yield* sync(this.open(), isAwaited);
    this.synced = position;
  }

  /** Lets a frame say that everything before it was synced, and syncs that. */
  *seal(): DiskWork {
    yield* this.sync();
    if (this.isSealed) return;
    const frame = Buffer.alloc(FRAME_HEADER_BYTES);
    const header = { length: 0, kind: FrameKind.Seal, transactions: 0, firstLsn: this.lastLsn + 1, promised: this.synced };
    const crc = writeFrameHeader(frame, 0, header, this.crc, this.storeSeed);
    yield* this.put(frame);
    this.position += frame.length;
    this.whole = this.position;
    this.crc = crc;
    yield* this.sync();
    this.promised = this.position;
  }

  /** Ends the segment, and begins the next. What it has is made last before. */
  private *rotate(): DiskWork {
    const file = this.open();
    const { number, firstLsn, begun, position, crc, lastLsn, coveredBy } = this;
    this.cut();
    yield* sync(file);
    this.synced = position;
    yield* this.begin({ segment: number + 1, lsn: lastLsn, previousLength: position, previousCrc: crc });
    this.ended({ number, firstLsn, begun, bytes: position, coveredBy });
    this.retired.push(file);
  }

  /** Takes away what stands behind the last whole frame. */
  private cut(): void {
    const file = this.open();
    if (file.size() > this.position) file.truncate(this.position);
    this.reach = this.position;
  }

  /** After a write that failed for want of room: takes away what there is of it, so that nothing of it is stored. */
  *takeBack(): DiskWork {
    this.cut();
    yield* sync(this.open());
    this.synced = this.position;
    this.ahead = 0;
  }

  /** Ends the log: sealed, cut to its length, synced. */
  *end(): DiskWork {
    yield* this.seal();
    this.cut();
    yield* sync(this.open());
    this.synced = this.position;
  }

  /** Closes the files of ended segments. No call in the background uses them any more. */
  closeRetired(): void {
    for (const file of this.retired.splice(0)) file.close();
  }

  close(): void {
    this.closeRetired();
    this.file?.close();
    this.file = undefined;
  }

  private open(): DiskFile {
    assert(this.file !== undefined, 'the log is open');
    return this.file;
  }
}
