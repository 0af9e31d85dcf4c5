import { type ClassConstructor, instanceToPlain, plainToInstance } from 'class-transformer';
import { ValidationError } from '../errors.js';
import type { ColumnType, Element, Field } from '../schema/column-type.js';
import { MAX_DEPTH } from '../schema/stored-value.js';
import type { TableSchema } from '../schema/table-schema.js';

/**
 * The boundary with plain JSON: class-transformer applies what the user's own decorators say, and what they leave
 * alone (times, bigints, bytes) takes a form here that JSON has. Nothing is trusted: the row is validated afterwards.
 */
export function fromPlain(schema: TableSchema, json: object): object {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError(`${schema.name}: a row is an object`);
  for (const [name, value] of Object.entries(json)) {
    if (heightOf(value, MAX_DEPTH, new Map()) > MAX_DEPTH)
      throw new ValidationError(schema.name, name, `nested deeper than ${MAX_DEPTH} levels, or cyclic`);
  }
  const instance = plainToInstance(schema.ctor as ClassConstructor<object>, json) as Record<string, unknown>;
  // A plain object again, so that properties which are no columns are refused as they are anywhere else.
  const row: Record<string, unknown> = {};
  for (const name of Object.keys(instance)) define(row, name, instance[name]);
  for (const column of schema.columns) {
    if (Object.hasOwn(row, column.name)) row[column.name] = elementFromJson(column, row[column.name]);
  }
  return row;
}

/**
 * How deep a value is nested; infinite for a cycle, and for what is deeper than `levels`. class-transformer follows
 * whatever it is given, so what has no end is refused before it. Each object is looked into once.
 */
function heightOf(value: unknown, levels: number, heights: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (levels === 0) return Number.POSITIVE_INFINITY;
  const known = heights.get(value);
  if (known !== undefined) return known;
  heights.set(value, Number.POSITIVE_INFINITY); // while it is open, meeting it again is a cycle
  let height = 0;
  for (const inner of Object.values(value)) height = Math.max(height, 1 + heightOf(inner, levels - 1, heights));
  heights.set(value, height);
  return height;
}

/** Sets an own property, `__proto__` among them, without running any setter. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function elementFromJson(element: Element, value: unknown): unknown {
  return value === null || value === undefined ? value : fromJson(element.type, value);
}

/** Turns JSON's form into the user's. What does not look like either is left for the validation to refuse. */
function fromJson(type: ColumnType, value: unknown): unknown {
  switch (type.kind) {
    case 'long':
    case 'timestamp-millis':
    case 'timestamp-micros':
    case 'date':
    case 'decimal':
      if (type.as === 'bigint') return bigintFromJson(value);
      return type.as === 'date' && typeof value === 'string' ? dateFromJson(value) : value;
    case 'bytes':
      return typeof value === 'string' && isBase64(value) ? new Uint8Array(Buffer.from(value, 'base64')) : value;
    case 'float':
    case 'double':
      return fromJsonFloat(value);
    case 'array':
      return Array.isArray(value) ? value.map((item) => elementFromJson(type.items, item)) : value;
    case 'map':
      return mapFromJson(type, value);
    case 'record':
      return recordFromJson(type.fields, value);
    default:
      return value;
  }
}

function bigintFromJson(value: unknown): unknown {
  if (typeof value === 'string') return /^-?\d{1,1100}$/.test(value) ? BigInt(value) : value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

const ISO_TIME = /^\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function dateFromJson(value: string): unknown {
  const date = ISO_TIME.test(value) || /^[+-]\d{6}-/.test(value) ? new Date(value) : undefined;
  return date !== undefined && !Number.isNaN(date.getTime()) ? date : value;
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

/** JSON has no NaN and no infinities; their names stand for them. */
const FLOATS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

function fromJsonFloat(value: unknown): unknown {
  return FLOATS.get(value) ?? value;
}

function mapFromJson(type: ColumnType & { kind: 'map' }, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  const read = entries.map(([key, entry]): [string, unknown] => [key, elementFromJson(type.values, entry)]);
  if (type.as === 'map') return new Map(read);
  const object = {};
  for (const [key, entry] of read) define(object, key, entry);
  return object;
}

function recordFromJson(fields: readonly Field[], value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) define(copy, name, entry);
  for (const field of fields) if (Object.hasOwn(copy, field.name)) copy[field.name] = elementFromJson(field, copy[field.name]);
  return copy;
}

/** A plain object that `JSON.stringify` takes. `@Exclude` and `@Expose` decide what is in it. */
export function toPlain(schema: TableSchema, row: object): Record<string, unknown> {
  if (typeof row !== 'object' || row === null) throw new TypeError(`${schema.name}: a row is an object`);
  const instance = Object.create(schema.ctor.prototype as object) as Record<string, unknown>;
  for (const { name } of schema.columns) {
    const value = (row as Record<string, unknown>)[name];
    // class-transformer copies a Buffer whole, but takes other byte arrays apart into objects.
    define(instance, name, value instanceof Uint8Array ? Buffer.from(value) : value);
  }
  return jsonOf(instanceToPlain(instance)) as Record<string, unknown>;
}

/** A value as JSON has it: bigints and what is no number as text, times in ISO form, bytes in base64. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonOf);
  const plain: Record<string, unknown> = {};
  const entries = value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value);
  for (const [key, entry] of entries) define(plain, key, jsonOf(entry));
  return plain;
}
