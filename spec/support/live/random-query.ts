import type { SelectQuery } from '../../../lib/index.js';
import type { Random } from '../random.js';
import type { AnyTable, RandomColumn, RandomTable, Row } from './random-table.js';

type Query = SelectQuery<Row, Row>;
type Calls = { where: (...parts: unknown[]) => Query; orderBy: (...parts: unknown[]) => Query; select: (...names: string[]) => Query };

/** A query that was made at random, and what a model of its changes has to know of it. */
export interface RandomQuery {
  readonly query: Query;
  /** The same with all columns. */
  readonly whole: Query;
  /** The columns that decide the order, as far as any does. */
  readonly order: readonly string[];
  readonly text: string;
}

export function randomQuery(table: RandomTable, manager: AnyTable, random: Random): RandomQuery {
  const all = [...table.key, ...table.columns];
  const fixed = new Set<string>();
  const text: string[] = [];
  let query = manager.selectAll() as unknown as Query;
  const calls = () => query as unknown as Calls;
  for (let n = random.pick([0, 0, 1, 1, 2]); n > 0; n--) {
    const column = random.pick(random.chance(0.1) ? all : table.columns);
    const [operator, value] = condition(table, column, random);
    query = calls().where(column.name, operator, value);
    if (operator === '=' || operator === 'is') fixed.add(column.name);
    text.push(`${column.name} ${operator}`);
  }
  if (random.chance(0.25)) {
    const column = random.pick(table.columns);
    const value = random.pick(column.kind.values);
    query = calls().where((row: Row) => show(row[column.name]) !== show(value));
    text.push('a function');
  }
  const ordered: string[] = [];
  for (let n = random.pick([0, 1, 1, 2]); n > 0; n--) {
    const { name } = random.pick(random.chance(0.1) ? all : table.columns);
    query = calls().orderBy(name, random.pick(['asc', 'desc']));
    ordered.push(name);
    text.push(`by ${name}`);
  }
  if (random.chance(0.3)) query = query.offset(random.below(5));
  if (random.chance(0.5)) query = query.limit(random.below(7));
  const whole = query;
  if (random.chance(0.3)) {
    const names = all.map(({ name }) => name).filter(() => random.chance(0.4));
    query = calls().select(...(names.length > 0 ? names : ['key0']));
  }
  return { query, whole, order: deciding(table, ordered, fixed), text: text.join(', ') };
}

/** Once the whole key is among the columns, those behind it decide nothing. */
function deciding(table: RandomTable, ordered: readonly string[], fixed: ReadonlySet<string>): string[] {
  const names: string[] = [];
  for (const name of ordered) {
    if (table.key.every((key) => names.includes(key.name) || fixed.has(key.name))) break;
    if (!fixed.has(name)) names.push(name);
  }
  return names;
}

function condition(table: RandomTable, column: RandomColumn, random: Random): [operator: string, value: unknown] {
  const { kind, nullable } = column;
  const present = () => random.pick(kind.values);
  const operators = [
    '=',
    '=',
    '!=',
    'in',
    '<',
    '<=',
    '>',
    '>=',
    'between',
    ...(nullable ? ['is'] : []),
    ...(kind.isText ? ['startsWith'] : []),
  ];
  const operator = random.pick(operators);
  switch (operator) {
    case '=':
    case '!=':
      return [operator, table.value(column)];
    case 'in':
      return [operator, [table.value(column), table.value(column)]];
    case 'between':
      return [operator, [present(), present()]];
    case 'is':
      return [operator, null];
    case 'startsWith':
      return [operator, random.pick(['', 'a', 'ab'])];
    default:
      return [operator, present()];
  }
}

/** A value as text: two are alike to a user if their texts are. */
export function show(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Date) return `@${value.getTime()}`;
  if (value instanceof Uint8Array) return `#${Buffer.from(value).toString('hex')}`;
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${show(key)}:${show(one)}`).join()}}`;
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (typeof value === 'object' && value !== null) {
    let text = '{';
    for (const name in value) text += `${name}:${show((value as Row)[name])},`;
    return `${text}}`;
  }
  return String(value);
}

/** As the order has it: −0 is 0. */
export const showOrdered = (value: unknown): string => show(value === 0 ? 0 : value);
