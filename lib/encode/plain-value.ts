import { ValidationError } from '../errors.js';
import type { ColumnType, DateType, Element, MapType } from '../schema/column-type.js';
import { MAX_DEPTH, type Stored, toUser } from '../schema/stored-value.js';

/** How values that JSON has no form for are written. Reading takes every form. */
export interface PlainForms {
  /** A `bigint` becomes text by default; or it stays, for channels that take it (`structuredClone`, workers, CBOR). */
  readonly bigints?: 'text' | 'bigint';
  /** A `Date` becomes ISO text by default (`2026-01-31`, `2026-01-31T12:00:00.000Z`), or milliseconds since 1970. */
  readonly dates?: 'iso' | 'ms';
}

/**
 * A stored value in plain form: what `JSON.stringify` takes and gives back unchanged. NaN, the infinities and −0 are
 * text, bytes are base64, an object of a nested class is an object, and a Map a list of pairs, whose order JSON keeps.
 */
export function toPlainValue(type: ColumnType, stored: Stored, forms: PlainForms): unknown {
  switch (type.kind) {
    case 'float':
    case 'double':
      return plainFloat(stored as number);
    case 'bytes':
      return Buffer.from(stored as Uint8Array).toString('base64');
    case 'array':
      return (stored as Stored[]).map((item) => toPlainElement(type.items, item, forms));
    case 'map':
      return plainMap(type, stored as Stored[], forms);
    case 'record': {
      const object = {};
      type.fields.forEach((field, at) => {
        define(object, field.name, toPlainElement(field, (stored as Stored[])[at], forms));
      });
      return object;
    }
    default: {
      const value = toUser(type, stored);
      if (typeof value === 'bigint') return forms.bigints === 'bigint' ? value : value.toString();
      return value instanceof Date ? plainDate(type as DateType, value, forms) : value;
    }
  }
}

export function toPlainElement(element: Element, stored: Stored, forms: PlainForms): unknown {
  return stored === null ? null : toPlainValue(element.type, stored, forms);
}

/** JSON's numbers, and names for what is none of them. */
export function plainFloat(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function plainDate({ kind }: DateType, value: Date, { dates }: PlainForms): string | number {
  if (dates === 'ms') return value.getTime();
  const text = value.toISOString();
  return kind === 'date' ? text.slice(0, text.indexOf('T')) : text;
}

function plainMap(type: MapType, stored: Stored[], forms: PlainForms): unknown {
  const entries: [string, unknown][] = [];
  for (let at = 0; at < stored.length; at += 2) {
    entries.push([stored[at] as string, toPlainElement(type.values, stored[at + 1], forms)]);
  }
  if (type.as === 'map') return entries;
  const object = {};
  for (const [key, value] of entries) define(object, key, value);
  return object;
}

/** Sets an own property, `__proto__` among them, without running any setter. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Turns a plain value into the user's form. Whatever it is, this ends and makes nothing larger than it; what does not
 * look like a value of the type is given back as it is, for the validation that follows to refuse.
 */
export function fromPlainElement(element: Element, value: unknown, missing: Missing, depth = 0): unknown {
  return value === null || depth > MAX_DEPTH ? value : fromPlainValue(element.type, value, missing, depth);
}

/** Refuses a record without one of its fields. */
export type Missing = (name: string) => never;

function fromPlainValue(type: ColumnType, value: unknown, missing: Missing, depth: number): unknown {
  switch (type.kind) {
    case 'float':
    case 'double':
      return typeof value === 'string' && FLOATS.has(value) ? Number(value) : value;
    case 'long':
    case 'date':
    case 'timestamp-millis':
    case 'timestamp-micros':
    case 'decimal':
      if (type.as === 'bigint') return bigintOf(value);
      return type.as === 'date' ? dateOf(value) : value;
    case 'bytes':
      return typeof value === 'string' ? bytesOf(value) : value;
    case 'array':
      return Array.isArray(value) ? value.map((item) => fromPlainElement(type.items, item, missing, depth + 1)) : value;
    case 'map':
      return mapOf(type, value, missing, depth);
    case 'record':
      return objectOf(type.fields, value, missing, depth + 1);
    default:
      return value;
  }
}

const FLOATS: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity', '-0']);

/** The digits of 64 bits, and of the longest decimals that there can be. */
const INTEGER = /^-?\d{1,1100}$/;

function bigintOf(value: unknown): unknown {
  if (typeof value === 'string') return INTEGER.test(value) ? BigInt(value) : value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

const ISO = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\d(?:T\d\d:\d\d:\d\d\.\d{3}Z)?$/;

function dateOf(value: unknown): unknown {
  if (typeof value !== 'number' && !(typeof value === 'string' && ISO.test(value))) return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}

function bytesOf(text: string): unknown {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : text;
}

function mapOf(type: MapType, value: unknown, missing: Missing, depth: number): unknown {
  if (type.as === 'map') {
    const isPairs = Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
    if (!isPairs) return value;
    const map = new Map(value.map(([key, entry]) => [key, fromPlainElement(type.values, entry, missing, depth + 1)]));
    return map.size === value.length ? map : value;
  }
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const object = {};
  for (const [key, entry] of Object.entries(value as object)) define(object, key, fromPlainElement(type.values, entry, missing, depth + 1));
  return object;
}

/** A record's object, with every field that it should have; others stay, and are refused later. */
export function objectOf(fields: readonly (Element & { name: string })[], value: unknown, missing: Missing, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const object = {};
  for (const [name, entry] of Object.entries(value)) define(object, name, entry);
  for (const field of fields) {
    if (!Object.hasOwn(value, field.name)) missing(field.name);
    define(object, field.name, fromPlainElement(field, (value as Record<string, unknown>)[field.name], missing, depth));
  }
  return object;
}

/** Refuses a row, or an object within it, that lacks a field. */
export function missingIn(table: string): Missing {
  return (name) => {
    throw new ValidationError(table, name, 'missing; an event has whole rows');
  };
}
