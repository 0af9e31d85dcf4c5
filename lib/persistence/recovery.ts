import { join } from 'node:path';
import { assert } from '../assert.js';
import { ByteReader } from '../bytes/byte-reader.js';
import { crc32 } from '../bytes/crc32.js';
import type { Disk } from '../disk/disk.js';
import { CorruptionError } from '../errors.js';
import type { UpdateBytes } from '../table/table-loader.js';
import { readAt, readCheckpoint } from './checkpoint-file.js';
import { FrameKind } from './frame.js';
import { CHECKPOINT_DIRECTORY, isCheckpointName, LOG_DIRECTORY, MANIFEST, segmentName, segmentNumber, UNFINISHED } from './layout.js';
import type { EndedSegment } from './log-history.js';
import { decodeManifest, type Manifest, type ManifestTable, MOST_MANIFEST_BYTES } from './manifest.js';
import type { Damage, RecoveryTarget } from './persistence-engine.js';
import { type Frame, readSegmentHeader, type SegmentEnd, type SegmentHeader, walkFrames } from './segment.js';
import { readRecords } from './transaction-record.js';

/**
 * What is found in a store's directory, and what is done about it. Nothing is written while this is decided.
 *
 *   | found                                                                      | done                              |
 *   |----------------------------------------------------------------------------|-----------------------------------|
 *   | no manifest, and neither segments nor checkpoints                          | a new store                       |
 *   | no manifest, but segments or checkpoints                                   | refused                           |
 *   | a manifest of which no copy is sound; one for newer readers                | refused                           |
 *   | a checkpoint that is missing, or another than the manifest means           | refused                           |
 *   | a segment that is missing between the first and the last                   | refused                           |
 *   | a segment's header that is damaged, or of another store, number or order   | refused                           |
 *   | a segment that does not end where the next one says                        | refused                           |
 *   | after a clean close: a log that does not end where the manifest says       | refused                           |
 *   | the log ends before the checkpoint's position                              | refused                           |
 *   | a sound frame with records that cannot be, or that meet other rows         | refused                           |
 *   | the last segment: bytes that are no frame, and a later promise over them   | refused: synced data is damaged   |
 *   | the last segment: bytes that are no frame, no such promise                 | a torn end: kept aside and cut    |
 *   | the last segment: zeros to the end of the file                             | the end of the log                |
 *   | segments before the first that follow one another, with sound headers      | kept for readers, as retention says |
 *   | other segments before the first                                            | deleted when retention passes them |
 *   | checkpoints of other positions, unfinished files                           | left over: deleted                |
 *
 * `spec/persistence/recovery.spec.ts` has a test of each.
 */
export interface StoreFiles {
  readonly manifest: Manifest | undefined;
  /** Numbers, ascending. */
  readonly segments: readonly number[];
  readonly checkpoints: readonly string[];
  /** Paths of files that were being made when their writer ended. */
  readonly unfinished: readonly string[];
}

/** Looks at what there is. @throws CorruptionError, FormatVersionError */
export function surveyStore(disk: Disk, path: string): StoreFiles {
  const names = disk.list(path);
  const logs = disk.list(join(path, LOG_DIRECTORY));
  const images = disk.list(join(path, CHECKPOINT_DIRECTORY));
  const segments = logs.map(segmentNumber).filter((number) => number !== undefined);
  const checkpoints = images.filter(isCheckpointName);
  const manifest = names.includes(MANIFEST) ? readManifest(disk, join(path, MANIFEST)) : undefined;
  if (manifest === undefined && (segments.length > 0 || checkpoints.length > 0)) {
    throw new CorruptionError(join(path, MANIFEST), 0, 'the manifest is missing, and there are segments or checkpoints');
  }
  const unfinished = [
    ...names.filter((name) => name === MANIFEST + UNFINISHED).map((name) => join(path, name)),
    ...logs.filter((name) => isUnfinished(name, segmentNumber)).map((name) => join(path, LOG_DIRECTORY, name)),
    ...images.filter((name) => isUnfinished(name, isCheckpointName)).map((name) => join(path, CHECKPOINT_DIRECTORY, name)),
  ];
  return { manifest, segments: segments.sort((a, b) => a - b), checkpoints, unfinished };
}

