import fc from 'fast-check';
import type { ColumnType, DateType, DecimalType, Element, EntityClass, Field, MapType } from '../../lib/schema/column-type.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';

/**
 * A value three times over: as a user gives it, as a user gets it back, and as avsc takes it. Worked out here from the
 * type alone, with nothing of the codec's.
 */
export interface Sample {
  readonly given: unknown;
  readonly got: unknown;
  readonly avro: unknown;
  /** Avsc's maps are objects, which order their keys anew and lose `__proto__`: then it has no such value. */
  readonly forAvsc: boolean;
}

export interface RowSample extends Sample {
  readonly given: object;
  readonly got: object;
  readonly avro: Readonly<Record<string, unknown>>;
}

const DAY_MS = 86_400_000;
const MAX_DATE_MS = 8.64e15;
const MAX_FLOAT = 2 ** 128 - 2 ** 104;

const same = (value: unknown): Sample => ({ given: value, got: value, avro: value, forAvsc: true });

const INTS = [0, -0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 30, 2 ** 30 - 1, -(2 ** 30), 2 ** 31 - 1, -(2 ** 31)];
const SAFE = [...INTS, 2 ** 31, 2 ** 32, 2 ** 52, -(2 ** 52) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const int = fc.oneof(fc.integer(), fc.constantFrom(...INTS));
const safe = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(...SAFE));
const wide = fc.oneof(
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  fc.constantFrom(...SAFE.map(BigInt), INT64_MIN, INT64_MIN + 1n, -(2n ** 53n), 2n ** 53n, INT64_MAX),
);
const floats = fc.oneof(fc.float(), fc.double({ min: -MAX_FLOAT, max: MAX_FLOAT }), fc.constantFrom(-0, Number.NaN, 1 / 3, 1e-46));
const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 0.1));

const LENGTHS = [12, 13, 47, 48, 49, 62, 63, 64, 65, 127, 128, 129];
const text = fc.oneof(
  { arbitrary: fc.string({ unit: 'binary', maxLength: 14 }), weight: 3 },
  { arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 60 }), weight: 3 },
  {
    arbitrary: fc.tuple(fc.constantFrom(...LENGTHS), fc.constantFrom('', 'é', '🦊')).map(([length, end]) => 'x'.repeat(length) + end),
    weight: 1,
  },
);
/** A map's key: mostly words, at times one that an object treats in its own way. */
const keys = fc.oneof(
  { arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map((key) => `k${key}`), weight: 30 },
  {
    arbitrary: fc.constantFrom('', '0', '7', '10', '-1', '01', '4294967294', '4294967295', 'length', '__proto__', 'constructor'),
    weight: 1,
  },
);

const bytes: fc.Arbitrary<Sample> = fc.tuple(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 2 })).map(([array, form]) => {
  const buffer = Buffer.from(array);
  const given = form === 0 ? array : form === 1 ? buffer : Uint8Array.of(1, ...array, 2).subarray(1, -1);
  return { given, got: array, avro: buffer, forAvsc: true };
});

const uuid: fc.Arbitrary<Sample> = fc.tuple(fc.uuid(), fc.boolean()).map(([lower, shout]) => {
  return { given: shout ? lower.toUpperCase() : lower, got: lower, avro: lower, forAvsc: true };
});

function time({ kind, as }: DateType): fc.Arbitrary<Sample> {
  const largest = kind === 'date' ? MAX_DATE_MS / DAY_MS : MAX_DATE_MS;
  const count = fc.oneof(
    fc.integer({ min: -largest, max: largest }),
    fc.integer({ min: -100_000, max: 100_000 }),
    fc.constantFrom(0, largest, -largest),
  );
  if (as === 'number') return safe.map((value) => ({ ...same(value + 0), given: value, avro: BigInt(value) }));
  if (as === 'bigint') return wide.map(same);
  return count.map((value) => {
    const date = new Date(kind === 'date' ? value * DAY_MS : value);
    const avro = kind === 'date' ? value : kind === 'timestamp-millis' ? BigInt(value) : BigInt(value) * 1000n;
    return { given: date, got: date, avro, forAvsc: true };
  });
}

function decimal({ precision, scale, as }: DecimalType): fc.Arbitrary<Sample> {
  const largest = 10n ** BigInt(precision) - 1n;
  const near = largest < 1000n ? largest : 1000n;
  const units = fc.oneof(
    fc.bigInt({ min: -largest, max: largest }),
    fc.bigInt({ min: -near, max: near }),
    fc.constantFrom(largest, -largest),
  );
  return fc.tuple(units, fc.boolean()).map(([value, terse]) => {
    const got = as === 'bigint' ? value : decimalText(value, scale);
    const given = terse && as === 'string' && scale > 0 ? (got as string).replace(/\.?0+$/, '').replace(/^(?!-)/, '+') : got;
    return { given, got, avro: twosComplement(value), forAvsc: true };
  });
}

function decimalText(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return (units < 0n ? '-' : '') + digits.slice(0, point) + (scale > 0 ? `.${digits.slice(point)}` : '');
}

