import 'reflect-metadata/lite';
import { SchemaError } from '../errors.js';
import type { EntityClass } from './column-type.js';

/**
 * What decorators write: the user's own words about a class, unchecked, kept on the class itself: as reflect-metadata
 * by legacy decorators, in the class's `Symbol.metadata` by standard ones. `build-schema` turns them into a
 * `TableSchema`, and is where mistakes are refused.
 */
export interface ClassDescription {
  table: TableOptions | undefined;
  /** `undefined` for a property that is a column by `@PrimaryKey` alone. */
  readonly columns: Map<string, ColumnOptions | undefined>;
  readonly keys: Map<string, PrimaryKeyOptions>;
  /** In order of declaration: those on the class, then those on its properties. */
  readonly indexes: (IndexOptions & { readonly property: string | undefined })[];
  readonly queries: Map<string, QueryOptions>;
  /** Properties with `@ExpiresAt`. */
  readonly expires: Set<string>;
  /** What stands where it cannot: standard decorators of members run before anybody knows the class's name. */
  readonly misplaced: Misplaced[];
}

export interface Misplaced {
  readonly property: string;
  readonly cause: string;
  readonly fix: string;
}

/** What `@Table` takes. */
export interface TableOptions {
  /** The table's name; by default the class's, in snake case. */
  readonly name?: string;
  /** The schema's version, a positive integer; 1 by default. */
  readonly version?: number;
  /** Bytes of a page: a power of two from 4 KiB to 1 MiB; 256 KiB by default. */
  readonly pageSizeBytes?: number;
  /** Bytes that a row may take at most; 64 MiB by default, 128 MiB at the most. */
  readonly maxRowBytes?: number;
  /**
   * How long a row has, in milliseconds, that is inserted or replaced without saying when it expires. Without an
   * `@ExpiresAt` column, the table gets one by the name of `expiresAt`.
   */
  readonly ttlMs?: number;
}

/** What `@PrimaryKey` takes. */
export interface PrimaryKeyOptions {
  /** The table counts the keys, from 1. For `int` and `long` columns. */
  readonly autoincrement?: boolean;
  /** Called for the key of a row that comes without one. */
  readonly generate?: () => unknown;
  /** `btree` by default. `hash` is faster at equality and knows no order; `packed` keeps it off the JavaScript heap. */
  readonly using?: 'btree' | 'hash' | 'packed';
}

/** What `@Index` takes. */
export interface IndexOptions {
  readonly unique?: boolean;
  /** By default the columns' names, joined by `_`. */
  readonly name?: string;
  /** `btree` by default. `hash` serves equality alone; `packed` does what `btree` does, off the JavaScript heap. */
  readonly using?: 'btree' | 'hash' | 'packed';
  /** For an index on the class: its columns, most significant first. */
  readonly columns?: readonly string[];
  /** In a unique index: whether rows with a null never conflict, as in SQL. True by default. */
  readonly nullsDistinct?: boolean;
}

/** Avro's names for scalar types, logical ones among them. */
export type ScalarName =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'
  | 'date'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'uuid'
  | 'decimal';

/** An array's item or a map's value: a scalar's name, a nested class, or everything that a column can be. */
export type ElementOptions = ScalarName | (() => EntityClass) | ColumnOptions;

/** What `@Column` takes. */
export interface ColumnOptions {
  /** A scalar's name, or `() => Class` for a nested record. */
  readonly type?: ScalarName | (() => EntityClass);
  /** An enum's symbols. */
  readonly enum?: readonly string[];
  /** Makes the column an array of these. */
  readonly items?: ElementOptions;
  /** Makes the column a map from strings to these. */
  readonly values?: ElementOptions;
  readonly nullable?: boolean;
  /** The value, or a function that makes it, of a column that was left out. */
  readonly default?: unknown;
  /** What the property holds, where the emitted metadata does not say. */
  readonly as?: 'number' | 'bigint' | 'date' | 'string' | 'object' | 'map';
  /** Of a decimal: its digits, 38 by default. */
  readonly precision?: number;
  /** Of a decimal: its digits behind the point, 2 by default. */
  readonly scale?: number;
}

