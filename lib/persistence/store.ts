import { NodeDisk } from '../disk/node-disk.js';
import { CorruptionError, ReadOnlyError } from '../errors.js';
import type { TableCore } from '../table/table-core.js';
import { TableLoader } from '../table/table-loader.js';
import type { Journal } from '../transaction/journal.js';
import { MOST_POSITIONS } from '../transaction/positions.js';
import { CheckpointTask } from './checkpoint-task.js';
import { takeImage } from './database-image.js';
import { FileEngine } from './file-engine.js';
import { type Durability, FILE_ENGINE_DEFAULTS } from './file-engine-options.js';
import type { CheckpointResult, EngineStats, LogCursor, PersistenceEngine, RecoveryReport, RecoveryTarget } from './persistence-engine.js';
import { PersistenceTask } from './persistence-task.js';
import { storedTable } from './stored-table.js';

/** How a store is opened that may be damaged. */
export const LoadMode = {
  /** Refuses whatever is not as it should be. */
  Strict: 'strict',
  /** For copying out: reads what can be read, leaves the rest out and reports it. Nothing can be written. */
  Salvage: 'salvage',
} as const;
export type LoadMode = (typeof LoadMode)[keyof typeof LoadMode];

/** How much of the log is kept for change feeds, beyond what recovery needs: whatever any of these wants. */
export interface RetentionOptions {
  /** Its latest bytes; none by default. */
  readonly bytes?: number;
  /** What was written in the last milliseconds; none by default. */
  readonly ms?: number;
  /** What a named consumer has not acknowledged, as long as the log has no more bytes than this; 1 GiB by default. */
  readonly consumerBytes?: number;
}

/** Where a database is stored, and how. */
export interface StoreOptions {
  /** The directory of the store; made where there is none. */
  readonly path?: string;
  /** `commit` by default. */
  readonly durability?: Durability;
  readonly loadMode?: LoadMode;
  /** Reads alone: nothing is locked, and nothing is written. */
  readonly readOnly?: boolean;
  readonly checkpoint?: {
    /** A checkpoint is made when the log is larger than this, and than the last checkpoint; 64 MiB by default. */
    readonly logBytes?: number;
    /** And after this long, where anything was written; 5 minutes by default. */
    readonly intervalMs?: number;
  };
  readonly retention?: RetentionOptions;
  /** A segment of the log, from 4 KiB to 1 GiB; 16 MiB by default. */
  readonly segmentBytes?: number;
  /** Committed bytes that may wait to be stored; beyond, writers are slowed down. 8 MiB by default. */
  readonly queueBytes?: number;
  /** Stores transactions elsewhere than in local files. */
  readonly engine?: PersistenceEngine;
}

const DEFAULT_INTERVAL_MS = 5 * 60_000;
const DEFAULT_CONSUMER_BYTES = 2 ** 30;
const DEFAULT_QUEUE_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 1000;

/** What a database's stored side does, and how much of it there is. */
export interface StoreStats extends EngineStats {
  readonly durableLsn: number;
  /** Bytes of committed transactions that are not stored yet. */
  readonly queuedBytes: number;
}

/** The stored side of a database: an engine, what feeds it, and what makes its checkpoints. */
export class Store {
  private constructor(
    private readonly engine: PersistenceEngine,
    readonly recovery: RecoveryReport,
    /** None where the store is only read. */
    readonly task: PersistenceTask | undefined,
    private readonly checkpoints: CheckpointTask | undefined,
    private readonly journal: Journal,
  ) {}

  /** Fills the tables from what is stored, and takes what they commit from then on. */
  static async open(
    cores: readonly TableCore[],
    journal: Journal,
    options: StoreOptions,
    failed: (error: unknown) => void,
  ): Promise<Store> {
    checkOptions(options);
    const writes = options.loadMode !== LoadMode.Salvage && options.readOnly !== true;
    const engine = options.engine ?? fileEngine(options);
    const lift = journal.refuseWrites(() => new ReadOnlyError(writes ? 'it is being opened' : 'it was opened so'));
    const positions = new Map<string, number>();
    const loaders = cores.map((core) => new TableLoader(core));
    const { report: recovery, tableIds } = await engine.open(
      cores.map(({ schema }) => storedTable(schema)),
      targetOf(loaders, positions),
    );
    cores.forEach((core, place) => {
      core.logId = tableIds[place] as number;
    });
    if (!writes) {
      journal.begin(recovery.lsn, recovery.txn, positions);
      return new Store(engine, recovery, undefined, undefined, journal);
    }
    const task = new PersistenceTask(engine, recovery.lsn, { queueBytes: options.queueBytes ?? DEFAULT_QUEUE_BYTES, retryMs: RETRY_MS });
    const image = () => takeImage(cores, journal);
    const checkpoints = new CheckpointTask(engine, task, image, options.checkpoint?.intervalMs ?? DEFAULT_INTERVAL_MS, failed);
    journal.begin(recovery.lsn, recovery.txn, positions, task);
    lift();
    return new Store(engine, recovery, task, checkpoints, journal);
  }

