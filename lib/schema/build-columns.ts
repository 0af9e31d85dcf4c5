import { SchemaError } from '../errors.js';
import { isPrimitive } from './avro-schema.js';
import type {
  ArrayType,
  AvroName,
  ColumnDefault,
  ColumnType,
  DateType,
  Element,
  EntityClass,
  Field,
  MapType,
  RecordType,
  ScalarType,
} from './column-type.js';
import {
  type ClassDescription,
  type ColumnOptions,
  type ElementOptions,
  emittedType,
  inheritedDescription,
  type ScalarName,
} from './description.js';
import { elementToStored } from './stored-value.js';
import type { ColumnSchema } from './table-schema.js';

export const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** Names that mean something to JavaScript itself on every object, or that make an object look like a promise. */
export const RESERVED: ReadonlySet<string> = new Set(['prototype', 'then', 'toJSON', ...Object.getOwnPropertyNames(Object.prototype)]);
const SCALARS: ReadonlySet<string> = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
  'date',
  'timestamp-millis',
  'timestamp-micros',
  'uuid',
  'decimal',
]);
const SYMBOL = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TYPE_FIX =
  "Name the type, as in @Column('string'): it was not emitted (esbuild, tsx and standard decorators emit none; unions and interfaces say nothing)";

/** The columns of a table, in order of declaration. @throws SchemaError */
export function buildColumns(ctor: EntityClass, className: string, table: string, described: ClassDescription): readonly ColumnSchema[] {
  const builder = new ColumnBuilder();
  const columns = [...described.columns].map(([name, options], position) => {
    const counted = described.keys.get(name)?.autoincrement === true;
    const field = builder.field({ ctor, className, property: name, path: [table, name], always: [] }, options ?? {}, counted);
    return Object.freeze({ ...field, position });
  });
  if (columns.length === 0)
    throw new SchemaError(className, undefined, 'the class has no columns', 'Decorate its properties with @Column()');
  return Object.freeze(columns);
}

/** Where a type is declared, for errors and for names in the Avro schema. */
interface Place {
  readonly ctor: EntityClass;
  readonly className: string;
  readonly property: string;
  readonly path: readonly string[];
  /** The nested classes whose every instance holds this place: those on the way here that nothing may be put in place of. */
  readonly always: readonly EntityClass[];
}

function refuse(place: Place, cause: string, fix: string): never {
  throw new SchemaError(place.className, place.property, cause, fix);
}

class ColumnBuilder {
  /** Records under construction, by class: a class met again inside itself is the same record. */
  private readonly open = new Map<EntityClass, RecordType>();

  field(place: Place, options: ColumnOptions, counted: boolean): Field {
    const { ctor, property } = place;
    if (!IDENTIFIER.test(property)) refuse(place, 'the name is no plain identifier of up to 63 characters', 'Rename the property');
    if (RESERVED.has(property)) refuse(place, 'the name is reserved by JavaScript', 'Rename the property');
    if (property in (ctor.prototype as object)) {
      refuse(place, 'the class has a method or accessor of this name', 'Decorate plain properties alone');
    }
    const element = this.element(place, options, emittedType(ctor, property), counted);
    return Object.freeze({ ...element, name: property, default: defaultOf(place, element, options) });
  }

  private element(place: Place, options: ColumnOptions, emitted: unknown, counted: boolean): Element {
    const kinds = (['type', 'enum', 'items', 'values'] as const).filter((kind) => options[kind] !== undefined);
    if (kinds.length > 1) refuse(place, `both ${kinds.join(' and ')} say what the column is`, 'Keep one of them');
    const nullable = options.nullable === true;
    const type = this.type(nullable ? { ...place, always: [] } : place, options, emitted, counted);
    checkOptions(place, type, options);
    checkEmitted(place, type, emitted);
    return { type, nullable };
  }

  private type(place: Place, options: ColumnOptions, emitted: unknown, counted: boolean): ColumnType {
    // Where the compiler says nothing of a property, a constant default does.
    const seen = emitted === undefined || emitted === Object ? (classOfDefault(options.default) ?? emitted) : emitted;
    if (options.enum !== undefined) return enumType(place, options.enum);
    if (options.items !== undefined) return this.array(place, options.items);
    if (options.values !== undefined) return this.map(place, options, seen);
    if (typeof options.type === 'function') return this.record(place, options.type);
    const name = options.type ?? inferredName(seen, counted);
    // `note?: string | null` is emitted as Object. Text is what it nearly always is, and the first other value is refused.
    if (name === undefined && options.nullable === true && seen === Object) return Object.freeze({ kind: 'string', assumed: true });
    if (name === undefined) return refuse(place, 'the column has no type', TYPE_FIX);
    if (!SCALARS.has(name)) return refuse(place, 'the column has an unknown type', `Use one of ${[...SCALARS].join(', ')}`);
    return scalarType(place, name, options, seen);
  }

