import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { writeBytes, writeString } from '../bytes/text.js';
import { writeInt } from '../bytes/varint.js';
import type { AvroRecord } from '../schema/avro-schema.js';

/**
 * Avro's object container file:
 *
 *   header   | 'Obj' 01 | metadata: a map of bytes | sync marker, 16 bytes |
 *   block    | how many | how many bytes | the values, deflated or not | sync marker |      any number of them
 *
 * Blocks bear no checksum: a flipped bit may read back as another value. It is a format for exchange.
 */
export interface AvroFileOptions {
  /** `null` by default: blocks as they are. `deflate` takes less room. */
  readonly codec?: 'null' | 'deflate';
  /** A block is closed when its values take this many bytes; 64 KiB by default. */
  readonly blockBytes?: number;
}

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const MAX_VARINT_BYTES = 10;
const DEFAULT_BLOCK_BYTES = 64 * 1024;
const deflate = promisify(deflateRaw);

/** Writes values, each its Avro bytes, as a container file: first its header, then a chunk a block. */
export async function* writeAvroFile(
  schema: AvroRecord,
  values: AsyncIterable<Uint8Array>,
  { codec = 'null', blockBytes = DEFAULT_BLOCK_BYTES }: AvroFileOptions,
): AsyncGenerator<Uint8Array> {
  if (codec !== 'null' && codec !== 'deflate') throw new TypeError("codec is 'null' or 'deflate'");
  if (!(blockBytes > 0)) throw new TypeError('blockBytes is a number above 0');
  const sync = randomBytes(SYNC_BYTES);
  yield header(schema, codec, sync);
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const value of values) {
    waiting.push(value);
    bytes += value.length;
    if (bytes < blockBytes) continue;
    yield await block(waiting, codec, sync);
    waiting = [];
    bytes = 0;
  }
  if (waiting.length > 0) yield await block(waiting, codec, sync);
}

function header(schema: AvroRecord, codec: string, sync: Buffer): Buffer {
  const entries = [
    ['avro.schema', Buffer.from(JSON.stringify(schema), 'utf8')],
    ['avro.codec', Buffer.from(codec, 'utf8')],
  ] as const;
  const most = entries.reduce((sum, [key, value]) => sum + key.length + value.length + 2 * MAX_VARINT_BYTES, 2 * MAX_VARINT_BYTES);
  const map = Buffer.alloc(most);
  let position = writeInt(map, 0, entries.length);
  for (const [key, value] of entries) position = writeBytes(map, writeString(map, position, key), value);
  map[position++] = 0; // no further part of the map
  return Buffer.concat([MAGIC, map.subarray(0, position), sync]);
}

async function block(values: readonly Uint8Array[], codec: string, sync: Buffer): Promise<Buffer> {
  const plain = Buffer.concat(values);
  const data = codec === 'deflate' ? await deflate(plain) : plain;
  const counts = Buffer.alloc(2 * MAX_VARINT_BYTES);
  const end = writeInt(counts, writeInt(counts, 0, values.length), data.length);
  return Buffer.concat([counts.subarray(0, end), data, sync]);
}
