import { readDouble, readFloat, writeDouble, writeFloat } from '../bytes/floats.js';
import { RepeatedText } from '../bytes/repeated-text.js';
import { readAscii, readText, skipText, writeString } from '../bytes/text.js';
import { cursor, readInt, readLongBigInt, writeInt, writeLongBigInt, writeLongNumber } from '../bytes/varint.js';
import { switches } from '../switches.js';
import { ColumnCollector } from './column-collector.js';
import { LOCALS, type ReadWays, readSource, skipSource } from './column-source.js';
import { layoutOf, readElement, skipElement, writeElement } from './element-codec.js';
import { KeptRow, mayGrow, type RowClass } from './kept-row.js';
import type { CollectMode, Decode, RowCodec } from './row-codec.js';
import { elementToUser, type Stored } from './stored-value.js';
import type { ColumnSchema, TableSchema } from './table-schema.js';

/**
 * A codec compiled for the tables of one schema: straight-line code with a line or two for each column, scalars inline,
 * composites through `element-codec`. The only words of a user's that enter the generated text are column names, which the
 * schema has held to `[A-Za-z_][A-Za-z0-9_]*`; everything else arrives as an argument.
 */
export class CompiledCodec implements RowCodec {
  readonly compiled = true;
  readonly collect: (row: object, values: Stored[], mode: CollectMode) => void;
  readonly encode: (values: readonly Stored[], buffer: Buffer, position: number) => number;
  readonly decode: Decode;
  private readonly helpers: Helpers;
  private readonly Row: RowClass;
  private readonly knowing: (Decode | undefined)[] = [];
  private readonly readers: ((buffer: Buffer, position: number) => Stored)[];
  private readonly locators: ((buffer: Buffer, position: number) => number)[];

  constructor(private readonly schema: TableSchema) {
    this.Row = rowClass(schema);
    const helpers = helpersOf(schema, new KeptRow(this.Row, schema.columns));
    this.helpers = helpers;
    this.collect = compile(helpers, 'row, values, mode', collectSource(schema.columns));
    this.encode = compile(helpers, 'values, buffer, p', encodeSource(schema.columns));
    this.decode = compileDecode(schema, helpers, this.Row);
    this.locators = schema.columns.map((column) => compile(helpers, 'buffer, p', `${skipTo(schema, column)} return p;`));
    this.readers = schema.columns.map((column) =>
      compile(helpers, 'buffer, p', `${LOCALS} ${skipTo(schema, column)} ${readSource(column, PLAIN_WAYS)} return v;`),
    );
  }

  decoder(known?: number): Decode {
    if (known === undefined) return this.decode;
    this.knowing[known] ??= compileDecode(this.schema, this.helpers, this.Row, known);
    return this.knowing[known];
  }

  read(column: number, buffer: Buffer, position: number): Stored {
    return (this.readers[column] as (buffer: Buffer, position: number) => Stored)(buffer, position);
  }

  locate(column: number, buffer: Buffer, position: number): number {
    return (this.locators[column] as (buffer: Buffer, position: number) => number)(buffer, position);
  }
}

function helpersOf(schema: TableSchema, kept: KeptRow) {
  return {
    collector: new ColumnCollector(schema),
    columns: schema.columns,
    cursor,
    elementToUser,
    kept,
    readDouble,
    readElement,
    readFloat,
    readInt,
    readLongBigInt,
    readAscii,
    readText,
    repeated: schema.columns.map((column) => (switches.repeatedText && mayRepeat(schema, column) ? new RepeatedText() : undefined)),
    skipElement,
    skipText,
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
  return evaluate(helpers, `return function (${parameters}) { ${body} };`);
}

function evaluate<F>(helpers: object, body: string): F {
  const factory = new Function(...Object.keys(helpers), `'use strict'; ${body}`);
  return factory(...Object.values(helpers)) as F;
}

/** Each property is read once. Common values pass by a test of their type; the rest goes to the collector. */
function collectSource(columns: readonly ColumnSchema[]): string {
  const cases = columns.map((column) => `case '${column.name}':`).join(' ');
  const reads = columns.map((column) => {
    const test = fastTest(column);
    const slow = `values[${column.position}] = collector.column(${column.position}, v, mode);`;
    const read = `v = row.${column.name};`;
    return test === undefined ? `${read}${slow}` : `${read} s = v; if (${test}) values[${column.position}] = s; else ${slow}`;
  });
  return `
    collector.requireObject(row);
    for (const property in row) { switch (property) { ${cases} break; default: collector.unknown(row, property); } }
    let v, s; ${reads.join('\n')}`;
}

/** An expression that is true of values `v` that need no further look: their stored form is `s` then, which is `v` before. */
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
    case 'timestamp-millis':
      return type.as === 'date' ? '(s = v instanceof Date ? Date.prototype.getTime.call(v) : NaN) === s' : undefined;
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
function skipTo(schema: TableSchema, target: ColumnSchema): string {
  return schema.columns.slice(0, target.position).map(skipSource).join('\n');
}

const PLAIN_WAYS: ReadWays = { text: 'readText(buffer, p, n)', hasView: false };

/**
 * Rows come from a constructor of our own that assigns all columns in one order, so they share one hidden class, and
 * that has the user's prototype, so they are instances of the user's class.
 */
function rowClass({ columns, ctor }: TableSchema): RowClass {
  const locals = localsOf(columns);
  const assigns = columns.map(({ name, position }) => `this.${name} = v${position};`).join(' ');
  const body = `'use strict'; function Row(${locals}) { ${assigns} } Row.prototype = prototype; return Row;`;
  return new Function('prototype', body)(ctor.prototype) as RowClass;
}

/** @param known a column of text that need not be read, since its text is given */
function compileDecode({ columns }: TableSchema, helpers: Helpers, Row: RowClass, known?: number): Decode {
  const reads = columns.map((column) => {
    const { position } = column;
    if (position === known) return `${skipSource(column)} const v${position} = known;`;
    const text =
      helpers.repeated[position] === undefined
        ? PLAIN_WAYS.text
        : `readAscii(buffer, p, n) ?? repeated${position}.read(buffer, view, p, n)`;
    return `${readSource(column, { text, hasView: true })} ${userSource(column)}`;
  });
  const caches = columns.map(({ position }) => `repeated${position} = repeated[${position}]`);
  const decode = `function (buffer, p, view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length), known) {
    ${LOCALS} ${reads.join('\n')} return new Row(${localsOf(columns)}); }`;
  return evaluate({ ...helpers, Row }, `const ${caches.join(', ')}; return ${decode};`);
}

function localsOf(columns: readonly ColumnSchema[]): string {
  return columns.map(({ position }) => `v${position}`).join(', ');
}

/** Whether a column's text may repeat: not what is a key, or unique, by itself. */
function mayRepeat({ key, indexes }: TableSchema, { type, position }: ColumnSchema): boolean {
  if (type.kind !== 'string') return false;
  return ![key, ...indexes.filter((index) => index.unique)].some(({ columns }) => columns.length === 1 && columns[0] === position);
}

/** Turns the stored form `v` into the user's, in a local of the column's own. Of a number beyond 28 bits, `w` is not 0. */
function userSource(column: ColumnSchema): string {
  const local = `v${column.position}`;
  if (mayGrow(column) && layoutOf(column.type) === 'longNumber') {
    return `const ${local} = v; if (w !== 0 && (v | 0) !== v && !kept.large[${column.position}]) kept.enlarge(${column.position});`;
  }
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
