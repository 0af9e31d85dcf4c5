import { Column } from '../../decorators/column.js';
import { Index } from '../../decorators/index-decorator.js';
import { PrimaryKey } from '../../decorators/primary-key.js';
import { Query } from '../../decorators/query.js';
import { Table } from '../../decorators/table.js';
import { SchemaError } from '../../lib/errors.js';
import type { EntityClass } from '../../lib/schema/column-type.js';
import type { ColumnOptions, IndexOptions, PrimaryKeyOptions, QueryOptions, TableOptions } from '../../lib/schema/description.js';

/** A class in words: what a compiler makes of decorators, without a compiler, and so without emitted types. */
export interface Declaration {
  readonly table?: TableOptions | undefined;
  readonly keys?: Readonly<Record<string, PrimaryKeyOptions>>;
  readonly columns?: Readonly<Record<string, ColumnOptions>>;
  /** What a compiler would have emitted as `design:type`. */
  readonly emitted?: Readonly<Record<string, unknown>>;
  readonly indexes?: readonly IndexOptions[];
  readonly indexed?: Readonly<Record<string, IndexOptions>>;
  readonly queries?: Readonly<Record<string, QueryOptions>>;
}

/** By default a class with a table and an `int` key named `id`. */
export function declare(given: Declaration, Subject: EntityClass = class Subject {}): EntityClass {
  const keys = given.keys ?? { id: {} };
  const columns = Object.entries({ ...('id' in keys ? { id: { type: 'int' as const } } : {}), ...given.columns });
  if (Object.hasOwn(given.columns ?? {}, '__proto__')) columns.push(['__proto__', { type: 'int' }]);
  const prototype = Subject.prototype as object;
  for (const [property, type] of Object.entries(given.emitted ?? {})) Reflect.defineMetadata('design:type', type, prototype, property);
  for (const [property, options] of columns) Column(options)(prototype, property);
  for (const [property, options] of Object.entries(keys)) PrimaryKey(options)(prototype, property);
  for (const [property, options] of Object.entries(given.indexed ?? {})) Index(options)(prototype, property);
  for (const [property, options] of Object.entries(given.queries ?? {})) Query(options)(Subject, property);
  for (const options of [...(given.indexes ?? [])].reverse()) Index(options)(Subject);
  if (!('table' in given) || given.table !== undefined) Table(given.table)(Subject);
  return Subject;
}

export function refusal(work: () => unknown): SchemaError {
  try {
    work();
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
  throw new Error('the class was not refused');
}

export class Empty {}
export class Address {
  declare city: string;
}
Column('string')(Address.prototype, 'city');

/** What is wrong, the property that is blamed, and a piece of the cause and of the fix. */
export type Refused = readonly [title: string, given: Declaration, property: string | undefined, cause: RegExp, fix: RegExp];

export const TABLES: readonly Refused[] = [
  ['no @Table', { table: undefined }, undefined, /has no @Table/, /Decorate it with @Table/],
  ...['', 'a-b', '1a', 'a b', 'naïve', 'a.b', 'a\n', 'x'.repeat(64)].map(
    (name): Refused => [`the name ${JSON.stringify(name)}`, { table: { name } }, undefined, /no usable name/, /@Table\(\{ name \}\)/],
  ),
  ...['int', 'string', 'null'].map(
    (name): Refused => [
      `the name ${name}, which is Avro’s own`,
      { table: { name } },
      undefined,
      /Avro has a type of this name/,
      /@Table\(\{ name \}\)/,
    ],
  ),
  ...[0, -1, 1.5, Number.NaN, '1' as never].map(
    (version): Refused => [`the version ${version}`, { table: { version } }, undefined, /version is no positive integer/, /Give 1, 2/],
  ),
  ...[0, 1000, 2048, 5000, 4096.5, 2 ** 21, -4096, Number.NaN, '4096' as never].map(
    (pageSizeBytes): Refused => [
      `a page of ${pageSizeBytes} bytes`,
      { table: { pageSizeBytes } },
      undefined,
      /pageSizeBytes is out of range/,
      /power of two/,
    ],
  ),
  ...[0, -1, 1.5, 2 ** 27 + 1, Number.POSITIVE_INFINITY].map(
    (maxRowBytes): Refused => [
      `rows of ${maxRowBytes} bytes`,
      { table: { maxRowBytes } },
      undefined,
      /maxRowBytes is out of range/,
      /134217728/,
    ],
  ),
];

const UNSAFE_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'then',
  'toJSON',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
];
const NO_IDENTIFIERS = ['', '1', 'a-b', 'a b', 'a.b', 'naïve', "a'b", 'a;b', '$', 'a\n', 'x'.repeat(64)];

