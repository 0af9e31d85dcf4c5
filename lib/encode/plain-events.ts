import type { ChangeEvent, ChangeEventKind, CommitEvent, KeyCount, SnapshotMark } from '../cdc/change-event.js';
import type { Lsn } from '../cdc/operation.js';
import { EventFormatError } from '../errors.js';
import type { EntityClass } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { type EventTable, EventTables, rowsOf } from './event-tables.js';
import { missingIn, objectOf, type PlainForms, toPlainElement, toPlainValue } from './plain-value.js';

/** A change event of values that JSON has. */
export interface PlainEvent {
  readonly lsn: number;
  readonly txn: number;
  readonly seq: number;
  readonly table: string;
  readonly kind: ChangeEventKind;
  /** The key's value; of a composite one, a list. */
  readonly key: unknown;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly at: string | number;
  readonly expired?: true;
  readonly last?: true;
  readonly snapshot?: SnapshotMark;
}

/** A transaction of values that JSON has. Its changes leave out what they share with it. */
export interface PlainCommit {
  readonly lsn: number;
  readonly txn: number;
  readonly at: string | number;
  readonly changes: readonly Omit<PlainEvent, 'lsn' | 'txn' | 'at'>[];
  readonly snapshot?: 'part' | 'last';
  readonly counters?: readonly { readonly table: string; readonly key: string }[];
}

/** What `PlainEvents` are made with. */
export interface PlainEventsOptions extends PlainForms {
  /** The classes whose events come. */
  readonly tables: readonly EntityClass[];
}

/**
 * Change events as plain objects and back: for a pipe, a socket, a message queue, a worker. What comes back equals what
 * went in, to the last bit of every value; rows are instances of their classes again.
 *
 * @example
 * ```ts
 * import { PlainEvents } from 'worktable';
 *
 * const plain = new PlainEvents({ tables: [Account] });
 * db.on('commit', (commit) => {
 *   const line = JSON.stringify(plain.commit(commit)); // in one process
 *   const [change] = plain.readCommit(JSON.parse(line)).changes; // in another
 *   console.log(change?.kind, change?.key, change?.after);
 * });
 * accounts.insert({ email: 'sam@example.com', country: 'GB', score: 1, balance: 5n });
 * // prints: insert 3 Account { … balance: 5n }
 * ```
 */
export class PlainEvents {
  private readonly tables: EventTables;
  private readonly forms: PlainForms;

  /** @throws SchemaError for whatever is wrong with a class */
  constructor({ tables, bigints = 'text', dates = 'iso' }: PlainEventsOptions) {
    this.tables = new EventTables(tables);
    this.forms = { bigints, dates };
  }

  /** @throws EventFormatError, ValidationError for what is no event of these tables */
  event(event: ChangeEvent): PlainEvent {
    const { lsn, txn, at } = event;
    const { seq, table, kind, key, before, after, ...marks } = this.change(event);
    return { lsn, txn, seq, table, kind, key, before, after, at: this.time(at), ...marks };
  }

  /** A whole transaction: the unit in which to send what another database applies. @throws as `event` */
  commit({ lsn, txn, at, changes, snapshot, counters }: CommitEvent): PlainCommit {
    return {
      lsn,
      txn,
      at: this.time(at),
      changes: changes.map((event) => this.change(event)),
      ...(snapshot && { snapshot }),
      ...(counters && { counters: counters.map(({ table, key }) => ({ table: this.tables.of(table).name, key: String(key) })) }),
    };
  }

  private change(event: ChangeEvent): PlainCommit['changes'][number] {
    const { table, before, after, row } = rowsOf(this.tables, event);
    const keys = table.keyOf(row).map((value, at) => toPlainElement(table.key[at] as (typeof table.key)[number], value, this.forms));
    return {
      seq: event.seq,
      table: table.name,
      kind: event.kind,
      key: keys.length === 1 ? keys[0] : keys,
      before: this.row(table, before),
      after: this.row(table, after),
      ...marksOf(event),
    };
  }

  private row(table: EventTable, values: Stored[] | null): PlainEvent['before'] {
    return values === null ? null : (toPlainValue(table.row, values, this.forms) as Record<string, unknown>);
  }

