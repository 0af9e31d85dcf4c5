import { bigIntFromBytes } from '../bytes/big-endian.js';
import { readDouble, readFloat, writeDouble, writeFloat } from '../bytes/floats.js';
import { readBytes, readString, skipText, writeString } from '../bytes/text.js';
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
import { ColumnCollector } from './column-collector.js';
import { layoutOf, readElement, skipElement, writeElement } from './element-codec.js';
import type { CollectMode, RowCodec } from './row-codec.js';
import { elementToUser, type Stored } from './stored-value.js';
import type { ColumnSchema, TableSchema } from './table-schema.js';

/**
 * A codec compiled for one table: straight-line code with a line or two for each column, scalars inline, composites
 * through `element-codec`. The only words of a user's that enter the generated text are column names, which the
 * schema has held to `[A-Za-z_][A-Za-z0-9_]*`; everything else arrives as an argument.
 */
export class CompiledCodec implements RowCodec {
  readonly compiled = true;
  readonly collect: (row: object, values: Stored[], mode: CollectMode) => void;
  readonly encode: (values: readonly Stored[], buffer: Buffer, position: number) => number;
  readonly decode: (buffer: Buffer, position: number) => object;
  private readonly readers: ((buffer: Buffer, position: number) => Stored)[];
  private readonly locators: ((buffer: Buffer, position: number) => number)[];

  constructor(schema: TableSchema) {
    const helpers = helpersOf(schema);
    this.collect = compile(helpers, 'row, values, mode', collectSource(schema.columns));
    this.encode = compile(helpers, 'values, buffer, p', encodeSource(schema.columns));
    this.decode = compileDecode(schema, helpers);
    this.locators = schema.columns.map((column) => compile(helpers, 'buffer, p', `${skipSource(schema, column)}return p;`));
    this.readers = schema.columns.map((column) =>
      compile(helpers, 'buffer, p', `let v, b;${skipSource(schema, column)}${readSource(column)}return v;`),
    );
  }

  read(column: number, buffer: Buffer, position: number): Stored {
    return (this.readers[column] as (buffer: Buffer, position: number) => Stored)(buffer, position);
  }

  locate(column: number, buffer: Buffer, position: number): number {
    return (this.locators[column] as (buffer: Buffer, position: number) => number)(buffer, position);
  }
}

function helpersOf(schema: TableSchema) {
  return {
    collector: new ColumnCollector(schema),
    columns: schema.columns,
    cursor,
    bigIntFromBytes,
    elementToUser,
    readBytes,
    readDouble,
    readElement,
    readFloat,
    readInt,
    readLongBigInt,
    readLongNumber,
    readString,
    skipElement,
    skipText,
    skipVarint,
    writeDouble,
    writeElement,
    writeFloat,
    writeInt,
    writeLongBigInt,
    writeLongNumber,
    writeString,
  };
}

type Helpers = ReturnType<typeof helpersOf>;

/** Compiles a function whose free names are the helpers'. */
function compile<F>(helpers: Helpers, parameters: string, body: string): F {
  const names = Object.keys(helpers);
  const factory = new Function(...names, `'use strict'; return function (${parameters}) { ${body} };`);
  return factory(...names.map((name) => helpers[name as keyof Helpers])) as F;
}

/** Each property is read once. Common values pass by a test of their type; the rest goes to the collector. */
function collectSource(columns: readonly ColumnSchema[]): string {
  const cases = columns.map((column) => `case '${column.name}':`).join(' ');
  const reads = columns.map((column) => {
    const test = fastTest(column);
    const slow = `values[${column.position}] = collector.column(${column.position}, v, mode);`;
    const read = `v = row.${column.name};`;
    return test === undefined ? `${read}${slow}` : `${read} if (${test}) values[${column.position}] = v; else ${slow}`;
  });
  return `
    collector.requireObject(row);
    for (const property in row) { switch (property) { ${cases} break; default: collector.unknown(row, property); } }
    let v; ${reads.join('\n')}`;
}

/** An expression that is true of values which are their own stored form, and need no further look. */
function fastTest(column: ColumnSchema): string | undefined {
  const { type } = column;
  switch (type.kind) {
    case 'boolean':
      return "typeof v === 'boolean'";
    case 'int':
      return "typeof v === 'number' && (v | 0) === v";
    case 'double':
      return "typeof v === 'number'";
    case 'long':
      return type.as === 'number' ? 'Number.isSafeInteger(v)' : undefined;
    case 'string':
      return "typeof v === 'string' && v.isWellFormed()";
    default:
      return undefined;
  }
}

function encodeSource(columns: readonly ColumnSchema[]): string {
  const writes = columns.map((column) => {
    const write = writeSource(column);
    if (!column.nullable || write === undefined) {
      return write ?? `p = writeElement(columns[${column.position}], values[${column.position}], buffer, p);`;
    }
    return `if (values[${column.position}] === null) buffer[p++] = 0; else { buffer[p++] = 2; ${write} }`;
  });
  return `${writes.join('\n')} return p;`;
}