export const COLUMNS: readonly Refused[] = [
  ['no column', { keys: {} }, undefined, /has no columns/, /@Column\(\)/],
  ...UNSAFE_NAMES.map(
    (name): Refused => [`the name ${name}`, { columns: { [name]: { type: 'int' } } }, name, /reserved by JavaScript/, /Rename/],
  ),
  ...NO_IDENTIFIERS.map(
    (name): Refused => [
      `the name ${JSON.stringify(name)}`,
      { columns: { [name]: { type: 'int' } } },
      name,
      /no plain identifier/,
      /Rename/,
    ],
  ),
  ['no type, and none emitted', { columns: { value: {} } }, 'value', /has no type/, /@Column\('string'\).*esbuild/],
  ['no type of an interface', { columns: { value: {} }, emitted: { value: Object } }, 'value', /has no type/, /unions and interfaces/],
  ['no type of an array', { columns: { value: {} }, emitted: { value: Array } }, 'value', /has no type/, /Name the type/],
  ['an unknown type', { columns: { value: { type: 'text' as never } } }, 'value', /unknown type/, /boolean, int, long.*decimal/],
  ['a type of no kind', { columns: { value: { type: 5 as never } } }, 'value', /unknown type/, /Use one of/],
  ['a type and an enum', { columns: { value: { type: 'string', enum: ['a'] } } }, 'value', /both type and enum/, /Keep one/],
  ['items and values', { columns: { value: { items: 'int', values: 'int' } } }, 'value', /both items and values/, /Keep one/],
  [
    'three of them',
    { columns: { value: { type: 'int', items: 'int', values: 'int' } } },
    'value',
    /both type and items and values/,
    /Keep one/,
  ],
  ['two kinds of item', { columns: { value: { items: { type: 'int', items: 'int' } } } }, 'value', /both type and items/, /Keep one/],
  ['items of no type', { columns: { value: { items: {} } } }, 'value', /has no type/, /Name the type/],
  ['items that are nothing', { columns: { value: { items: null as never } } }, 'value', /say nothing of their type/, /items: 'string'/],
  ['items with a default', { columns: { value: { items: { type: 'int', default: 1 } } } }, 'value', /no defaults/, /Remove the default/],
  [
    'a nested class without columns',
    { columns: { value: { type: () => Empty } } },
    'value',
    /nested class Empty has no columns/,
    /@Column\(\)/,
  ],
  [
    'a nested class that is not there yet',
    { columns: { value: { type: (() => undefined) as never } } },
    'value',
    /gives no class/,
    /Return a class/,
  ],
  [
    'a class where a function belongs',
    { columns: { value: { type: Address as never } } },
    'value',
    /is the class itself/,
    /type: \(\) => Address/,
  ],
  ['a class for the items', { columns: { value: { items: Address as never } } }, 'value', /is the class itself/, /\(\) => Address/],
  ['an enum of nothing', { columns: { value: { enum: [] } } }, 'value', /no symbols/, /enum: \['a', 'b'\]/],
  ['an enum that is no list', { columns: { value: { enum: { A: 'a' } as never } } }, 'value', /no symbols/, /enum: \['a', 'b'\]/],
  ...['', 'a b', '1', 'a-b', 'é', 5 as never].map(
    (symbol): Refused => [
      `the symbol ${JSON.stringify(symbol)}`,
      { columns: { value: { enum: ['a', symbol] } } },
      'value',
      /no plain identifier, which Avro/,
      /string column/,
    ],
  ),
  ['a symbol twice', { columns: { value: { enum: ['a', 'b', 'a'] } } }, 'value', /a symbol twice/, /once/],
  ['an enum with a name of Avro’s', { columns: { bytes: { enum: ['a'] } } }, 'bytes', /Avro has a type of this name/, /Rename/],
  ['a record with a name of Avro’s', { columns: { long: { type: () => Address } } }, 'long', /Avro has a type of this name/, /Rename/],
  ['int as a bigint', { columns: { value: { type: 'int', as: 'bigint' } } }, 'value', /as does not apply to int/, /Remove it/],
  ['a string as a string', { columns: { value: { type: 'string', as: 'string' } } }, 'value', /as does not apply to string/, /Remove it/],
  ['an enum as a string', { columns: { value: { enum: ['a'], as: 'string' } } }, 'value', /as does not apply to enum/, /Remove it/],
  [
    'an array as bigints',
    { columns: { value: { items: 'long', as: 'bigint' } } },
    'value',
    /as does not apply to array/,
    /items and values take their own/,
  ],
  [
    'a record as an object',
    { columns: { value: { type: () => Address, as: 'object' } } },
    'value',
    /as does not apply to record/,
    /Remove it/,
  ],
  ['a long as a date', { columns: { value: { type: 'long', as: 'date' } } }, 'value', /bigint or a number/, /as: 'bigint'/],
  ['a date as a number', { columns: { value: { type: 'date', as: 'number' } } }, 'value', /date cannot be a number/, /one of: date/],
  [
    'milliseconds as a bigint',
    { columns: { value: { type: 'timestamp-millis', as: 'bigint' } } },
    'value',
    /cannot be a bigint/,
    /date, number/,
  ],
  [
    'microseconds as a string',
    { columns: { value: { type: 'timestamp-micros', as: 'string' } } },
    'value',
    /cannot be a string/,
    /date, number, bigint/,
  ],
  ['a decimal as a number', { columns: { value: { type: 'decimal', as: 'number' } } }, 'value', /would round it/, /string or bigint/],
  ['a map as a number', { columns: { value: { values: 'int', as: 'number' } } }, 'value', /map column cannot be a number/, /as: 'map'/],
  ...[
    { precision: 0 },
    { precision: 1001 },
    { precision: 2.5 },
    { scale: -1 },
    { scale: 0.5 },
    { precision: 2, scale: 3 },
    { precision: Number.NaN },
  ].map(
    (options): Refused => [
      `a decimal of ${Object.entries(options)}`,
      { columns: { value: { type: 'decimal', ...options } } },
      'value',
      /impossible precision or scale/,
      /1 ≤ precision ≤ 1000/,
    ],
  ),
  [
    'the precision of a double',
    { columns: { value: { type: 'double', precision: 5 } } },
    'value',
    /precision and scale do not apply to double/,
    /Remove/,
  ],
  ['the scale of an array', { columns: { value: { items: 'decimal', scale: 5 } } }, 'value', /do not apply to array/, /Remove/],
];

