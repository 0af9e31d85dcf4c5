import type { AvroField, AvroSchema } from '../schema/avro-schema.js';
import type { ColumnType, Element, Field, RecordType } from '../schema/column-type.js';

/**
 * The columns of a stored table, from its Avro schema alone: for reading without the class. Whatever a column may be read
 * as, here it is what holds all of its values. @throws TypeError for a schema that is none of ours
 */
export function columnsOfStored(fields: readonly AvroField[]): Field[] {
  return fields.map((field) => fieldOf(field, new Map()));
}

/** For nested records that lead back to themselves. */
type Named = Map<string, ColumnType>;

function fieldOf({ name, type }: AvroField, named: Named): Field {
  return { name, default: undefined, ...elementOf(type, named) };
}

function elementOf(schema: AvroSchema, named: Named): Element {
  if (!Array.isArray(schema)) return { type: typeOf(schema, named), nullable: false };
  if (schema.length !== 2 || schema[0] !== 'null') throw new TypeError('a union that is not one of null and a type');
  return { type: typeOf(schema[1] as AvroSchema, named), nullable: true };
}

function typeOf(schema: AvroSchema, named: Named): ColumnType {
  if (typeof schema === 'string') return named.get(schema) ?? primitive(schema);
  if (Array.isArray(schema)) throw new TypeError('a union within a union');
  const { name = '', namespace = '' } = schema as { name?: string; namespace?: string };
  if ('fields' in schema) {
    const fields: Field[] = [];
    const record: RecordType = { kind: 'record', avroName: { namespace, name }, ctor: Object, fields };
    named.set(`${namespace}.${name}`, record);
    for (const field of schema.fields) fields.push(fieldOf(field, named));
    return record;
  }
  switch (schema.logicalType) {
    case 'uuid':
      return { kind: 'uuid' };
    case 'date':
      return { kind: 'date', as: 'number' };
    case 'timestamp-millis':
    case 'timestamp-micros':
      return { kind: schema.logicalType, as: 'bigint' };
    case 'decimal':
      return { kind: 'decimal', precision: schema.precision ?? 0, scale: schema.scale ?? 0, as: 'string' };
  }
  switch (schema.type) {
    case 'enum':
      return { kind: 'enum', avroName: { namespace, name }, symbols: schema.symbols ?? [] };
    case 'array':
      return { kind: 'array', items: elementOf(schema.items as AvroSchema, named) };
    case 'map':
      return { kind: 'map', values: elementOf(schema.values as AvroSchema, named), as: 'map' };
    default:
      return primitive(schema.type);
  }
}

function primitive(type: string): ColumnType {
  switch (type) {
    case 'boolean':
    case 'int':
    case 'float':
    case 'double':
    case 'bytes':
    case 'string':
      return { kind: type };
    case 'long':
      return { kind: 'long', as: 'bigint' };
    default:
      throw new TypeError(`a type that tables do not have: ${type}`);
  }
}
