import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { QueryError } from '../../lib/errors.js';
import { isScalar } from '../../lib/schema/column-type.js';
import { CompiledCodec } from '../../lib/schema/compiled-codec.js';
import { InterpretedCodec } from '../../lib/schema/interpreted-codec.js';
import type { Stored } from '../../lib/schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../../lib/schema/table-schema.js';
import { createMatchers } from '../../lib/table/compiled-filter.js';
import { type Condition, createCondition, createMatcher, type Operator } from '../../lib/table/condition.js';
import { Random } from '../support/random.js';
import { type RowSample, rowSample } from '../support/row-arbitrary.js';
import { schemaOf, schemaWith, tableSpec } from '../support/schema-arbitrary.js';

const TABLES = Number(process.env.TABLES ?? 150);
const ROWS = 12;
const QUERIES = 80;
const OPERATORS: readonly Operator[] = ['=', '!=', '<', '<=', '>', '>=', 'in', 'between', 'startsWith', 'is'];
const ODD = [null, Number.NaN, -0, 0, 0.5, Number.POSITIVE_INFINITY, -2, '', 'x', '\ud83e', 2n ** 70n, -1n, new Uint8Array(), new Date(0)];
const MANY = 1_000_000;

const counted = { met: 0, failed: 0, operators: new Set<string>() };

/** Random conditions over rows of one table, most of them on values that are there. */
class Subject {
  private readonly codec: CompiledCodec;
  private readonly scalars: readonly ColumnSchema[];
  private readonly rows: readonly Buffer[];

  constructor(
    private readonly schema: TableSchema,
    private readonly samples: readonly RowSample[],
    private readonly random: Random,
  ) {
    this.codec = new CompiledCodec(schema);
    this.scalars = schema.columns.filter((column) => isScalar(column.type));
    this.rows = samples.map(({ given }) => {
      const values: Stored[] = [];
      this.codec.collect(given, values, 'replace');
      const buffer = Buffer.alloc(1 << 14, 0xa5);
      return Buffer.from(buffer.subarray(0, this.codec.encode(values, buffer, 3)));
    });
  }

  /** A value of the column, in the user's form; at times one that is odd, or of another type. */
  private value({ name }: ColumnSchema): unknown {
    const { random } = this;
    if (random.chance(0.15)) return random.pick(ODD);
    const value = (random.pick(this.samples).got as Record<string, unknown>)[name];
    if (typeof value === 'string' && random.chance(0.3)) return value.slice(0, random.below(value.length + 1));
    return typeof value === 'number' && random.chance(0.2) ? value + 0.5 : value;
  }

  private condition(): Condition | undefined {
    const { random } = this;
    const column = random.pick(this.scalars);
    const operator = random.pick(OPERATORS);
    const value = () => this.value(column);
    if (column.nullable && random.chance(0.05)) return { column, operator: '>', values: [null], text: 'what an aggregate asks for' };
    const list = operator === 'in' ? Array.from({ length: random.below(5) }, value) : [value(), value()];
    const given = operator === 'in' || operator === 'between' ? list : operator === 'is' ? null : list[0];
    try {
      return createCondition(this.schema, column.name, operator, given);
    } catch (error) {
      if (error instanceof QueryError) return undefined;
      throw error;
    }
  }

  holds(): void {
    if (this.scalars.length === 0) return;
    const { random, codec, schema } = this;
    for (let query = 0; query < QUERIES; query++) {
      const drawn = Array.from({ length: 1 + random.below(4) }, () => this.condition());
      const conditions = drawn.filter((condition) => condition !== undefined);
      if (conditions.length === 0) continue;
      const [compiled, ...others] = createMatchers(conditions, codec, schema.columns, MANY);
      if (compiled === undefined || others.length > 0) throw new Error('one function tests all conditions');
      const each = conditions.map((condition) => createMatcher(condition, codec));
      for (const { column, operator } of conditions) counted.operators.add(`${column.type.kind} ${operator}`);
      for (const row of this.rows) {
        const expected = each.every((matches) => matches(row, 3));
        counted[expected ? 'met' : 'failed']++;
        if (compiled(row, 3) === expected) continue;
        const told = conditions.map(({ column, operator, values }) => `${column.type.kind} ${operator} ${fc.stringify(values)}`);
        throw new Error(`${told.join(' and ')}: ${expected ? 'met' : 'not met'}, for ${row.toString('hex', 3)}`);
      }
    }
  }
}

describe('createMatchers', () => {
  it('compiles tests that say what matchers of each condition say, for random conditions on random rows', () => {
    new Random().reported((random) => {
      const tables = tableSpec.chain((spec) => {
        const schema = schemaOf(spec);
        const rows = fc.array(rowSample(schema), { minLength: ROWS, maxLength: ROWS });
        return fc.record({ schema: fc.constant(schema).map(hidden), rows });
      });
      fc.assert(
        fc.property(tables, ({ schema, rows }) => new Subject(schema(), rows, random).holds()),
        { numRuns: TABLES, seed: random.word() | 0, endOnFailure: true },
      );
    });
    const scarce = Math.min(counted.met, counted.failed) / (counted.met + counted.failed);
    expect(scarce).toBeGreaterThan(0.05);
    // Thirteen types, each with eight operators at the least; text has one more.
    expect(counted.operators.size).toBeGreaterThan(13 * 8);
  }, 120_000);

  it('compiles nothing for few rows, until a shape has come often', () => {
    const schema = schemaWith({ score: { type: 'int' } });
    const codec = new CompiledCodec(schema);
    const conditions = [createCondition(schema, 'score', '>', 1), createCondition(schema, 'score', '<', 9)];
    const numbers = Array.from({ length: 100 }, () => createMatchers(conditions, codec, schema.columns, 10).length);
    expect(new Set(numbers.slice(0, 20))).toEqual(new Set([2]));
    expect(numbers.at(-1)).toBe(1);
  });

  it('keeps no more functions than a bound says', () => {
    const schema = schemaWith({ a: { type: 'int' }, b: { type: 'int' }, c: { type: 'int' }, d: { type: 'int' } });
    const codec = new CompiledCodec(schema);
    const buffer = Buffer.alloc(64);
    const row = { id: 1, a: 1, b: 2, c: 3, d: 4 };
    const values: Stored[] = [];
    codec.collect(row, values, 'replace');
    codec.encode(values, buffer, 0);
    const operators = ['=', '!=', '<', '<=', '>', '>='] as const;
    for (let n = 0; n < 6 ** 4; n++) {
      const conditions = ['a', 'b', 'c', 'd'].map((name, at) => {
        return createCondition(schema, name, operators[Math.floor(n / 6 ** at) % 6] as Operator, 2);
      });
      const [compiled] = createMatchers(conditions, codec, schema.columns, MANY);
      expect(compiled?.(buffer, 0)).toBe(conditions.every((condition) => createMatcher(condition, codec)(buffer, 0)));
    }
  });

  it('compiles nothing for a codec that is not compiled', () => {
    const schema = schemaWith({ score: { type: 'int' } });
    const conditions = [createCondition(schema, 'score', '>', 1), createCondition(schema, 'score', '<', 9)];
    expect(createMatchers(conditions, new InterpretedCodec(schema), schema.columns, MANY)).toHaveLength(2);
  });
});

/** In a failure's report the table is seen by its rows, not by its description. */
function hidden<T>(value: T): () => T {
  return Object.assign(() => value, { toString: () => 'schema' });
}