/** Types as a compiler emits them, beside types that never hold such a value. */
export const DISAGREEING: readonly (readonly [options: ColumnOptions, declared: unknown, cause: RegExp])[] = [
  [{ type: 'int' }, String, /is int, and the property is declared as String/],
  [{ type: 'int' }, BigInt, /is int, .* BigInt/],
  [{ type: 'string' }, Number, /is string, .* Number/],
  [{ type: 'string' }, Array, /is string, .* Array/],
  [{ type: 'uuid' }, Uint8Array, /is uuid, .* Uint8Array/],
  [{ type: 'boolean' }, Number, /is boolean, .* Number/],
  [{ type: 'double' }, Date, /is double, .* Date/],
  [{ type: 'bytes' }, String, /is bytes, .* String/],
  [{ type: 'long' }, Boolean, /is long, .* Boolean/],
  [{ type: 'long' }, String, /bigint or a number/],
  [{ type: 'long', as: 'bigint' }, Number, /is long, .* Number/],
  [{ type: 'long', as: 'number' }, BigInt, /is long, .* BigInt/],
  [{ type: 'date' }, Boolean, /is date, .* Boolean/],
  [{ type: 'date' }, String, /date cannot be a string/],
  [{ type: 'timestamp-millis', as: 'number' }, Date, /is timestamp-millis, .* Date/],
  [{ type: 'timestamp-micros' }, Uint8Array, /is timestamp-micros, .* Uint8Array/],
  [{ type: 'decimal' }, Number, /would round it/],
  [{ type: 'decimal' }, Boolean, /is decimal, .* Boolean/],
  [{ type: 'decimal', as: 'bigint' }, String, /is decimal, .* String/],
  [{ enum: ['a'] }, Number, /is enum, .* Number/],
  [{ items: 'string' }, String, /is array, .* String/],
  [{ items: 'string' }, Map, /is array, .* Map/],
  [{ values: 'int' }, Array, /is map, .* Array/],
  [{ values: 'int', as: 'object' }, Map, /is map, .* Map/],
  [{ type: () => Address }, String, /is record, .* String/],
];

