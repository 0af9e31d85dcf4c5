import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { AvroRecord } from '../schema/avro-schema.js';
import type { EntityClass, RecordType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { avroBytes, avroRecordWithin, singleObjectHead } from './avro-datum.js';
import { type AvroFileOptions, writeAvroFile } from './avro-file.js';
import { envelopeOf, envelopeType, keyType } from './envelope.js';
import { checkedName, type EventTable, EventTables, rowsOf } from './event-tables.js';

/** What an `AvroEncoder` is made with. */
export interface AvroEncoderOptions {
  /** The classes whose events come. */
  readonly tables: readonly EntityClass[];
  /** Where the schemas stand: `name.table.Envelope`. Letters, digits, `_`, and points between them. */
  readonly name: string;
  /** What `source.db` says; `name` by default. */
  readonly database?: string;
  readonly version?: string;
  /** When an event was encoded, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** What of an event is encoded: all of it, its key, or its row: the one after, and of a delete the one before. */
export type AvroPart = 'envelope' | 'key' | 'row';

/**
 * Change events in Avro, without a registry: single objects, which name their schema by its fingerprint, and container
 * files, which hold it. The envelope is Debezium's; a row's bytes are the same that lie in the table.
 *
 * @example
 * ```ts
 * import { AvroEncoder, type ChangeEvent } from 'worktable';
 *
 * const avro = new AvroEncoder({ tables: [Account], name: 'shop' });
 * console.log(avro.schema(Account, 'key'));
 * // prints: { type: 'record', name: 'Key', namespace: 'shop.account', fields: [ … ] }
 * const events: ChangeEvent[] = [];
 * accounts.on('change', (event) => events.push(event));
 * accounts.delete(1);
 * console.log(avro.singleObject(events[0] as ChangeEvent).subarray(0, 2)); // prints: <Buffer c3 01>
 * for await (const chunk of avro.file(Account, events)) console.log(chunk.subarray(0, 4)); // to a stream
 * // prints: <Buffer 4f 62 6a 01>
 * // prints: <Buffer …>
 * ```
 */
export class AvroEncoder {
  private readonly tables: EventTables;
  private readonly parts = new Map<EventTable, Record<AvroPart, PartSchema>>();
  private readonly names: { readonly version: string; readonly name: string; readonly database: string };
  private readonly now: () => number;

  /** @throws SchemaError for whatever is wrong with a class */
  constructor({ tables, name, database = name, version = 'worktable', now = Date.now }: AvroEncoderOptions) {
    this.tables = new EventTables(tables, checkedName(name));
    this.names = { version, name, database };
    this.now = now;
    for (const table of this.tables.all) {
      const row = { ...table.row, avroName: { namespace: '', name: table.name } };
      const part = (type: RecordType) => partSchema(table, type);
      this.parts.set(table, { envelope: part(envelopeType(table)), key: part(keyType(table)), row: part(row) });
    }
  }

  /** The Avro schema of a part of a table's events, as JSON. @throws TypeError for a class that is not among the tables */
  schema(entity: EntityClass, part: AvroPart = 'envelope'): AvroRecord {
    return this.partOf(this.tables.ofClass(entity), part).schema;
  }

  /** The bytes of a part of an event, and nothing else: who reads them has to know the schema. */
  bytes(event: ChangeEvent, part: AvroPart = 'envelope'): Uint8Array {
    const { type, stored } = this.datum(event, part);
    return avroBytes(type, stored);
  }

  /** Avro's single-object encoding: `C3 01`, the schema's fingerprint (CRC-64-AVRO), the bytes. */
  singleObject(event: ChangeEvent, part: AvroPart = 'envelope'): Uint8Array {
    const { type, stored, head } = this.datum(event, part);
    const bytes = avroBytes(type, stored, head.length);
    bytes.set(head);
    return bytes;
  }

  /**
   * A container file of a table's events, in chunks as they come: events of other tables are passed over. Nothing is
   * written before there is a block of them, and the source is read no faster than the chunks are taken.
   */
  async *file(
    entity: EntityClass,
    events: EventSource,
    options: AvroFileOptions & { readonly part?: AvroPart } = {},
  ): AsyncGenerator<Uint8Array> {
    const table = this.tables.ofClass(entity);
    const { part = 'envelope' } = options;
    yield* writeAvroFile(this.schema(entity, part), this.data(table, part, events), options);
  }

  private async *data(table: EventTable, part: AvroPart, events: EventSource): AsyncGenerator<Uint8Array> {
    for await (const item of events) {
      for (const event of 'changes' in item ? item.changes : [item]) if (event.table === table.name) yield this.bytes(event, part);
    }
  }

  private datum(event: ChangeEvent, part: AvroPart): PartSchema & { readonly stored: Stored[] } {
    const rows = rowsOf(this.tables, event);
    const known = this.partOf(rows.table, part);
    if (part === 'row') return { ...known, stored: rows.row };
    if (part === 'key') return { ...known, stored: rows.table.keyOf(rows.row) };
    return { ...known, stored: envelopeOf(event, rows, this.names, null, this.now()) };
  }

  private partOf(table: EventTable, part: AvroPart): PartSchema {
    const known = this.parts.get(table)?.[part];
    if (known === undefined) throw new TypeError("a part is 'envelope', 'key' or 'row'");
    return known;
  }
}

/** Events one by one, or by transactions: of a feed, or at hand. */
export type EventSource = Iterable<ChangeEvent | CommitEvent> | AsyncIterable<ChangeEvent | CommitEvent>;

interface PartSchema {
  readonly type: RecordType;
  readonly schema: AvroRecord;
  /** What stands before it in the single-object encoding. */
  readonly head: Uint8Array;
}

function partSchema(table: EventTable, type: RecordType): PartSchema {
  const schema = avroRecordWithin(table.schema.ctor.name, type);
  return { type, schema, head: singleObjectHead(schema) };
}