function isUnfinished(name: string, isOurs: (name: string) => unknown): boolean {
  if (!name.endsWith(UNFINISHED)) return false;
  const found = isOurs(name.slice(0, -UNFINISHED.length));
  return found !== undefined && found !== false;
}

function readManifest(disk: Disk, path: string): Manifest {
  return decodeManifest(readWhole(disk, path, MOST_MANIFEST_BYTES), path);
}

function readWhole(disk: Disk, path: string, most: number): Buffer {
  const file = disk.open(path, 'read');
  try {
    const size = file.size();
    if (size > most) throw new CorruptionError(path, 0, `${size} bytes are more than it can have`);
    return readAt(file, 0, size);
  } finally {
    file.close();
  }
}

/** Largest file that is read at once: what a Buffer holds everywhere. */
const MOST_SEGMENT_BYTES = 2 ** 31 - 1;

/** Where the log was found to end. */
export interface LogEnd {
  /** The last segment, 0 where there is none. */
  readonly segment: number;
  /** Behind the last whole frame of it. */
  readonly length: number;
  readonly crc: number;
  readonly lsn: number;
  readonly txn: number;
  readonly transactions: number;
  /** What the last segment's file has behind its end that is not zero. */
  readonly tornBytes: number;
  /** All of that file, up to its end and behind it. */
  readonly bytes: Buffer | undefined;
  readonly header: SegmentHeader | undefined;
  /** All of them, the first first. */
  readonly segments: readonly EndedSegment[];
}

/** Goes on where something is damaged, and writes it down; or does not go on. */
export type OnDamage = ((damage: Damage) => void) | undefined;

/** The segments that are needed, in order. @throws CorruptionError where one is missing */
export function neededSegments({ manifest, segments }: StoreFiles, path: string, onDamage?: OnDamage): number[] {
  if (manifest === undefined) return [];
  const needed = segments.filter((number) => number >= manifest.firstSegment);
  const last = Math.max(manifest.lastSegment, needed.at(-1) ?? 0);
  for (let number = manifest.firstSegment; number <= last; number++) {
    if (needed.includes(number)) continue;
    const error = new CorruptionError(join(path, LOG_DIRECTORY, segmentName(number)), 0, 'a segment of the log is missing');
    note(error, onDamage);
    return needed.filter((other) => other < number);
  }
  return needed;
}

/** @throws the error, where nobody takes damage */
function note(error: unknown, onDamage: OnDamage): void {
  if (onDamage === undefined || !(error instanceof CorruptionError)) throw error;
  assert(error.file !== undefined, 'damage is in a file');
  onDamage({ file: error.file, offsetBytes: error.offsetBytes, reason: error.reason });
}

/** Reads the checkpoints, and the positions that the manifest has of them, into the target. @returns the rows that there were. @throws CorruptionError */
export function loadCheckpoints(disk: Disk, path: string, manifest: Manifest, target: RecoveryTarget, onDamage?: OnDamage): number {
  const storeId = Buffer.from(manifest.storeId, 'hex');
  let rows = 0;
  for (const [name, lsn] of manifest.positions) target.position(name, lsn);
  manifest.tables.forEach((table, place) => {
    if (table.checkpoint === null) return;
    try {
      rows += loadCheckpoint(disk, path, manifest, storeId, { ...table, checkpoint: table.checkpoint }, place, target);
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const file = join(path, CHECKPOINT_DIRECTORY, table.checkpoint.file);
      note(missing ? new CorruptionError(file, 0, 'a checkpoint is missing') : error, onDamage);
    }
  });
  return rows;
}

function loadCheckpoint(
  disk: Disk,
  path: string,
  manifest: Manifest,
  storeId: Buffer,
  { id, checkpoint }: ManifestTable & { checkpoint: NonNullable<ManifestTable['checkpoint']> },
  place: number,
  target: RecoveryTarget,
): number {
  if (!isCheckpointName(checkpoint.file)) throw new CorruptionError(join(path, MANIFEST), 0, 'the manifest names no checkpoint of ours');
  const name = join(path, CHECKPOINT_DIRECTORY, checkpoint.file);
  const file = disk.open(name, 'read');
  try {
    const expected = { ...checkpoint, table: id, lsn: manifest.checkpointLsn };
    const counter = readCheckpoint(file, storeId, expected, (bytes, from, to) => target.row(place, bytes, from, to));
    inFile(name, () => target.counter(place, counter));
  } finally {
    file.close();
  }
  return checkpoint.rows;
}

