import { assert, unreachable } from '../assert.js';
import type { ColumnType, DateType, DecimalType, Element, Field, MapType, RecordType } from './column-type.js';

/**
 * Three forms of a value. The **user's** is what a row's property holds (`Date`, `'paid'`, `Uint8Array`). The
 * **stored** form is what the codec writes and indexes compare: days and milliseconds as numbers, microseconds and
 * decimals as bigints, an enum's symbol as its place, a uuid in lower case, a nested record as an array in field
 * order, a map as `[key, value, key, value …]`. A **literal** is the user's value in a condition: of the right
 * JavaScript type, but possibly one that no row could hold (`score > 1.5` on an int column).
 *
 * All user code (getters, proxies) runs in `toStored`. What comes out is ours alone, so encoding it cannot be
 * interrupted and cannot fail.
 */
export type Stored = unknown;

/** Refuses a value with a reason that never holds the value. */
export type Refuse = (reason: string) => never;

const DAY_MS = 86_400_000;
const INT_MIN = -0x80000000;
const INT_MAX = 0x7fffffff;
const MAX_FLOAT = 3.4028234663852886e38;
/** Nested values deeper than this are refused, cyclic ones among them. */
export const MAX_DEPTH = 64;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const ASSUMED =
  "the compiler emitted no type for this union, so text was assumed: name the type, as in @Column('double', { nullable: true })";

/** Validates a user's value, not null, and gives its stored form. */
export function toStored(type: ColumnType, value: unknown, refuse: Refuse, depth = 0): Stored {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(expected('a boolean', value));
    case 'int':
      if (typeof value !== 'number') return refuse(expected('a number', value));
      if (!Number.isInteger(value) || value < INT_MIN || value > INT_MAX) return refuse('not an integer of 32 bits');
      return value;
    case 'long':
      return type.as === 'bigint' ? storedBigInt(value, refuse) : storedSafeInteger(value, refuse);
    case 'float':
      if (typeof value !== 'number') return refuse(expected('a number', value));
      if (Number.isFinite(value) && Math.abs(value) > MAX_FLOAT) return refuse('beyond the range of a 32-bit float');
      return Math.fround(value);
    case 'double':
      return typeof value === 'number' ? value : refuse(expected('a number', value));
    case 'string':
      if (type.assumed && typeof value !== 'string') refuse(`${expected('a string', value)}; ${ASSUMED}`);
      return wellFormed(value, refuse);
    case 'uuid':
      if (typeof value !== 'string') return refuse(expected('a string', value));
      return UUID.test(value) ? value.toLowerCase() : refuse('not a uuid (8-4-4-4-12 hexadecimal digits)');
    case 'bytes':
      // A plain copy: `slice` would ask a subclass what to make, and that would keep its ways.
      return value instanceof Uint8Array ? new Uint8Array(value) : refuse(expected('a Uint8Array', value));
    case 'date':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return storedTime(type, value, refuse);
    case 'decimal':
      return storedDecimal(type, value, refuse);
    case 'enum': {
      const place = type.symbols.indexOf(value as string);
      return place >= 0 ? place : refuse(`not one of the symbols ${type.symbols.join(', ')}`);
    }
    case 'array':
      return storedArray(type.items, value, refuse, depth);
    case 'map':
      return storedMap(type, value, refuse, depth);
    case 'record':
      return storedRecord(type, value, refuse, depth);
    default:
      return unreachable(type);
  }
}

/** As `toStored`, for a place that may take null. */
export function elementToStored(element: Element, value: unknown, refuse: Refuse, depth = 0): Stored {
  if (value !== null) return toStored(element.type, value, refuse, depth);
  return element.nullable ? null : refuse('null, but it is not nullable');
}

function expected(what: string, value: unknown): string {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return `expected ${what}, got ${got}`;
}

function wellFormed(value: unknown, refuse: Refuse): string {
  if (typeof value !== 'string') return refuse(expected('a string', value));
  return value.isWellFormed() ? value : refuse('the text has a lone surrogate, which UTF-8 cannot hold');
}

function storedBigInt(value: unknown, refuse: Refuse): bigint {
  if (typeof value !== 'bigint') return refuse(expected('a bigint', value));
  return BigInt.asIntN(64, value) === value ? value : refuse('beyond 64 bits, signed');
}

function storedSafeInteger(value: unknown, refuse: Refuse): number {
  if (typeof value !== 'number') return refuse(expected('a number', value));
  return Number.isSafeInteger(value) ? value : refuse('not a safe integer; declare the property as bigint for all 64 bits');
}

