import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { RecordType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { type ConnectForms, connectSchema, connectText } from './connect-json.js';
import { BOUNDARY, BOUNDARY_KEY } from './envelope.js';
import { type Message, type MessageOptions, Messages } from './messages.js';

/** What a `DebeziumEncoder` is made with. */
export interface DebeziumEncoderOptions extends MessageOptions, Partial<ConnectForms> {
  /** Whether each message bears its schema, `{ schema, payload }`, as Kafka Connect's JSON converter wants. False by default. */
  readonly schemas?: boolean;
}

/** What to give to a producer: JSON text. Without a value it is a tombstone. */
export interface DebeziumMessage {
  readonly topic: string;
  readonly key: string;
  readonly value: string | null;
}

/**
 * Change events as Debezium writes them, in JSON (envelope version 2): what Kafka Connect, Flink and their like read.
 * A delete is followed by a tombstone, a transaction is framed by BEGIN and END, rows of an image are `r` with the marks
 * of a snapshot.
 *
 * @example
 * ```ts
 * import { DebeziumEncoder } from 'worktable';
 *
 * const debezium = new DebeziumEncoder({ tables: [Account], name: 'shop' });
 * db.on('commit', (commit) => {
 *   for (const { topic, key, value } of debezium.commit(commit)) console.log(topic, key, value?.slice(0, 16)); // to a producer
 * });
 * accounts.delete(1);
 * // prints: shop.transaction {"id":"3:3"} {"status":"BEGIN
 * // prints: shop.account {"id":1} {"before":{"id":
 * // prints: shop.account {"id":1} undefined
 * // prints: shop.transaction {"id":"3:3"} {"status":"END",
 * ```
 */
export class DebeziumEncoder {
  private readonly messages: Messages;
  private readonly forms: ConnectForms;
  /** The text in front of a payload, for each type. */
  private readonly heads = new Map<RecordType, string>();

  /** @throws SchemaError for whatever is wrong with a class; with `schemas`, for a class that contains itself */
  constructor(options: DebeziumEncoderOptions) {
    this.messages = new Messages(options);
    this.forms = { decimals: options.decimals ?? 'precise' };
    if (options.schemas !== true) return;
    const types = this.messages.tables.all.flatMap((table) => Object.values(this.messages.typesOf(table)));
    for (const type of [...types, BOUNDARY_KEY, BOUNDARY]) this.heads.set(type, this.head(type));
  }

  private head(type: RecordType): string {
    const version = VERSIONS[type.avroName.name];
    const schema = connectSchema({ type, nullable: false }, this.forms);
    return `{"schema":${JSON.stringify(version === undefined ? schema : { ...schema, version })},"payload":`;
  }

  /** One event: its message, and after a delete the tombstone. @throws EventFormatError, ValidationError */
  event(event: ChangeEvent): DebeziumMessage[] {
    return Array.from(this.messages.event(event), (message) => this.encode(message));
  }

  /** A transaction: where it begins, its events, and where it ends. @throws as `event` */
  commit(commit: CommitEvent): DebeziumMessage[] {
    return Array.from(this.messages.commit(commit), (message) => this.encode(message));
  }

  private encode({ topic, keyType, key, valueType, value }: Message): DebeziumMessage {
    return { topic, key: this.text(keyType, key), value: value === null ? null : this.text(valueType, value) };
  }

  private text(type: RecordType, stored: Stored[]): string {
    const text = connectText({ type, nullable: false }, stored, this.forms);
    const head = this.heads.get(type);
    return head === undefined ? text : `${head}${text}}`;
  }
}

/** The versions that Debezium gives its own schemas. */
const VERSIONS: Readonly<Record<string, number | undefined>> = { Envelope: 2, TransactionMetadataKey: 1, TransactionMetadataValue: 1 };
