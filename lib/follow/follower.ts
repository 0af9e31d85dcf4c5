import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { Lsn } from '../cdc/operation.js';
import { ChangeMismatchError, EventFormatError, PositionGapError } from '../errors.js';
import type { Stored } from '../schema/stored-value.js';
import type { TableCore } from '../table/table-core.js';
import type { Journal } from '../transaction/journal.js';
import { FOLLOWED } from '../transaction/positions.js';
import { FollowedTable } from './followed-table.js';

/**
 * Applies the transactions of another database, in their order. Each is one transaction here, which also says how far
 * this database has come: after a crash both are there, or neither is.
 *
 *   what comes                        | what is done
 *   a transaction applied already     | nothing
 *   the next one                      | it is applied, or refused as a whole
 *   a later one                       | PositionGapError
 *   an image behind what was applied  | nothing
 *   an image ahead of it              | its rows become the tables', as one transaction
 */
export class Follower {
  private readonly tables = new Map<string, FollowedTable>();
  private readonly positionName: string;
  /** A transaction of which events have come one by one, and not yet the last. */
  private open: { readonly lsn: Lsn; readonly txn: number; readonly at: Date; readonly changes: ChangeEvent[] } | undefined;
  /** An image of which rows have come, and not yet the last. */
  private image: Image | undefined;

  /** With `isPart`, events of other tables than these are passed over; otherwise they are refused. */
  constructor(
    private readonly journal: Journal,
    cores: Iterable<TableCore>,
    private readonly source: string,
    private readonly isPart: boolean,
  ) {
    for (const core of cores) this.tables.set(core.name, new FollowedTable(core));
    this.positionName = FOLLOWED + source;
  }

  /** The last transaction of the other database that is applied here; 0 before the first. */
  get position(): Lsn {
    return (this.journal.positions.get(this.positionName) ?? 0) as Lsn;
  }

  /** @throws where nothing can be written now, as any write */
  assertRoom(): void {
    this.journal.assertWritable();
  }

  /** Takes a transaction, or one event. @throws PositionGapError, ChangeMismatchError, EventFormatError, ValidationError */
  take(item: CommitEvent | ChangeEvent): void {
    if (typeof item !== 'object' || item === null) throw new EventFormatError('neither an event nor a transaction');
    if ('changes' in item) this.takeCommit(item);
    else this.takeEvent(item);
  }

  private takeCommit(commit: CommitEvent): void {
    if (this.open !== undefined) throw new EventFormatError('a transaction within another one');
    const { lsn, at, changes, snapshot } = commit;
    if (snapshot === undefined && changes[0]?.kind !== 'read') {
      this.apply(commit);
      return;
    }
    this.enterImage(lsn, at);
    for (const event of changes) this.takeRow(event);
    if (snapshot === 'last' || changes.at(-1)?.snapshot === 'last') this.endImage(commit.counters);
  }

  private takeEvent(event: ChangeEvent): void {
    const { lsn, txn, at } = event;
    if (event.kind === 'read') {
      this.enterImage(lsn, at);
      this.takeRow(event);
      if (event.snapshot === 'last') this.endImage();
      return;
    }
    this.open ??= { lsn, txn, at, changes: [] };
    if (this.open.lsn !== lsn) throw new EventFormatError('a transaction without its last event');
    this.open.changes.push(event);
    if (event.last !== true) return;
    const commit = this.open;
    this.open = undefined;
    this.apply(commit);
  }

  private apply({ lsn, at, changes, counters }: CommitEvent): void {
    if (this.image !== undefined) throw new EventFormatError('a transaction within an image');
    const { position } = this;
    if (lsn <= position) return;
    if (lsn !== position + 1) throw new PositionGapError(this.source, (position + 1) as Lsn, lsn);
    changes.forEach((event, place) => {
      if (event?.seq !== place) throw new EventFormatError(`a transaction without its event ${place}; ${NOT_AT_THE_FEED}`);
    });
    this.journal.run(() => {
      for (const event of changes) this.tableOf(event)?.apply(event);
      this.passKeys(counters);
      this.journal.setPosition(this.positionName, lsn);
    }, timeOf(at));
  }

  private passKeys(counters: CommitEvent['counters'] = []): void {
    for (const count of counters) this.tableOf(count)?.passKeys(count.key);
  }

  private tableOf(event: { readonly table: string }): FollowedTable | undefined {
    const table = this.tables.get(event.table);
    if (table === undefined && !this.isPart)
      throw new EventFormatError('an event of a table that is not followed; name those that are in { tables }');
    return table;
  }

  private enterImage(lsn: Lsn, at: Date): void {
    this.image ??= { lsn, at, rows: new Map(), taken: 0 };
    if (this.image.lsn !== lsn) throw new EventFormatError('an image of several positions');
  }

  /** A row of an image: kept, in its stored form, until the image is whole. */
  private takeRow(event: ChangeEvent): void {
    const image = this.image as Image;
    const { lsn, rows } = image;
    if (event.kind !== 'read' || event.lsn !== lsn) throw new EventFormatError('something else within an image');
    const table = this.tableOf(event);
    if (this.hasImage(lsn)) return;
    if (event.seq !== image.taken++) throw new EventFormatError(`an image without its row ${image.taken - 1}`);
    if (table === undefined) return;
    const known = rows.get(table);
    if (known === undefined) rows.set(table, [table.values(event.after)]);
    else known.push(table.values(event.after));
  }

  /** Who has applied nothing yet has not even an image from before the first transaction, which says that there is no row. */
  private hasImage(lsn: number): boolean {
    return this.journal.positions.has(this.positionName) && lsn <= this.position;
  }

  private endImage(counters?: CommitEvent['counters']): void {
    const image = this.image as Image;
    this.image = undefined;
    this.applyImage(image, counters);
  }

  private applyImage({ lsn, at, rows }: Image, counters: CommitEvent['counters']): void {
    if (this.hasImage(lsn)) return;
    this.journal.run(() => {
      for (const table of this.tables.values()) {
        const given = rows.get(table);
        // Whether the image left the table out or has no row of it cannot be told: rows that are here are not given up.
        if (given === undefined && !this.isPart && !table.isEmpty) {
          throw new ChangeMismatchError(
            table.name,
            undefined,
            lsn,
            0,
            'the image has no row of it; name the followed tables in { tables }',
          );
        }
        table.replaceRows(given ?? [], lsn);
      }
      this.passKeys(counters);
      this.journal.setPosition(this.positionName, lsn);
    }, timeOf(at));
  }

  /** The events are over. @throws EventFormatError where that is in the middle of a transaction: nothing of it is applied */
  end(): void {
    if (this.open !== undefined) throw new EventFormatError('the events end within a transaction');
    if (this.image !== undefined) throw new EventFormatError('the events end within an image');
  }
}

interface Image {
  readonly lsn: Lsn;
  readonly at: Date;
  readonly rows: Map<FollowedTable, Stored[][]>;
  /** How many rows have come. */
  taken: number;
}

const NOT_AT_THE_FEED = 'name the tables that are followed in { tables }, and not at the feed';

function timeOf(at: unknown): number {
  const time = at instanceof Date ? at.getTime() : Number.NaN;
  if (Number.isNaN(time)) throw new EventFormatError('a transaction without the time of its commit');
  return time;
}