/** A Date's time without its `getTime`, which a subclass may have replaced. */
function timeOf(value: unknown, refuse: Refuse): number {
  if (!(value instanceof Date)) return refuse(expected('a Date', value));
  const time = Date.prototype.getTime.call(value);
  return Number.isNaN(time) ? refuse('an invalid Date') : time;
}

function storedTime(type: DateType, value: unknown, refuse: Refuse): number | bigint {
  if (type.as === 'number') return storedSafeInteger(value, refuse);
  if (type.as === 'bigint') return storedBigInt(value, refuse);
  const time = timeOf(value, refuse);
  if (type.kind === 'timestamp-millis') return time;
  if (type.kind === 'timestamp-micros') return BigInt(time) * 1000n;
  if (time % DAY_MS !== 0) return refuse('a date column takes midnight UTC, and this Date has a time of day');
  return time / DAY_MS;
}

function storedDecimal(type: DecimalType, value: unknown, refuse: Refuse): bigint {
  const units = type.as === 'bigint' ? value : parseDecimal(value, type.scale, refuse);
  if (typeof units !== 'bigint') return refuse(expected('a bigint', value));
  const limit = 10n ** BigInt(type.precision);
  return units > -limit && units < limit ? units : refuse(`more than ${type.precision} digits`);
}

function parseDecimal(value: unknown, scale: number, refuse: Refuse): bigint {
  if (typeof value !== 'string') return refuse(expected('a string such as "12.50"', value));
  if (value.length > 1100) return refuse('too long for a decimal');
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(value);
  if (match === null) return refuse('not a decimal number');
  const fraction = match[3] ?? '';
  if (fraction.length > scale) return refuse(`more than ${scale} digits behind the point`);
  const units = BigInt((match[2] as string) + fraction.padEnd(scale, '0'));
  return match[1] === '-' ? -units : units;
}

