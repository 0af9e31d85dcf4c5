import { describe, expect, it } from '@jest/globals';
import { Column } from '../../decorators/column.js';
import { PrimaryKey } from '../../decorators/primary-key.js';
import { Table } from '../../decorators/table.js';
import { ValidationError } from '../../lib/errors.js';
import { buildSchema } from '../../lib/schema/build-schema.js';
import type { EntityClass } from '../../lib/schema/column-type.js';
import type { ColumnOptions } from '../../lib/schema/description.js';
import type { CollectMode, RowCodec } from '../../lib/schema/row-codec.js';
import type { Stored } from '../../lib/schema/stored-value.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';
import { verifyRow } from '../../lib/schema/verify.js';
import { schemaWith } from './schema-arbitrary.js';

class Point {
  declare x: number;
  declare label: string | null;
  declare extra?: unknown;
}
Column('int')(Point.prototype, 'x');
Column({ type: 'string', nullable: true })(Point.prototype, 'label');

class Chain {
  declare next: Chain | null;
}
Column({ type: () => Chain, nullable: true })(Chain.prototype, 'next');

class Tree {
  declare children: Tree[];
}
Column({ items: () => Tree })(Tree.prototype, 'children');

function point(x: number, label: string | null): Point {
  return Object.assign(Object.create(Point.prototype) as Point, { x, label });
}

const DAY_MS = 86_400_000;
const UUID = '123e4567-e89b-12d3-a456-426614174000';
const nested: ColumnOptions = { type: () => Point };
const chain: ColumnOptions = { type: () => Chain, nullable: true };

