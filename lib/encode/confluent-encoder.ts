import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { AvroRecord } from '../schema/avro-schema.js';
import type { RecordType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { avroBytes, avroRecordOf, avroRecordWithin } from './avro-datum.js';
import { BOUNDARY, BOUNDARY_KEY } from './envelope.js';
import { type Message, type MessageOptions, Messages } from './messages.js';

/** Registers a schema under a subject, or looks it up, and gives its id. Called once for each subject; again after it failed. */
export type SchemaIds = (subject: string, schema: AvroRecord) => number | Promise<number>;

/** What a `ConfluentEncoder` is made with: `schemaId` stands for the registry. */
export interface ConfluentEncoderOptions extends MessageOptions {
  readonly schemaId: SchemaIds;
}

/** What to give to a producer. Without a value it is a tombstone. */
export interface ConfluentMessage {
  readonly topic: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * As `DebeziumEncoder`, in Avro with Confluent's framing: a zero, the schema's id as a registry knows it (4 bytes,
 * big-endian), the bytes. The registry is the caller's: `schemaId` asks it. Subjects are `topic-key` and `topic-value`.
 *
 * @example
 * ```ts
 * import { ConfluentEncoder } from 'worktable';
 *
 * const ids: string[] = []; // a registry's client stands here: it registers the schema, and resolves with its id
 * const schemaId = async (subject: string) => ids.push(subject);
 * const confluent = new ConfluentEncoder({ tables: [Account], name: 'shop', schemaId });
 * accounts.on('change', async (event) => {
 *   for (const { topic, key } of await confluent.event(event)) console.log(topic, key); // to a producer
 * });
 * accounts.updateBy(1, { score: 8 });
 * // prints: shop.account <Buffer 00 00 00 00 01 02>
 * ```
 */
export class ConfluentEncoder {
  private readonly messages: Messages;
  private readonly schemaId: SchemaIds;
  private readonly schemas = new Map<RecordType, AvroRecord>();
  private readonly ids = new Map<string, Promise<number>>();

  /** @throws SchemaError for whatever is wrong with a class */
  constructor(options: ConfluentEncoderOptions) {
    if (typeof options.schemaId !== 'function') throw new TypeError('schemaId is a function');
    this.messages = new Messages(options);
    this.schemaId = options.schemaId;
    for (const type of [BOUNDARY_KEY, BOUNDARY]) this.schemas.set(type, avroRecordOf(type));
    for (const table of this.messages.tables.all) {
      for (const type of Object.values(this.messages.typesOf(table))) {
        this.schemas.set(type, avroRecordWithin(table.schema.ctor.name, type));
      }
    }
  }

  /** One event: its message, and after a delete the tombstone. @throws EventFormatError, ValidationError; what `schemaId` throws */
  event(event: ChangeEvent): Promise<ConfluentMessage[]> {
    return this.all(this.messages.event(event));
  }

  /** A transaction: where it begins, its events, and where it ends. @throws as `event` */
  commit(commit: CommitEvent): Promise<ConfluentMessage[]> {
    return this.all(this.messages.commit(commit));
  }

  private async all(messages: Iterable<Message>): Promise<ConfluentMessage[]> {
    const encoded: ConfluentMessage[] = [];
    // All of them before anything is awaited: rows are the caller's, who may go on with them.
    for (const { topic, keyType, key, valueType, value } of [...messages]) {
      encoded.push({
        topic,
        key: await this.framed(`${topic}-key`, keyType, key),
        value: value === null ? null : await this.framed(`${topic}-value`, valueType, value),
      });
    }
    return encoded;
  }

  private async framed(subject: string, type: RecordType, stored: Stored[]): Promise<Uint8Array> {
    const bytes = avroBytes(type, stored, HEAD_BYTES);
    bytes[0] = 0;
    bytes.writeUInt32BE(await this.idOf(subject, type), 1);
    return bytes;
  }

  private idOf(subject: string, type: RecordType): Promise<number> {
    let id = this.ids.get(subject);
    if (id === undefined) {
      id = this.ask(subject, type);
      this.ids.set(subject, id);
      id.catch(() => this.ids.delete(subject)); // to be asked again
    }
    return id;
  }

  private async ask(subject: string, type: RecordType): Promise<number> {
    const id = await this.schemaId(subject, this.schemas.get(type) as AvroRecord);
    if (!Number.isInteger(id) || id < 0 || id > MOST_ID) throw new TypeError('schemaId gives an integer of 32 bits');
    return id;
  }
}

const HEAD_BYTES = 5;
const MOST_ID = 2 ** 32 - 1;
