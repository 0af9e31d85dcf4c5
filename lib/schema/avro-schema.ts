import { createRequire } from 'node:module';
import type avsc from 'avsc';
import { crc64Avro } from '../bytes/crc64-avro.js';
import type { AvroName, ColumnType, Element, Field } from './column-type.js';

/** Avro schemas as JSON, as far as tables use them. */
export type AvroSchema = string | AvroSchema[] | AvroRecord | AvroOther;

/** The Avro schema of a record, as JSON. */
export interface AvroRecord {
  type: 'record';
  name: string;
  namespace?: string;
  fields: AvroField[];
}

export interface AvroField {
  name: string;
  type: AvroSchema;
  default?: unknown;
}

export interface AvroOther {
  type: string;
  logicalType?: string;
  name?: string;
  namespace?: string;
  symbols?: string[];
  items?: AvroSchema;
  values?: AvroSchema;
  precision?: number;
  scale?: number;
}

/**
 * The Avro schema of a table's rows. Nullable columns are `["null", T]` with the default null, and no other union
 * exists. Named types are named by their path from the table (`account.plan`), so no two can collide.
 */
export function avroSchemaOf(tableName: string, columns: readonly Field[]): AvroRecord {
  const named = new Set<object>();
  return { type: 'record', name: tableName, fields: columns.map((column) => fieldSchema(column, named)) };
}

function fieldSchema(field: Field, named: Set<object>): AvroField {
  const schema: AvroField = { name: field.name, type: elementSchema(field, named) };
  if (field.nullable) schema.default = null;
  else if (field.default !== undefined && 'value' in field.default) {
    const json = defaultAsJson(field.type, field.default.value);
    if (json !== undefined) schema.default = json;
  }
  return schema;
}

function elementSchema(element: Element, named: Set<object>): AvroSchema {
  const schema = typeSchema(element.type, named);
  return element.nullable ? ['null', schema] : schema;
}

function typeSchema(type: ColumnType, named: Set<object>): AvroSchema {
  switch (type.kind) {
    case 'uuid':
      return { type: 'string', logicalType: 'uuid' };
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'timestamp-millis':
    case 'timestamp-micros':
      return { type: 'long', logicalType: type.kind };
    case 'decimal':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale };
    case 'enum':
      return { type: 'enum', ...type.avroName, symbols: [...type.symbols] };
    case 'array':
      return { type: 'array', items: elementSchema(type.items, named) };
    case 'map':
      return { type: 'map', values: elementSchema(type.values, named) };
    case 'record': {
      if (named.has(type)) return fullName(type.avroName);
      named.add(type);
      return { type: 'record', ...type.avroName, fields: type.fields.map((field) => fieldSchema(field, named)) };
    }
    default:
      return type.kind;
  }
}

function fullName(name: AvroName): string {
  return `${name.namespace}.${name.name}`;
}

/** A constant default in Avro's JSON, where it has a form there; the others are applied by worktable alone. */
function defaultAsJson(type: ColumnType, value: unknown): unknown {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'int':
    case 'float':
    case 'double':
    case 'long':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'enum':
      return type.symbols.includes(value as string) ? value : undefined;
    default:
      return undefined;
  }
}

/**
 * Parsing Canonical Form, as the Avro specification gives it: full names, the attributes `name, type, fields, symbols,
 * items, values, size` alone and in that order, no white space.
 */
export function canonicalForm(schema: AvroSchema, namespace = ''): string {
  if (typeof schema === 'string') return JSON.stringify(schema);
  if (Array.isArray(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`;
  if (!('name' in schema) && isPrimitive(schema.type)) return JSON.stringify(schema.type);
  const parts: string[] = [];
  let inner = namespace;
  if (schema.name !== undefined) {
    const full = qualified(schema.name, schema.namespace ?? namespace);
    inner = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '';
    parts.push(`"name":${JSON.stringify(full)}`);
  }
  parts.push(`"type":${JSON.stringify(schema.type)}`);
  if ('fields' in schema) {
    const fields = schema.fields.map((f) => `{"name":${JSON.stringify(f.name)},"type":${canonicalForm(f.type, inner)}}`);
    parts.push(`"fields":[${fields.join(',')}]`);
  } else {
    if (schema.symbols !== undefined) parts.push(`"symbols":${JSON.stringify(schema.symbols)}`);
    if (schema.items !== undefined) parts.push(`"items":${canonicalForm(schema.items, inner)}`);
    if (schema.values !== undefined) parts.push(`"values":${canonicalForm(schema.values, inner)}`);
    const size = (schema as { size?: number }).size;
    if (size !== undefined) parts.push(`"size":${size}`);
  }
  return `{${parts.join(',')}}`;
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

/** Whether a name is one of Avro's primitive types, which no other type may take, in whatever namespace. */
export function isPrimitive(type: string): boolean {
  return ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'].includes(type);
}

/** CRC-64-AVRO of a canonical form: two schemas that differ in defaults or logical types alone share it. */
export function schemaFingerprint(canonical: string): bigint {
  return crc64Avro(Buffer.from(canonical, 'utf8'));
}

/** As much of avsc's type as is needed to read and write values: its own typings need Node's, and not everybody has those. */
export interface AvroType {
  /** @returns the value's bytes, a Buffer. */
  toBuffer(value: unknown): Uint8Array;
  /** Takes a Buffer. Trusts its bytes: a few of them can make avsc fill the memory. */
  fromBuffer(bytes: Uint8Array): unknown;
  isValid(value: unknown): boolean;
}

/**
 * The schema as avsc's type, for whoever reads or writes rows' bytes elsewhere. Longs, timestamps among them, come as
 * bigints of all 64 bits: avsc's plain long decodes those below −2^52 with the wrong sign. avsc generates code, even
 * while it is loaded, so it is loaded here alone, and this fails where code generation is forbidden; no table needs it.
 */
export function avscType(schema: AvroSchema): AvroType {
  const { Type, types } = createRequire(import.meta.url)('avsc') as typeof avsc;
  const long = bigLong(types);
  return Type.forSchema(schema as never, { typeHook: (part) => (isLong(part as AvroSchema) ? long : undefined) }) as unknown as AvroType;
}

/** The name alone, or with attributes such as a logical type. */
function isLong(schema: AvroSchema): boolean {
  return schema === 'long' || (typeof schema === 'object' && !Array.isArray(schema) && schema.type === 'long');
}

function bigLong({ LongType }: typeof avsc.types): avsc.Type {
  return LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64LE(value);
      return buffer;
    },
    fromJSON: (value: number | string) => BigInt(value),
    toJSON: (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)),
    isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
}
