import { describe, expect, it } from '@jest/globals';
import type { Type } from 'avsc';
import fc from 'fast-check';
import { Column } from '../../decorators/column.js';
import { crc64Avro } from '../../lib/bytes/crc64-avro.js';
import { type AvroSchema, avscType as avscTypeOf, canonicalForm, schemaFingerprint } from '../../lib/schema/avro-schema.js';
import type { ColumnOptions } from '../../lib/schema/description.js';
import { schemaOf, schemaWith, tableSpec } from '../support/schema-arbitrary.js';

/** All of avsc's type, where the library promises less. */
const avscType = (schema: AvroSchema): Type => avscTypeOf(schema) as unknown as Type;

class Address {}
Column('string')(Address.prototype, 'city');
Column({ enum: ['home', 'work'] })(Address.prototype, 'kind');
Column({ type: () => Address, nullable: true })(Address.prototype, 'former');

/** What each rule of the specification's Parsing Canonical Form makes of a schema. */
const RULES: readonly (readonly [rule: string, schema: unknown, canonical: string])[] = [
  ['a primitive in an object is its name', { type: 'long' }, '"long"'],
  ['a union keeps its order', ['null', { type: 'string' }], '["null","string"]'],
  [
    'a name is qualified by its namespace',
    { type: 'record', name: 'city', namespace: 'atlas.v2', fields: [] },
    '{"name":"atlas.v2.city","type":"record","fields":[]}',
  ],
  [
    'a full name wins over a namespace',
    { type: 'record', namespace: 'ignored', name: 'atlas.city', fields: [] },
    '{"name":"atlas.city","type":"record","fields":[]}',
  ],
  [
    'a namespace reaches the types within',
    { type: 'record', name: 'atlas.city', fields: [{ name: 'kind', type: { type: 'enum', name: 'kind', symbols: ['town'] } }] },
    '{"name":"atlas.city","type":"record","fields":[{"name":"kind","type":{"name":"atlas.kind","type":"enum","symbols":["town"]}}]}',
  ],
  [
    'documentation, defaults, order, aliases and logical types go',
    {
      doc: 'a place',
      aliases: ['town'],
      type: 'record',
      name: 'city',
      fields: [{ order: 'ignore', default: 0, doc: 'when', type: { logicalType: 'date', type: 'int' }, name: 'founded' }],
    },
    '{"name":"city","type":"record","fields":[{"name":"founded","type":"int"}]}',
  ],
  ['a fixed type keeps its size', { size: 16, type: 'fixed', name: 'digest' }, '{"name":"digest","type":"fixed","size":16}'],
  ['an array keeps its items', { items: { type: 'double' }, type: 'array' }, '{"type":"array","items":"double"}'],
  ['a map keeps its values', { values: ['null', 'bytes'], type: 'map' }, '{"type":"map","values":["null","bytes"]}'],
  [
    'a record within itself is its name',
    { name: 'node', type: 'record', fields: [{ name: 'next', type: ['null', 'node'] }] },
    '{"name":"node","type":"record","fields":[{"name":"next","type":["null","node"]}]}',
  ],
];

