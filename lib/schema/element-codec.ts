import { assert, unreachable } from '../assert.js';
import { bigIntFromBytes, bigIntToBytes } from '../bytes/big-endian.js';
import { readDouble, readFloat, writeDouble, writeFloat } from '../bytes/floats.js';
import { readBytes, readString, skipText, writeBytes, writeString } from '../bytes/text.js';
import {
  cursor,
  readInt,
  readLongBigInt,
  readLongNumber,
  skipVarint,
  writeInt,
  writeLongBigInt,
  writeLongNumber,
} from '../bytes/varint.js';
import type { ColumnType, Element } from './column-type.js';
import type { Stored } from './stored-value.js';

/**
 * Avro's binary encoding of one value in its stored form, for every type: the meaning that the compiled codec has to
 * match byte for byte. Writers give the position behind the value; readers leave it in `cursor.position`.
 */
export const NULL_BRANCH = 0;
/** The zig-zag of 1, the second branch of `["null", T]`. */
export const VALUE_BRANCH = 2;

/** How a type's stored form is laid out; several types share a layout. */
export type Layout =
  | 'boolean'
  | 'int'
  | 'longNumber'
  | 'longBigInt'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'
  | 'decimal'
  | 'array'
  | 'map'
  | 'record';

export function layoutOf(type: ColumnType): Layout {
  switch (type.kind) {
    case 'long':
      return type.as === 'bigint' ? 'longBigInt' : 'longNumber';
    case 'timestamp-millis':
      return type.as === 'bigint' ? 'longBigInt' : 'longNumber';
    case 'timestamp-micros':
      return type.as === 'number' ? 'longNumber' : 'longBigInt';
    case 'date':
    case 'enum':
      return 'int';
    case 'uuid':
      return 'string';
    default:
      return type.kind;
  }
}

export function writeElement(element: Element, value: Stored, buffer: Buffer, position: number): number {
  if (element.nullable) {
    if (value === null) {
      buffer[position] = NULL_BRANCH;
      return position + 1;
    }
    buffer[position++] = VALUE_BRANCH;
  }
  return writeValue(element.type, value, buffer, position);
}

export function writeValue(type: ColumnType, value: Stored, buffer: Buffer, position: number): number {
  const layout = layoutOf(type);
  switch (layout) {
    case 'boolean':
      buffer[position] = value === true ? 1 : 0;
      return position + 1;
    case 'int':
      return writeInt(buffer, position, value as number);
    case 'longNumber':
      return writeLongNumber(buffer, position, value as number);
    case 'longBigInt':
      return writeLongBigInt(buffer, position, value as bigint);
    case 'float':
      return writeFloat(buffer, position, value as number);
    case 'double':
      return writeDouble(buffer, position, value as number);
    case 'string':
      return writeString(buffer, position, value as string);
    case 'bytes':
      return writeBytes(buffer, position, value as Uint8Array);
    case 'decimal':
      return writeBytes(buffer, position, bigIntToBytes(value as bigint));
    default:
      return writeComposite(type, value as Stored[], buffer, position);
  }
}

function writeComposite(type: ColumnType, values: Stored[], buffer: Buffer, position: number): number {
  if (type.kind === 'record') {
    for (let at = 0; at < type.fields.length; at++) {
      position = writeElement(type.fields[at] as Element, values[at], buffer, position);
    }
    return position;
  }
  assert(type.kind === 'array' || type.kind === 'map', 'a composite type');
  // One block, as avsc writes it: its count, its items, and the end mark of no further block.
  const count = type.kind === 'map' ? values.length / 2 : values.length;
  if (count > 0) position = writeInt(buffer, position, count);
  if (type.kind === 'array') {
    for (const value of values) position = writeElement(type.items, value, buffer, position);
  } else {
    for (let at = 0; at < values.length; at += 2) {
      position = writeString(buffer, position, values[at] as string);
      position = writeElement(type.values, values[at + 1], buffer, position);
    }
  }
  buffer[position] = 0;
  return position + 1;
}

export function readElement(element: Element, buffer: Buffer, position: number): Stored {
  if (element.nullable && buffer[position++] === NULL_BRANCH) {
    cursor.position = position;
    return null;
  }
  return readValue(element.type, buffer, position);
}

export function readValue(type: ColumnType, buffer: Buffer, position: number): Stored {
  const layout = layoutOf(type);
  switch (layout) {
    case 'boolean':
      cursor.position = position + 1;
      return buffer[position] === 1;
    case 'int':
      return readInt(buffer, position);
    case 'longNumber':
      return readLongNumber(buffer, position);
    case 'longBigInt':
      return readLongBigInt(buffer, position);
    case 'float':
      cursor.position = position + 4;
      return readFloat(buffer, position);
    case 'double':
      cursor.position = position + 8;
      return readDouble(buffer, position);
    case 'string':
      return readString(buffer, position);
    case 'bytes':
      return readBytes(buffer, position);
    case 'decimal':
      return bigIntFromBytes(readBytes(buffer, position));
    case 'array':
    case 'map':
    case 'record':
      return readComposite(type, buffer, position);
    default:
      return unreachable(layout);
  }
}

function readComposite(type: ColumnType, buffer: Buffer, position: number): Stored[] {
  const values: Stored[] = [];
  cursor.position = position;
  if (type.kind === 'record') {
    for (const field of type.fields) values.push(readElement(field, buffer, cursor.position));
    return values;
  }
  assert(type.kind === 'array' || type.kind === 'map', 'a composite type');
  for (let left = readInt(buffer, position); left > 0; left--) {
    if (type.kind === 'map') {
      values.push(readString(buffer, cursor.position));
      values.push(readElement(type.values, buffer, cursor.position));
    } else {
      values.push(readElement(type.items, buffer, cursor.position));
    }
    if (left === 1) cursor.position++; // the end mark
  }
  return values;
}

/** The position behind the element at `position`. */
export function skipElement(element: Element, buffer: Buffer, position: number): number {
  if (element.nullable && buffer[position++] === NULL_BRANCH) return position;
  switch (layoutOf(element.type)) {
    case 'boolean':
      return position + 1;
    case 'int':
    case 'longNumber':
    case 'longBigInt':
      return skipVarint(buffer, position);
    case 'float':
      return position + 4;
    case 'double':
      return position + 8;
    case 'string':
    case 'bytes':
    case 'decimal':
      return skipText(buffer, position);
    default:
      return skipComposite(element.type, buffer, position);
  }
}

function skipComposite(type: ColumnType, buffer: Buffer, position: number): number {
  if (type.kind === 'record') {
    for (const field of type.fields) position = skipElement(field, buffer, position);
    return position;
  }
  assert(type.kind === 'array' || type.kind === 'map', 'a composite type');
  const count = readInt(buffer, position);
  position = cursor.position;
  for (let left = count; left > 0; left--) {
    if (type.kind === 'map') position = skipText(buffer, position);
    position = skipElement(type.kind === 'map' ? type.values : type.items, buffer, position);
  }
  return count > 0 ? position + 1 : position;
}
