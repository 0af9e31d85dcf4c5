import type { Disk } from '../../lib/disk/disk.js';
import { Column, Database, Index, PrimaryKey, type RecordVisitor, type RecoveryTarget, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import type { FileEngineOptions } from '../../lib/persistence/file-engine-options.js';
import type { PersistenceTask } from '../../lib/persistence/persistence-task.js';
import { storedTable } from '../../lib/persistence/stored-table.js';
import { buildSchemas } from '../../lib/schema/build-schema.js';
import type { TableCore } from '../../lib/table/table-core.js';
import type { Journal } from '../../lib/transaction/journal.js';
import { RecordingDisk } from './crash-disk.js';
import { Random } from './random.js';

@Table({ pageSizeBytes: 4096 })
export class Left {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() tag!: string;
  @Column('int') value!: number;
}

@Table({ pageSizeBytes: 4096 })
export class Right {
  @PrimaryKey() @Column('int') id!: number;
  @Index() @Column() text!: string;
}

export const CRASH_TABLES = [Left, Right] as const;
const STORED = buildSchemas(CRASH_TABLES).map(storedTable);

/** Small, so that a workload of a second has everything: segments, parts, zeros written ahead. */
export const SMALL: Partial<FileEngineOptions> & { path: string } = {
  path: '/db',
  segmentBytes: 2048,
  frameBytes: 600,
  aheadBytes: 512,
  checkpointBytes: 2 ** 40,
};

/** A committed state: the bytes of all rows, the counter, and a position that is set with transactions. */
export interface State {
  readonly rows: string;
  readonly counter: number;
  readonly applied: number;
}

const APPLIED = 'applied:elsewhere';

/** What a workload did: its disk's changes, and what was known at each of them. */
export interface Recorded {
  readonly disk: RecordingDisk;
  /** The state after each transaction; the first is that of none. */
  readonly states: readonly State[];
  /** For each change of the disk: what had been acknowledged and what had been committed before it. */
  readonly acked: readonly number[];
  readonly issued: readonly number[];
  readonly seed: number;
}

/** A row as the tests compare it. Both tables have a number for a key, first in the row. */
function rowText(table: number, bytes: Buffer, from: number, to: number): string {
  return `${table}:${bytes.toString('latin1', from, to)}`;
}

function keyText(table: number, bytes: Buffer, from: number): string {
  let end = from;
  while ((bytes[end++] as number) > 127);
  return rowText(table, bytes, from, end);
}

export function coresOf(db: Database): TableCore[] {
  return [...(db as unknown as { cores: Map<unknown, TableCore> }).cores.values()];
}

export function journalOf(db: Database): Journal {
  return (db as unknown as { journal: Journal }).journal;
}

export function taskOf(db: Database): PersistenceTask {
  return (db as unknown as { store: { task: PersistenceTask } }).store.task;
}

export function stateOf(db: Database): State {
  const rows: string[] = [];
  const cores = coresOf(db);
  cores.forEach(({ store }, table) => {
    for (const row of store.rowIds) {
      const bytes = Buffer.from(store.bytesAt(store.linkOf(row)));
      rows.push(rowText(table, bytes, 0, bytes.length));
    }
  });
  return {
    rows: rows.sort().join('|'),
    counter: Number((cores[0] as TableCore).counterValue),
    applied: journalOf(db).positions.get(APPLIED) ?? 0,
  };
}

/** Runs a random workload on a recording disk. `prepare` may put faults into it, `change` a mutant over it. */
export async function record(
  seed: number,
  steps: number,
  options: Partial<FileEngineOptions> = {},
  prepare: (disk: RecordingDisk) => void = () => undefined,
  over: (disk: RecordingDisk) => Disk = (disk) => disk,
): Promise<Recorded> {
  const random = new Random(seed);
  const disk = new RecordingDisk();
  const states: State[] = [{ rows: '', counter: 0, applied: 0 }];
  const acked: number[] = [];
  const issued: number[] = [];
  let ack = 0;
  let lsn = 0;
  const fault = () => {
    acked.push(ack);
    issued.push(lsn);
    return undefined;
  };
  disk.fault = fault;
  disk.isSlow = seed % 2 === 1;
  prepare(disk);
  const open = () =>
    Database.open({
      engine: new FileEngine(over(disk), { ...SMALL, ...options }),
      tables: CRASH_TABLES,
      queueBytes: random.chance(0.3) ? 400 : 8192,
    });
  let db = await open();
  const committed = (work: () => void): void => {
    work();
    if (db.lsn > lsn) {
      lsn = db.lsn;
      states[lsn] = stateOf(db);
    }
  };
  for (let step = 0; step < steps; step++) {
    const left = db.table(Left);
    const right = db.table(Right);
    switch (random.below(16)) {
      case 0:
        await db.waitForOps().then((durable) => (ack = Math.max(ack, durable)));
        break;
      case 1:
        await taskOf(db).settle();
        ack = lsn;
        break;
      case 2:
        if (random.chance(0.5)) {
          await db.checkpoint();
          ack = lsn;
        } else left.nextKey();
        break;
      case 3:
        if (random.chance(0.3)) {
          await db.close();
          ack = lsn;
          db = await open();
        }
        break;
      case 4:
        committed(() =>
          db.transaction(() => {
            const many = random.chance(0.2) ? 60 : 3;
            for (let n = 0; n < many; n++) right.upsert({ id: random.below(60), text: 'r'.repeat(random.below(40)) });
            left.insert({ tag: `t${lsn}-${random.word()}`, value: many });
            journalOf(db).setPosition(APPLIED, lsn + 1);
          }),
        );
        break;
      case 5:
      case 6:
        committed(() => void left.delete(random.below(30) + 1));
        break;
      case 7:
      case 8:
        committed(() => void right.upsert({ id: random.below(60), text: 'u'.repeat(random.below(60)) }));
        break;
      case 9:
        // Others wait at the same time: their acknowledgement must be true, too.
        void db.waitForOps().then((durable) => (ack = Math.max(ack, durable)));
        break;
      default:
        committed(() => void left.insert({ tag: `i${lsn}-${random.word()}`, value: random.below(1000) }));
    }
    if (random.chance(0.2)) await Promise.resolve();
  }
  await db.close();
  ack = lsn;
  return { disk, states, acked, issued, seed };
}

/** Takes what recovery gives, and keeps it as plainly as can be. */
class PlainTarget implements RecoveryTarget, RecordVisitor {
  readonly rows = new Map<string, string>();
  count = 0;
  applied = 0;

  private put(table: number, bytes: Buffer, from: number, to: number): void {
    this.rows.set(keyText(table, bytes, from), rowText(table, bytes, from, to));
    if (table === 0) this.counter(0, BigInt(zigzag(bytes, from)));
  }

  row(table: number, bytes: Buffer, from: number, to: number): void {
    this.put(table, bytes, from, to);
  }
  end(): void {}
  begin(): void {}
  insert(table: number, bytes: Buffer, from: number, to: number): void {
    this.put(table, bytes, from, to);
  }
  update(table: number, { bytes, from, to }: Parameters<RecordVisitor['update']>[1]): void {
    this.put(table, bytes, from, to);
  }
  delete(table: number, bytes: Buffer, from: number): void {
    this.rows.delete(keyText(table, bytes, from));
  }
  counter(table: number, value: bigint): void {
    if (table === 0) this.count = Math.max(this.count, Number(value));
  }

  position(name: string, lsn: number | undefined): void {
    if (name === APPLIED) this.applied = lsn ?? 0;
  }

  get state(): State {
    return { rows: [...this.rows.values()].sort().join('|'), counter: this.count, applied: this.applied };
  }
}

function zigzag(bytes: Buffer, from: number): number {
  let value = 0;
  let shift = 0;
  for (let at = from; ; at++, shift += 7) {
    const byte = bytes[at] as number;
    value |= (byte & 127) << shift;
    if (byte < 128) return (value >>> 1) ^ -(value & 1);
  }
}

/** Opens a store's files as they are, with nothing over them. Throws what opening throws. */
export async function recover(disk: Disk, options: Partial<FileEngineOptions> = {}): Promise<{ lsn: number; state: State }> {
  const engine = new FileEngine(disk, { ...SMALL, ...options });
  const target = new PlainTarget();
  const { report } = await engine.open(STORED, target);
  engine.abandon();
  return { lsn: report.lsn, state: target.state };
}