describe('canonicalForm', () => {
  it.each(RULES)('holds the rule that %s', (_rule, schema, canonical) => {
    expect(canonicalForm(schema as AvroSchema)).toBe(canonical);
    expect(canonicalForm(JSON.parse(canonical) as AvroSchema)).toBe(canonical);
  });

  it('has the fingerprints that Apache Avro publishes', () => {
    const foo = canonicalForm({ type: 'record', name: 'foo', fields: [{ name: 'f1', type: 'boolean' }] });
    expect([schemaFingerprint('"null"'), schemaFingerprint(foo)]).toEqual([7195948357588979594n, 7843277075252814651n]);
  });

  it('is avsc’s own of every table', () => {
    fc.assert(
      fc.property(tableSpec, (spec) => {
        const schema = schemaOf(spec);
        expect(JSON.stringify(avscType(schema.avro).schema())).toBe(schema.canonicalForm);
        expect(schema.fingerprint).toBe(crc64Avro(Buffer.from(schema.canonicalForm)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the Avro schema of a table', () => {
  it('names fields, logical types, nullable unions and nested types by their path', () => {
    const schema = schemaWith({
      at: { type: 'timestamp-micros' },
      day: { type: 'date', nullable: true },
      price: { type: 'decimal', precision: 9, scale: 3 },
      code: { type: 'uuid' },
      plan: { enum: ['free', 'paid'], default: 'free' },
      address: { type: () => Address, nullable: true },
      others: { items: { type: () => Address } },
      limits: { values: { type: 'long', nullable: true } },
    });
    const address = (path: string, name: string) => ({
      type: 'record',
      namespace: path,
      name,
      fields: [
        { name: 'city', type: 'string' },
        { name: 'kind', type: { type: 'enum', namespace: `${path}.${name}`, name: 'kind', symbols: ['home', 'work'] } },
        { name: 'former', type: ['null', `${path}.${name}`], default: null },
      ],
    });
    expect(schema.avro).toEqual({
      type: 'record',
      name: 'sample',
      fields: [
        { name: 'id', type: 'int' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }], default: null },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 } },
        { name: 'code', type: { type: 'string', logicalType: 'uuid' } },
        { name: 'plan', type: { type: 'enum', namespace: 'sample', name: 'plan', symbols: ['free', 'paid'] }, default: 'free' },
        { name: 'address', type: ['null', address('sample', 'address')], default: null },
        { name: 'others', type: { type: 'array', items: address('sample.others', 'item') } },
        { name: 'limits', type: { type: 'map', values: ['null', 'long'] } },
      ],
    });
    expect(schema.canonicalForm).toBe(
      [
        '{"name":"sample","type":"record","fields":[{"name":"id","type":"int"},{"name":"at","type":"long"},{"name":"day","type":["null","int"]},',
        '{"name":"price","type":"bytes"},{"name":"code","type":"string"},',
        '{"name":"plan","type":{"name":"sample.plan","type":"enum","symbols":["free","paid"]}},',
        '{"name":"address","type":["null",{"name":"sample.address","type":"record","fields":[{"name":"city","type":"string"},',
        '{"name":"kind","type":{"name":"sample.address.kind","type":"enum","symbols":["home","work"]}},{"name":"former","type":["null","sample.address"]}]}]},',
        '{"name":"others","type":{"type":"array","items":{"name":"sample.others.item","type":"record","fields":[{"name":"city","type":"string"},',
        '{"name":"kind","type":{"name":"sample.others.item.kind","type":"enum","symbols":["home","work"]}},{"name":"former","type":["null","sample.others.item"]}]}}},',
        '{"name":"limits","type":{"type":"map","values":["null","long"]}}]}',
      ].join(''),
    );
    expect(schema.fingerprint).toBe(6448736982456992459n);
  });

  it('keeps a fingerprint whatever the defaults, logical types and indexes', () => {
    const fingerprint = (value: ColumnOptions) => schemaWith({ value }).fingerprint;
    expect(new Set([fingerprint({ type: 'int' }), fingerprint({ type: 'int', default: 5 }), fingerprint({ type: 'date' })]).size).toBe(1);
    expect(new Set([fingerprint({ type: 'int' }), fingerprint({ type: 'int', nullable: true }), fingerprint({ type: 'long' })]).size).toBe(
      3,
    );
  });

  it('has the defaults that Avro has a form for, and avsc takes them', () => {
    const cases: readonly (readonly [ColumnOptions, unknown])[] = [
      [{ type: 'boolean', default: false }, false],
      [{ type: 'int', default: -5 }, -5],
      [{ type: 'long', default: 5 }, 5],
      [{ type: 'long', as: 'bigint', default: 5n }, undefined],
      [{ type: 'float', default: 0.5 }, 0.5],
      [{ type: 'double', default: Number.NaN }, undefined],
      [{ type: 'double', default: 0.1 }, 0.1],
      [{ type: 'string', default: 'é' }, 'é'],
      [{ type: 'string', default: () => 'é' }, undefined],
      [{ enum: ['a', 'b'], default: 'b' }, 'b'],
      [{ type: 'timestamp-millis', default: new Date(5) }, undefined],
      [{ type: 'timestamp-millis', as: 'number', default: 5 }, undefined],
      [{ type: 'uuid', default: '00000000-0000-4000-8000-000000000000' }, undefined],
      [{ type: 'bytes', default: Uint8Array.of(1) }, undefined],
      [{ items: 'int', default: [] }, undefined],
      [{ type: 'int', nullable: true, default: 5 }, null],
      [{ type: 'int', nullable: true }, null],
    ];
    for (const [options, expected] of cases) {
      const { avro } = schemaWith({ value: options });
      expect(avro.fields[1]?.default).toBe(expected);
      expect(avscType(avro).typeName).toBe('record');
    }
  });
});

describe('avscType', () => {
  it('reads and writes longs of all 64 bits, also of timestamps', () => {
    const schema = schemaWith({ long: { type: 'long' }, at: { type: 'timestamp-micros', nullable: true } });
    const type = avscType(schema.avro);
    for (const value of [-(2n ** 63n), -(2n ** 53n) - 1n, -(2n ** 52n) - 1n, 0n, 2n ** 63n - 1n]) {
      const row = { id: 1, long: value, at: value };
      expect({ ...(type.fromBuffer(type.toBuffer(row)) as object) }).toEqual(row);
    }
    expect(type.isValid({ id: 1, long: 2n ** 63n, at: null })).toBe(false);
    expect(type.isValid({ id: 1, long: 1, at: null })).toBe(false);
  });
});
