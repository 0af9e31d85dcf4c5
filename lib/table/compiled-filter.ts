import { codeGenerationAllowed } from '../bytes/code-generation.js';
import { readDouble, readFloat } from '../bytes/floats.js';
import { readText, skipText } from '../bytes/text.js';
import { cursor, readInt, readLongBigInt } from '../bytes/varint.js';
import { LOCALS, readSource, skipSource } from '../schema/column-source.js';
import { readElement, skipElement } from '../schema/element-codec.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import { switches } from '../switches.js';
import { bytesOperand, type Condition, createMatcher, isComparedAsBytes, type Matcher, startsAt } from './condition.js';

/** Shapes of queries that functions are kept for, for the tables of one schema. */
const MOST_SHAPES = 64;
/** A function is made for a shape when it is to test so many rows, or comes so often: to make it takes 100 microseconds. */
const MANY_ROWS = 2000;
const MANY_TIMES = 50;

/** Makes a test of the operands of its conditions. */
type Maker = (operands: readonly unknown[]) => Matcher;

const filters = new WeakMap<RowCodec, Filters>();

/** Tests of a row for conditions of a query that looks at `rows` rows, roughly; all of them have to hold. */
export function createMatchers(
  conditions: readonly Condition[],
  codec: RowCodec,
  columns: readonly ColumnSchema[],
  rows: number,
): Matcher[] {
  if (conditions.length === 0) return [];
  const known = filters.get(codec) ?? new Filters(columns, codec);
  filters.set(codec, known);
  return known.matchers(conditions, rows);
}

/**
 * Tests of rows for the queries of tables of one schema. Conditions of one shape, which is their columns and operators, share one
 * function that is compiled for it: it walks a row as far as the last of the columns, once, and ends at the first
 * condition that does not hold. Where code may not be generated, and for shapes that are rare, each condition has a
 * matcher of its own; these say what the function has to find.
 */
class Filters {
  private readonly shapes = new Map<string, Maker | number>();
  private readonly compiles: boolean;

  constructor(
    private readonly columns: readonly ColumnSchema[],
    private readonly codec: RowCodec,
  ) {
    this.compiles = switches.compiledFilters && codec.compiled && codeGenerationAllowed();
  }

  matchers(conditions: readonly Condition[], rows: number): Matcher[] {
    const maker = this.compiles ? this.makerOf(conditions, rows) : undefined;
    if (maker === undefined) return conditions.map((condition) => createMatcher(condition, this.codec));
    return [maker(conditions.map(operandOf))];
  }

  private makerOf(conditions: readonly Condition[], rows: number): Maker | undefined {
    const shape = conditions.map(shapeOf).join();
    const found = this.shapes.get(shape) ?? 0;
    if (typeof found !== 'number') return found;
    if (this.shapes.size >= MOST_SHAPES) this.shapes.clear();
    const maker = rows >= MANY_ROWS || found >= MANY_TIMES ? compile(this.columns, conditions) : undefined;
    this.shapes.set(shape, maker ?? found + 1);
    return maker;
  }
}

function shapeOf({ column, operator, values }: Condition): string {
  return `${column.position}${operator}${values[0] === null ? 'null' : ''}`;
}

/** What the function gets of a condition. */
function operandOf(condition: Condition): unknown {
  const { column, operator, values } = condition;
  if (isComparedAsBytes(condition)) return bytesOperand(column, values[0]);
  if (operator === 'in') return column.type.kind === 'bytes' ? values.map((value) => bytesOperand(column, value)) : new Set(values);
  return operator === 'between' ? values : values[0];
}

const helpers = { Buffer, cursor, readDouble, readElement, readFloat, readInt, readLongBigInt, readText, skipElement, skipText, startsAt };