/** The shortest big-endian two's complement, through hexadecimal digits. */
function twosComplement(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

function map(type: MapType, levels: number): fc.Arbitrary<Sample> {
  const entries = fc.uniqueArray(fc.tuple(keys, element(type.values, levels)), { maxLength: 3, selector: ([key]) => key });
  return entries.map((list) => {
    const avro: Record<string, unknown> = {};
    const given: Record<string, unknown> = {};
    const got: Record<string, unknown> = {};
    for (const [key, value] of list) {
      define(avro, key, value.avro);
      define(given, key, value.given);
      define(got, key, value.got);
    }
    const ordered = Object.keys(avro).every((key, at) => key === (list[at] as [string, Sample])[0]);
    const forAvsc = !Object.hasOwn(avro, '__proto__') && (ordered || type.as === 'object') && list.every(([, value]) => value.forAvsc);
    if (type.as === 'object') return { given, got, avro, forAvsc };
    return {
      given: new Map(list.map(([key, value]) => [key, value.given])),
      got: new Map(list.map(([key, value]) => [key, value.got])),
      avro,
      forAvsc,
    };
  });
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function objectSample(ctor: EntityClass, fields: readonly Field[], levels: number): fc.Arbitrary<RowSample> {
  const samples = fc.tuple(...fields.map((field) => property(field, levels - 1)));
  return fc.tuple(fc.nat({ max: 3 }), samples).map(([form, values]) => object(ctor, fields, values, form));
}

/** An object of sampled fields: plain, without a prototype, frozen, or an instance with a property that is not stored. */
function object(ctor: EntityClass, fields: readonly Field[], samples: readonly Sample[], form: number): RowSample {
  const given = form === 3 ? Object.create(ctor.prototype as object) : form === 1 ? Object.create(null) : {};
  const got = Object.create(ctor.prototype as object);
  const avro: Record<string, unknown> = {};
  fields.forEach(({ name }, at) => {
    const sample = samples[at] as Sample;
    if (sample.given !== undefined || form === 0) given[name] = sample.given;
    got[name] = sample.got;
    avro[name] = sample.avro;
  });
  if (form === 3) given.notAColumn = { not: 'stored' };
  return { given: form === 2 ? Object.freeze(given) : given, got, avro, forAvsc: samples.every((sample) => sample.forAvsc) };
}

function value(type: ColumnType, levels: number): fc.Arbitrary<Sample> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean().map(same);
    case 'int':
      return int.map((n) => ({ ...same(n + 0), given: n }));
    case 'long':
      return type.as === 'bigint' ? wide.map(same) : safe.map((n) => ({ ...same(n + 0), given: n, avro: BigInt(n) }));
    case 'float':
      return floats.map((n) => ({ ...same(Math.fround(n)), given: n }));
    case 'double':
      return doubles.map(same);
    case 'string':
      return text.map(same);
    case 'bytes':
      return bytes;
    case 'uuid':
      return uuid;
    case 'decimal':
      return decimal(type);
    case 'enum':
      return fc.constantFrom(...type.symbols).map(same);
    case 'array':
      return array(type.items, levels);
    case 'map':
      return map(type, levels);
    case 'record':
      return objectSample(type.ctor, type.fields, levels);
    default:
      return time(type);
  }
}

function array(items: Element, levels: number): fc.Arbitrary<Sample> {
  return fc.array(element(items, levels), { maxLength: 3 }).map((list) => ({
    given: list.map((item) => item.given),
    got: list.map((item) => item.got),
    avro: list.map((item) => item.avro),
    forAvsc: list.every((item) => item.forAvsc),
  }));
}

const NULL = same(null);

/** `levels` bounds how often a record may stand within itself. */
function element(place: Element, levels: number): fc.Arbitrary<Sample> {
  const { type, nullable } = place;
  const composite = type.kind === 'array' || type.kind === 'map' || type.kind === 'record';
  if (levels <= 0 && nullable && composite) return fc.constant(NULL);
  if (levels <= 0 && type.kind === 'array') return fc.constant({ given: Object.freeze([]), got: [], avro: [], forAvsc: true });
  if (levels <= 0 && type.kind === 'map') return fc.constant({ ...(type.as === 'map' ? same(new Map()) : same({})), avro: {} });
  const some = value(type, levels);
  return nullable ? fc.oneof({ arbitrary: fc.constant(NULL), weight: 1 }, { arbitrary: some, weight: 2 }) : some;
}

/** As `element`, for a property: where it may be null it may be undefined, or not be there. */
function property(place: Element, levels: number): fc.Arbitrary<Sample> {
  const some = element(place, levels);
  if (!place.nullable) return some;
  return fc.oneof({ arbitrary: some, weight: 9 }, { arbitrary: fc.constant({ ...NULL, given: undefined }), weight: 1 });
}

/** Rows of a table. */
export function rowSample(schema: TableSchema): fc.Arbitrary<RowSample> {
  return objectSample(schema.ctor, schema.columns, 4);
}
