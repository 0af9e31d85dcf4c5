import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import { SchemaError } from '../errors.js';
import type { EntityClass, RecordType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import {
  BOUNDARY,
  BOUNDARY_KEY,
  boundaryBegin,
  boundaryEnd,
  envelopeOf,
  envelopeType,
  keyType,
  type Place,
  type SourceNames,
  transactionId,
} from './envelope.js';
import { checkedName, type EventTable, EventTables, rowsOf } from './event-tables.js';

/** What the encoders of messages in Debezium's form share. */
export interface MessageOptions {
  /** The classes whose events come. */
  readonly tables: readonly EntityClass[];
  /** Topics are `name.table`, and types are named below it. Letters, digits, `_`, and points between them. */
  readonly name: string;
  /** What `source.db` says; `name` by default. */
  readonly database?: string;
  /** What `source.version` says. */
  readonly version?: string;
  /** After each delete, a message of its key and no value, for topics that are compacted. True by default. */
  readonly tombstones?: boolean;
  /** Messages where a transaction begins and ends, on a topic of their own; and each event's place in it. True by default. */
  readonly transactions?: boolean;
  /** That topic, behind `name` and a point: `transaction` by default. No table may have this name. */
  readonly transactionTopic?: string;
  /** When an event was encoded, in milliseconds since 1970: what the envelope's own times say. */
  readonly now?: () => number;
}

/** A message before it is made of bytes or text. Without a value it is a tombstone. */
export interface Message {
  readonly topic: string;
  readonly keyType: RecordType;
  readonly key: Stored[];
  readonly valueType: RecordType;
  readonly value: Stored[] | null;
}

/** Makes messages of events: which there are, in which order, and what they say. */
export class Messages {
  readonly tables: EventTables;
  private readonly types = new Map<EventTable, { readonly key: RecordType; readonly envelope: RecordType }>();
  private readonly names: SourceNames;
  private readonly transactionTopic: string;

  constructor(private readonly options: MessageOptions) {
    const { tables, name, database = name, version = 'worktable', transactionTopic = 'transaction' } = options;
    this.tables = new EventTables(tables, checkedName(name));
    for (const table of this.tables.all) this.types.set(table, { key: keyType(table), envelope: envelopeType(table) });
    this.names = { version, name, database };
    this.transactionTopic = `${name}.${checkedName(transactionTopic)}`;
    if (options.transactions !== false) this.refuseTopicOfTwo();
  }

  /** On one topic, and under one subject of a registry, a consumer could not tell rows from boundaries. */
  private refuseTopicOfTwo(): void {
    const table = this.tables.all.find(({ row }) => row.avroName.namespace === this.transactionTopic);
    if (table === undefined) return;
    throw new SchemaError(
      table.schema.ctor.name,
      undefined,
      `its topic, ${this.transactionTopic}, is that of the boundaries of transactions`,
      'Name another one for these, { transactionTopic }, or leave them out, { transactions: false }',
    );
  }

  typesOf(table: EventTable): { readonly key: RecordType; readonly envelope: RecordType } {
    return this.types.get(table) as { key: RecordType; envelope: RecordType };
  }

  /** The messages of one event. Its place in its transaction is not known then. */
  *event(event: ChangeEvent): Generator<Message> {
    yield* this.messages(event, null);
  }

  /** The messages of a transaction. Rows of an image belong to none. */
  *commit(commit: CommitEvent): Generator<Message> {
    const { changes } = commit;
    const isBounded = this.options.transactions !== false && changes.some(({ kind }) => kind !== 'read');
    const id = transactionId(commit);
    const atMs = commit.at.getTime();
    const counts = new Map<string, number>();
    if (isBounded) yield this.boundary(id, boundaryBegin(id, atMs));
    for (const [at, event] of changes.entries()) {
      const collection = `${this.names.database}.${event.table}`;
      const inTable = (counts.get(collection) ?? 0) + 1;
      counts.set(collection, inTable);
      yield* this.messages(event, isBounded ? { id, inAll: at + 1, inTable } : null);
    }
    if (isBounded) yield this.boundary(id, boundaryEnd(id, atMs, counts));
  }

  private *messages(event: ChangeEvent, place: Place | null): Generator<Message> {
    const rows = rowsOf(this.tables, event);
    const { table } = rows;
    const { key: keyType, envelope: valueType } = this.typesOf(table);
    const value = envelopeOf(event, rows, this.names, place, (this.options.now ?? Date.now)());
    const message: Message = { topic: table.row.avroName.namespace, keyType, key: table.keyOf(rows.row), valueType, value };
    yield message;
    if (event.kind === 'delete' && this.options.tombstones !== false) yield { ...message, value: null };
  }

  private boundary(id: string, value: Stored[]): Message {
    return { topic: this.transactionTopic, keyType: BOUNDARY_KEY, key: [id], valueType: BOUNDARY, value };
  }
}