  private inner(place: Place, step: string, given: ElementOptions): Element {
    const inner = { ...place, path: [...place.path, step], always: [] };
    if (typeof given === 'string' || typeof given === 'function') return this.element(inner, { type: given }, undefined, false);
    if (typeof given !== 'object' || given === null) refuse(place, 'items or values say nothing of their type', "Give items: 'string'");
    if (given.default !== undefined) refuse(place, 'items and values have no defaults', 'Remove the default');
    return this.element(inner, given, undefined, false);
  }

  private array(place: Place, items: ElementOptions): ArrayType {
    return Object.freeze({ kind: 'array', items: Object.freeze(this.inner(place, 'item', items)) });
  }

  private map(place: Place, options: ColumnOptions, emitted: unknown): MapType {
    const as = options.as ?? (emitted === Map ? 'map' : 'object');
    if (as !== 'map' && as !== 'object') return refuse(place, `a map column cannot be a ${as}`, "Use as: 'map' or as: 'object'");
    return Object.freeze({ kind: 'map', values: Object.freeze(this.inner(place, 'value', options.values as ElementOptions)), as });
  }

  private record(place: Place, resolve: () => EntityClass): RecordType {
    if (/^class\b/.test(Function.prototype.toString.call(resolve))) {
      return refuse(place, 'its type is the class itself', `Write type: () => ${resolve.name}`);
    }
    const ctor = resolve() as EntityClass | undefined;
    if (typeof ctor !== 'function') return refuse(place, 'its type: () => Class gives no class', 'Return a class with @Column properties');
    if (place.always.includes(ctor)) refuse(place, 'a record that always contains itself has no end', 'Make it nullable, or an array');
    const known = this.open.get(ctor);
    if (known !== undefined) return known;
    const described = inheritedDescription(ctor);
    if (described.columns.size === 0) {
      return refuse(place, `the nested class ${ctor.name} has no columns`, 'Decorate its properties with @Column()');
    }
    const fields: Field[] = [];
    const record: RecordType = { kind: 'record', avroName: avroNameOf(place), ctor, fields };
    this.open.set(ctor, record);
    for (const [property, options] of described.columns) {
      const inner = { ctor, className: ctor.name, property, path: [...place.path, property], always: [...place.always, ctor] };
      fields.push(this.field(inner, options ?? {}, false));
    }
    this.open.delete(ctor);
    Object.freeze(fields);
    return Object.freeze(record);
  }
}

function enumType(place: Place, symbols: readonly string[]): ColumnType {
  if (!Array.isArray(symbols) || symbols.length === 0) return refuse(place, 'the enum has no symbols', "Give enum: ['a', 'b']");
  if (symbols.some((symbol) => typeof symbol !== 'string' || !SYMBOL.test(symbol))) {
    return refuse(place, 'an enum symbol is no plain identifier, which Avro asks for', 'Rename it, or use a string column');
  }
  if (new Set(symbols).size !== symbols.length) return refuse(place, 'the enum names a symbol twice', 'Name each symbol once');
  return Object.freeze({ kind: 'enum', avroName: avroNameOf(place), symbols: Object.freeze([...symbols]) });
}

/** Named types are named by their place: no two can collide. */
function avroNameOf(place: Place): AvroName {
  const name = place.path[place.path.length - 1] as string;
  if (isPrimitive(name)) refuse(place, 'Avro has a type of this name, which no other type may take', 'Rename the property');
  return Object.freeze({ namespace: place.path.slice(0, -1).join('.'), name });
}

function inferredName(emitted: unknown, counted: boolean): ScalarName | undefined {
  if (emitted === BigInt) return 'long';
  if (counted && (emitted === undefined || emitted === Number)) return 'long';
  if (emitted === Number) return 'double';
  if (emitted === String) return 'string';
  if (emitted === Boolean) return 'boolean';
  if (emitted === Date) return 'timestamp-millis';
  if (emitted === Uint8Array || emitted === Buffer) return 'bytes';
  return undefined;
}

