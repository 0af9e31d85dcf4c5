import { type AvroRecord, avroSchemaOf, canonicalForm, schemaFingerprint } from '../schema/avro-schema.js';
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

const MARK = [0xc3, 0x01] as const;
const FINGERPRINT_BYTES = 8;

/** What stands before a value of Avro's single-object encoding: a mark, and the schema's fingerprint, little-endian. */
export function singleObjectHead(schema: AvroRecord): Uint8Array {
  const head = Buffer.alloc(MARK.length + FINGERPRINT_BYTES);
  head.set(MARK);
  head.writeBigUInt64LE(schemaFingerprint(canonicalForm(schema)), MARK.length);
  return head;
}