/** What `@Query` takes: one of `update`, `delete` and `inPlace`, and `by`. */
export interface QueryOptions {
  /** The columns that an update sets. */
  readonly update?: readonly string[];
  readonly delete?: boolean;
  /** The columns that a function changes in place. */
  readonly inPlace?: readonly string[];
  /** The column, or columns, that select the rows, by equality. */
  readonly by: string | readonly string[];
}

function emptyDescription(): ClassDescription {
  return { table: undefined, columns: new Map(), keys: new Map(), indexes: [], queries: new Map(), expires: new Set(), misplaced: [] };
}

const DESCRIPTION = Symbol.for('worktable:description');

/** The class's own description, made on first use. Legacy decorators write through it. */
export function describe(target: object): ClassDescription {
  const own = Reflect.getOwnMetadata(DESCRIPTION, target) as ClassDescription | undefined;
  if (own !== undefined) return own;
  const fresh: ClassDescription = emptyDescription();
  Reflect.defineMetadata(DESCRIPTION, fresh, target);
  return fresh;
}

/** The same for standard decorators, which share one object a class, `context.metadata`. */
export function describeIn(metadata: object): ClassDescription {
  if (Object.hasOwn(metadata, DESCRIPTION)) return (metadata as Described)[DESCRIPTION];
  const fresh: ClassDescription = emptyDescription();
  Object.defineProperty(metadata, DESCRIPTION, { value: fresh });
  return fresh;
}

type Described = { readonly [DESCRIPTION]: ClassDescription };

/**
 * Compilers make `context.metadata` where `Symbol.metadata` exists when a class is evaluated, and no platform has it
 * yet. Whoever makes it first is found by all others, so this asks before, takes the value that compilers fall back to,
 * and stays out of the way of those who do not ask.
 */
if (!('metadata' in Symbol)) {
  Reflect.defineProperty(Symbol, 'metadata', { value: Symbol.for('Symbol.metadata'), writable: true, configurable: true });
}

/** What was said of the class itself, by decorators of either kind. */
function ownDescriptions(ctor: object): ClassDescription[] {
  const legacy = Reflect.getOwnMetadata(DESCRIPTION, ctor) as ClassDescription | undefined;
  // Whichever symbol leads there: another polyfill may have put its own in place after the class was evaluated.
  const standard = Object.getOwnPropertySymbols(ctor).flatMap((symbol) => {
    const value = Object.getOwnPropertyDescriptor(ctor, symbol)?.value as unknown;
    return typeof value === 'object' && value !== null && Object.hasOwn(value, DESCRIPTION) ? [(value as Described)[DESCRIPTION]] : [];
  });
  return legacy === undefined ? standard : [...standard, legacy];
}

/**
 * The class's description with its bases' below it: columns in the order of declaration, the base's first. Options of
 * `@Table` are not inherited: two tables cannot have one name.
 *
 * @throws SchemaError where a decorator stands on what it is not for
 */
export function inheritedDescription(ctor: EntityClass): ClassDescription {
  const chain: ClassDescription[] = [];
  for (let at: object | null = ctor; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const own = ownDescriptions(at);
    refuseMisplaced((at as { name: string }).name, own);
    chain.unshift(...own);
  }
  const merged: ClassDescription = emptyDescription();
  for (const part of chain) {
    for (const [name, options] of part.columns) {
      if (options !== undefined || !merged.columns.has(name)) merged.columns.set(name, options);
    }
    for (const [name, options] of part.keys) merged.keys.set(name, options);
    for (const [name, options] of part.queries) merged.queries.set(name, options);
    merged.indexes.push(...part.indexes);
    for (const name of part.expires) merged.expires.add(name);
  }
  merged.table = ownDescriptions(ctor).find(({ table }) => table !== undefined)?.table;
  return merged;
}

/** @throws SchemaError for the first decorator that stands on what it is not for */
export function refuseMisplaced(className: string, descriptions: readonly ClassDescription[]): void {
  const [first] = descriptions.flatMap(({ misplaced }) => misplaced);
  if (first !== undefined) throw new SchemaError(className, first.property, first.cause, first.fix);
}

/** The type that the compiler emitted for a property, where it emits any. */
export function emittedType(ctor: EntityClass, property: string): unknown {
  return Reflect.getMetadata('design:type', ctor.prototype as object, property);
}