export const DEFAULTS: readonly (readonly [options: ColumnOptions, cause: RegExp])[] = [
  [{ type: 'int', default: '1' }, /expected a number, got string/],
  [{ type: 'int', default: 1.5 }, /32 bits/],
  [{ type: 'int', default: null }, /not nullable/],
  [{ type: 'long', as: 'bigint', default: 1 }, /expected a bigint/],
  [{ type: 'date', default: new Date(5) }, /time of day/],
  [{ enum: ['a'], default: 'b' }, /not one of the symbols a/],
  [{ items: 'int', default: [1, '2'] }, /\[1\]: expected a number/],
  [{ values: 'int', default: { a: null } }, /not nullable/],
  [{ type: () => Address, default: { city: 1 } }, /\.city: expected a string/],
];

export const KEYS: readonly Refused[] = [
  ['no key', { keys: {}, columns: { a: { type: 'int' } } }, undefined, /no primary key/, /@PrimaryKey\(\)/],
  ['a key of no type', { keys: { code: {} } }, 'code', /has no type/, /Name the type/],
  ['a nullable key', { columns: { id: { type: 'int', nullable: true } } }, 'id', /cannot be null/, /Remove nullable/],
  ['a key of lists', { columns: { id: { items: 'int' } } }, 'id', /ordered type.*array/, /scalar/],
  ['a key of maps', { columns: { id: { values: 'int' } } }, 'id', /ordered type.*map/, /scalar/],
  ['a key of records', { columns: { id: { type: () => Address } } }, 'id', /ordered type.*record/, /scalar/],
  ['a key of unknown structure', { keys: { id: { using: 'rtree' as never } } }, 'id', /unknown structure/, /'btree', 'hash' or 'packed'/],
  [
    'a counted key of text',
    { keys: { code: { autoincrement: true } }, columns: { code: { type: 'string' } } },
    'code',
    /counts integers.*string/,
    /@Column\('int'\)/,
  ],
  [
    'a counted key of doubles',
    { keys: { code: { autoincrement: true } }, columns: { code: { type: 'double' } } },
    'code',
    /counts integers.*double/,
    /@Column\('int'\)/,
  ],
  ['a key counted and generated', { keys: { id: { autoincrement: true, generate: () => 1 } } }, 'id', /both make the key/, /Keep one/],
  [
    'a composite key, counted',
    { keys: { id: {}, code: { autoincrement: true } }, columns: { code: { type: 'int' } } },
    'id',
    /composite key cannot be generated/,
    /single key/,
  ],
  [
    'a composite key, generated',
    { keys: { id: {}, code: { generate: () => 1 } }, columns: { code: { type: 'int' } } },
    'id',
    /composite key cannot be generated/,
    /single key/,
  ],
];

export const a: Declaration = { columns: { a: { type: 'int' }, b: { type: 'string' }, list: { items: 'int' } } };

