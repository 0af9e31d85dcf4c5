import { SchemaError } from '../errors.js';
import type {
  ArrayType,
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

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** Names that mean something to JavaScript itself on every object, or that make an object look like a promise. */
const RESERVED = new Set(['prototype', 'then', 'toJSON', ...Object.getOwnPropertyNames(Object.prototype)]);
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
  "Name the type, as in @Column('string'): it was not emitted (esbuild, tsx and vite emit none; unions and interfaces say nothing)";

/** The columns of a table, in order of declaration. @throws SchemaError */
export function buildColumns(ctor: EntityClass, className: string, table: string, described: ClassDescription): readonly ColumnSchema[] {
  const builder = new ColumnBuilder();
  const columns = [...described.columns].map(([name, options], position) => {
    const counted = described.keys.get(name)?.autoincrement === true;
    const field = builder.field({ ctor, className, property: name, path: [table, name] }, options, counted);
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
    return { type: this.type(place, options, emitted, counted), nullable: options.nullable === true };
  }

  private type(place: Place, options: ColumnOptions, emitted: unknown, counted: boolean): ColumnType {
    if (options.enum !== undefined) return enumType(place, options.enum);
    if (options.items !== undefined) return this.array(place, options.items);
    if (options.values !== undefined) return this.map(place, options, emitted);
    if (typeof options.type === 'function') return this.record(place, options.type);
    const name = options.type ?? inferredName(emitted, counted) ?? inferredName(classOfDefault(options.default), counted);
    // `note?: string | null` is emitted as Object. Text is what it nearly always is, and the first other value is refused.
    if (name === undefined && options.nullable === true && emitted === Object) return Object.freeze({ kind: 'string', assumed: true });
    if (name === undefined) return refuse(place, 'the column has no type', TYPE_FIX);
    if (!SCALARS.has(name)) return refuse(place, 'the column has an unknown type', `Use one of ${[...SCALARS].join(', ')}`);
    return scalarType(place, name, options, emitted);
  }

  private inner(place: Place, step: string, given: ElementOptions): Element {
    const inner = { ...place, path: [...place.path, step] };
    if (typeof given === 'string' || typeof given === 'function') return this.element(inner, { type: given }, undefined, false);
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
    const ctor = resolve() as EntityClass | undefined;
    if (typeof ctor !== 'function') return refuse(place, 'its type: () => Class gives no class', 'Return a class with @Column properties');
    const known = this.open.get(ctor);
    if (known !== undefined) return known;
    const described = inheritedDescription(ctor);
    if (described.columns.size === 0) {
      return refuse(place, `the nested class ${ctor.name} has no columns`, 'Decorate its properties with @Column()');
    }
    const fields: Field[] = [];
    const name = place.path[place.path.length - 1] as string;
    const namespace = place.path.slice(0, -1).join('.');
    const record: RecordType = { kind: 'record', avroName: Object.freeze({ namespace, name }), ctor, fields };
    this.open.set(ctor, record);
    for (const [property, options] of described.columns) {
      const inner = { ctor, className: ctor.name, property, path: [...place.path, property] };
      const field = this.field(inner, options, false);
      if (this.open.has((field.type as RecordType).ctor) && !field.nullable) {
        refuse(inner, 'a record that always contains itself has no end', 'Make it nullable, or an array');
      }
      fields.push(field);
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
  const avroName = Object.freeze({ namespace: place.path.slice(0, -1).join('.'), name: place.path[place.path.length - 1] as string });
  return Object.freeze({ kind: 'enum', avroName, symbols: Object.freeze([...symbols]) });
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
      if (options.as !== undefined) refuse(place, `as does not apply to ${kind}`, 'Remove it');
      checkEmitted(place, kind, emitted);
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

const NATURAL: Readonly<Record<string, unknown>> = {
  boolean: Boolean,
  int: Number,
  float: Number,
  double: Number,
  string: String,
  uuid: String,
};

/** A property declared as one scalar and described as another would never take a value. */
function checkEmitted(place: Place, kind: string, emitted: unknown): void {
  const scalars: unknown[] = [Boolean, Number, String, BigInt, Date];
  const natural = NATURAL[kind];
  if (!scalars.includes(emitted)) return;
  if (kind === 'bytes' || emitted !== natural) {
    refuse(place, `the column is ${kind}, and the property is declared as ${(emitted as { name: string }).name}`, 'Make the two agree');
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
