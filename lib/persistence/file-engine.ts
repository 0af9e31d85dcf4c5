import { dirname, join } from 'node:path';
import { assert } from '../assert.js';
import { crc32 } from '../bytes/crc32.js';
import type { Disk, DiskLock } from '../disk/disk.js';
import { DiskRunner, type DiskWork, replaceFile, runNow, syncDirectory, writeFile } from '../disk/disk-work.js';
import { LatchedDisk } from '../disk/latched-disk.js';
import { isNoRoom } from '../disk/no-room.js';
import { CorruptionError, DiskFullError, PersistenceFailedError, ReadOnlyError } from '../errors.js';
import { writeCheckpoints } from './checkpointer.js';
import { FILE_ENGINE_DEFAULTS, type FileEngineOptions } from './file-engine-options.js';
import { keptSegments } from './kept-segments.js';
import {
  CHECKPOINT_DIRECTORY,
  checkpointName,
  LOCK,
  LOG_DIRECTORY,
  MANIFEST,
  QUARANTINE_DIRECTORY,
  segmentName,
  segmentNumber,
  tornName,
  UNFINISHED,
} from './layout.js';
import { LogHistory } from './log-history.js';
import { type LogPlace, LogReader } from './log-reader.js';
import { LogWriter } from './log-writer.js';
import { type Manifest, type ManifestTable, saveManifest, type TableCheckpoint } from './manifest.js';
import { matchTables, newManifest } from './match-tables.js';
import type {
  CheckpointResult,
  Damage,
  DatabaseImage,
  EngineStats,
  LogCursor,
  LogRetention,
  OpenedStore,
  PersistenceEngine,
  RecoveryTarget,
} from './persistence-engine.js';
import { type LogEnd, loadCheckpoints, neededSegments, type OnDamage, replayLog, type StoreFiles, surveyStore } from './recovery.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';
import type { StoredTable } from './stored-table.js';
import type { TransactionGroup } from './transaction-group.js';

/** Idle for this long, the log is sealed, so that damage to its last group can be told from a torn end. */
const SEAL_AFTER_MS = 50;
const DEFAULT_INTERVAL_MS = 100;
/** A group of so few is somebody's who waits: the next one does not form meanwhile. */
const FEW_RECORDS = 2;
/** So many segments make a checkpoint worth its while, however small they are. */
const MANY_SEGMENTS = 64;

/** A store in the files of one directory: a log, checkpoints and a manifest. `docs/format.md` describes them. */
export class FileEngine implements PersistenceEngine {
  private readonly disk: LatchedDisk;
  private readonly log: DiskRunner;
  private readonly background: DiskRunner;
  private lock: DiskLock | undefined;
  private writer: LogWriter | undefined;
  private manifest: Manifest | undefined;
  private readonly options: FileEngineOptions;
  private readonly path: string;
  private readonly intervalMs: number | undefined;
  private lastSync = 0;
  private readonly history = new LogHistory();
  private retention: LogRetention | undefined;
  /** Settles when no file is being removed any more. */
  private removing: Promise<void> = Promise.resolve();
  /** The uppermost directory that was made for the store. */
  private made = '';

  constructor(disk: Disk, options: Partial<FileEngineOptions> & { readonly path: string }) {
    this.options = { ...FILE_ENGINE_DEFAULTS, ...options };
    this.path = options.path;
    this.disk = new LatchedDisk(disk);
    this.log = new DiskRunner(this.disk);
    this.background = new DiskRunner(this.disk);
    const { durability } = this.options;
    this.intervalMs = durability === 'commit' ? undefined : (durability.relaxed.intervalMs ?? DEFAULT_INTERVAL_MS);
  }

