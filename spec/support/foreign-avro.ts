import { avroMetadata, avroRead } from 'icebird';
import type { AvroRecord, AvroSchema } from '../../lib/schema/avro-schema.js';

/**
 * A reader of Avro by others, none of whose code descends from avsc's or from ours: icebird's. It knows no enums, no maps
 * and no names of types, so for single values a schema is put into other words first, which have the same bytes: an enum
 * is an int, a map an array of pairs, and a name the very type that it names.
 */
interface Worded {
  schema: unknown;
  /** Turns what was read back into what the schema means. */
  restore(value: unknown): unknown;
}

/** Reads one value: as the only one of a block. */
export function decodeElsewhere(bytes: Uint8Array, schema: AvroRecord): Record<string, unknown> {
  const { schema: words, restore } = new Words().of(schema);
  const syncMarker = Buffer.alloc(16, 7);
  const block = Buffer.concat([Buffer.from([2]), varint(bytes.length * 2), bytes, syncMarker]);
  const rows = avroRead({ reader: readerOf(block), metadata: { 'avro.schema': words, 'avro.codec': 'null' }, syncMarker });
  return restore(rows[0]) as Record<string, unknown>;
}

/** What a container file holds. */
export interface ElsewhereFile {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export function readFileElsewhere(bytes: Uint8Array): ElsewhereFile {
  const reader = readerOf(bytes);
  const { metadata, syncMarker } = avroMetadata(reader);
  return { metadata, rows: avroRead({ reader, metadata, syncMarker }) };
}

function readerOf(bytes: Uint8Array): { view: DataView<ArrayBuffer>; offset: number } {
  const copy = new Uint8Array(bytes);
  return { view: new DataView(copy.buffer), offset: 0 };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}

class Words {
  private readonly named = new Map<string, Worded>();

  of(schema: AvroSchema): Worded {
    if (typeof schema === 'string') return this.named.get(schema) ?? { schema, restore: (value) => value };
    if (Array.isArray(schema)) {
      const branches = schema.map((branch) => this.of(branch));
      return {
        schema: branches.map((branch) => branch.schema),
        restore: (value) => (value === undefined ? null : branches[1]?.restore(value)),
      };
    }
    const { type } = schema;
    if (type === 'array') return this.array((schema as { items: AvroSchema }).items);
    if (type === 'map') return this.map((schema as { values: AvroSchema }).values);
    if (type === 'enum') return this.enum(schema as { name: string; symbols: string[] });
    return type === 'record' ? this.record(schema as AvroRecord) : { schema: type, restore: (value) => value };
  }

  private array(items: AvroSchema): Worded {
    const item = this.of(items);
    return { schema: { type: 'array', items: item.schema }, restore: (value) => (value as unknown[]).map((one) => item.restore(one)) };
  }

  private map(values: AvroSchema): Worded {
    const value = this.of(values);
    const fields = [
      { name: 'key', type: 'string' },
      { name: 'value', type: value.schema },
    ];
    const restore = (pairs: unknown) =>
      Object.fromEntries((pairs as { key: string; value: unknown }[]).map((pair) => [pair.key, value.restore(pair.value)]));
    return { schema: { type: 'array', items: { type: 'record', fields } }, restore };
  }

  private enum(schema: { name: string; symbols: string[] }): Worded {
    const words: Worded = { schema: 'int', restore: (place) => schema.symbols[place as number] };
    this.named.set(fullName(schema), words);
    return words;
  }

  private record(schema: AvroRecord): Worded {
    const fields: { name: string; type: unknown }[] = [];
    const inner: { name: string; words: Worded }[] = [];
    const restore = (row: unknown) =>
      Object.fromEntries(inner.map(({ name, words }) => [name, words.restore((row as Record<string, unknown>)[name])]));
    const words: Worded = { schema: { type: 'record', fields }, restore };
    this.named.set(fullName(schema), words); // before its fields, which may lead back to it
    for (const { name, type } of schema.fields) {
      const field = this.of(type);
      fields.push({ name, type: field.schema });
      inner.push({ name, words: field });
    }
    return words;
  }
}

function fullName({ name, namespace }: { name: string; namespace?: string }): string {
  return namespace === undefined ? name : `${namespace}.${name}`;
}

/** Values as they compare whatever reader they come from: integers by their digits, bytes by theirs. */
export function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return `integer ${value}`;
  if (typeof value === 'number') return Number.isInteger(value) && !Object.is(value, -0) ? `integer ${BigInt(value)}` : value;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, comparable(entry)]));
}
