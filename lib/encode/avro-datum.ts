import { SchemaError } from '../errors.js';
import { type AvroRecord, type AvroSchema, avroSchemaOf, canonicalForm, schemaFingerprint } from '../schema/avro-schema.js';
import type { RecordType } from '../schema/column-type.js';
import { writeValue } from '../schema/element-codec.js';
import type { Stored } from '../schema/stored-value.js';

/** Room for most values; a larger one is encoded again, into room of its own. */
const ROOM_BYTES = 8 * 1024;
let room = Buffer.allocUnsafe(ROOM_BYTES);

/** A record's Avro bytes, behind `head` bytes that are left for the caller to fill. */
export function avroBytes(type: RecordType, stored: Stored[], head = 0): Buffer {
  let end = writeValue(type, stored, room, head);
  if (end > room.length) {
    room = Buffer.allocUnsafe(end);
    end = writeValue(type, stored, room, head);
  }
  const bytes = Buffer.from(room.subarray(0, end)); // a copy
  if (room.length > ROOM_BYTES) room = Buffer.allocUnsafe(ROOM_BYTES);
  return bytes;
}

/** A record's Avro schema. */
export function avroRecordOf({ avroName, fields }: RecordType): AvroRecord {
  const { type, fields: described } = avroSchemaOf(avroName.name, fields);
  return { type, name: avroName.name, ...(avroName.namespace === '' ? {} : { namespace: avroName.namespace }), fields: described };
}

/**
 * As `avroRecordOf`, for a record that holds rows of a class beside types of ours. Types within rows are named by their
 * place in the table, `event.block`, and one such name may be ours: a schema that defines it twice is none.
 * @throws SchemaError
 */
export function avroRecordWithin(className: string, type: RecordType): AvroRecord {
  const record = avroRecordOf(type);
  const names = new Set<string>();
  for (const name of definedNames(record)) {
    if (names.has(name)) throw new SchemaError(className, undefined, `${name} names two types of the schema of its events`, RENAME);
    names.add(name);
  }
  return record;
}

const RENAME = 'Rename the property, or the table: @Table({ name })';

/** The full names that a schema defines. Whatever we define within another type bears its namespace. */
function* definedNames(schema: AvroSchema | undefined): Generator<string> {
  if (schema === undefined || typeof schema === 'string') return;
  if (Array.isArray(schema)) {
    for (const branch of schema) yield* definedNames(branch);
    return;
  }
  if (schema.name !== undefined) yield schema.namespace === undefined ? schema.name : `${schema.namespace}.${schema.name}`;
  if ('fields' in schema) for (const { type } of schema.fields) yield* definedNames(type);
  else for (const inner of [schema.items, schema.values]) yield* definedNames(inner);
}

const MARK = [0xc3, 0x01] as const;
const FINGERPRINT_BYTES = 8;

/** What stands before a value of Avro's single-object encoding: a mark, and the schema's fingerprint, little-endian. */
export function singleObjectHead(schema: AvroRecord): Uint8Array {
  const head = Buffer.alloc(MARK.length + FINGERPRINT_BYTES);
  head.set(MARK);
  head.writeBigUInt64LE(schemaFingerprint(canonicalForm(schema)), MARK.length);
  return head;
}
