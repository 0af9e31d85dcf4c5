import { describe, expect, it } from '@jest/globals';
import { Column } from '../../decorators/column.js';
import { Index } from '../../decorators/index-decorator.js';
import { PrimaryKey } from '../../decorators/primary-key.js';
import { Query } from '../../decorators/query.js';
import { Table } from '../../decorators/table.js';
import { SchemaError } from '../../lib/errors.js';
import { buildSchema, buildSchemas } from '../../lib/schema/build-schema.js';
import type { ColumnType, EntityClass } from '../../lib/schema/column-type.js';
import type { ColumnOptions, IndexOptions, PrimaryKeyOptions, QueryOptions, TableOptions } from '../../lib/schema/description.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';

/** A class in words: what a compiler makes of decorators, without a compiler, and so without emitted types. */
interface Declaration {
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
function declare(given: Declaration, Subject: EntityClass = class Subject {}): EntityClass {
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

const build = (given: Declaration): TableSchema => buildSchema(declare(given));
const typeOf = (options: ColumnOptions, emitted?: unknown): ColumnType =>
  build({ columns: { value: options }, emitted: emitted === undefined ? {} : { value: emitted } }).columns[1]?.type as ColumnType;

function refusal(work: () => unknown): SchemaError {
  try {
    work();
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
  throw new Error('the class was not refused');
}

class Empty {}
class Address {
  declare city: string;
}
Column('string')(Address.prototype, 'city');

/** What is wrong, the property that is blamed, and a piece of the cause and of the fix. */
type Refused = readonly [title: string, given: Declaration, property: string | undefined, cause: RegExp, fix: RegExp];

const TABLES: readonly Refused[] = [
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

const COLUMNS: readonly Refused[] = [
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
const DISAGREEING: readonly (readonly [options: ColumnOptions, declared: unknown, cause: RegExp])[] = [
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

const DEFAULTS: readonly (readonly [options: ColumnOptions, cause: RegExp])[] = [
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

const KEYS: readonly Refused[] = [
  ['no key', { keys: {}, columns: { a: { type: 'int' } } }, undefined, /no primary key/, /@PrimaryKey\(\)/],
  ['a key of no type', { keys: { code: {} } }, 'code', /has no type/, /Name the type/],
  ['a nullable key', { columns: { id: { type: 'int', nullable: true } } }, 'id', /cannot be null/, /Remove nullable/],
  ['a key of lists', { columns: { id: { items: 'int' } } }, 'id', /ordered type.*array/, /scalar/],
  ['a key of maps', { columns: { id: { values: 'int' } } }, 'id', /ordered type.*map/, /scalar/],
  ['a key of records', { columns: { id: { type: () => Address } } }, 'id', /ordered type.*record/, /scalar/],
  ['a key of unknown structure', { keys: { id: { using: 'rtree' as never } } }, 'id', /unknown structure/, /'btree' or 'hash'/],
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

const a: Declaration = { columns: { a: { type: 'int' }, b: { type: 'string' }, list: { items: 'int' } } };

const INDEXES: readonly Refused[] = [
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
  ['an unknown structure', { ...a, indexed: { a: { using: 'bitmap' as never } } }, 'a', /unknown structure/, /'btree' or 'hash'/],
];

const QUERIES: readonly Refused[] = [
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

describe('buildSchema', () => {
  describe.each([
    ['a table', TABLES],
    ['a column', COLUMNS],
    ['a key', KEYS],
    ['an index', INDEXES],
    ['a query', QUERIES],
  ])('refuses %s', (_, cases) => {
    it.each(cases)('with %s', (_title, given, property, cause, fix) => {
      const error = refusal(() => build(given));
      expect(error).toMatchObject({ code: 'WT_SCHEMA', className: 'Subject', property });
      const place = property === undefined ? 'Subject: ' : `Subject.${property}: `;
      expect(error.message.startsWith(place)).toBe(true);
      const [first, second] = splitAtFix(error.message.slice(place.length), fix);
      expect(first).toMatch(cause);
      expect(second).toMatch(fix);
    });
  });

  it.each(DISAGREEING)('refuses %j on a property that is declared otherwise', (options, declared, cause) => {
    const error = refusal(() => typeOf(options, declared));
    expect(error).toMatchObject({ className: 'Subject', property: 'value' });
    expect(error.message).toMatch(cause);
  });

  it.each(DEFAULTS)('refuses the default of %j', (options, cause) => {
    const error = refusal(() => typeOf(options));
    expect(error).toMatchObject({ className: 'Subject', property: 'value' });
    expect(error.message).toMatch(/the default does not fit: .*\. Give a value of the column\.$/);
    expect(error.message).toMatch(cause);
  });

  it('refuses methods, accessors and constants of the prototype', () => {
    class Busy {
      method(): number {
        return 1;
      }
      get accessor(): number {
        return 1;
      }
    }
    for (const name of ['method', 'accessor', 'constant']) {
      Object.defineProperty(Busy.prototype, 'constant', { value: 1, configurable: true });
      class Derived extends Busy {}
      const error = refusal(() => buildSchema(declare({ columns: { [name]: { type: 'int' } } }, Derived)));
      expect(error).toMatchObject({ className: 'Derived', property: name });
      expect(error.message).toMatch(/a method or accessor of this name\. Decorate plain properties/);
    }
  });

  it('blames the nested class where that is what is wrong', () => {
    class Inner {}
    Column({ type: 'decimal', precision: 0 })(Inner.prototype, 'price');
    class Middle {}
    Column({ items: () => Inner })(Middle.prototype, 'inner');
    expect(refusal(() => typeOf({ type: () => Middle }))).toMatchObject({ className: 'Inner', property: 'price' });
  });

  it('refuses a class without a name that has no other, and what is no class', () => {
    const error = refusal(() => buildSchema(declare({}, class {} as EntityClass)));
    expect(error.message).toMatch(/^\(anonymous class\): the table has no usable name/);
    for (const value of [undefined, null, {}, 'Thing']) expect(() => buildSchema(value as never)).toThrow(TypeError);
  });

  it('refuses two tables whose names differ in case alone', () => {
    class First {}
    class Second {}
    const classes = [declare({ table: { name: 'Item' } }, First), declare({ table: { name: 'iTEM' } }, Second)];
    const error = refusal(() => buildSchemas(classes));
    expect(error).toMatchObject({ className: 'Second', property: undefined });
    expect(error.message).toBe("Second: its table iTEM has the name of First's. Name one of them otherwise: @Table({ name }).");
  });
});

/** A message is `cause. fix.`; either may hold a full stop, so the parting is looked for. */
function splitAtFix(text: string, fix: RegExp): [string, string] {
  const stops = [...text.matchAll(/\. /g)].map((match) => match.index);
  const stop = stops.find((at) => fix.test(text.slice(at + 2))) ?? text.length;
  return [text.slice(0, stop), text.slice(stop + 2)];
}

describe('a record within itself', () => {
  const nest = (first: ColumnOptions, second: (outer: () => EntityClass) => ColumnOptions): (() => TableSchema) => {
    class Outer {}
    class Inner {}
    Column({ ...first, ...('type' in first ? { type: () => Inner } : {}) })(Outer.prototype, 'inner');
    Column(second(() => Outer))(Inner.prototype, 'outer');
    return () => build({ columns: { value: { type: () => Outer } } });
  };
  const Inside = { type: () => Empty };

  it('is refused where it would have no end', () => {
    class Self {}
    Column({ type: () => Self })(Self.prototype, 'self');
    for (const [make, property] of [
      [() => build({ columns: { value: { type: () => Self } } }), 'self'],
      [() => build({ columns: { value: { type: () => Self, nullable: true } } }), 'self'],
      [() => build({ columns: { value: { items: () => Self } } }), 'self'],
      [nest(Inside, (type) => ({ type })), 'outer'],
    ] as const) {
      const error = refusal(make);
      expect(error.property).toBe(property);
      expect(error.message).toMatch(/always contains itself has no end\. Make it nullable, or an array/);
    }
  });

  it('is taken where anything on the way may be null or empty', () => {
    for (const make of [
      nest(Inside, (type) => ({ type, nullable: true })),
      nest({ ...Inside, nullable: true }, (type) => ({ type })),
      nest(Inside, (type) => ({ items: type })),
      nest(Inside, (type) => ({ values: { items: type } })),
    ]) {
      const type = make().columns[1]?.type as ColumnType & { kind: 'record' };
      const inner = type.fields[0]?.type as ColumnType & { kind: 'record' };
      expect(inner.fields.length).toBe(1);
    }
    class Branch {}
    class Leaf {}
    Column({ items: () => Leaf })(Branch.prototype, 'leaves');
    Column({ type: () => Branch })(Leaf.prototype, 'parent');
    expect(() => build({ columns: { value: { type: () => Branch } } })).not.toThrow();
  });
});

describe('a column’s type', () => {
  it.each([
    [{ type: 'boolean' }, { kind: 'boolean' }],
    [{ type: 'int' }, { kind: 'int' }],
    [{ type: 'float' }, { kind: 'float' }],
    [{ type: 'double' }, { kind: 'double' }],
    [{ type: 'bytes' }, { kind: 'bytes' }],
    [{ type: 'string' }, { kind: 'string' }],
    [{ type: 'uuid' }, { kind: 'uuid' }],
    [{ type: 'long' }, { kind: 'long', as: 'number' }],
    [
      { type: 'long', as: 'bigint' },
      { kind: 'long', as: 'bigint' },
    ],
    [{ type: 'date' }, { kind: 'date', as: 'date' }],
    [{ type: 'timestamp-millis' }, { kind: 'timestamp-millis', as: 'date' }],
    [
      { type: 'timestamp-millis', as: 'number' },
      { kind: 'timestamp-millis', as: 'number' },
    ],
    [{ type: 'timestamp-micros' }, { kind: 'timestamp-micros', as: 'date' }],
    [
      { type: 'timestamp-micros', as: 'number' },
      { kind: 'timestamp-micros', as: 'number' },
    ],
    [
      { type: 'timestamp-micros', as: 'bigint' },
      { kind: 'timestamp-micros', as: 'bigint' },
    ],
    [{ type: 'decimal' }, { kind: 'decimal', precision: 38, scale: 2, as: 'string' }],
    [
      { type: 'decimal', precision: 9, scale: 0, as: 'bigint' },
      { kind: 'decimal', precision: 9, scale: 0, as: 'bigint' },
    ],
    [{ enum: ['a', 'B'] }, { kind: 'enum', avroName: { namespace: 'subject', name: 'value' }, symbols: ['a', 'B'] }],
    [{ items: 'int' }, { kind: 'array', items: { type: { kind: 'int' }, nullable: false } }],
    [
      { items: { type: 'long', as: 'bigint', nullable: true } },
      { kind: 'array', items: { type: { kind: 'long', as: 'bigint' }, nullable: true } },
    ],
    [{ values: 'int' }, { kind: 'map', values: { type: { kind: 'int' }, nullable: false }, as: 'object' }],
    [
      { values: 'int', as: 'map' },
      { kind: 'map', values: { type: { kind: 'int' }, nullable: false }, as: 'map' },
    ],
  ] as [ColumnOptions, unknown][])('of %j is %j', (options, type) => {
    expect(typeOf(options)).toStrictEqual(type);
  });

  it('of a nested class holds its fields, and its class', () => {
    expect(typeOf({ type: () => Address })).toStrictEqual({
      kind: 'record',
      avroName: { namespace: 'subject', name: 'value' },
      ctor: Address,
      fields: [{ name: 'city', type: { kind: 'string' }, nullable: false, default: undefined }],
    });
  });

  it.each([
    [Number, {}, { kind: 'double' }],
    [String, {}, { kind: 'string' }],
    [Boolean, {}, { kind: 'boolean' }],
    [BigInt, {}, { kind: 'long', as: 'bigint' }],
    [Date, {}, { kind: 'timestamp-millis', as: 'date' }],
    [Uint8Array, {}, { kind: 'bytes' }],
    [Buffer, {}, { kind: 'bytes' }],
    [Object, { nullable: true }, { kind: 'string', assumed: true }],
    [BigInt, { type: 'long' }, { kind: 'long', as: 'bigint' }],
    [Number, { type: 'long' }, { kind: 'long', as: 'number' }],
    [Number, { type: 'timestamp-millis' }, { kind: 'timestamp-millis', as: 'number' }],
    [BigInt, { type: 'timestamp-micros' }, { kind: 'timestamp-micros', as: 'bigint' }],
    [BigInt, { type: 'decimal' }, { kind: 'decimal', precision: 38, scale: 2, as: 'bigint' }],
    [Object, { type: 'long', as: 'bigint', nullable: true }, { kind: 'long', as: 'bigint' }],
    [Map, { values: 'int' }, { kind: 'map', values: { type: { kind: 'int' }, nullable: false }, as: 'map' }],
    [Array, { items: 'int' }, { kind: 'array', items: { type: { kind: 'int' }, nullable: false } }],
    [String, { enum: ['a'] }, { kind: 'enum', avroName: { namespace: 'subject', name: 'value' }, symbols: ['a'] }],
  ] as [{ name: string }, ColumnOptions, unknown][])('of a property declared as %p with %j is %j', (emitted, options, type) => {
    expect(typeOf(options, emitted)).toStrictEqual(type);
  });

  it.each([
    [5, { kind: 'double' }],
    ['a', { kind: 'string' }],
    [true, { kind: 'boolean' }],
    [5n, { kind: 'long', as: 'bigint' }],
    [new Date(), { kind: 'timestamp-millis', as: 'date' }],
    [Uint8Array.of(1), { kind: 'bytes' }],
  ])('follows the default %p where nothing else says it', (value, type) => {
    expect(typeOf({ default: value })).toStrictEqual(type);
    expect(typeOf({ default: value, nullable: true }, Object)).toStrictEqual(type);
  });

  it('of a counted key is a long', () => {
    expect(build({ keys: { code: { autoincrement: true } } }).columns[0]?.type).toEqual({ kind: 'long', as: 'number' });
    expect(build({ keys: { code: { autoincrement: true } }, emitted: { code: Number } }).columns[0]?.type).toEqual({
      kind: 'long',
      as: 'number',
    });
    expect(build({ keys: { code: { autoincrement: true } }, emitted: { code: BigInt } }).columns[0]?.type).toEqual({
      kind: 'long',
      as: 'bigint',
    });
  });
});

describe('a schema', () => {
  it('has the defaults of its options', () => {
    expect(build({})).toMatchObject({
      name: 'subject',
      className: 'Subject',
      version: 1,
      pageSizeBytes: 64 * 1024,
      maxRowBytes: 64 * 1024 * 1024,
      key: { columns: [0], using: 'btree', autoincrement: false, generate: undefined },
      indexes: [],
      queries: [],
    });
  });

  it('takes the limits of its options', () => {
    for (const table of [
      { version: 7, pageSizeBytes: 4096, maxRowBytes: 1 },
      { version: Number.MAX_SAFE_INTEGER, pageSizeBytes: 2 ** 20, maxRowBytes: 2 ** 27 },
    ]) {
      expect(build({ table })).toMatchObject(table);
    }
    expect(build({ table: { name: 'x'.repeat(63) } }).name).toHaveLength(63);
  });

  it.each([
    ['Account', 'account'],
    ['AccountHolder', 'account_holder'],
    ['HTTPServer', 'http_server'],
    ['MyHTTPServer2Go', 'my_http_server2_go'],
    ['ÀTable', undefined],
    ['_Private', '_private'],
  ])('names the table of the class %s %s', (name, table) => {
    const named = Object.defineProperty(class {}, 'name', { value: name }) as EntityClass;
    if (table === undefined) expect(() => buildSchema(declare({}, named))).toThrow(/no usable name/);
    else expect(buildSchema(declare({}, named)).name).toBe(table);
  });

  it('is frozen, down to the last list, and can be built again', () => {
    const given = declare({
      columns: {
        tags: { items: 'string' },
        map: { values: { enum: ['a'] } },
        address: { type: () => Address },
        b: { type: 'decimal', default: '1.00' },
      },
      indexes: [{ columns: ['b', 'id'] }],
      queries: { q: { update: ['b'], by: ['b', 'id'] } },
    });
    const schema = buildSchema(given);
    const melted: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || value instanceof Map || path === '.avro') return;
      if (!Object.isFrozen(value)) melted.push(path);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    walk(schema, '');
    expect(melted).toEqual([]);
    const again = buildSchema(given);
    expect(again).not.toBe(schema);
    expect(again).toEqual(schema);
  });

  it('lists indexes and queries in the order in which they are read: those on the class, then those on its properties', () => {
    const schema = build({
      ...a,
      indexes: [{ columns: ['a', 'b'] }, { columns: ['b', 'a'], unique: true, nullsDistinct: false, using: 'hash', name: 'second' }],
      indexed: { b: { unique: true }, a: {} },
      queries: { one: { delete: true, by: ['b', 'a'] }, two: { update: ['b', 'a'], by: 'id' }, three: { inPlace: ['a'], by: 'a' } },
    });
    const plain = { unique: false, using: 'btree', nullsDistinct: true };
    expect(schema.indexes).toEqual([
      { ...plain, name: 'a_b', columns: [1, 2] },
      { name: 'second', columns: [2, 1], unique: true, using: 'hash', nullsDistinct: false },
      { ...plain, name: 'b', columns: [2], unique: true },
      { ...plain, name: 'a', columns: [1] },
    ]);
    expect(schema.queries).toEqual([
      { name: 'one', kind: 'delete', set: [], by: [2, 1] },
      { name: 'two', kind: 'update', set: [1, 2], by: [0] },
      { name: 'three', kind: 'inPlace', set: [1], by: [1] },
    ]);
  });

  it('takes a query whose property the compiler leaves out, as it does without a value', () => {
    class Bare {}
    expect('gone' in Bare).toBe(false);
    expect(buildSchema(declare({ queries: { gone: { delete: true, by: 'id' } } }, Bare)).queries).toHaveLength(1);
  });

  it('keeps a composite key in the order of its declaration', () => {
    const schema = build({ keys: { b: {}, a: { using: 'hash' } }, columns: { a: { type: 'int' }, b: { type: 'string' } } });
    expect(schema.key).toEqual({ columns: [1, 0], using: 'hash', autoincrement: false, generate: undefined });
    expect(schema.columns.map((column) => column.name)).toEqual(['a', 'b']);
  });
});

describe('decorators, compiled', () => {
  @Table({ name: 'base' })
  @Index({ columns: ['label', 'score'] })
  class Base {
    @PrimaryKey('autoincrement') id!: number;
    @Index('unique') @Column() label!: string;
    @Column() score!: number;
    @Column() on!: boolean;
    @Column() at!: Date;
    @Column() big!: bigint;
    @Column() bytes!: Uint8Array;
    @Column({ nullable: true }) note?: string | null;
    @Column('long') count!: number;
    @Column('long') total!: bigint;
    @Column('timestamp-micros') micros!: bigint;
    @Column('decimal', { scale: 3 }) price!: string;
    @Column({ items: 'string' }) tags!: string[];
    @Column({ values: 'int' }) words!: Map<string, number>;
    @Column({ values: 'int', nullable: true }) counts?: Record<string, number> | null;
    @Column({ enum: ['a', 'b'] }) kind!: 'a' | 'b';
    @Column({ type: () => Address }) address!: Address;

    @Query({ update: ['score'], by: 'label' }) static setScore: unknown;
  }

  @Table({ name: 'derived', version: 2 })
  @Index({ columns: ['extra', 'label'] })
  class Derived extends Base {
    @Column('float') override score: number = 0;
    @Index() @Column('int') extra!: number;
    @Query({ delete: true, by: 'extra' }) static gone: unknown;
  }

  class Undescribed extends Derived {}

  it('give the types that the compiler emits', () => {
    const kinds = buildSchema(Base).columns.map(({ name, type }) => `${name}: ${type.kind}${'as' in type ? ` as ${type.as}` : ''}`);
    expect(kinds).toEqual([
      ...[
        'id: long as number',
        'label: string',
        'score: double',
        'on: boolean',
        'at: timestamp-millis as date',
        'big: long as bigint',
        'bytes: bytes',
      ],
      ...[
        'note: string',
        'count: long as number',
        'total: long as bigint',
        'micros: timestamp-micros as bigint',
        'price: decimal as string',
      ],
      ...['tags: array', 'words: map as map', 'counts: map as object', 'kind: enum', 'address: record'],
    ]);
  });

  it('pass on columns, keys, indexes and queries to a derived class, which may declare a column anew', () => {
    const base = buildSchema(Base);
    const derived = buildSchema(Derived);
    expect(derived).toMatchObject({ name: 'derived', version: 2, className: 'Derived', ctor: Derived });
    expect(derived.columns.map((column) => column.name)).toEqual([...base.columns.map((column) => column.name), 'extra']);
    expect(derived.columns[2]).toMatchObject({ name: 'score', type: { kind: 'float' }, position: 2 });
    expect(base.columns[2]).toMatchObject({ name: 'score', type: { kind: 'double' } });
    expect(derived.key).toMatchObject({ columns: [0], autoincrement: true });
    expect(base.indexes.map((index) => index.name)).toEqual(['label_score', 'label']);
    expect(derived.indexes.map((index) => index.name)).toEqual(['label_score', 'label', 'extra_label', 'extra']);
    expect(derived.queries.map((query) => query.name)).toEqual(['setScore', 'gone']);
    expect(base.queries.map((query) => query.name)).toEqual(['setScore']);
  });

  it('do not make a table of a class that is derived from one', () => {
    expect(refusal(() => buildSchema(Undescribed))).toMatchObject({ className: 'Undescribed', property: undefined });
  });

  it('stand on instance properties, and @Query on static ones, all with plain names', () => {
    class Subject {}
    const symbol = Symbol('s');
    const stray: readonly (readonly [() => unknown, string, RegExp])[] = [
      [() => Column('int')(Subject, 'a'), 'a', /@Column stands on a static property\. Decorate instance properties\.$/],
      [() => PrimaryKey()(Subject, 'a'), 'a', /@PrimaryKey stands on a static property/],
      [() => Index()(Subject, 'a'), 'a', /@Index stands on a static property/],
      [() => Column('int')(Subject.prototype, symbol), 'Symbol(s)', /@Column stands on a symbol\. Give the property a plain name\.$/],
      [() => PrimaryKey()(Subject.prototype, symbol), 'Symbol(s)', /@PrimaryKey stands on a symbol/],
      [() => Index()(Subject.prototype, symbol), 'Symbol(s)', /@Index stands on a symbol/],
      [() => Query({ delete: true, by: 'a' })(Subject.prototype, 'q'), 'q', /@Query stands on a property that is not static/],
      [() => Query({ delete: true, by: 'a' })(Subject, symbol), 'Symbol(s)', /@Query stands on/],
    ];
    for (const [decorate, property, message] of stray) {
      const error = refusal(decorate);
      expect(error).toMatchObject({ className: 'Subject', property });
      expect(error.message).toMatch(message);
    }
  });

  it('keeps the column that a base class describes where a subclass makes it the key', () => {
    class Base {}
    Column('int')(Base.prototype, 'code');
    class Derived extends Base {}
    PrimaryKey()(Derived.prototype, 'code');
    Table()(Derived);
    expect(buildSchema(Derived).columns).toMatchObject([{ name: 'code', type: { kind: 'int' } }]);
  });

  it('may name a column by any plain name that JavaScript leaves free', () => {
    const names = [
      'class',
      'default',
      'new',
      'this',
      'eval',
      'arguments',
      'int',
      'string',
      'null',
      '_',
      '__',
      'x'.repeat(63),
      'length',
      'name',
    ];
    expect(build({ columns: Object.fromEntries(names.map((name) => [name, { type: 'int' as const }])) }).columns).toHaveLength(
      names.length + 1,
    );
  });
});