/** What a column of these options takes, the bytes that it becomes, and what comes back where that differs. */
const WRITTEN: readonly (readonly [
  title: string,
  options: ColumnOptions,
  ...cases: (readonly [given: unknown, bytes: string, got?: unknown])[],
])[] = [
  ['boolean', { type: 'boolean' }, [true, '01'], [false, '00']],
  [
    'int',
    { type: 'int' },
    [0, '00'],
    [-0, '00', 0],
    [-1, '01'],
    [1, '02'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [-65, '8101'],
    [2147483647, 'feffffff0f'],
    [-2147483648, 'ffffffff0f'],
  ],
  [
    'long as a number',
    { type: 'long' },
    [-0, '00', 0],
    [2147483648, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
    [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
  ],
  [
    'long as a bigint',
    { type: 'long', as: 'bigint' },
    [0n, '00'],
    [-1n, '01'],
    [2n ** 63n - 1n, 'feffffffffffffffff01'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ],
  [
    'float',
    { type: 'float' },
    [1.5, '0000c03f'],
    [0, '00000000'],
    [-0, '00000080'],
    [0.1, 'cdcccc3d', Math.fround(0.1)],
    [3.4028234663852886e38, 'ffff7f7f'],
    [Number.POSITIVE_INFINITY, '0000807f'],
    [Number.NaN, '0000c07f'],
  ],
  [
    'double',
    { type: 'double' },
    [1.5, '000000000000f83f'],
    [0, '0000000000000000'],
    [-0, '0000000000000080'],
    [0.1, '9a9999999999b93f'],
    [Number.NEGATIVE_INFINITY, '000000000000f0ff'],
    [Number.NaN, '000000000000f87f'],
  ],
  [
    'bytes',
    { type: 'bytes' },
    [Uint8Array.of(), '00'],
    [Uint8Array.of(1, 2, 255), '060102ff'],
    [Buffer.of(9), '0209', Uint8Array.of(9)],
    [new Uint8Array(64).fill(7), `8001${'07'.repeat(64)}`],
  ],
  [
    'string',
    { type: 'string' },
    ['', '00'],
    ['foo', '06666f6f'],
    ['\0', '0200'],
    ['é', '04c3a9'],
    ['€', '06e282ac'],
    ['🦊', '08f09fa68a'],
    ['x'.repeat(63), `7e${'78'.repeat(63)}`],
    ['x'.repeat(64), `8001${'78'.repeat(64)}`],
  ],
  [
    'date',
    { type: 'date' },
    [new Date(0), '00'],
    [new Date(DAY_MS), '02'],
    [new Date(-DAY_MS), '01'],
    [new Date('2024-02-29T00:00:00Z'), '8cb502'],
    [new Date(8.64e15), '8084af5f'],
  ],
  ['timestamp-millis', { type: 'timestamp-millis' }, [new Date(1), '02'], [new Date(-1), '01'], [new Date(8.64e15), '8080e0ad9882d91e']],
  ['timestamp-millis as a number', { type: 'timestamp-millis', as: 'number' }, [-0, '00', 0], [-1, '01']],
  ['timestamp-micros', { type: 'timestamp-micros' }, [new Date(1), 'd00f'], [new Date(-1), 'cf0f']],
  ['timestamp-micros as a number', { type: 'timestamp-micros', as: 'number' }, [1, '02']],
  ['timestamp-micros as a bigint', { type: 'timestamp-micros', as: 'bigint' }, [-(2n ** 63n), 'ffffffffffffffffff01']],
  [
    'uuid',
    { type: 'uuid' },
    [UUID, `48${Buffer.from(UUID).toString('hex')}`],
    [UUID.toUpperCase(), `48${Buffer.from(UUID).toString('hex')}`, UUID],
  ],
  [
    'decimal',
    { type: 'decimal', precision: 6, scale: 2 },
    ['0.00', '0200'],
    ['-0', '0200', '0.00'],
    ['1', '0264', '1.00'],
    ['1.28', '040080'],
    ['-1.28', '0280'],
    ['-1.29', '04ff7f'],
    ['+007.5', '0402ee', '7.50'],
    ['-0.01', '02ff'],
    ['9999.99', '060f423f'],
    ['-9999.99', '06f0bdc1'],
  ],
  ['decimal without a fraction', { type: 'decimal', precision: 3, scale: 0 }, ['999', '0403e7'], ['-5', '02fb']],
  ['decimal as a bigint', { type: 'decimal', precision: 3, as: 'bigint' }, [0n, '0200'], [-999n, '04fc19']],
  ['enum', { enum: ['a', 'b', 'c'] }, ['a', '00'], ['c', '04']],
  ['array', { items: 'int' }, [[], '00'], [[1, 2, 3], '0602040600']],
  ['array of nullable items', { items: { type: 'int', nullable: true } }, [[1, null], '0402020000']],
  ['array of arrays', { items: { items: 'int' } }, [[[1], []], '040202000000']],
  ['map', { values: 'int' }, [{}, '00'], [{ a: 1, '': -1 }, '04026102000100']],
  [
    'Map',
    { values: 'int', as: 'map' },
    [new Map(), '00'],
    [
      new Map([
        ['b', 1],
        ['1', 2],
      ]),
      '0402620202310400',
    ],
  ],
  ['record', nested, [{ x: 1, label: 'a' }, '02020261', point(1, 'a')], [{ x: 1 }, '0200', point(1, null)], [point(-1, null), '0100']],
  ['array of records', { items: () => Point }, [[{ x: 1 }], '02020000', [point(1, null)]]],
  ['nullable column', { type: 'string', nullable: true }, [null, '00'], [undefined, '00', null], ['a', '020261']],
  [
    'nullable record',
    chain,
    [null, '00'],
    [
      { next: { next: null } },
      '020200',
      Object.assign(Object.create(Chain.prototype), { next: Object.assign(Object.create(Chain.prototype), { next: null }) }),
    ],
  ],
];

const SECRET = 'geheim4711';

/** What a column of these options refuses, and why. */
const REFUSED: readonly (readonly [title: string, options: ColumnOptions, ...cases: (readonly [reason: RegExp, ...given: unknown[]])[]])[] =
  [
    ['boolean', { type: 'boolean' }, [/expected a boolean, got/, 0, 1, SECRET, [], Object(true)], [/not nullable/, null]],
    [
      'int',
      { type: 'int' },
      [/expected a number, got/, SECRET, 4711n, true, [], Object(1)],
      [/not an integer of 32 bits/, 4711.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31) - 1],
      [/not nullable/, null],
    ],
    [
      'long as a number',
      { type: 'long' },
      [/expected a number, got/, SECRET, 4711n],
      [/not a safe integer/, 4711.5, Number.NaN, 2 ** 53, -(2 ** 53)],
      [/not nullable/, null],
    ],
    [
      'long as a bigint',
      { type: 'long', as: 'bigint' },
      [/expected a bigint, got/, SECRET, 4711],
      [/beyond 64 bits/, 2n ** 63n, -(2n ** 63n) - 1n, 10n ** 40n],
      [/not nullable/, null],
    ],
    [
      'float',
      { type: 'float' },
      [/expected a number, got/, SECRET, 4711n],
      [/beyond the range/, 3.5e38, -3.5e38, Number.MAX_VALUE],
      [/not nullable/, null],
    ],
    ['double', { type: 'double' }, [/expected a number, got/, SECRET, 4711n, new Date()], [/not nullable/, null]],
    [
      'bytes',
      { type: 'bytes' },
      [/expected a Uint8Array, got/, SECRET, [4711], new ArrayBuffer(2), Uint16Array.of(4711), new DataView(new ArrayBuffer(1))],
      [/not nullable/, null],
    ],
    [
      'string',
      { type: 'string' },
      [/expected a string, got/, 4711, Object(SECRET), [SECRET]],
      [/lone surrogate/, `${SECRET}\ud83e`, '\udd8a', 'a\udd8a\ud83eb'],
      [/not nullable/, null],
    ],
    [
      'date',
      { type: 'date' },
      [/expected a Date, got/, 4711, '2024-01-01', SECRET],
      [/invalid Date/, new Date(Number.NaN), new Date(SECRET)],
      [/time of day/, new Date(1), new Date(DAY_MS / 2), new Date(DAY_MS + 1), new Date(-1)],
      [/not nullable/, null],
    ],
    [
      'timestamp-millis',
      { type: 'timestamp-millis' },
      [/expected a Date, got/, 4711, SECRET],
      [/invalid Date/, new Date(8.64e15 + 1)],
      [/not nullable/, null],
    ],
    [
      'timestamp-millis as a number',
      { type: 'timestamp-millis', as: 'number' },
      [/expected a number, got/, new Date(), 4711n],
      [/not a safe integer/, 4711.5, Number.NaN, 2 ** 53],
    ],
    ['timestamp-micros', { type: 'timestamp-micros' }, [/expected a Date, got/, 4711n, SECRET], [/invalid Date/, new Date(Number.NaN)]],
    [
      'timestamp-micros as a number',
      { type: 'timestamp-micros', as: 'number' },
      [/expected a number, got/, 4711n],
      [/not a safe integer/, 2 ** 53],
    ],
    [
      'timestamp-micros as a bigint',
      { type: 'timestamp-micros', as: 'bigint' },
      [/expected a bigint, got/, 4711, new Date()],
      [/beyond 64 bits/, 2n ** 63n],
    ],
    [
      'uuid',
      { type: 'uuid' },
      [/expected a string, got/, 4711],
      [/not a uuid/, '', SECRET, UUID.replaceAll('-', ''), `{${UUID}}`, `${UUID}\n`, ` ${UUID}`, UUID.replace('1', 'g')],
      [/not nullable/, null],
    ],
    [
      'decimal',
      { type: 'decimal', precision: 6, scale: 2 },
      [/expected a string such as/, 4711, 4711n, Object('1')],
      [/not a decimal number/, '', SECRET, '.5', '5.', '1e3', ' 1', '1\n', '1,5', 'NaN', '--1', '0x10', '١'],
      [/more than 2 digits behind the point/, '1.234', '1.000'],
      [/more than 6 digits/, '10000', '-10000.00', '9'.repeat(1000)],
      [/too long/, '0'.repeat(1101)],
      [/not nullable/, null],
    ],
    [
      'decimal as a bigint',
      { type: 'decimal', precision: 3, as: 'bigint' },
      [/expected a bigint, got/, '4711', 4711],
      [/more than 3 digits/, 1000n, -1000n],
    ],
    ['enum', { enum: ['a', 'b'] }, [/not one of the symbols a, b/, 'A', '', 0, SECRET, 'toString', ['a']], [/not nullable/, null]],
    [
      'array',
      { items: 'int' },
      [/expected an array, got/, SECRET, {}, new Set([1]), Int32Array.of(1), { length: 0 }],
      [/^\[1\]: expected a number/, [1, SECRET]],
      [/^\[0\]: .*not nullable/, [null]],
      [/^\[0\]: /, Array(2)],
      [/not nullable/, null],
    ],
    ['array of arrays', { items: { items: 'int' } }, [/^\[1\]\[0\]: expected a number, got string/, [[], [SECRET]]]],
    [
      'map',
      { values: 'int' },
      [/expected an object, got/, SECRET, 4711, [1]],
      [/^an entry of the map: expected a number/, { a: 1, b: SECRET }],
      [/^a map's key: .*lone surrogate/, { '\ud800': 1 }],
      [/entry of the map: .*not nullable/, { a: null }],
      [/not nullable/, null],
    ],
    [
      'Map',
      { values: 'int', as: 'map' },
      [/expected a Map, got/, SECRET, {}, [['a', 1]]],
      [/^a map's key: expected a string/, new Map([[4711, 1]])],
      [/^a map's key: .*lone surrogate/, new Map([['\ud800', 1]])],
      [/entry of the map: /, new Map([['a', SECRET]])],
    ],
    [
      'record',
      nested,
      [/expected an object, got/, SECRET, 4711, [1], () => 1],
      [/an unknown property/, { x: 1, label: 'a', [SECRET]: 1 }, JSON.parse('{"x":1,"__proto__":{"label":"a"}}')],
      [/^\.x: expected a number, got string/, { x: SECRET }],
      [/^\.x: missing/, {}, { label: 'a' }, { x: undefined }, Object.create(Point.prototype)],
      [/^\.label: expected a string/, { x: 1, label: 4711 }],
      [/not nullable/, null],
    ],
    ['record that is not there', { type: () => Chain }, [/^\.next\.next: expected an object, got number/, { next: { next: 4711 } }]],
  ];

/** What a codec does, whichever it is: the same suite runs on both, and on the one that is left without code generation. */
export function codecBehaves(name: string, make: (schema: TableSchema) => RowCodec): void {
  const collect = (schema: TableSchema, row: unknown, mode: CollectMode = 'insert'): Stored[] => {
    const values: Stored[] = [];
    make(schema).collect(row as object, values, mode);
    return values;
  };
  const refused = (schema: TableSchema, row: unknown, mode: CollectMode = 'insert'): ValidationError => {
    try {
      collect(schema, row, mode);
    } catch (error) {
      if (error instanceof ValidationError) return error;
      throw error;
    }
    throw new Error('the row was not refused');
  };
  const encode = (schema: TableSchema, row: object): Buffer => {
    const buffer = Buffer.alloc(4096);
    return buffer.subarray(0, make(schema).encode(collect(schema, row), buffer, 0));
  };
  const roundTrip = (schema: TableSchema, row: object): Record<string, unknown> => {
    const bytes = encode(schema, row);
    verifyRow(schema.columns, bytes, 0, bytes.length);
    return make(schema).decode(bytes, 0) as Record<string, unknown>;
  };

  describe(`${name}: bytes`, () => {
    it.each(WRITTEN)('writes a %s as Avro does, and reads it back', (_, options, ...cases) => {
      const schema = schemaWith({ value: options });
      for (const [given, bytes, got = given] of cases) {
        expect(encode(schema, { id: 1, value: given }).toString('hex')).toBe(`02${bytes}`);
        const row = roundTrip(schema, { id: 1, value: given });
        expect(row).toBeInstanceOf(schema.ctor);
        expect({ ...row }).toStrictEqual({ id: 1, value: got });
      }
    });

    it('writes columns in the order of their declaration, one after the other', () => {
      const schema = schemaWith({ b: { type: 'string' }, a: { type: 'int', nullable: true }, c: { type: 'boolean' } });
      expect(encode(schema, { c: true, a: 5, b: 'x', id: -1 }).toString('hex')).toBe('01' + '0278' + '020a' + '01');
      expect(Object.keys(roundTrip(schema, { c: true, a: 5, b: 'x', id: -1 }))).toEqual(['id', 'b', 'a', 'c']);
    });

    it('reads single columns in their stored form, and says where they begin', () => {
      const schema = schemaWith({ text: { type: 'string' }, kind: { enum: ['a', 'b'] }, price: { type: 'decimal' }, at: { type: 'date' } });
      const bytes = encode(schema, { id: 7, text: 'abc', kind: 'b', price: '1.50', at: new Date(3 * DAY_MS) });
      const codec = make(schema);
      expect([0, 1, 2, 3, 4].map((column) => codec.read(column, bytes, 0))).toEqual([7, 'abc', 1, 150n, 3]);
      expect([0, 1, 2, 3, 4].map((column) => codec.locate(column, bytes, 0))).toEqual([0, 1, 5, 6, 9]);
    });
  });

  describe(`${name}: rows`, () => {
    it('are the caller’s own, down to the last object', () => {
      const schema = schemaWith({
        bytes: { type: 'bytes' },
        at: { type: 'timestamp-millis' },
        list: { items: nested },
        map: { values: { items: 'int' } },
      });
      const buffer = encode(schema, { id: 1, bytes: Uint8Array.of(1), at: new Date(1), list: [{ x: 1 }], map: { a: [1] } });
      const codec = make(schema);
      const first = codec.decode(buffer, 0) as { bytes: Uint8Array; at: Date; list: Point[]; map: { a: number[] } };
      const second = structuredClone({ ...codec.decode(buffer, 0) });
      first.bytes[0] = 9;
      first.at.setTime(9);
      (first.list[0] as Point).x = 9;
      first.map.a[0] = 9;
      buffer.fill(0, 1);
      expect(first.bytes).toEqual(Uint8Array.of(9));
      expect(second).toMatchObject({ bytes: Uint8Array.of(1), at: new Date(1), list: [{ x: 1 }], map: { a: [1] } });
    });

    it('are made without calling the class, and have its methods', () => {
      class Strict {
        declare id: number;
        constructor() {
          throw new Error('never called');
        }
        twice(): number {
          return this.id * 2;
        }
      }
      Column('int')(Strict.prototype, 'id');
      PrimaryKey()(Strict.prototype, 'id');
      Table()(Strict);
      const row = roundTrip(buildSchema(Strict), { id: 21 }) as unknown as Strict;
      expect(row.twice()).toBe(42);
      expect(Object.getPrototypeOf(row)).toBe(Strict.prototype);
      expect(row.constructor).toBe(Strict);
      expect(Object.getOwnPropertyDescriptors(row)).toEqual({ id: { value: 21, writable: true, enumerable: true, configurable: true } });
    });

    it('may hold `__proto__` as a map’s key, which touches no prototype', () => {
      const schema = schemaWith({ object: { values: 'string' }, map: { values: 'string', as: 'map' } });
      const row = roundTrip(schema, { id: 1, object: JSON.parse('{"a":"b","__proto__":"c"}'), map: new Map([['__proto__', 'd']]) });
      const object = row.object as Record<string, unknown>;
      expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
      expect(Object.entries(object)).toEqual([
        ['a', 'b'],
        ['__proto__', 'c'],
      ]);
      expect([...(row.map as Map<string, string>)]).toEqual([['__proto__', 'd']]);
      expect(({} as Record<string, unknown>).c).toBeUndefined();
      expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    });
  });

  describe(`${name}: what a row may be`, () => {
    const schema = schemaWith({ value: { type: 'string' }, note: { type: 'string', nullable: true } });
    const Sample = schema.ctor as unknown as { prototype: object };

    it('is a plain object, a frozen one, one without a prototype, or one that inherits its values', () => {
      const plain = { id: 1, value: 'a' };
      const rows = [plain, Object.freeze({ ...plain }), Object.assign(Object.create(null), plain), Object.create(plain)];
      for (const row of rows) expect(collect(schema, row)).toEqual([1, 'a', null]);
    });

    it('is an instance, whose properties that are no columns are not stored', () => {
      class Derived extends (schema.ctor as unknown as new () => object) {
        id = 1;
        value = 'a';
        secret = 'b';
      }
      const instance = Object.assign(Object.create(Sample.prototype), { id: 1, value: 'a', secret: 'b' });
      for (const row of [instance, new Derived()]) expect({ ...roundTrip(schema, row) }).toEqual({ id: 1, value: 'a', note: null });
      const holder = schemaWith({ value: nested });
      const row = roundTrip(holder, { id: 1, value: Object.assign(point(1, 'a'), { extra: 1 }) });
      expect({ ...(row.value as Point) }).toEqual({ x: 1, label: 'a' });
    });

    it('may have properties of symbols, hidden ones and inherited ones, which are not stored', () => {
      const row = Object.assign(Object.create({ inherited: 1 }), { id: 1, value: 'a', [Symbol('s')]: 1 });
      Object.defineProperty(row, 'hidden', { value: 1, enumerable: false });
      expect(collect(schema, row)).toEqual([1, 'a', null]);
    });

    it('has no properties that are no columns', () => {
      for (const [row, column] of [
        [{ id: 1, value: 'a', valeu: 'b' }, 'valeu'],
        [{ id: 1, value: 'a', 0: 'b' }, '0'],
        [{ id: 1, value: 'a', constructor: 'b' }, 'constructor'],
        [JSON.parse('{"id":1,"value":"a","__proto__":{"note":"b"}}'), '__proto__'],
      ] as const) {
        for (const mode of ['insert', 'replace'] as const) {
          expect(refused(schema, row, mode)).toMatchObject({ table: 'sample', column, reason: 'no such column', code: 'WT_VALIDATION' });
        }
      }
      expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    });

    it('is an object', () => {
      for (const row of [undefined, null, 1, 'row', true, 1n, Symbol('s'), [], [1], () => 1]) {
        expect(() => collect(schema, row)).toThrow(new TypeError('sample: a row is an object'));
      }
    });

    it('is read once: every getter, element and entry', () => {
      const reads: string[] = [];
      const spied = <T extends object>(path: string, target: T): T =>
        new Proxy(target, {
          get(of, key, receiver) {
            if (typeof key === 'string') reads.push(`${path}.${key}`);
            return Reflect.get(of, key, receiver);
          },
        });
      const wide = schemaWith({ value: nested, list: { items: 'int' }, map: { values: 'int' }, note: { type: 'string', nullable: true } });
      const row = {
        id: 1,
        value: spied('value', { x: 1, label: 'a' }),
        list: spied('list', [5, 6]),
        map: spied('map', { a: 1, b: 2 }),
        note: 'x',
      };
      expect(collect(wide, spied('row', row))).toEqual([1, [1, 'a'], [5, 6], ['a', 1, 'b', 2], 'x']);
      expect(reads.sort()).toEqual(
        [
          ...['id', 'value', 'list', 'map', 'note'].map((key) => `row.${key}`),
          ...['value.x', 'value.label', 'list.length', 'list.0', 'list.1', 'map.a', 'map.b'],
        ].sort(),
      );
    });

    it('lets what a getter throws pass as it is', () => {
      const thrown = new RangeError('mine');
      const row = {
        id: 1,
        get value(): string {
          throw thrown;
        },
      };
      expect(() => collect(schema, row)).toThrow(thrown);
    });
  });

  describe(`${name}: what a column takes`, () => {
    it.each(REFUSED)('refuses what is no %s, and never repeats the value', (_, options, ...cases) => {
      const schema = schemaWith({ value: options });
      for (const [reason, ...values] of cases) {
        for (const value of values) {
          for (const mode of ['insert', 'replace'] as const) {
            const error = refused(schema, { id: 1, value }, mode);
            expect(error).toMatchObject({ code: 'WT_VALIDATION', table: 'sample', column: 'value', row: undefined });
            expect(error.reason).toMatch(reason);
            expect(error.message).not.toMatch(/geheim|4711/);
          }
        }
      }
    });

    it.each(WRITTEN.filter(([, options]) => !options.nullable))('refuses a %s that is missing', (_, options) => {
      const schema = schemaWith({ value: options });
      for (const row of [{ id: 1 }, { id: 1, value: undefined }]) {
        expect(refused(schema, row).reason).toBe('missing, and the column is neither nullable nor has a default');
        expect(refused(schema, row, 'replace').reason).toBe('missing; the whole row is written');
      }
    });

    it('takes a value of the class itself, whatever a subclass says of it', () => {
      class LateDate extends Date {
        override getTime(): number {
          return 5;
        }
        override valueOf(): number {
          return 5;
        }
      }
      class OtherBytes extends Uint8Array {
        static get [Symbol.species](): Uint8ArrayConstructor {
          return class extends Uint8Array {
            override get length(): number {
              return 1;
            }
          } as unknown as Uint8ArrayConstructor;
        }
        override get length(): number {
          return 99;
        }
      }
      class OtherMap extends Map<string, number> {
        override *entries(): MapIterator<[string, number]> {
          yield ['twice', 1];
          yield ['twice', 2];
        }
        override [Symbol.iterator](): MapIterator<[string, number]> {
          return this.entries();
        }
      }
      const schema = schemaWith({ at: { type: 'timestamp-millis' }, bytes: { type: 'bytes' }, map: { values: 'int', as: 'map' } });
      const row = roundTrip(schema, { id: 1, at: new LateDate(7), bytes: OtherBytes.of(1, 2, 3), map: new OtherMap([['a', 1]]) });
      expect({ ...row }).toStrictEqual({ id: 1, at: new Date(7), bytes: Uint8Array.of(1, 2, 3), map: new Map([['a', 1]]) });
    });

    it('says what to write where the type of a nullable column was taken for granted', () => {
      class Loose {}
      Reflect.defineMetadata('design:type', Object, Loose.prototype, 'score');
      Column({ nullable: true })(Loose.prototype, 'score');
      Column('int')(Loose.prototype, 'id');
      PrimaryKey()(Loose.prototype, 'id');
      Table()(Loose);
      const schema = buildSchema(Loose);
      expect(collect(schema, { id: 1, score: 'text' })).toEqual(['text', 1]);
      expect(refused(schema, { id: 1, score: 5 }).reason).toMatch(
        /expected a string, got number; .*name the type, as in @Column\('double'/,
      );
    });
  });

  describe(`${name}: depth`, () => {
    const nest = (levels: number): Chain | null => (levels === 0 ? null : ({ next: nest(levels - 1) } as Chain));
    const branch = (levels: number): Tree => ({ children: levels === 0 ? [] : [branch(levels - 1)] }) as Tree;

    it('takes 64 levels of nested records, and no more', () => {
      const schema = schemaWith({ value: chain });
      const row = roundTrip(schema, { id: 1, value: nest(64) });
      let levels = 0;
      for (let at = row.value as Chain | null; at !== null; at = at.next) levels++;
      expect(levels).toBe(64);
      expect(refused(schema, { id: 1, value: nest(65) }).reason).toMatch(/nested deeper than 64 levels, or cyclic$/);
    });

    it('counts arrays and maps as levels', () => {
      const schema = schemaWith({ value: { type: () => Tree } });
      expect(() => roundTrip(schema, { id: 1, value: branch(31) })).not.toThrow();
      expect(refused(schema, { id: 1, value: branch(32) }).reason).toMatch(/nested deeper than 64/);
      const list = schemaWith({ value: { items: () => Tree } });
      expect(() => roundTrip(list, { id: 1, value: [branch(30)] })).not.toThrow();
      expect(refused(list, { id: 1, value: [branch(31)] }).reason).toMatch(/nested deeper than 64/);
      class Dictionary {}
      Column({ values: () => Dictionary })(Dictionary.prototype, 'words');
      const words = (levels: number): object => ({ words: levels === 0 ? {} : { a: words(levels - 1) } });
      const map = schemaWith({ value: { type: () => Dictionary } });
      expect(() => roundTrip(map, { id: 1, value: words(31) })).not.toThrow();
      expect(refused(map, { id: 1, value: words(32) }).reason).toMatch(/nested deeper than 64/);
    });

    it('refuses what contains itself', () => {
      const ring = {} as { next: unknown };
      ring.next = ring;
      expect(refused(schemaWith({ value: chain }), { id: 1, value: ring }).reason).toMatch(/cyclic/);
      const tree = { children: [] as unknown[] };
      tree.children.push({ children: [] }, tree);
      expect(refused(schemaWith({ value: { type: () => Tree } }), { id: 1, value: tree }).reason).toMatch(/cyclic/);
    });
  });

  describe(`${name}: what is left out`, () => {
    it('is the default in an insert: a constant, or what a function makes, once a row', () => {
      let made = 0;
      const schema = schemaWith({
        constant: { type: 'string', default: 'free' },
        list: { items: 'int', default: [1, 2] },
        made: { type: 'int', default: () => ++made },
        both: { type: 'string', nullable: true, default: 'some' },
      });
      expect(collect(schema, { id: 1 })).toEqual([1, 'free', [1, 2], 1, 'some']);
      expect(collect(schema, { id: 1, constant: 'x', made: 9, both: null })).toEqual([1, 'x', [1, 2], 9, null]);
      expect(collect(schema, { id: 1, constant: undefined, both: undefined })).toEqual([1, 'free', [1, 2], 2, 'some']);
      expect(made).toBe(2);
    });

    it('is refused where a default is no value of the column', () => {
      const schema = schemaWith({ made: { type: 'int', default: () => SECRET } });
      expect(refused(schema, { id: 1 })).toMatchObject({ column: 'made', reason: 'the default: expected a number, got string' });
    });

    it('is a nested record’s default too', () => {
      class Inner {}
      Column({ type: 'int', default: 7 })(Inner.prototype, 'count');
      expect(collect(schemaWith({ value: { type: () => Inner } }), { id: 1, value: {} })).toEqual([1, [7]]);
    });

    it('is null or refused where the whole row is written, whatever the default', () => {
      const schema = schemaWith({ a: { type: 'int', nullable: true, default: 1 }, b: { type: 'int', default: 1 } });
      expect(collect(schema, { id: 1, b: 2 }, 'replace')).toEqual([1, null, 2]);
      expect(refused(schema, { id: 1 }, 'replace')).toMatchObject({ column: 'b', reason: 'missing; the whole row is written' });
    });

    it('is the key, where the table makes it', () => {
      const keyed = (options: Parameters<typeof PrimaryKey>[0]): TableSchema => {
        class Keyed {}
        Column('long')(Keyed.prototype, 'id');
        PrimaryKey(options)(Keyed.prototype, 'id');
        Table()(Keyed as EntityClass);
        return buildSchema(Keyed);
      };
      for (const schema of [keyed('autoincrement'), keyed({ generate: () => 1 })]) {
        expect(collect(schema, {})).toEqual([undefined]);
        expect(collect(schema, { id: 5 })).toEqual([5]);
        expect(refused(schema, { id: null }).reason).toMatch(/not nullable/);
        expect(refused(schema, {}, 'replace').reason).toMatch(/missing/);
      }
      expect(refused(keyed({}), {}).reason).toMatch(/missing/);
    });
  });
}