  get stats(): StoreStats {
    const { task, recovery, engine } = this;
    return { ...engine.stats, durableLsn: task?.durableLsn ?? recovery.lsn, queuedBytes: task?.queuedBytes ?? 0 };
  }

  /** Committed transactions from behind a position on. */
  readFrom(afterLsn: number): LogCursor {
    return this.engine.readFrom(afterLsn);
  }

  get oldestLsn(): number {
    return this.engine.oldestLsn;
  }

  /** From now on what is behind `afterLsn` is kept for consumers, beside what the options say. */
  retain({ bytes = 0, ms = 0, consumerBytes = DEFAULT_CONSUMER_BYTES }: RetentionOptions, afterLsn: number | undefined): void {
    this.engine.retain({ bytes, ms, afterLsn, afterBytes: consumerBytes });
  }

  checkpoint(): Promise<CheckpointResult> {
    if (this.checkpoints === undefined) return Promise.reject(new ReadOnlyError('it was opened so'));
    return this.checkpoints.upTo(this.journal.lsn);
  }

  /** @throws DiskFullError, after which it may be tried again; PersistenceFailedError */
  async close(): Promise<void> {
    await this.checkpoints?.stop();
    if (this.task === undefined) this.engine.abandon();
    else await this.task.close(this.journal.txn);
  }
}

function checkOptions({ path, engine, durability, segmentBytes, queueBytes, loadMode, retention }: StoreOptions): void {
  if (engine === undefined && (typeof path !== 'string' || path === '')) throw new TypeError('path is the directory of the store');
  const relaxed = typeof durability === 'object' && durability !== null ? durability.relaxed : undefined;
  if (durability !== undefined && durability !== 'commit' && (typeof relaxed !== 'object' || relaxed === null)) {
    throw new TypeError("durability is 'commit' or { relaxed: { intervalMs } }");
  }
  const { intervalMs = 1 } = relaxed ?? {};
  if (!(intervalMs > 0)) throw new TypeError('intervalMs is a number above 0');
  if (segmentBytes !== undefined && !(segmentBytes >= 4096 && segmentBytes <= 2 ** 30)) {
    throw new TypeError('segmentBytes is from 4096 to 2 ** 30');
  }
  if (queueBytes !== undefined && !(queueBytes > 0)) throw new TypeError('queueBytes is a number above 0');
  for (const name of ['bytes', 'ms', 'consumerBytes'] as const) {
    if (!((retention?.[name] ?? 0) >= 0)) throw new TypeError(`retention.${name} is a number from 0 on`);
  }
  if (loadMode !== undefined && loadMode !== LoadMode.Strict && loadMode !== LoadMode.Salvage) {
    throw new TypeError('loadMode is LoadMode.Strict or LoadMode.Salvage');
  }
}

function fileEngine({ path, durability, loadMode, readOnly, checkpoint, segmentBytes }: StoreOptions): FileEngine {
  const mode = loadMode === LoadMode.Salvage ? 'salvage' : readOnly === true ? 'read' : 'write';
  return new FileEngine(new NodeDisk(), {
    path: path as string,
    mode,
    durability: durability ?? 'commit',
    segmentBytes: segmentBytes ?? FILE_ENGINE_DEFAULTS.segmentBytes,
    checkpointBytes: checkpoint?.logBytes ?? FILE_ENGINE_DEFAULTS.checkpointBytes,
  });
}

function targetOf(loaders: readonly TableLoader[], positions: Map<string, number>): RecoveryTarget {
  const at = (table: number) => loaders[table] as TableLoader;
  return {
    row: (table, bytes, from, to) => at(table).insert(bytes, from, to),
    end: (leftOut) => {
      // Only now: on the way here, positions of the checkpoint met those from before it that were forgotten for them.
      if (positions.size > MOST_POSITIONS) refuse('more named positions than there can be', leftOut);
      for (const loader of loaders) {
        if (leftOut !== undefined) loader.leaveOutConflicts(leftOut);
        loader.finish();
      }
    },
    begin: () => undefined,
    insert: (table, bytes, from, to) => at(table).insert(bytes, from, to),
    update: (table, update) => at(table).update(update),
    delete: (table, bytes, from, to) => at(table).delete(bytes, from, to),
    counter: (table, value) => at(table).counter(value),
    position: (name, lsn) => {
      if (lsn === undefined) positions.delete(name);
      else positions.set(name, lsn);
    },
  };
}

/** @throws CorruptionError where nobody takes damage */
function refuse(reason: string, leftOut: ((reason: string) => void) | undefined): void {
  if (leftOut === undefined) throw new CorruptionError(undefined, 0, reason);
  leftOut(reason);
}
