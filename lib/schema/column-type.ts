/** What a column holds: frozen data, made once from a class's description. */
export type ColumnType = ScalarType | ArrayType | MapType | RecordType;

/** Types whose values can be ordered, and so be keys. */
export type ScalarType =
  | { readonly kind: 'boolean' | 'int' | 'float' | 'double' | 'bytes' | 'uuid' }
  | StringType
  | LongType
  | DateType
  | DecimalType
  | EnumType;

export interface StringType {
  readonly kind: 'string';
  /** The compiler emitted no type for the property, a union with null, and text was taken for granted. */
  readonly assumed?: true;
}

/** `as`: what a row's property is: a `bigint` of all 64 bits, or a safe integer. */
export interface LongType {
  readonly kind: 'long';
  readonly as: 'number' | 'bigint';
}

/** `date` counts days, the timestamps milliseconds or microseconds since 1970, UTC. */
export interface DateType {
  readonly kind: 'date' | 'timestamp-millis' | 'timestamp-micros';
  readonly as: 'date' | 'number' | 'bigint';
}

/** A decimal number of `precision` digits, `scale` of them behind the point. As a bigint it counts units of 10^−scale. */
export interface DecimalType {
  readonly kind: 'decimal';
  readonly precision: number;
  readonly scale: number;
  readonly as: 'string' | 'bigint';
}

/** Ordered by the symbols' places, as in Avro and PostgreSQL. */
export interface EnumType {
  readonly kind: 'enum';
  readonly avroName: AvroName;
  readonly symbols: readonly string[];
}

export interface ArrayType {
  readonly kind: 'array';
  readonly items: Element;
}

export interface MapType {
  readonly kind: 'map';
  readonly values: Element;
  readonly as: 'object' | 'map';
}

/** A nested class. `fields` may lead back to the record itself. */
export interface RecordType {
  readonly kind: 'record';
  readonly avroName: AvroName;
  readonly ctor: EntityClass;
  readonly fields: readonly Field[];
}

export interface AvroName {
  readonly namespace: string;
  readonly name: string;
}

/** A place for a value: its type, and whether null may stand there. */
export interface Element {
  readonly type: ColumnType;
  readonly nullable: boolean;
}

export interface Field extends Element {
  readonly name: string;
  readonly default: ColumnDefault | undefined;
}

export type ColumnDefault = { readonly value: unknown } | { readonly make: () => unknown };

/** A class whose instances are rows. Its constructor is never called. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor of whatever parameters; it is never called
export type EntityClass<E extends object = object> = abstract new (...args: any[]) => E;

export function isScalar(type: ColumnType): type is ScalarType {
  return type.kind !== 'array' && type.kind !== 'map' && type.kind !== 'record';
}

/** Whether a column's values add up: sums and means are defined for them. */
export function isNumeric(type: ColumnType): boolean {
  return type.kind === 'int' || type.kind === 'long' || type.kind === 'float' || type.kind === 'double' || type.kind === 'decimal';
}