  private within(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** How long nothing is to be written before `idle` is worth its while. */
  get idleAfterMs(): number {
    return this.intervalMs ?? SEAL_AFTER_MS;
  }

  async open(tables: readonly StoredTable[], target: RecoveryTarget): Promise<OpenedStore> {
    const { mode } = this.options;
    if (mode === 'write') this.prepare();
    try {
      return this.recover(tables, target);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  private prepare(): void {
    this.made = this.disk.makeDirectory(this.path) ?? this.path;
    this.lock = this.disk.lock(this.within(LOCK));
  }

  /** Each directory that was made for a new store is an entry of the one above it. */
  private *syncAbove(): DiskWork {
    for (let at = this.path; at !== dirname(at); at = dirname(at)) {
      yield* syncDirectory(dirname(at));
      if (at === this.made) return;
    }
  }

  private recover(tables: readonly StoredTable[], target: RecoveryTarget): OpenedStore {
    const { clock, mode } = this.options;
    const began = clock();
    const damage: Damage[] = [];
    const onDamage: OnDamage = mode === 'salvage' ? (found) => damage.push(found) : undefined;
    const files = surveyStore(this.disk, this.path);
    if (files.manifest === undefined && mode !== 'write') throw new CorruptionError(this.within(MANIFEST), 0, 'there is no store');
    const manifest = matchTables(files.manifest ?? newManifest(), tables);
    const numbers = neededSegments(files, this.path, onDamage);
    const rows = loadCheckpoints(this.disk, this.path, manifest, target, onDamage);
    const end = replayLog(this.disk, this.path, manifest, numbers, target, onDamage);
    target.end(onDamage && ((reason) => onDamage({ file: this.path, offsetBytes: 0, reason })));
    const kept = keptSegments(this.disk, this.path, manifest, files);
    this.history.restore([...kept, ...end.segments], manifest.firstSegment);
    const quarantined = end.tornBytes > 0 ? this.within(QUARANTINE_DIRECTORY, tornName(end.segment, end.length)) : '';
    this.manifest = manifest;
    if (mode === 'write') runNow(this.disk, this.takeOver(manifest, files, end, quarantined));
    const torn = { file: this.within(LOG_DIRECTORY, segmentName(end.segment)), offsetBytes: end.length, bytes: end.tornBytes, quarantined };
    const report = {
      lsn: end.lsn,
      txn: end.txn,
      checkpointLsn: manifest.checkpointLsn,
      rows,
      transactions: end.transactions,
      clean: files.manifest === undefined || manifest.clean !== null,
      tornTail: end.tornBytes > 0 ? torn : null,
      damage,
      durationMs: clock() - began,
    };
    return { report, tableIds: manifest.tables.map(({ id }) => id) };
  }

  /**
   * Makes what was read lasting, and the store ours, before anybody is shown it. Each step leaves a store that opens the
   * same; this may end at any of them, and be begun again.
   */
  private *takeOver(found: Manifest, files: StoreFiles, end: LogEnd, quarantined: string): DiskWork {
    for (const directory of [LOG_DIRECTORY, CHECKPOINT_DIRECTORY, QUARANTINE_DIRECTORY]) this.disk.makeDirectory(this.within(directory));
    yield* syncDirectory(this.path);
    if (files.manifest === undefined) yield* this.syncAbove();
    if (end.tornBytes > 0) yield* this.keepAside(end, quarantined);
    const isEmpty = end.segment === 0 || end.length === SEGMENT_HEADER_BYTES;
    // After a failed sync the kernel may hold pages as clean that are not on the disk: what was read is written anew.
    if (found.clean === null && !isEmpty) yield* this.rewrite(end);
    const epoch = found.epoch + 1;
    yield* this.save({ ...found, epoch, clean: null, lastSegment: Math.max(found.lastSegment, end.segment) });
    const { storeId, storeSeed } = this.place;
    const writer = new LogWriter(this.disk, this.within(LOG_DIRECTORY), storeId, storeSeed, epoch, this.options, (segment) =>
      this.history.add(segment),
    );
    this.writer = writer;
    if (end.header !== undefined && isEmpty) {
      const { previousLength, previousCrc } = end.header;
      yield* writer.begin({ segment: end.segment, lsn: end.lsn, previousLength, previousCrc });
      this.history.dropLast();
    } else {
      const segment = Math.max(end.segment + 1, found.firstSegment);
      yield* writer.begin({ segment, lsn: end.lsn, previousLength: end.length, previousCrc: end.crc });
    }
    this.history.goOn(() => writer.live);
    this.removeLeftOver(files);
    this.lastSync = this.options.clock();
  }

  private *keepAside({ bytes, length }: LogEnd, path: string): DiskWork {
    yield* writeFile(this.disk, path, (bytes as Buffer).subarray(length));
    yield* syncDirectory(this.within(QUARANTINE_DIRECTORY));
  }

  private rewrite({ segment, bytes, length }: LogEnd): DiskWork {
    const path = this.within(LOG_DIRECTORY, segmentName(segment));
    return replaceFile(this.disk, path, path + UNFINISHED, (bytes as Buffer).subarray(0, length));
  }

  private *save(manifest: Manifest): DiskWork {
    const next = { ...manifest, generation: manifest.generation + 1 };
    yield* saveManifest(this.disk, this.within(MANIFEST), next);
    this.manifest = next;
  }

  private removeLeftOver({ unfinished, checkpoints }: StoreFiles): void {
    const { tables } = this.manifest as Manifest;
    const needed = new Set(tables.map(({ checkpoint }) => checkpoint?.file));
    for (const path of unfinished) this.remove(path);
    for (const name of checkpoints) if (!needed.has(name)) this.remove(this.within(CHECKPOINT_DIRECTORY, name));
  }

  /** What is left over does no harm, and is removed at the next opening where it cannot be now. */
  private remove(path: string): void {
    try {
      this.disk.unlink(path);
    } catch {}
  }

  /** As `remove`, beside whatever else is done: the larger a file is, the longer that takes. */
  private removeLater(paths: readonly string[]): Promise<void> {
    this.removing = this.removing.then(async () => {
      for (const path of paths) {
        try {
          await this.disk.unlinkLater(path);
        } catch {}
      }
    });
    return this.removing;
  }

  private get writable(): LogWriter {
    if (this.options.mode !== 'write') throw new ReadOnlyError('it was opened so');
    assert(this.writer !== undefined, 'the store is open');
    return this.writer;
  }

  async write(group: TransactionGroup): Promise<void> {
    await this.log.run(this.store(group));
    this.writable.closeRetired();
  }

  writeNow(group: TransactionGroup): void {
    this.log.finishNow();
    this.log.runNow(this.store(group));
    if (!this.log.isBusy) this.writable.closeRetired();
  }

  private *store(group: TransactionGroup): DiskWork {
    const writer = this.writable;
    try {
      try {
        yield* writer.append(group);
      } catch (error) {
        if (this.disk.hasFailed || !isNoRoom(error)) throw error;
        yield* writer.takeBack();
        throw new DiskFullError(error);
      }
      if (this.isSyncDue()) yield* this.sync(writer, group.count <= FEW_RECORDS);
    } catch (error) {
      throw error instanceof DiskFullError ? error : new PersistenceFailedError(error);
    }
  }

  private isSyncDue(): boolean {
    return this.intervalMs === undefined || this.options.clock() - this.lastSync >= this.intervalMs;
  }

  private *sync(writer: LogWriter, isAwaited = false): DiskWork {
    yield* writer.sync(isAwaited);
    this.lastSync = this.options.clock();
  }

  readFrom(afterLsn: number): LogCursor {
    return new LogReader(this.place, this.history, afterLsn);
  }

  private get place(): LogPlace {
    const storeId = Buffer.from((this.manifest as Manifest).storeId, 'hex');
    return { disk: this.disk, directory: this.within(LOG_DIRECTORY), storeId, storeSeed: crc32(storeId, 0, storeId.length) };
  }

  get oldestLsn(): number {
    return this.history.oldestLsn;
  }

  retain(retention: LogRetention): void {
    this.retention = retention;
    this.trim();
  }

  /** Removes the segments that nobody wants any more. A crash may bring some of them back: they are removed again. */
  private trim(): void {
    if (this.retention === undefined || this.writer === undefined) return;
    const below = this.history.trim(this.retention, this.options.now());
    if (below === undefined) return;
    const names = this.disk.list(this.within(LOG_DIRECTORY)).filter((name) => (segmentNumber(name) ?? below) < below);
    void this.removeLater(names.map((name) => this.within(LOG_DIRECTORY, name)));
  }

  async idle(): Promise<void> {
    this.trim();
    const writer = this.writable;
    if (!writer.isSealed) await this.log.run(this.sealed(writer));
  }

  private *sealed(writer: LogWriter): DiskWork {
    try {
      yield* this.sync(writer);
      yield* writer.seal();
    } catch (error) {
      if (this.disk.hasFailed || !isNoRoom(error)) throw new PersistenceFailedError(error);
      // A seal is no transaction: without room it can wait. What there is of it goes.
      yield* writer.takeBack();
    }
  }

  get wantsCheckpoint(): boolean {
    if (this.writer === undefined) return false;
    const { logBytes, segments, checkpointBytes } = this.stats;
    return logBytes > Math.max(this.options.checkpointBytes, checkpointBytes) || segments > MANY_SEGMENTS;
  }

  get stats(): EngineStats {
    const { tables, checkpointLsn } = this.manifest as Manifest;
    const checkpointBytes = tables.reduce((sum, { checkpoint }) => sum + (checkpoint?.bytes ?? 0), 0);
    const { needed, keptBytes } = this.history;
    const logBytes = needed.reduce((sum, { bytes }) => sum + bytes, this.writer?.live.bytes ?? 0);
    return { logBytes, segments: needed.length + 1, checkpointLsn, checkpointBytes, keptBytes };
  }

  async checkpoint(image: DatabaseImage): Promise<CheckpointResult> {
    const { clock } = this.options;
    const began = clock();
    const { manifest } = this;
    assert(manifest !== undefined && image.lsn >= manifest.checkpointLsn, 'checkpoints go forward');
    // A file of this position must never be replaced by another one while the manifest means it.
    const isDone = image.lsn === manifest.checkpointLsn && manifest.tables.some(({ checkpoint }) => checkpoint !== null);
    const tables = isDone ? manifest.tables : await this.writeImage(image);
    return {
      lsn: image.lsn,
      rows: tables.reduce((sum, { checkpoint }) => sum + (checkpoint?.rows ?? 0), 0),
      bytes: tables.reduce((sum, { checkpoint }) => sum + (checkpoint?.bytes ?? 0), 0),
      durationMs: clock() - began,
    };
  }

  private async writeImage(image: DatabaseImage): Promise<readonly ManifestTable[]> {
    const before = this.manifest as Manifest;
    const ids = before.tables.map(({ id }) => id);
    try {
      await this.background.run(this.checkpointed(image, ids));
    } catch (error) {
      if (this.disk.hasFailed || !isNoRoom(error)) throw new PersistenceFailedError(error);
      for (const id of ids) {
        const path = this.within(CHECKPOINT_DIRECTORY, checkpointName(image.lsn, id));
        this.remove(path);
        this.remove(path + UNFINISHED);
      }
      throw new DiskFullError(error);
    }
    // The new manifest is lasting: what only the old one needed can go.
    this.history.checkpointed((this.manifest as Manifest).firstSegment);
    this.trim();
    const files = before.tables.flatMap(({ checkpoint }) => checkpoint?.file ?? []);
    await this.removeLater(files.map((file) => this.within(CHECKPOINT_DIRECTORY, file)));
    return (this.manifest as Manifest).tables;
  }

  private *checkpointed(image: DatabaseImage, ids: readonly number[]): DiskWork {
    const storeId = Buffer.from((this.manifest as Manifest).storeId, 'hex');
    const written = yield* writeCheckpoints(this.disk, this.path, storeId, image, ids, this.options.clock);
    const manifest = this.manifest as Manifest;
    const { segment } = this.writable;
    yield* this.save({
      ...manifest,
      checkpointLsn: image.lsn,
      checkpointTxn: image.txn,
      firstSegment: this.history.needed.find(({ coveredBy }) => coveredBy > image.lsn)?.number ?? segment,
      lastSegment: segment,
      tables: manifest.tables.map((table, place) => ({ ...table, checkpoint: written[place] as TableCheckpoint })),
      positions: [...image.positions],
    });
  }

  async close(lsn: number, txn: number): Promise<void> {
    const writer = this.writable;
    try {
      await this.removing;
      await this.log.run(this.closed(writer, lsn, txn));
    } catch (error) {
      throw new PersistenceFailedError(error);
    } finally {
      this.abandon();
    }
  }

  private *closed(writer: LogWriter, lsn: number, txn: number): DiskWork {
    yield* writer.end();
    const { segment, length, crc } = writer.endOfLog;
    yield* this.save({ ...(this.manifest as Manifest), lastSegment: segment, clean: { segment, length, lsn, txn, crc } });
  }

  abandon(): void {
    this.writer?.close();
    this.writer = undefined;
    this.lock?.release();
    this.lock = undefined;
  }
}