function classOfDefault(value: unknown): unknown {
  return value === undefined || value === null || typeof value === 'function' ? undefined : Object(value).constructor;
}

function scalarType(place: Place, kind: ScalarName, options: ColumnOptions, emitted: unknown): ScalarType {
  const declared = options.as ?? nameOfEmitted(emitted);
  switch (kind) {
    case 'long': {
      if (declared === 'bigint' || declared === 'number') return Object.freeze({ kind, as: declared });
      if (declared !== undefined) return refuse(place, 'a long is a bigint or a number', "Declare it so, or give as: 'bigint'");
      return Object.freeze({ kind, as: 'number' });
    }
    case 'date':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return timeType(place, kind, declared);
    case 'decimal':
      return decimalType(place, options, declared);
    default:
      return Object.freeze({ kind });
  }
}

function timeType(place: Place, kind: DateType['kind'], declared: ColumnOptions['as']): DateType {
  const as = declared ?? 'date';
  const allowed = kind === 'date' ? ['date'] : kind === 'timestamp-millis' ? ['date', 'number'] : ['date', 'number', 'bigint'];
  if (allowed.includes(as)) return Object.freeze({ kind, as: as as DateType['as'] });
  return refuse(place, `a ${kind} cannot be a ${as}`, `Declare the property as one of: ${allowed.join(', ')}`);
}

function decimalType(place: Place, options: ColumnOptions, declared: ColumnOptions['as']): ScalarType {
  const precision = options.precision ?? 38;
  const scale = options.scale ?? 2;
  const integers = Number.isSafeInteger(precision) && Number.isSafeInteger(scale);
  if (!integers || precision < 1 || precision > 1000 || scale < 0 || scale > precision) {
    return refuse(place, 'the decimal has an impossible precision or scale', 'Use 1 ≤ precision ≤ 1000 and 0 ≤ scale ≤ precision');
  }
  const as = declared ?? 'string';
  if (as === 'string' || as === 'bigint') return Object.freeze({ kind: 'decimal', precision, scale, as });
  return refuse(place, `a decimal cannot be a ${as}, which would round it`, 'Declare the property as string or bigint');
}

function nameOfEmitted(emitted: unknown): ColumnOptions['as'] {
  if (emitted === BigInt) return 'bigint';
  if (emitted === Number) return 'number';
  if (emitted === Date) return 'date';
  if (emitted === String) return 'string';
  return undefined;
}

function checkOptions(place: Place, type: ColumnType, options: ColumnOptions): void {
  if (options.as !== undefined && !('as' in type)) {
    refuse(place, `as does not apply to ${type.kind}`, type.kind === 'array' ? 'Remove it; items and values take their own' : 'Remove it');
  }
  if ((options.precision ?? options.scale) !== undefined && type.kind !== 'decimal') {
    refuse(place, `precision and scale do not apply to ${type.kind}`, 'Remove them');
  }
}

/** Emitted types that are one class of values alone. `Object` and the user's own say too little. */
const TELLING: readonly unknown[] = [Boolean, Number, String, BigInt, Date, Array, Map, Set, Uint8Array, Buffer];

/** A property declared as one type and described as another would never take a value. */
function checkEmitted(place: Place, type: ColumnType, emitted: unknown): void {
  if (!TELLING.includes(emitted) || naturalClasses(type).includes(emitted)) return;
  refuse(place, `the column is ${type.kind}, and the property is declared as ${(emitted as { name: string }).name}`, 'Make the two agree');
}

function naturalClasses(type: ColumnType): readonly unknown[] {
  switch (type.kind) {
    case 'boolean':
      return [Boolean];
    case 'int':
    case 'float':
    case 'double':
      return [Number];
    case 'string':
    case 'uuid':
    case 'enum':
      return [String];
    case 'bytes':
      return [Uint8Array, Buffer];
    case 'array':
      return [Array];
    case 'record':
      return [];
    default:
      return [{ number: Number, bigint: BigInt, date: Date, string: String, map: Map, object: Object }[type.as]];
  }
}

/** A constant default is validated at once; one that a function makes, when it is made. */
function defaultOf(place: Place, element: Element, options: ColumnOptions): ColumnDefault | undefined {
  const given = options.default;
  if (given === undefined) return undefined;
  if (typeof given === 'function') return Object.freeze({ make: given as () => unknown });
  elementToStored(element, given, (reason) => refuse(place, `the default does not fit: ${reason}`, 'Give a value of the column'));
  return Object.freeze({ value: given });
}
