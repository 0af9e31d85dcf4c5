import type { CommitEvent, Consumer, Feed } from '../../lib/index.js';
import { Database, OffsetTruncatedError } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { CRASH_MODES, type Image, Medium, RecordingDisk } from './crash-disk.js';
import { CRASH_TABLES, Left, Right, SMALL } from './crash-workload.js';
import { Random } from './random.js';

/** What a reader of the feed is to be given, as plainly as can be. */
interface Reader {
  /** Named ones go on at their position; others at what they were given. */
  readonly name: string | undefined;
  readonly tables: readonly (typeof Left | typeof Right)[] | undefined;
  readonly isDurable: boolean;
  feed: Feed<CommitEvent> | undefined;
  consumer: Consumer | undefined;
  /** The last transaction that it was given; nothing before the end of an image. */
  at: number | undefined;
  /** What it has acknowledged: durably, and at the most. */
  floor: number | undefined;
  most: number;
  /** The last transaction that it was really given. */
  got: number;
  image: string[];
}

export interface FeedRun {
  readonly transactions: number;
  readonly given: number;
  readonly truncated: number;
  readonly crashes: number;
}

const BOTH = [Left, Right] as const;

/**
 * Random writers, checkpoints, reopenings and crashes, under readers of the feed that come, go, crash and fall behind.
 * Throws where a reader is given anything but what was committed behind its position, each once, in order.
 */
export class FeedRunner {
  private readonly random: Random;
  private readonly isStored: boolean;
  private disk = new RecordingDisk();
  private base: Image = new Map();
  private db!: Database;
  /** The text of each transaction by its LSN, and the rows after it. */
  private committed: { readonly text: string; readonly tables: ReadonlySet<string> }[] = [{ text: '', tables: new Set() }];
  private states: string[][] = [[]];
  private durable = 0;
  private readers: Reader[] = [];
  private named = 0;
  private given = 0;
  private truncated = 0;
  private crashes = 0;
  private readonly retention: { bytes?: number; consumerBytes?: number };

  constructor(readonly seed: number) {
    this.random = new Random(seed);
    this.isStored = this.random.chance(0.8);
    this.disk.isSlow = this.random.chance(0.5);
    this.retention = this.random.pick([{}, { bytes: 6000 }, { bytes: 2 ** 30 }, { consumerBytes: 5000 }]);
  }

  async run(steps: number): Promise<FeedRun> {
    await this.open();
    for (let step = 0; step < steps; step++) await this.step();
    await this.db.waitForOps();
    for (const reader of [...this.readers]) await this.read(reader, Number.POSITIVE_INFINITY);
    await this.db.close();
    for (const { feed } of this.readers) {
      if (feed !== undefined && (await feed.next()).done !== true) throw new Error('a feed goes on after the database was closed');
    }
    const { given, truncated, crashes } = this;
    return { transactions: this.committed.length - 1, given, truncated, crashes };
  }

  private async open(): Promise<void> {
    const { retention } = this;
    const stored = { engine: new FileEngine(this.disk, SMALL), retention };
    this.db = await Database.open({ tables: CRASH_TABLES, changes: { ringBytes: 8000 }, ...(this.isStored ? stored : {}) });
    this.db.on('commit', (event) => {
      this.committed[event.lsn] = { text: textOf(event), tables: new Set(event.changes.map(({ table }) => table)) };
      this.states[event.lsn] = [...this.db.table(Left).selectAll(), ...this.db.table(Right).selectAll()].map((row) => JSON.stringify(row));
    });
    this.durable = this.db.durableLsn;
  }

  private async step(): Promise<void> {
    const { random, db, readers } = this;
    switch (random.below(20)) {
      case 0:
        this.durable = Math.max(this.durable, await db.waitForOps());
        break;
      case 1:
        if (random.chance(0.4)) await db.checkpoint();
        break;
      case 2:
        if (readers.length < 5) this.come();
        break;
      case 3:
        if (readers.length > 0) await this.go(random.pick(readers));
        break;
      case 4:
      case 5:
      case 6:
        if (readers.length > 0) await this.read(random.pick(readers), random.below(12));
        break;
      case 7:
        if (readers.length > 0) await this.acknowledge(random.pick(readers));
        break;
      case 8:
        if (this.isStored && random.chance(0.2)) await this.reopen();
        break;
      case 9:
        if (this.isStored && random.chance(0.2)) await this.crash();
        break;
      default:
        this.write();
    }
  }

