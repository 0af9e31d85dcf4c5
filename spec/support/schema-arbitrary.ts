import fc from 'fast-check';
import { Column } from '../../decorators/column.js';
import { PrimaryKey } from '../../decorators/primary-key.js';
import { Table } from '../../decorators/table.js';
import { buildSchema } from '../../lib/schema/build-schema.js';
import type { EntityClass } from '../../lib/schema/column-type.js';
import type { ColumnOptions, TableOptions } from '../../lib/schema/description.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';

/**
 * Random tables. A table is described by plain data, which is what a failing test prints; its classes are made by
 * calling the decorators by hand, as a compiler's output does.
 */
export interface ColumnSpec {
  readonly options: Omit<ColumnOptions, 'items' | 'values'>;
  readonly items?: ColumnSpec;
  readonly values?: ColumnSpec;
  readonly fields?: RecordSpec;
}

export interface RecordSpec {
  readonly columns: Readonly<Record<string, ColumnSpec>>;
  /** How the record contains itself, where it does. */
  readonly self?: 'nullable' | 'items' | 'values' | undefined;
}

export interface TableSpec extends RecordSpec {
  readonly key: { readonly name: string; readonly column: ColumnSpec; readonly place: number };
}

/** Every scalar type in every form that a property can have. */
export const SCALARS: readonly ColumnOptions[] = [
  { type: 'boolean' },
  { type: 'int' },
  { type: 'long' },
  { type: 'long', as: 'bigint' },
  { type: 'float' },
  { type: 'double' },
  { type: 'bytes' },
  { type: 'string' },
  { type: 'date' },
  { type: 'timestamp-millis' },
  { type: 'timestamp-millis', as: 'number' },
  { type: 'timestamp-micros' },
  { type: 'timestamp-micros', as: 'number' },
  { type: 'timestamp-micros', as: 'bigint' },
  { type: 'uuid' },
  { type: 'decimal' },
  { type: 'decimal', as: 'bigint' },
  { type: 'decimal', precision: 1, scale: 0 },
  { type: 'decimal', precision: 9, scale: 9 },
  { type: 'decimal', precision: 45, scale: 20, as: 'bigint' },
  { enum: ['one'] },
  { enum: ['a', 'B', '_c', 'd4', 'string'] },
  { enum: Array.from({ length: 70 }, (_, at) => `symbol${at}`) },
];

/** Names that generated code might stumble over, among plain ones. */
const NAMES = ['a', 'b', 'c', 'B', '_', '__', 'v', 'p', 'row', 'values', 'buffer', 'cursor', 'columns', 'class', 'default', 'this', 'eval'];
const LONGEST_NAME = 'x'.repeat(63);

const name = fc.oneof(
  { arbitrary: fc.constantFrom(...NAMES, 'new', 'arguments', 'Row', 'prototypes', 'name', 'length', 'self', LONGEST_NAME), weight: 3 },
  {
    arbitrary: fc.stringMatching(/^[a-z][A-Za-z0-9_]{2,8}$/).map((text) => `n${text}`),
    weight: 2,
  },
);

const scalar: fc.Arbitrary<ColumnSpec> = fc.constantFrom(...SCALARS.map((options) => ({ options })));

function columnSpec(depth: number): fc.Arbitrary<ColumnSpec> {
  const nullable = fc.boolean().map((is) => (is ? { nullable: true } : {}));
  return fc.tuple(typeSpec(depth), nullable).map(([spec, more]) => ({ ...spec, options: { ...spec.options, ...more } }));
}

function typeSpec(depth: number): fc.Arbitrary<ColumnSpec> {
  if (depth === 0) return scalar;
  const inner = columnSpec(depth - 1);
  return fc.oneof(
    { arbitrary: scalar, weight: 6 },
    { arbitrary: inner.map((items) => ({ options: {}, items })), weight: 1 },
    { arbitrary: inner.map((values) => ({ options: { as: 'object' as const }, values })), weight: 1 },
    { arbitrary: inner.map((values) => ({ options: { as: 'map' as const }, values })), weight: 1 },
    { arbitrary: recordSpec(inner).map((fields) => ({ options: {}, fields })), weight: 1 },
  );
}

function recordSpec(column: fc.Arbitrary<ColumnSpec>): fc.Arbitrary<RecordSpec> {
  return fc.record({
    columns: fc.dictionary(
      name.filter((text) => text !== 'self'),
      column,
      { minKeys: 1, maxKeys: 3, noNullPrototype: true },
    ),
    self: fc.option(fc.constantFrom('nullable' as const, 'items' as const, 'values' as const), { nil: undefined, freq: 2 }),
  });
}

/** Tables of one to nine columns, nested up to three deep; the key stands anywhere among them. */
export const tableSpec: fc.Arbitrary<TableSpec> = fc.record({
  columns: fc.dictionary(name, columnSpec(3), { maxKeys: 8, noNullPrototype: true }),
  key: fc.record({ name: fc.constantFrom('id', 'key'), column: scalar, place: fc.nat({ max: 8 }) }),
});

export function schemaOf(spec: TableSpec, options: TableOptions = { name: 'random' }): TableSchema {
  class Row {}
  const columns = Object.entries(spec.columns);
  columns.splice(spec.key.place, 0, [spec.key.name, spec.key.column]);
  for (const [property, column] of columns) Column(optionsOf(column))(Row.prototype, property);
  PrimaryKey()(Row.prototype, spec.key.name);
  Table(options)(Row);
  return buildSchema(Row);
}

function optionsOf(spec: ColumnSpec): ColumnOptions {
  if (spec.items !== undefined) return { ...spec.options, items: optionsOf(spec.items) };
  if (spec.values !== undefined) return { ...spec.options, values: optionsOf(spec.values) };
  if (spec.fields === undefined) return spec.options;
  const nested = nestedClass(spec.fields);
  return { ...spec.options, type: () => nested };
}

function nestedClass({ columns, self }: RecordSpec): EntityClass {
  class Nested {}
  for (const [property, column] of Object.entries(columns)) Column(optionsOf(column))(Nested.prototype, property);
  const type = () => Nested;
  if (self === 'nullable') Column({ type, nullable: true })(Nested.prototype, 'self');
  else if (self === 'items') Column({ items: type })(Nested.prototype, 'self');
  else if (self === 'values') Column({ values: { type, nullable: true }, as: 'map' })(Nested.prototype, 'self');
  return Nested;
}

/** A table of an `int` key and these columns, by the decorators' words. */
export function schemaWith(columns: Readonly<Record<string, ColumnOptions>>, options: TableOptions = { name: 'sample' }): TableSchema {
  class Sample {}
  PrimaryKey()(Sample.prototype, 'id');
  Column('int')(Sample.prototype, 'id');
  for (const [property, column] of Object.entries(columns)) Column(column)(Sample.prototype, property);
  Table(options)(Sample);
  return buildSchema(Sample);
}