  private time(at: Date): string | number {
    return this.forms.dates === 'ms' ? at.getTime() : at.toISOString();
  }

  /**
   * Reads what `event` made, in whatever forms, after JSON or not. It may be anything: every value is validated.
   * @throws EventFormatError for what is no event; ValidationError naming the first wrong column
   */
  readEvent(plain: unknown): ChangeEvent {
    const object = objectIn(plain, 'an event');
    return this.readChange(object, headOf(object));
  }

  /** Reads what `commit` made. @throws as `readEvent` */
  readCommit(plain: unknown): CommitEvent {
    const object = objectIn(plain, 'a commit');
    const head = headOf(object);
    const { changes } = object;
    if (!Array.isArray(changes)) throw new EventFormatError('a commit without its list of changes');
    const commit = { ...head, changes: changes.map((change) => this.readChange(objectIn(change, 'a change'), head)) };
    const { snapshot, counters } = object;
    if (snapshot !== undefined && snapshot !== 'part' && snapshot !== 'last')
      throw new EventFormatError('a part of an image with an unknown mark');
    return { ...commit, ...(snapshot && { snapshot }), ...(counters !== undefined && { counters: this.readCounters(counters) }) };
  }

  private readCounters(plain: unknown): KeyCount[] {
    if (!Array.isArray(plain)) throw new EventFormatError('counters that are no list');
    return plain.map((count) => {
      const { table, key } = objectIn(count, 'a counter');
      if (typeof key !== 'string' || !/^\d{1,19}$/.test(key)) throw new EventFormatError('a counter without its key');
      return { table: this.tables.of(table).name, key: BigInt(key) };
    });
  }

  private readChange(plain: Readonly<Record<string, unknown>>, head: Head): ChangeEvent {
    const { seq, kind } = plain;
    const table = this.tables.of(plain.table);
    if (!isCount(seq)) throw new EventFormatError('an event without its place in its transaction');
    const event: ChangeEvent = {
      lsn: head.lsn,
      txn: head.txn,
      seq,
      table: table.name,
      kind: kind as ChangeEventKind,
      key: undefined,
      before: readRow(table, plain.before),
      after: readRow(table, plain.after),
      at: new Date(head.at),
      ...readMarks(plain),
    };
    const { row, before, after } = rowsOf(this.tables, event);
    return { ...event, key: table.userKey(row), before: before && table.instance(before), after: after && table.instance(after) };
  }
}

type Marks = Pick<ChangeEvent, 'expired' | 'last' | 'snapshot'>;

function marksOf({ expired, last, snapshot }: Marks): Marks {
  return { ...(expired && { expired }), ...(last && { last }), ...(snapshot && { snapshot }) };
}

const SNAPSHOT_MARKS: ReadonlySet<unknown> = new Set<SnapshotMark>([
  'first',
  'first_in_data_collection',
  'true',
  'last_in_data_collection',
  'last',
]);

function readMarks({ expired, last, snapshot }: Readonly<Record<string, unknown>>): Marks {
  const isMark = (value: unknown) => value === undefined || value === true;
  if (!isMark(expired) || !isMark(last) || (snapshot !== undefined && !SNAPSHOT_MARKS.has(snapshot))) {
    throw new EventFormatError('an event with an unknown mark');
  }
  return marksOf({ expired, last, snapshot } as Marks);
}

interface Head {
  readonly lsn: Lsn;
  readonly txn: number;
  readonly at: Date;
}

function headOf({ lsn, txn, at }: Readonly<Record<string, unknown>>): Head {
  if (!isCount(lsn) || !isCount(txn)) throw new EventFormatError('an event without its position');
  const time = new Date(typeof at === 'string' || typeof at === 'number' ? at : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new EventFormatError('an event without the time of its commit');
  return { lsn: lsn as Lsn, txn, at: time };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function objectIn(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new EventFormatError(`${what} that is no object`);
}

function readRow(table: EventTable, plain: unknown): object | null {
  if (plain === null) return null;
  return objectOf(table.schema.columns, objectIn(plain, `a row of ${table.name}`), missingIn(table.name), 0) as object;
}