  private write(): void {
    const { random, db } = this;
    const left = db.table(Left);
    const right = db.table(Right);
    const change = () => {
      if (random.chance(0.4)) left.insert({ tag: `t${db.lsn}-${random.word()}`, value: random.below(9) });
      else if (random.chance(0.3)) left.delete(random.below(30) + 1);
      else if (random.chance(0.2)) right.delete(random.below(20));
      else right.upsert({ id: random.below(20), text: 'ü'.repeat(random.below(random.chance(0.05) ? 600 : 30)) });
    };
    if (random.chance(0.05)) left.nextKey();
    if (random.chance(0.5)) {
      change();
      return;
    }
    try {
      db.transaction(() => {
        for (let n = random.below(6); n >= 0; n--) change();
        if (random.chance(0.2)) throw new RangeError('undone');
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** A reader comes: named or not, from anywhere. */
  private come(): void {
    const { random, db } = this;
    const tables = random.chance(0.3) ? [random.pick(BOTH)] : undefined;
    const choice = random.below(3);
    const from = choice === 0 ? undefined : choice === 1 ? ('snapshot' as const) : db.oldestLsn + random.below(db.lsn - db.oldestLsn + 1);
    const at = from === 'snapshot' ? undefined : (from ?? db.lsn);
    const start = from === undefined ? {} : { from };
    const plain = { tables, feed: undefined, consumer: undefined, at, got: 0, image: [] };
    if (random.chance(0.6)) {
      const name = `c${this.named++}`;
      const consumer = db.consumer(name, start);
      this.readers.push({ ...plain, name, isDurable: true, consumer, floor: undefined, most: at ?? -1 });
      return;
    }
    const isDurable = random.chance(0.7);
    const feed = db.commits({ ...start, durable: isDurable, ...(tables === undefined ? {} : { tables }) });
    this.readers.push({ ...plain, name: undefined, isDurable, feed, floor: undefined, most: -1 });
  }

  /** A reader goes, or crashes and comes again: a named one at its position. */
  private async go(reader: Reader): Promise<void> {
    await reader.feed?.return();
    reader.feed = undefined;
    if (reader.name === undefined || this.random.chance(0.2)) {
      await reader.consumer?.remove();
      this.readers.splice(this.readers.indexOf(reader), 1);
    } else {
      reader.at = reader.consumer?.position;
    }
  }

  /** What is there for it, up to where it can be given now, is read, and is what was committed. */
  private async read(reader: Reader, most: number): Promise<void> {
    const { db } = this;
    if (reader.feed === undefined) {
      reader.at = reader.consumer?.position;
      const { tables } = reader;
      reader.feed = reader.consumer?.commits(tables === undefined ? {} : { tables });
    }
    const feed = reader.feed as Feed<CommitEvent>;
    try {
      if (reader.at === undefined) await this.readImage(reader, feed);
      for (let count = 0; count < most; count++) {
        const next = this.nextFor(reader, reader.isDurable ? db.durableLsn : db.lsn);
        if (next === undefined) return;
        const { value } = await feed.next();
        const text = value === undefined ? 'its end' : textOf(value);
        const wanted = textFor(this.committed[next]?.text as string, reader.tables);
        if (value?.lsn !== next || text !== wanted)
          throw new Error(`${reader.name} was given ${value?.lsn}: ${text}, not ${next}: ${wanted}`);
        if (reader.isDurable && next > db.durableLsn) throw new Error(`${next} was given before it was durable`);
        reader.at = next;
        reader.got = next;
        this.given++;
      }
    } catch (error) {
      if (!(error instanceof OffsetTruncatedError)) throw error;
      await this.isGone(reader, error);
    }
  }

  private nextFor({ at, tables }: Reader, limit: number): number | undefined {
    for (let lsn = (at as number) + 1; lsn <= limit; lsn++) {
      if (tables === undefined || tables.some(({ name }) => this.committed[lsn]?.tables.has(name.toLowerCase()))) return lsn;
    }
    return undefined;
  }

  private async readImage(reader: Reader, feed: Feed<CommitEvent>): Promise<void> {
    reader.image = [];
    for (;;) {
      const { value } = await feed.next();
      if (value?.snapshot === undefined) throw new Error('an image that has no end');
      for (const { after } of value.changes) reader.image.push(JSON.stringify(after));
      if (value.snapshot === 'part') continue;
      const { tables = BOTH } = reader;
      const wanted = (this.states[value.lsn] as string[]).filter((row) =>
        tables.some((table) => row.includes(table === Left ? '"tag"' : '"text"')),
      );
      if (reader.image.sort().join() !== wanted.sort().join()) throw new Error(`an image of other rows than those of ${value.lsn}`);
      reader.at = value.lsn;
      reader.got = value.lsn;
      return;
    }
  }

  /** It may be gone only where nothing holds it. The reader goes, too. */
  private async isGone(reader: Reader, { from, oldest }: OffsetTruncatedError): Promise<void> {
    const { db, retention } = this;
    this.truncated++;
    // Until it is heard of, others may have let go of more.
    if (oldest > db.oldestLsn || from >= oldest || from < (reader.at as number))
      throw new Error(`from ${from}, and the oldest is ${oldest}; it was at ${reader.at}, and the oldest is ${db.oldestLsn} now`);
    const isKept = retention.bytes === 2 ** 30 || (reader.name !== undefined && retention.consumerBytes === undefined);
    if (this.isStored && isKept) throw new Error(`${reader.name ?? 'a reader'} at ${reader.at} lost what is kept for it`);
    await reader.consumer?.remove();
    this.readers.splice(this.readers.indexOf(reader), 1);
  }

  private async acknowledge(reader: Reader): Promise<void> {
    const { consumer, at } = reader;
    if (consumer === undefined || at === undefined || reader.feed === undefined) return;
    const upTo = Math.max(consumer.position ?? at, at - this.random.below(3));
    reader.most = Math.max(reader.most, upTo);
    const done = consumer.acknowledge(upTo).then(() => {
      reader.floor = Math.max(reader.floor ?? 0, upTo);
    });
    if (this.random.chance(0.5)) await done;
    else done.catch(() => undefined);
  }

  private async reopen(): Promise<void> {
    await this.db.close();
    for (const reader of this.readers) reader.floor = reader.consumer?.position;
    await this.again(this.db.lsn);
  }

  private async crash(): Promise<void> {
    const { random, disk, db } = this;
    this.crashes++;
    this.durable = db.durableLsn;
    const floors = this.readers.map(({ floor }) => floor);
    const medium = new Medium(this.base);
    for (const op of disk.history) medium.apply(op);
    const image = medium.crash(random.pick(CRASH_MODES), () => random.word() / 2 ** 32);
    await db.close(); // the old one ends on the disk that is gone
    this.base = image;
    this.disk = new RecordingDisk(image);
    this.disk.isSlow = disk.isSlow;
    this.readers.forEach((reader, at) => {
      reader.floor = floors[at];
    });
    await this.again(this.durable);
  }

  /** The database is there again: with all that was durable, and the consumers where they were. */
  private async again(least: number): Promise<void> {
    await this.open();
    const { db } = this;
    if (db.lsn < least) throw new Error(`${db.lsn} is the last, and ${least} was durable`);
    this.committed.length = db.lsn + 1;
    this.states.length = db.lsn + 1;
    const positions = new Map(db.consumers.map(({ name, position }) => [name, position]));
    for (const reader of [...this.readers]) {
      if (reader.isDurable && reader.got > db.lsn) throw new Error(`${reader.got} was given, and is lost`);
      reader.feed = undefined;
      const position = reader.name === undefined ? undefined : positions.get(reader.name);
      if (position === undefined && reader.floor !== undefined) throw new Error(`${reader.name} is forgotten`);
      if (position === undefined) this.readers.splice(this.readers.indexOf(reader), 1);
      else if (position < (reader.floor ?? 0) || position > reader.most) throw new Error(`${reader.name} is at ${position}`);
      else reader.consumer = db.consumer(reader.name as string);
    }
  }
}

/** A transaction as text: of each change a line. */
function textOf({ lsn, txn, changes }: CommitEvent): string {
  const lines = changes.map(
    ({ seq, table, kind, key, before, after }) => `${table} ${seq} ${kind} ${key} ${JSON.stringify([before, after])}`,
  );
  return [`${lsn} ${txn}`, ...lines].join('\n');
}

function textFor(text: string, tables: Reader['tables']): string {
  if (tables === undefined) return text;
  const [head, ...lines] = text.split('\n');
  return [head, ...lines.filter((line) => tables.some(({ name }) => line.startsWith(`${name.toLowerCase()} `)))].join('\n');
}
