import { unreachable } from '../assert.js';
import { bigIntToBytes } from '../bytes/big-endian.js';
import { SchemaError } from '../errors.js';
import type { ColumnType, Element, RecordType } from '../schema/column-type.js';
import { type Stored, toUser } from '../schema/stored-value.js';
import { plainFloat } from './plain-value.js';

/** How Debezium JSON writes what has several forms in it. */
export interface ConnectForms {
  /** Decimals: the bytes of the unscaled value in base64 (`precise`, by default), or text. */
  readonly decimals: 'precise' | 'text';
}

/**
 * A stored value as JSON text, in the forms of Kafka Connect's converter and Debezium's types: times are numbers since
 * 1970, an enum is its symbol, bytes are base64. Integers have all their 64 bits, which a JavaScript number has no room
 * for: hence text at once. JavaScript's own parser rounds those beyond 2^53; others do not.
 */
export function connectText(element: Element, stored: Stored, forms: ConnectForms): string {
  if (stored === null) return 'null';
  const { type } = element;
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'date':
    case 'long':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return String(stored);
    case 'float':
    case 'double':
      return Object.is(stored, -0) ? '-0.0' : JSON.stringify(plainFloat(stored as number));
    case 'bytes':
      return base64(stored as Uint8Array);
    case 'decimal':
      if (forms.decimals === 'precise') return base64(bigIntToBytes(stored as bigint));
      return JSON.stringify(toUser({ ...type, as: 'string' }, stored));
    case 'string':
    case 'uuid':
      return JSON.stringify(stored);
    case 'enum':
      return JSON.stringify(type.symbols[stored as number]);
    case 'array':
      return `[${(stored as Stored[]).map((item) => connectText(type.items, item, forms)).join(',')}]`;
    case 'map':
      return mapText(type.values, stored as Stored[], forms);
    case 'record':
      return recordText(type, stored as Stored[], forms);
    default:
      return unreachable(type);
  }
}

function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes).toString('base64')}"`;
}

function mapText(values: Element, stored: Stored[], forms: ConnectForms): string {
  const entries: string[] = [];
  for (let at = 0; at < stored.length; at += 2) {
    entries.push(`${JSON.stringify(stored[at])}:${connectText(values, stored[at + 1], forms)}`);
  }
  return `{${entries.join(',')}}`;
}

function recordText(type: RecordType, stored: Stored[], forms: ConnectForms): string {
  const fields = type.fields.map((field, at) => `${JSON.stringify(field.name)}:${connectText(field, stored[at], forms)}`);
  return `{${fields.join(',')}}`;
}

/** A schema of Kafka Connect's, as its JSON converter writes it. */
export interface ConnectSchema {
  readonly type: string;
  readonly optional: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly fields?: readonly ConnectSchema[];
  readonly items?: ConnectSchema;
  readonly keys?: ConnectSchema;
  readonly values?: ConnectSchema;
  /** The field's name, within a struct. */
  readonly field?: string;
}

/**
 * The schema of what `connectText` writes. @throws SchemaError for a class that contains itself: these schemas have no
 * way to say so
 */
export function connectSchema({ type, nullable }: Element, forms: ConnectForms, within: readonly RecordType[] = []): ConnectSchema {
  return { ...typeSchema(type, forms, within), optional: nullable };
}

type Typed = Omit<ConnectSchema, 'optional'>;

function typeSchema(type: ColumnType, forms: ConnectForms, within: readonly RecordType[]): Typed {
  switch (type.kind) {
    case 'boolean':
    case 'float':
    case 'double':
    case 'bytes':
    case 'string':
      return { type: type.kind };
    case 'int':
      return { type: 'int32' };
    case 'long':
      return { type: 'int64' };
    case 'date':
      return { type: 'int32', name: 'io.debezium.time.Date', version: 1 };
    case 'timestamp-millis':
      return { type: 'int64', name: 'io.debezium.time.Timestamp', version: 1 };
    case 'timestamp-micros':
      return { type: 'int64', name: 'io.debezium.time.MicroTimestamp', version: 1 };
    case 'uuid':
      return { type: 'string', name: 'io.debezium.data.Uuid', version: 1 };
    case 'decimal': {
      if (forms.decimals === 'text') return { type: 'string' };
      const parameters = { scale: String(type.scale), 'connect.decimal.precision': String(type.precision) };
      return { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal', version: 1, parameters };
    }
    case 'enum':
      return { type: 'string', name: 'io.debezium.data.Enum', version: 1, parameters: { allowed: type.symbols.join(',') } };
    case 'array':
      return { type: 'array', items: connectSchema(type.items, forms, within) };
    case 'map':
      return { type: 'map', keys: { type: 'string', optional: false }, values: connectSchema(type.values, forms, within) };
    case 'record':
      return structSchema(type, forms, within);
    default:
      return unreachable(type);
  }
}

function structSchema(type: RecordType, forms: ConnectForms, within: readonly RecordType[]): Typed {
  if (within.includes(type)) {
    throw new SchemaError(
      type.ctor.name,
      undefined,
      'the class contains itself, which a schema of Kafka Connect cannot say',
      'Leave schemas out: { schemas: false }',
    );
  }
  const fields = type.fields.map((field) => ({ ...connectSchema(field, forms, [...within, type]), field: field.name }));
  const { namespace, name } = type.avroName;
  return { type: 'struct', fields, name: `${namespace}.${name}` };
}