/** Names the file of damage that was found by who does not know it. */
function inFile<T>(file: string, work: () => T, base = 0): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CorruptionError && error.file === undefined)
      throw new CorruptionError(file, base + error.offsetBytes, error.reason);
    throw error;
  }
}

/** Reads the log into the target, from behind the checkpoint on. @throws CorruptionError */
export function replayLog(
  disk: Disk,
  path: string,
  manifest: Manifest,
  numbers: readonly number[],
  target: RecoveryTarget,
  onDamage?: OnDamage,
): LogEnd {
  const replay = new Replay(disk, path, manifest, target);
  for (const number of numbers) {
    try {
      replay.segment(number, number === numbers.at(-1));
    } catch (error) {
      note(error, onDamage);
      break;
    }
  }
  try {
    replay.checkEnd(numbers.at(-1) ?? 0);
  } catch (error) {
    note(error, onDamage);
  }
  return replay.end();
}

class Replay {
  private readonly storeId: Buffer;
  private readonly storeSeed: number;
  private readonly visitor: CheckedVisitor;
  private readonly segments: EndedSegment[] = [];
  private coveredBy = 0;
  private lsn: number | undefined;
  private transactions = 0;
  private last: { number: number; end: SegmentEnd; header: SegmentHeader; bytes: Buffer } | undefined;

  constructor(
    private readonly disk: Disk,
    private readonly path: string,
    private readonly manifest: Manifest,
    target: RecoveryTarget,
  ) {
    this.storeId = Buffer.from(manifest.storeId, 'hex');
    this.storeSeed = crc32(this.storeId, 0, this.storeId.length);
    this.visitor = new CheckedVisitor(target, manifest);
  }

  segment(number: number, isLast: boolean): void {
    const file = join(this.path, LOG_DIRECTORY, segmentName(number));
    const bytes = readWhole(this.disk, file, MOST_SEGMENT_BYTES);
    const header = readSegmentHeader(bytes, file, this.storeId, number);
    this.follows(file, header);
    const parts: Frame[] = [];
    let partsAt = 0;
    const end = walkFrames(bytes, file, header, this.storeSeed, (frame) => {
      if (frame.kind === FrameKind.Seal) return;
      if (parts.length === 0) partsAt = frame.at;
      if (frame.kind === FrameKind.Group && parts.length > 0)
        throw new CorruptionError(file, frame.at, 'a transaction in parts that has no end');
      parts.push(frame);
      if (frame.kind !== FrameKind.Part) this.frames(file, bytes, parts.splice(0));
    });
    if (end.state === 'damaged')
      throw new CorruptionError(file, end.at, 'damaged bytes, of which a later frame says that they were synced');
    if (end.state === 'torn' && !isLast) throw new CorruptionError(file, end.at, 'damaged bytes within a segment that was whole');
    if (parts.length > 0 && !isLast) throw new CorruptionError(file, partsAt, 'a transaction in parts that has no end');
    // Parts whose end was never written are as torn as bytes that are no frame.
    const cut = parts.length > 0 ? this.beforeParts(bytes, file, header, partsAt) : end;
    this.last = { number, end: cut, header, bytes };
    const { firstLsn, begun } = header;
    this.segments.push({ number, firstLsn, begun, bytes: cut.at, coveredBy: Math.max(this.coveredBy, firstLsn - 1) });
  }

  private beforeParts(bytes: Buffer, file: string, header: SegmentHeader, at: number): SegmentEnd {
    return { ...walkFrames(bytes.subarray(0, at), file, header, this.storeSeed, () => undefined), state: 'torn' };
  }

  /** The segment is the one that the one before was followed by. */
  private follows(file: string, header: SegmentHeader): void {
    const { last, lsn, manifest } = this;
    if (header.epoch > manifest.epoch) throw new CorruptionError(file, 0, 'a segment of a later opening than the manifest knows');
    if (last === undefined) {
      if (header.firstLsn > manifest.checkpointLsn + 1) throw new CorruptionError(file, 0, 'the log begins behind the checkpoint');
      this.lsn = header.firstLsn - 1;
      return;
    }
    if (last.end.at !== header.previousLength || last.end.crc !== header.previousCrc) {
      throw new CorruptionError(file, 0, 'the segment before it does not end as this one says');
    }
    if (last.bytes.length !== last.end.at) throw new CorruptionError(file, 0, 'the segment before it is longer than this one says');
    if (header.firstLsn !== (lsn as number) + 1) throw new CorruptionError(file, 0, 'transactions are missing between two segments');
  }