/** The write of a value that is not null, or `undefined` where the generic writer does it. */
function writeSource(column: ColumnSchema): string | undefined {
  const value = `values[${column.position}]`;
  switch (layoutOf(column.type)) {
    case 'boolean':
      return `buffer[p++] = ${value} ? 1 : 0;`;
    case 'int':
      return `p = writeInt(buffer, p, ${value});`;
    case 'longNumber':
      return `p = writeLongNumber(buffer, p, ${value});`;
    case 'longBigInt':
      return `p = writeLongBigInt(buffer, p, ${value});`;
    case 'float':
      return `p = writeFloat(buffer, p, ${value});`;
    case 'double':
      return `p = writeDouble(buffer, p, ${value});`;
    case 'string':
      return `p = writeString(buffer, p, ${value});`;
    default:
      return undefined;
  }
}

/** Steps over the columns before `target`. */
function skipSource(schema: TableSchema, target: ColumnSchema): string {
  return schema.columns
    .slice(0, target.position)
    .map((column) => {
      const skip = skipValueSource(column);
      if (skip === undefined) return `p = skipElement(columns[${column.position}], buffer, p);`;
      return column.nullable ? `if (buffer[p++] !== 0) { ${skip} }` : skip;
    })
    .join('\n');
}

function skipValueSource(column: ColumnSchema): string | undefined {
  switch (layoutOf(column.type)) {
    case 'boolean':
      return 'p += 1;';
    case 'int':
    case 'longNumber':
    case 'longBigInt':
      return 'while (buffer[p++] > 127);';
    case 'float':
      return 'p += 4;';
    case 'double':
      return 'p += 8;';
    case 'string':
    case 'bytes':
    case 'decimal':
      return 'p = buffer[p] < 128 ? p + 1 + (buffer[p] >> 1) : skipText(buffer, p);';
    default:
      return undefined;
  }
}

/** Reads a column at `p` into `v`, in its stored form, and moves `p` behind it. */
function readSource(column: ColumnSchema): string {
  const read = readValueSource(column);
  if (read === undefined) return `v = readElement(columns[${column.position}], buffer, p); p = cursor.position;`;
  return column.nullable ? `if (buffer[p++] === 0) v = null; else { ${read} }` : read;
}

function readValueSource(column: ColumnSchema): string | undefined {
  const short = (long: string) =>
    `b = buffer[p]; if (b < 128) { v = (b >>> 1) ^ -(b & 1); p++; } else { v = ${long}(buffer, p); p = cursor.position; }`;
  switch (layoutOf(column.type)) {
    case 'boolean':
      return 'v = buffer[p++] === 1;';
    case 'int':
      return short('readInt');
    case 'longNumber':
      return short('readLongNumber');
    case 'longBigInt':
      return 'v = readLongBigInt(buffer, p); p = cursor.position;';
    case 'float':
      return 'v = readFloat(buffer, p); p += 4;';
    case 'double':
      return 'v = readDouble(buffer, p); p += 8;';
    case 'string':
      return 'v = readString(buffer, p); p = cursor.position;';
    default:
      return undefined;
  }
}

/**
 * Rows come from a constructor of our own that assigns all columns in one order, so they share one hidden class, and
 * that has the user's prototype, so they are instances of the user's class.
 */
function compileDecode(schema: TableSchema, helpers: Helpers): (buffer: Buffer, position: number) => object {
  const locals = schema.columns.map((column) => `v${column.position}`);
  const assigns = schema.columns.map((column) => `this.${column.name} = v${column.position};`).join(' ');
  const reads = schema.columns.map((column) => `${readSource(column)} ${userSource(column)}`).join('\n');
  const names = [...Object.keys(helpers), 'prototype'];
  const factory = new Function(
    ...names,
    `'use strict';
    function Row(${locals.join(', ')}) { ${assigns} }
    Row.prototype = prototype;
    return function (buffer, p) { let v, b; ${reads} return new Row(${locals.join(', ')}); };`,
  );
  const values = Object.values(helpers);
  return factory(...values, schema.ctor.prototype) as (buffer: Buffer, position: number) => object;
}

/** Turns the stored form `v` into the user's, in a local of the column's own. */
function userSource(column: ColumnSchema): string {
  const local = `v${column.position}`;
  const { type } = column;
  switch (type.kind) {
    case 'timestamp-millis':
      if (type.as === 'date') return `const ${local} = v === null ? null : new Date(v);`;
      return `const ${local} = v;`;
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
    case 'uuid':
      return `const ${local} = v;`;
    case 'bytes':
      return `const ${local} = v;`; // readBytes has made a copy already
    default:
      return `const ${local} = elementToUser(columns[${column.position}], v);`;
  }
}