function formatDecimal(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function storedArray(items: Element, value: unknown, refuse: Refuse, depth: number): Stored[] {
  if (!Array.isArray(value)) return refuse(expected('an array', value));
  if (depth >= MAX_DEPTH) return refuse(`nested deeper than ${MAX_DEPTH} levels, or cyclic`);
  const length = value.length;
  const out: Stored[] = [];
  for (let at = 0; at < length; at++) {
    out.push(elementToStored(items, value[at], (reason) => refuse(within(`[${at}]`, reason)), depth + 1));
  }
  return out;
}

/** Puts a step in front of a reason: `.total`, then `.cents: expected …`, read as `.total.cents: expected …`. */
function within(step: string, reason: string): string {
  return reason.startsWith('.') || reason.startsWith('[') ? step + reason : `${step}: ${reason}`;
}

function storedMap(type: MapType, value: unknown, refuse: Refuse, depth: number): Stored[] {
  if (depth >= MAX_DEPTH) return refuse(`nested deeper than ${MAX_DEPTH} levels, or cyclic`);
  const entries = mapEntries(type, value, refuse);
  const out: Stored[] = [];
  for (const [key, entry] of entries) {
    wellFormed(key, (reason) => refuse(`a map's key: ${reason}`));
    out.push(
      key,
      elementToStored(type.values, entry, (reason) => refuse(`an entry of the map: ${reason}`), depth + 1),
    );
  }
  return out;
}

/** A Map's entries without its iterator, which a subclass may have replaced; all of them before any is looked into. */
function mapEntries(type: MapType, value: unknown, refuse: Refuse): readonly [unknown, unknown][] {
  if (type.as === 'map') return value instanceof Map ? [...Map.prototype.entries.call(value)] : refuse(expected('a Map', value));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(expected('an object', value));
  return Object.entries(value);
}

function storedRecord(type: RecordType, value: unknown, refuse: Refuse, depth: number): Stored[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(expected('an object', value));
  if (depth >= MAX_DEPTH) return refuse(`nested deeper than ${MAX_DEPTH} levels, or cyclic`);
  if (!(value instanceof type.ctor)) {
    for (const name of Object.keys(value)) {
      if (!type.fields.some((field) => field.name === name)) refuse('an unknown property; the nested class declares no such column');
    }
  }
  return type.fields.map((field) => {
    const inner: Refuse = (reason) => refuse(within(`.${field.name}`, reason));
    const given = (value as Record<string, unknown>)[field.name];
    return given === undefined ? absentField(field, inner, depth + 1) : elementToStored(field, given, inner, depth + 1);
  });
}

/** What stands where nothing was given: the default, or null. */
export function absentField(field: Field, refuse: Refuse, depth = 0): Stored {
  if (field.default !== undefined) {
    const value = 'make' in field.default ? field.default.make() : field.default.value;
    return elementToStored(field, value, (reason) => refuse(`the default: ${reason}`), depth);
  }
  return field.nullable ? null : refuse('missing, and the column is neither nullable nor has a default');
}

/** The user's form of a stored value: always the caller's own object. */
export function toUser(type: ColumnType, stored: Stored): unknown {
  switch (type.kind) {
    case 'date':
      return type.as === 'date' ? new Date((stored as number) * DAY_MS) : stored;
    case 'timestamp-millis':
      return type.as === 'date' ? new Date(stored as number) : stored;
    case 'timestamp-micros':
      return type.as === 'date' ? new Date(Number((stored as bigint) / 1000n)) : stored;
    case 'decimal':
      return type.as === 'string' ? formatDecimal(stored as bigint, type.scale) : stored;
    case 'enum':
      return type.symbols[stored as number];
    case 'bytes':
      return new Uint8Array(stored as Uint8Array);
    case 'array':
      return (stored as Stored[]).map((item) => elementToUser(type.items, item));
    case 'map':
      return mapToUser(type, stored as Stored[]);
    case 'record':
      return recordToUser(type, stored as Stored[]);
    default:
      return stored;
  }
}

export function elementToUser(element: Element, stored: Stored): unknown {
  return stored === null ? null : toUser(element.type, stored);
}

function mapToUser(type: MapType, stored: Stored[]): unknown {
  const map = type.as === 'map' ? new Map<string, unknown>() : undefined;
  const object: Record<string, unknown> = {};
  for (let at = 0; at < stored.length; at += 2) {
    const key = stored[at] as string;
    const value = elementToUser(type.values, stored[at + 1]);
    if (map !== undefined) map.set(key, value);
    else if (key === '__proto__') {
      // Assigning would replace the object's prototype by data.
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    } else object[key] = value;
  }
  return map ?? object;
}

function recordToUser(type: RecordType, stored: Stored[]): object {
  const row = Object.create(type.ctor.prototype) as Record<string, unknown>;
  type.fields.forEach((field, at) => {
    row[field.name] = elementToUser(field, stored[at]);
  });
  return row;
}

/**
 * The stored form of a value in a condition. Its JavaScript type must be the column's; its range need not be, since
 * comparing an int column with 1.5 or 2^40 has an answer.
 */
export function literalToStored(type: ColumnType, value: unknown, refuse: Refuse): Stored {
  switch (type.kind) {
    case 'double':
      return typeof value === 'number' ? value : refuse(expected('a number', value));
    case 'float':
      return typeof value === 'number' ? Math.fround(value) : refuse(expected('a number', value));
    case 'int':
      return literalInteger('number', value, refuse);
    case 'long':
      return literalInteger(type.as, value, refuse);
    case 'date':
    case 'timestamp-millis':
    case 'timestamp-micros': {
      if (type.as !== 'date') return literalInteger(type.as, value, refuse);
      const time = timeOf(value, refuse);
      if (type.kind === 'date') return time / DAY_MS;
      return type.kind === 'timestamp-millis' ? time : BigInt(time) * 1000n;
    }
    case 'decimal':
      if (type.as === 'bigint') return literalInteger('bigint', value, refuse);
      return parseDecimal(value, type.scale, refuse);
    case 'uuid':
      return typeof value === 'string' ? value.toLowerCase() : refuse(expected('a string', value));
    case 'string':
      return typeof value === 'string' ? value : refuse(expected('a string', value));
    default:
      return toStored(type, value, refuse);
  }
}

/** What `typeof` says of values whose stored form as a literal is the value itself, but for NaN; `undefined` where there are none. */
export function plainLiteral(type: ColumnType): 'number' | 'string' | undefined {
  if (type.kind === 'string') return 'string';
  return type.kind === 'int' || type.kind === 'double' || (type.kind === 'long' && type.as === 'number') ? 'number' : undefined;
}

function literalInteger(as: 'number' | 'bigint', value: unknown, refuse: Refuse): number | bigint {
  if (as === 'number' && Number.isNaN(value)) return Number.POSITIVE_INFINITY; // above all integers, as NaN is, and equal to none
  return typeof value === as ? (value as number | bigint) : refuse(expected(`a ${as}`, value));
}

/** Adds up: `sum` of numeric columns in the user's form. */
export function sumToUser(type: ColumnType, sum: number | bigint): unknown {
  assert(type.kind !== 'decimal' || typeof sum === 'bigint', 'decimals are summed as bigints');
  return type.kind === 'decimal' && type.as === 'string' ? formatDecimal(sum as bigint, type.scale) : sum;
}