  private frames(file: string, bytes: Buffer, frames: readonly Frame[]): void {
    const last = frames.at(-1) as Frame;
    const { firstLsn, transactions } = last;
    if (firstLsn !== (this.lsn as number) + 1) throw new CorruptionError(file, last.at, 'transactions are missing, or there twice');
    const whole = frames.length === 1 ? bytes : Buffer.concat(frames.map(({ from, to }) => bytes.subarray(from, to)));
    const [from, to] = frames.length === 1 ? [last.from, last.to] : [0, whole.length];
    const base = frames.length === 1 ? 0 : (frames[0] as Frame).from;
    const reader = new ByteReader(whole, from, to, file, base);
    this.coveredBy = inFile(file, () => readRecords(reader, firstLsn, transactions, this.manifest.checkpointLsn, this.visitor), base);
    this.lsn = firstLsn + transactions - 1;
    this.transactions += transactions;
  }

  /** @throws CorruptionError where the log ends elsewhere than it must */
  checkEnd(lastNumber: number): void {
    const { manifest, last } = this;
    const file = join(this.path, LOG_DIRECTORY, segmentName(lastNumber));
    const lsn = this.lsn ?? manifest.checkpointLsn;
    if (lsn < manifest.checkpointLsn) throw new CorruptionError(file, last?.end.at ?? 0, 'the log ends before the checkpoint');
    const { clean } = manifest;
    if (clean === null) return;
    const matches = last === undefined ? clean.segment === 0 : isCleanEnd(last, clean) && lsn === clean.lsn;
    if (!matches) throw new CorruptionError(file, last?.end.at ?? 0, 'the log does not end where it was closed');
  }

  end(): LogEnd {
    const { last, manifest } = this;
    return {
      segment: last?.number ?? 0,
      length: last?.end.at ?? 0,
      crc: last?.end.crc ?? 0,
      lsn: Math.max(this.lsn ?? 0, manifest.checkpointLsn),
      txn: Math.max(this.visitor.txn, manifest.checkpointTxn, manifest.clean?.txn ?? 0),
      transactions: this.transactions,
      tornBytes: last?.end.state === 'torn' ? last.bytes.length - last.end.at : 0,
      bytes: last?.bytes,
      header: last?.header,
      segments: this.segments,
    };
  }
}

function isCleanEnd(last: { number: number; end: SegmentEnd; bytes: Buffer }, clean: NonNullable<Manifest['clean']>): boolean {
  const { number, end, bytes } = last;
  return number === clean.segment && end.at === clean.length && bytes.length === clean.length && end.crc === clean.crc;
}

/** Knows tables by their ids, and hands them on by their places. */
class CheckedVisitor {
  txn = 0;
  private readonly places = new Map<number, number>();

  constructor(
    private readonly target: RecoveryTarget,
    manifest: Manifest,
  ) {
    manifest.tables.forEach(({ id }, place) => {
      this.places.set(id, place);
    });
  }

  private place(id: number): number {
    const place = this.places.get(id);
    if (place === undefined) throw new CorruptionError(undefined, 0, 'an operation on a table that the manifest does not know');
    return place;
  }

  begin(transaction: { lsn: number; txn: number; at: number }): void {
    this.txn = Math.max(this.txn, transaction.txn);
    this.target.begin(transaction);
  }

  insert(table: number, bytes: Buffer, from: number, to: number): void {
    this.target.insert(this.place(table), bytes, from, to);
  }

  update(table: number, update: UpdateBytes): void {
    this.target.update(this.place(table), update);
  }

  delete(table: number, bytes: Buffer, from: number, to: number, expired: boolean): void {
    this.target.delete(this.place(table), bytes, from, to, expired);
  }

  counter(table: number, value: bigint): void {
    this.target.counter(this.place(table), value);
  }

  position(name: string, lsn: number | undefined): void {
    this.target.position(name, lsn);
  }
}