export const INDEXES: readonly Refused[] = [
  ['an unknown column', { ...a, indexes: [{ columns: ['a', 'c'] }] }, 'c', /an index names "c", which is no column/, /@Column\(\)/],
  ['a property that is no column', { ...a, indexed: { c: {} } }, 'c', /an index names "c", which is no column/, /@Column\(\)/],
  ['a column that has no order', { ...a, indexed: { list: {} } }, 'list', /ordered type.*array/, /scalar/],
  [
    'one name twice',
    {
      ...a,
      indexes: [
        { columns: ['a', 'b'], name: 'x' },
        { columns: ['b', 'a'], name: 'x' },
      ],
    },
    undefined,
    /two indexes have the name x/,
    /@Index\(\{ name \}\)/,
  ],
  ['the name of the key', { ...a, indexed: { a: { name: 'primary' } } }, 'a', /two indexes have the name primary/, /@Index\(\{ name \}\)/],
  [
    'the same columns twice',
    { ...a, indexed: { a: { name: 'x' } }, indexes: [{ columns: ['a'], using: 'hash' }] },
    'a',
    /index x is over \(a\), as a is/,
    /Remove one/,
  ],
  ['the columns of the key', { ...a, indexed: { id: {} } }, 'id', /over \(id\), as primary is/, /Remove one/],
  ['no usable name', { ...a, indexed: { a: { name: 'a b' } } }, 'a', /no usable name/, /letters, digits/],
  ['no columns', { ...a, indexes: [{}] }, undefined, /names no columns/, /columns: \['a', 'b'\]/],
  ['an empty list of columns', { ...a, indexes: [{ columns: [] }] }, undefined, /names no columns/, /columns: \['a', 'b'\]/],
  ['columns that are no list', { ...a, indexes: [{ columns: 'a' as never }] }, undefined, /names no columns/, /columns: \['a', 'b'\]/],
  ['a column twice', { ...a, indexes: [{ columns: ['a', 'a'] }] }, undefined, /names a column twice/, /once/],
  ['columns beside a property', { ...a, indexed: { a: { columns: ['b'] } } }, 'a', /takes no columns/, /on the class/],
  ['an unknown structure', { ...a, indexed: { a: { using: 'bitmap' as never } } }, 'a', /unknown structure/, /'btree', 'hash' or 'packed'/],
];

export const QUERIES: readonly Refused[] = [
  ['an unknown column to set', { ...a, queries: { q: { update: ['c'], by: 'a' } } }, 'q', /names "c", which is no column/, /@Column\(\)/],
  [
    'an unknown column to select by',
    { ...a, queries: { q: { update: ['a'], by: 'c' } } },
    'q',
    /names "c", which is no column/,
    /@Column\(\)/,
  ],
  [
    'a part of the key to update',
    { ...a, queries: { q: { update: ['a', 'id'], by: 'a' } } },
    'q',
    /writes id, a part of the primary key/,
    /insert another/,
  ],
  [
    'a part of the key in place',
    { ...a, queries: { q: { inPlace: ['id'], by: 'a' } } },
    'q',
    /writes id, a part of the primary key/,
    /insert another/,
  ],
  ['nothing to do', { ...a, queries: { q: { by: 'a' } } }, 'q', /exactly one of update, delete and inPlace/, /one query for each/],
  ['two things to do', { ...a, queries: { q: { update: ['a'], delete: true, by: 'a' } } }, 'q', /exactly one of/, /one query for each/],
  ['no columns to set', { ...a, queries: { q: { update: [], by: 'a' } } }, 'q', /names no columns to write/, /Name one/],
  ['columns that are no list', { ...a, queries: { q: { update: 'a' as never, by: 'a' } } }, 'q', /names no columns to write/, /Name one/],
  ['a column to set twice', { ...a, queries: { q: { update: ['a', 'a'], by: 'b' } } }, 'q', /a column twice/, /once/],
  ['a column to select by twice', { ...a, queries: { q: { delete: true, by: ['b', 'b'] } } }, 'q', /a column twice/, /once/],
  ['nothing to select by', { ...a, queries: { q: { delete: true } as never } }, 'q', /which column selects its rows/, /by: 'column'/],
  [
    'an empty selection, which would be all rows',
    { ...a, queries: { q: { delete: true, by: [] } } },
    'q',
    /which column selects its rows/,
    /by: 'column'/,
  ],
  ['a selection that has no order', { ...a, queries: { q: { delete: true, by: 'list' } } }, 'list', /ordered type.*array/, /scalar/],
  ...['then', 'constructor', '__proto__', 'toString', 'a b', ''].map(
    (name): Refused => [
      `the name ${JSON.stringify(name)}`,
      { ...a, queries: Object.fromEntries([[name, { delete: true, by: 'a' }]]) },
      name,
      /@Query.*name/,
      /Rename/,
    ],
  ),
];
