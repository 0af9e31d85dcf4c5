import type { ChangeEvent, CommitEvent, KeyCount, SnapshotMark } from '../cdc/change-event.js';
import type { Lsn } from '../cdc/operation.js';
import { takeImage } from '../persistence/database-image.js';
import type { DatabaseImage, TableImage } from '../persistence/persistence-engine.js';
import type { Journal } from '../transaction/journal.js';
import type { FeedTable } from './feed-tables.js';

/** Rows that are given at once. */
const ROWS = 256;
/** How long giving them may hold up other work, in milliseconds. */
const SLICE_MS = 2;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Gives all rows as of one moment as events, while writers go on: rows that change meanwhile are kept as they were. */
export class ImageReader {
  readonly lsn: number;
  private readonly image: DatabaseImage;
  private readonly at = Date.now();
  private table = 0;
  private seq = 0;
  private isFirst = true;
  /** Held back until it is known what follows. */
  private held: Mutable<ChangeEvent> | undefined;
  private lastTable: string | undefined;

  /** @throws TransactionError within a transaction */
  constructor(
    private readonly tables: readonly FeedTable[],
    journal: Journal,
  ) {
    this.image = takeImage(
      tables.map(({ core }) => core),
      journal,
    );
    this.lsn = this.image.lsn;
  }

  /** The next rows, as many as there are in a moment: maybe none. With the last ones it says so, and lets go of the image. */
  next(): CommitEvent {
    const changes: Mutable<ChangeEvent>[] = [];
    const deadline = performance.now() + SLICE_MS;
    let more = true;
    while (more && changes.length < ROWS && performance.now() < deadline) more = this.readSome(changes, deadline);
    if (!more) {
      if (this.held !== undefined) {
        this.mark(this.held, undefined);
        changes.push(this.held);
      }
      this.release();
    }
    const commit = { lsn: this.lsn as Lsn, txn: this.image.txn, at: new Date(this.at), changes };
    if (more) return { ...commit, snapshot: 'part' };
    const counters = this.counters();
    return { ...commit, snapshot: 'last', ...(counters.length > 0 && { counters }) };
  }

  /** Of tables whose rows do not tell the last key: it may be of one that is gone. */
  private counters(): KeyCount[] {
    const counted = this.tables.map(({ name, core }, at) => ({ table: name, core, key: (this.image.tables[at] as TableImage).counter }));
    return counted.filter(({ core, key }) => core.schema.key.autoincrement && key > 0n).map(({ table, key }) => ({ table, key }));
  }

  /** @returns whether there are more */
  private readSome(changes: Mutable<ChangeEvent>[], deadline: number): boolean {
    const table = this.tables[this.table];
    if (table === undefined) return false;
    const image = this.image.tables[this.table] as TableImage;
    const take = (bytes: Buffer, from: number): boolean => {
      const { row, key } = table.decode(bytes, from);
      this.give(this.event(table, key, row), changes);
      return changes.length < ROWS;
    };
    if (!image.read(take, deadline)) this.table++;
    return this.table < this.tables.length;
  }

  private event(table: FeedTable, key: unknown, after: object): Mutable<ChangeEvent> {
    const { lsn, image } = this;
    const at = new Date(this.at);
    return { lsn: lsn as Lsn, txn: image.txn, seq: this.seq++, table: table.name, kind: 'read', key, before: null, after, at };
  }

  private give(event: Mutable<ChangeEvent>, changes: Mutable<ChangeEvent>[]): void {
    if (this.held !== undefined) {
      this.mark(this.held, event);
      changes.push(this.held);
    }
    this.held = event;
  }

  private mark(event: Mutable<ChangeEvent>, next: ChangeEvent | undefined): void {
    const isNew = event.table !== this.lastTable;
    this.lastTable = event.table;
    event.snapshot = markOf(this.isFirst, isNew, next === undefined, next?.table !== event.table);
    if (next === undefined) event.last = true;
    this.isFirst = false;
  }

  /** Harmless when repeated. */
  release(): void {
    this.image.release();
  }
}

function markOf(isFirst: boolean, isFirstOfTable: boolean, isLast: boolean, isLastOfTable: boolean): SnapshotMark {
  if (isLast) return 'last';
  if (isFirst) return 'first';
  if (isLastOfTable) return 'last_in_data_collection';
  return isFirstOfTable ? 'first_in_data_collection' : 'true';
}
