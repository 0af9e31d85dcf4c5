import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  cursor,
  readInt,
  readLongBigInt,
  readLongNumber,
  skipVarint,
  writeInt,
  writeLongBigInt,
  writeLongNumber,
} from '../../lib/bytes/varint.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Every power of two and its neighbours, of both signs, within 64 bits. */
const EDGES: readonly bigint[] = Array.from({ length: 64 }, (_, bit) => 2n ** BigInt(bit))
  .flatMap((power) => [power - 1n, power, power + 1n])
  .flatMap((value) => [value, -value])
  .filter((value) => value >= INT64_MIN && value <= INT64_MAX);

/** The Avro specification's words, done with BigInt: zig-zag, then seven bits a byte. */
function specified(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value >= 0n ? 2n * value : -2n * value - 1n;
  for (; rest > 127n; rest /= 128n) bytes.push(Number(rest % 128n) + 128);
  return [...bytes, Number(rest)];
}

type Write<V> = (buffer: Uint8Array, position: number, value: V) => number;
type Read<V> = (buffer: Uint8Array, position: number) => V;

/** One value: the specified bytes, nothing written beside them, read back, stepped over, and measured where it does not fit. */
function holds<V extends number | bigint>(write: Write<V>, read: Read<V>, value: V): void {
  const bytes = specified(BigInt(value));
  const buffer = new Uint8Array(16).fill(0xaa);
  expect(write(buffer, 3, value)).toBe(3 + bytes.length);
  expect(Buffer.compare(buffer, Uint8Array.of(0xaa, 0xaa, 0xaa, ...bytes, ...Array(13 - bytes.length).fill(0xaa)))).toBe(0);
  expect(read(buffer, 3)).toBe(value === 0 ? 0 : value); // an integer has no −0
  expect(cursor.position).toBe(3 + bytes.length);
  expect(skipVarint(buffer, 3)).toBe(3 + bytes.length);
  const short = new Uint8Array(buffer.buffer, 3, bytes.length - 1).fill(0xbb);
  expect(write(short, 0, value)).toBe(bytes.length);
  expect(
    Buffer.compare(buffer.subarray(2 + bytes.length), Uint8Array.of(bytes.at(-1) as number, ...Array(13 - bytes.length).fill(0xaa))),
  ).toBe(0);
}

const writers = [
  {
    name: 'writeInt',
    bits: 'of 32 bits',
    min: -(2n ** 31n),
    max: 2n ** 31n - 1n,
    check: (v: bigint) => holds(writeInt, readInt, Number(v)),
  },
  {
    name: 'writeLongNumber',
    bits: 'that is a safe integer',
    min: BigInt(Number.MIN_SAFE_INTEGER),
    max: BigInt(Number.MAX_SAFE_INTEGER),
    check: (v: bigint) => holds(writeLongNumber, readLongNumber, Number(v)),
  },
  {
    name: 'writeLongBigInt',
    bits: 'of 64 bits',
    min: INT64_MIN,
    max: INT64_MAX,
    check: (v: bigint) => holds(writeLongBigInt, readLongBigInt, v),
  },
];

describe.each(writers)('$name', ({ bits, min, max, check }) => {
  it(`writes every power of two, and its neighbours, ${bits}, as Avro says`, () => {
    const within = EDGES.filter((value) => value >= min && value <= max);
    expect(within.length).toBeGreaterThan(180);
    for (const value of [...within, min, min + 1n, max - 1n, max]) check(value);
  });

  it(`writes any integer ${bits} as Avro says`, () => {
    fc.assert(fc.property(fc.bigInt({ min, max }), check), { numRuns: 1_000 });
    fc.assert(fc.property(fc.bigInt({ min: -300n, max: 300n }), check), { numRuns: 500 });
  });
});

describe('writeInt and writeLongNumber', () => {
  it('write −0 as 0', () => {
    const buffer = Uint8Array.of(9, 9);
    expect(writeInt(buffer, 0, -0)).toBe(1);
    expect(writeLongNumber(buffer, 1, -0)).toBe(2);
    expect([...buffer]).toEqual([0, 0]);
    expect(readLongNumber(buffer, 1)).toBe(0);
  });
});

describe('readLongNumber', () => {
  it('reads what writeLongBigInt wrote of a safe integer, and the other way round', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const buffer = new Uint8Array(20);
        const end = writeLongBigInt(buffer, 0, BigInt(value));
        expect(readLongNumber(buffer, 0)).toBe(value);
        expect(writeLongNumber(buffer, end, value)).toBe(2 * end);
        expect(readLongBigInt(buffer, end)).toBe(BigInt(value));
      }),
      { numRuns: 1_000 },
    );
  });
});