function compile(columns: readonly ColumnSchema[], conditions: readonly Condition[]): Maker {
  const steps: string[] = [];
  const last = Math.max(...conditions.map(({ column }) => column.position));
  for (const column of columns.slice(0, last + 1)) {
    const own = conditions.flatMap((condition, place) => (condition.column === column ? [{ condition, operand: `o${place}` }] : []));
    const byBytes = own.filter(({ condition }) => isByBytes(condition));
    const byValue = own.filter(({ condition }) => !isByBytes(condition));
    for (const { condition, operand } of byBytes) steps.push(`if (${bytesTest(condition, operand)}) return false;`);
    if (byValue.length > 0) steps.push(readSource(column, { text: 'readText(buffer, p, n)', hasView: false }));
    else if (column.position < last) steps.push(skipSource(column));
    for (const { condition, operand } of byValue) steps.push(`if (!(${valueTest(condition, operand)})) return false;`);
  }
  const operands = conditions.map((_condition, place) => `o${place}`).join(', ');
  const test = `function (buffer, p) { ${LOCALS} ${steps.join('\n')} return true; }`;
  const factory = new Function('columns', ...Object.keys(helpers), `'use strict'; return function ([${operands}]) { return ${test}; };`);
  return factory(columns, ...Object.values(helpers)) as Maker;
}

/** Whether a condition is tested on the bytes of its column, of which no value is made. */
function isByBytes(condition: Condition): boolean {
  return isComparedAsBytes(condition) || (condition.operator === 'in' && condition.column.type.kind === 'bytes');
}

/** An expression that is true of rows that do not meet the condition, at the column's first byte. */
function bytesTest({ operator }: Condition, operand: string): string {
  if (operator === 'in') return `!${operand}.some((one) => startsAt(buffer, p, one))`;
  return operator === '=' ? `!startsAt(buffer, p, ${operand})` : `startsAt(buffer, p, ${operand})`;
}

/** An expression that is true where the value `v` meets the condition. */
function valueTest({ column, operator, values }: Condition, operand: string): string {
  if (operator === 'in') return `${operand}.has(v)`;
  const compare = comparisonOf(column);
  if (values[0] === null) {
    // Null equals null alone, and is less than all others: `>` is asked for by what wants no nulls.
    if (operator === '=') return 'v === null';
    return column.nullable || operator !== '!=' ? 'v !== null' : 'true';
  }
  const present = column.nullable ? 'v !== null && ' : '';
  switch (operator) {
    case '!=':
      return column.nullable ? `v === null || !(${compare('=', operand)})` : `!(${compare('=', operand)})`;
    case 'between':
      return `${present}${compare('>=', `${operand}[0]`)} && ${compare('<=', `${operand}[1]`)}`;
    case 'startsWith':
      return `${present}v.startsWith(${operand})`;
    default:
      return present + compare(operator, operand);
  }
}

type Comparison = (operator: '=' | '<' | '<=' | '>' | '>=', other: string) => string;

/** How values of a column compare, as `compareValues` says. */
function comparisonOf({ type }: ColumnSchema): Comparison {
  switch (type.kind) {
    case 'bytes':
      return (operator, other) => `(Buffer.compare(v, ${other}) ${operator === '=' ? '===' : operator} 0)`;
    case 'float':
    case 'double':
      return compareFloats;
    default:
      return (operator, other) => `(v ${operator === '=' ? '===' : operator} ${other})`;
  }
}

/** NaN is one value above all numbers. */
const compareFloats: Comparison = (operator, other) => {
  const isNoNumber = (one: string) => `${one} !== ${one}`;
  switch (operator) {
    case '=':
      return `(v === ${other} || (${isNoNumber('v')} && ${isNoNumber(other)}))`;
    case '<':
      return `(v < ${other} || (v === v && ${isNoNumber(other)}))`;
    case '<=':
      return `(v <= ${other} || ${isNoNumber(other)})`;
    case '>':
      return `(v > ${other} || (${isNoNumber('v')} && ${other} === ${other}))`;
    default:
      return `(v >= ${other} || ${isNoNumber('v')})`;
  }
};
