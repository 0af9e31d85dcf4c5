import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readDouble, readFloat, writeDouble, writeFloat } from '../../lib/bytes/floats.js';

const DOUBLES = [
  0,
  -0,
  1,
  -1,
  0.1,
  Math.PI,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2 ** -1022,
  Number.EPSILON,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];
const MAX_FLOAT = 2 ** 128 - 2 ** 104;
const FLOATS = [...DOUBLES.map(Math.fround), MAX_FLOAT, -MAX_FLOAT, 2 ** -149, -(2 ** -149), 2 ** -126, 2 ** 24];

/** All NaNs a float can be, as far as their sign, quiet bit and payload matter. */
const NAN_WORDS = [0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fc00001, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff];

function doubleHolds(value: number): void {
  const buffer = new Uint8Array(14).fill(0xaa);
  const expected = new DataView(new ArrayBuffer(8));
  expected.setFloat64(0, value, true);
  expect(writeDouble(buffer, 3, value)).toBe(11);
  expect(Buffer.compare(buffer, Uint8Array.of(0xaa, 0xaa, 0xaa, ...new Uint8Array(expected.buffer), 0xaa, 0xaa, 0xaa))).toBe(0);
  expect(Object.is(readDouble(buffer, 3), value)).toBe(true);
}

function floatHolds(value: number): void {
  const buffer = new Uint8Array(10).fill(0xaa);
  const expected = new DataView(new ArrayBuffer(4));
  expected.setFloat32(0, value, true);
  expect(writeFloat(buffer, 3, value)).toBe(7);
  expect(Buffer.compare(buffer, Uint8Array.of(0xaa, 0xaa, 0xaa, ...new Uint8Array(expected.buffer), 0xaa, 0xaa, 0xaa))).toBe(0);
  expect(Object.is(readFloat(buffer, 3), Math.fround(value))).toBe(true);
}

describe('writeDouble', () => {
  it.each(DOUBLES)('writes %d little-endian and reads it back, its sign included', doubleHolds);

  it('writes any double', () => fc.assert(fc.property(fc.double(), doubleHolds), { numRuns: 1_500 }));

  it('writes every NaN as one', () => {
    for (const high of [0x7ff00000, 0x7ff7ffff, 0x7ff80000, 0x7fffffff, 0xfff00000, 0xfff80000, 0xffffffff]) {
      const words = Uint32Array.of(1, high);
      const buffer = new Uint8Array(8);
      writeDouble(buffer, 0, new Float64Array(words.buffer)[0] as number);
      expect([...buffer]).toEqual([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
    }
  });

  it('writes nothing past the end', () => {
    const memory = new Uint8Array(12).fill(0xaa);
    expect(writeDouble(memory.subarray(0, 5), 2, 1 / 3)).toBe(10);
    expect([...memory.subarray(5)]).toEqual(Array(7).fill(0xaa));
  });
});

describe('writeFloat', () => {
  it.each(FLOATS)('writes %d little-endian and reads it back, its sign included', floatHolds);

  it('writes any float', () => fc.assert(fc.property(fc.float(), floatHolds), { numRuns: 1_500 }));

  it('writes any double as the float next to it', () => fc.assert(fc.property(fc.double(), floatHolds), { numRuns: 1_500 }));

  it.each(NAN_WORDS)('writes the NaN of word %i as the only one', (word) => {
    const buffer = new Uint8Array(4);
    writeFloat(buffer, 0, new Float32Array(Uint32Array.of(word).buffer)[0] as number);
    expect([...buffer]).toEqual([0, 0, 0xc0, 0x7f]);
  });

  it('writes nothing past the end', () => {
    const memory = new Uint8Array(8).fill(0xaa);
    expect(writeFloat(memory.subarray(0, 3), 1, 1 / 3)).toBe(5);
    expect([...memory.subarray(3)]).toEqual(Array(5).fill(0xaa));
  });
});
