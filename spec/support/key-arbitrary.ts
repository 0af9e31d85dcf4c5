import fc from 'fast-check';
import { compareKeys, HIGH, type Key } from '../../lib/index/key-order.js';
import type { ColumnType } from '../../lib/schema/column-type.js';
import type { ColumnSchema } from '../../lib/schema/table-schema.js';

/** Columns of an index, keys that its rows may have, and bounds that a query may ask for. */
export interface KeyKind {
  readonly title: string;
  readonly columns: readonly ColumnSchema[];
  readonly keys: fc.Arbitrary<Key>;
  readonly bounds: fc.Arbitrary<Key>;
}

const bigint = (bits: number) => fc.bigInt({ min: -(2n ** BigInt(bits)), max: 2n ** BigInt(bits) });
const texts = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.string({ maxLength: 10, unit: 'binary' }),
  fc
    .tuple(fc.constantFrom('', 'a', 'common', 'the same beginning ', '\0', '\uffff', '𝔘nicode'), fc.string({ maxLength: 4 }))
    .map(([a, b]) => a + b),
);
const uuids = fc.oneof(
  fc.uuid(),
  fc.nat({ max: 3000 }).map((n) => `0190f3a2-${n.toString(16).padStart(4, '0')}-7000-8000-000000000000`),
  fc.nat({ max: 3000 }).map((n) => `0190f3a2-0001-7fff-8000-00000000${n.toString(16).padStart(4, '0')}`),
);
const literals = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    0.5,
    -0.5,
    2 ** 31,
    -(2 ** 31) - 1,
  ),
);

interface Kind {
  readonly type: ColumnType;
  readonly keys: fc.Arbitrary<Key>;
  /** What a condition may ask for beside the keys. */
  readonly bounds?: fc.Arbitrary<Key>;
}

const enumOf = (count: number): ColumnType => ({
  kind: 'enum',
  avroName: { namespace: '', name: 'e' },
  symbols: Array.from({ length: count }, (_, n) => `s${n}`),
});

const KINDS: Readonly<Record<string, Kind>> = {
  int: {
    type: { kind: 'int' },
    keys: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constant(-0)),
    bounds: literals,
  },
  long: { type: { kind: 'long', as: 'number' }, keys: fc.oneof(fc.maxSafeInteger(), fc.integer({ max: 50 })), bounds: literals },
  bigint: {
    type: { kind: 'long', as: 'bigint' },
    keys: fc.oneof(
      bigint(63).map((n) => BigInt.asIntN(64, n)),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 60n + 300n }),
      bigint(5),
    ),
    bounds: bigint(2000),
  },
  decimal: { type: { kind: 'decimal', precision: 900, scale: 2, as: 'bigint' }, keys: fc.oneof(bigint(2900), bigint(1023), bigint(6)) },
  double: {
    type: { kind: 'double' },
    keys: fc.oneof(
      fc.double(),
      fc.integer({ min: -9, max: 9 }),
      fc.constantFrom(
        -0,
        Number.NaN,
        Number.MAX_VALUE,
        -Number.MAX_VALUE,
        Number.MIN_VALUE,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ),
    ),
  },
  boolean: { type: { kind: 'boolean' }, keys: fc.boolean() },
  enum: { type: enumOf(5), keys: fc.nat({ max: 4 }) },
  'long enum': { type: enumOf(700), keys: fc.nat({ max: 699 }) },
  date: { type: { kind: 'date', as: 'date' }, keys: fc.integer({ min: -30_000, max: 30_000 }), bounds: literals },
  millis: { type: { kind: 'timestamp-millis', as: 'date' }, keys: fc.integer({ min: 1.7e12, max: 1.7e12 + 500 }), bounds: literals },
  micros: { type: { kind: 'timestamp-micros', as: 'date' }, keys: fc.oneof(bigint(62), bigint(4)) },
  text: { type: { kind: 'string' }, keys: texts, bounds: fc.constantFrom('\ud800', 'a\udfff', 'commoo', 'the same beginninh') },
  uuid: {
    type: { kind: 'uuid' },
    keys: uuids,
    bounds: fc.oneof(
      fc.tuple(uuids, fc.nat({ max: 36 })).map(([uuid, length]) => uuid.slice(0, length)),
      fc.tuple(uuids, fc.nat({ max: 35 }), fc.constantFrom('-', '.', '/', ':', '`', 'g', '\uffff', '0', 'f')).map(([uuid, at, unit]) => {
        return uuid.slice(0, at) + unit + uuid.slice(at + 1);
      }),
    ),
  },
  bytes: {
    type: { kind: 'bytes' },
    keys: fc.array(fc.constantFrom(0, 1, 2, 255), { maxLength: 9 }).map((bytes) => Uint8Array.from(bytes)),
  },
};

function single(title: string, kind: Kind, nullable: boolean): KeyKind {
  const columns = [columnOf(kind.type, 0, nullable)];
  const keys = nullable ? fc.oneof({ weight: 4, arbitrary: kind.keys }, { weight: 1, arbitrary: fc.constant(null) }) : kind.keys;
  return {
    title: nullable ? `${title} or null` : title,
    columns,
    keys,
    bounds: kind.bounds === undefined ? keys : fc.oneof(keys, kind.bounds),
  };
}

function columnOf(type: ColumnType, position: number, nullable: boolean): ColumnSchema {
  return { name: `c${position}`, position, type, nullable, default: undefined };
}

function compound(titles: readonly string[]): KeyKind {
  const parts = titles.map((title) => single(title.replace('?', ''), KINDS[title.replace('?', '')] as Kind, title.endsWith('?')));
  const columns = parts.map((part, at) => ({ ...(part.columns[0] as ColumnSchema), name: `c${at}`, position: at }));
  const keys = fc.tuple(...parts.map((part) => part.keys));
  const whole = fc.tuple(...parts.map((part) => part.bounds));
  // As the planner makes them: the beginning of a key, below all that begin so, or with what is above them.
  const bounds = fc.tuple(whole, fc.nat({ max: parts.length }), fc.boolean()).map(([key, length, above]): Key => {
    return length === parts.length && !above ? key : [...key.slice(0, length), ...(above ? [HIGH] : [])];
  });
  return { title: titles.join(', '), columns, keys, bounds: fc.oneof(keys, bounds) };
}

/** Every type that an index may be over, with null and without, and some of several columns. */
export const KEY_KINDS: readonly KeyKind[] = [
  ...Object.entries(KINDS).flatMap(([title, kind]) => [single(title, kind, false), single(title, kind, true)]),
  ...[
    ['text', 'int'],
    ['int', 'int'],
    ['int?', 'text?'],
    ['boolean', 'date', 'text'],
    ['double', 'int'],
    ['bigint?', 'bytes'],
    ['bytes?', 'enum'],
    ['uuid?', 'int'],
    ['enum', 'long', 'uuid'],
    ['text', 'long enum?', 'boolean?'],
  ].map(compound),
];

export function compareOf(kind: KeyKind): (a: Key, b: Key) => number {
  return compareKeys(kind.columns);
}
