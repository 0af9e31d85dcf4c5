import { describe, expect, it } from '@jest/globals';
import { Column } from '../../decorators/column.js';
import { Index } from '../../decorators/index-decorator.js';
import { PrimaryKey } from '../../decorators/primary-key.js';
import { Query } from '../../decorators/query.js';
import { Table } from '../../decorators/table.js';
import { buildSchema, buildSchemas } from '../../lib/schema/build-schema.js';
import type { ColumnType, EntityClass } from '../../lib/schema/column-type.js';
import { createCodec } from '../../lib/schema/create-codec.js';
import type { ColumnOptions } from '../../lib/schema/description.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';
import { switches } from '../../lib/switches.js';
import {
  Address,
  a,
  COLUMNS,
  DEFAULTS,
  type Declaration,
  DISAGREEING,
  declare,
  Empty,
  INDEXES,
  KEYS,
  QUERIES,
  refusal,
  TABLES,
} from '../support/declarations.js';

const build = (given: Declaration): TableSchema => buildSchema(declare(given));
const typeOf = (options: ColumnOptions, emitted?: unknown): ColumnType =>
  build({ columns: { value: options }, emitted: emitted === undefined ? {} : { value: emitted } }).columns[1]?.type as ColumnType;

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
      pageSizeBytes: 256 * 1024,
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

  it('is frozen, down to the last list', () => {
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
  });

  it('is the same object as long as the class says the same, and so is its codec', () => {
    const given = declare({
      columns: { address: { type: () => Address }, made: { type: 'int', default: () => 1 }, list: { items: 'string', default: [] } },
      queries: { q: { delete: true, by: 'made' } },
    });
    const schema = buildSchema(given);
    expect(buildSchema(given)).toBe(schema);
    expect(createCodec(buildSchema(given))).toBe(createCodec(schema));
  });

  it('is another one as soon as the class says something else', () => {
    class Later {}
    PrimaryKey()(Later.prototype, 'id');
    Column('int')(Later.prototype, 'id');
    Column('string')(Later.prototype, 'name');
    Table()(Later);
    const changes = [
      () => Column('string', { nullable: true })(Later.prototype, 'name'),
      () => Column('string', { default: 'a' })(Later.prototype, 'name'),
      () => Column('string', { default: () => 'a' })(Later.prototype, 'name'),
      () => Column('string', { default: () => 'a' })(Later.prototype, 'name'), // another function, though it reads the same
      () => Column('timestamp-millis', { as: 'date' })(Later.prototype, 'name'),
      () => Column('timestamp-millis', { as: 'number' })(Later.prototype, 'name'),
      () => Index()(Later.prototype, 'name'),
      () => Column('int')(Later.prototype, 'more'),
    ];
    const schemas = [buildSchema(Later)];
    const codecs = [createCodec(buildSchema(Later))];
    for (const change of changes) {
      change();
      schemas.push(buildSchema(Later));
      codecs.push(createCodec(buildSchema(Later)));
    }
    expect(new Set(schemas).size).toBe(changes.length + 1);
    expect(new Set(codecs).size).toBe(changes.length + 1);
  });

  it('has another codec where ways of being fast are left out', () => {
    const schema = build(a);
    const usual = createCodec(schema);
    for (const name of ['compiledCodecs', 'keptRow'] as const) {
      switches[name] = false;
      expect(createCodec(schema)).not.toBe(usual);
      switches[name] = true;
    }
    expect(createCodec(schema)).toBe(usual);
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
