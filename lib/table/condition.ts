import { unreachable } from '../assert.js';
import { QueryError } from '../errors.js';
import { compareValues } from '../index/key-order.js';
import { isNumeric, isScalar } from '../schema/column-type.js';
import { writeElement } from '../schema/element-codec.js';
import type { KnownText, RowCodec } from '../schema/row-codec.js';
import { literalToStored, type Refuse, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';

/** How `where(column, operator, value)` compares. */
export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'between' | 'startsWith' | 'is';

/**
 * One `where`, its values in the stored form. Comparisons follow the order of the index: NaN equals itself and is above
 * all numbers, −0 is 0. Null equals null and differs from every value; `<` and the other ranges never hold for null.
 */
export interface Condition {
  readonly column: ColumnSchema;
  readonly operator: Exclude<Operator, 'is'>;
  /** One value; of `between` two; of `in` as many as there are. */
  readonly values: readonly Stored[];
  readonly text: string;
}

/** Whether a row's bytes meet a condition. */
export type Matcher = (buffer: Buffer, position: number) => boolean;

const OPERATORS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=', 'in', 'between', 'startsWith', 'is']);

/** The column of that name. @throws QueryError */
export function findColumn(schema: TableSchema, name: string): ColumnSchema {
  const column = schema.columnsByName.get(name);
  if (column === undefined) throw new QueryError(schema.name, typeof name === 'string' ? name : undefined, 'there is no such column');
  return column;
}

/** The column of that name, of a type that adds up. @throws QueryError */
export function requireNumeric(schema: TableSchema, name: string): ColumnSchema {
  const column = findColumn(schema, name);
  if (isNumeric(column.type)) return column;
  throw new QueryError(schema.name, name, `a column of type ${column.type.kind} has no sum`);
}

/** The column of that name, of a type whose values have an order. @throws QueryError */
export function requireScalar(schema: TableSchema, name: string): ColumnSchema {
  const column = findColumn(schema, name);
  if (isScalar(column.type)) return column;
  throw new QueryError(schema.name, name, `a column of type ${column.type.kind} has no order`);
}

/** @throws QueryError for what cannot be asked, `undefined` above all */
export function createCondition(schema: TableSchema, name: string, operator: Operator, value: unknown): Condition {
  const column = findColumn(schema, name);
  const refuse: Refuse = (reason) => {
    throw new QueryError(schema.name, name, reason);
  };
  if (!OPERATORS.has(operator)) refuse(`the operator must be one of ${[...OPERATORS].join(' ')}`);
  if (!isScalar(column.type)) refuse(`a column of type ${column.type.kind} cannot be compared; use where(row => …)`);
  const text = `${name} ${operator} ${textOf(value)}`;
  if (operator === 'is' && value !== null) refuse("'is' takes null; use '=' for values");
  const plain = operator === 'is' ? '=' : operator;
  const values = operands(column, plain, value, refuse);
  if (column.nullable || !values.includes(null) || plain === '!=') return { column, operator: plain, values, text };
  // Null equals nothing in a column that has none, and no index may be asked for it.
  return { column, operator: 'in', values: values.filter((one) => one !== null), text };
}

function operands(column: ColumnSchema, operator: Operator, value: unknown, refuse: Refuse): Stored[] {
  const literal = (one: unknown): Stored => {
    if (one === undefined) return refuse('undefined is no value; a condition needs one');
    return one === null ? null : literalToStored(column.type, one, refuse);
  };
  if (operator === 'in') {
    if (!Array.isArray(value)) return refuse("'in' takes an array");
    return Array.from(value, literal); // an empty place is undefined, which map would pass over
  }
  if (operator === 'between') {
    if (!Array.isArray(value) || value.length !== 2) return refuse("'between' takes [low, high]");
    if (value.includes(null)) refuse('null has no place in a range');
    return Array.from(value, literal);
  }
  if (operator === 'startsWith') {
    if (column.type.kind !== 'string') refuse("'startsWith' is for string columns");
    if (typeof value !== 'string') refuse("'startsWith' takes a string");
  } else if (operator !== '=' && operator !== '!=' && value === null) {
    refuse('null has no place in a range');
  }
  return [literal(value)];
}

/** A value as `explain()` shows it to the caller who gave it. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 5).map(textOf).join(', ')}${value.length > 5 ? ', …' : ''}]`;
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value);
}

/** Compiles a condition to a test of a row's bytes. Equal text is compared as bytes, without being decoded. */
export function createMatcher(condition: Condition, codec: RowCodec): Matcher {
  const { column, operator, values } = condition;
  const at = column.position;
  const compare = compareValues(column.type, column.nullable);
  const [value] = values;
  switch (operator) {
    case '=':
    case '!=': {
      const equal = equalityMatcher(column, value, codec);
      return operator === '=' ? equal : (buffer, position) => !equal(buffer, position);
    }
    case 'in': {
      if (column.type.kind !== 'bytes') {
        const among = new Set(values);
        return (buffer, position) => among.has(codec.read(at, buffer, position));
      }
      const each = values.map((one) => equalityMatcher(column, one, codec));
      return (buffer, position) => each.some((equal) => equal(buffer, position));
    }
    case '<':
      return present(codec, at, (read) => compare(read, value) < 0);
    case '<=':
      return present(codec, at, (read) => compare(read, value) <= 0);
    case '>':
      return present(codec, at, (read) => compare(read, value) > 0);
    case '>=':
      return present(codec, at, (read) => compare(read, value) >= 0);
    case 'between':
      return present(codec, at, (read) => compare(read, value) >= 0 && compare(read, values[1]) <= 0);
    case 'startsWith':
      return present(codec, at, (read) => (read as string).startsWith(value as string));
    default:
      return unreachable(operator);
  }
}

function present(codec: RowCodec, column: number, test: (read: Stored) => boolean): Matcher {
  return (buffer, position) => {
    const read = codec.read(column, buffer, position);
    return read !== null && test(read);
  };
}

function equalityMatcher(column: ColumnSchema, value: Stored, codec: RowCodec): Matcher {
  const at = column.position;
  if (value === null && !column.nullable) return () => false;
  if (hasComparableBytes(column)) {
    const encoded = bytesOperand(column, value);
    return (buffer, position) => startsAt(buffer, codec.locate(at, buffer, position), encoded);
  }
  const compare = compareValues(column.type, column.nullable);
  return (buffer, position) => compare(codec.read(at, buffer, position), value) === 0;
}

/** Whether equal values of a column have equal bytes, and these are compared sooner than a value is made of them. */
function hasComparableBytes({ type: { kind } }: ColumnSchema): boolean {
  return kind === 'string' || kind === 'uuid' || kind === 'bytes';
}

/** Whether a condition holds, or does not, as the bytes of its column are those of its value. */
export function isComparedAsBytes({ column, operator }: Condition): boolean {
  return (operator === '=' || operator === '!=') && hasComparableBytes(column);
}

/** A length that no value has. */
const NO_VALUE = Uint8Array.of(1);

/** The bytes of a value, or others that no row has. */
export function bytesOperand(column: ColumnSchema, value: Stored): Uint8Array {
  if (value === null && !column.nullable) return NO_VALUE;
  if (typeof value === 'string' && !value.isWellFormed()) return NO_VALUE;
  const buffer = Buffer.alloc(writeElement(column, value, Buffer.alloc(0), 0));
  writeElement(column, value, buffer, 0);
  return buffer;
}

/** Whether these bytes are at a position. */
export function startsAt(buffer: Uint8Array, position: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (buffer[position + at] !== bytes[at]) return false;
  return true;
}

/** Text that every row has which meets the conditions. */
export function knownText(conditions: readonly Condition[]): KnownText | undefined {
  for (const { column, operator, values } of conditions) {
    const [text] = values;
    if (operator === '=' && column.type.kind === 'string' && text !== null) return { column: column.position, text: text as string };
  }
  return undefined;
}
