import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bigIntFromBytes, bigIntToBytes } from '../../lib/bytes/big-endian.js';

/** The value that bytes stand for, digit by digit: the first one is signed, the others are not. */
function meaning(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte, at) => sum * 256n + BigInt(at === 0 && byte > 127 ? byte - 256 : byte), 0n);
}

function holds(value: bigint): void {
  const bytes = bigIntToBytes(value);
  expect(meaning(bytes)).toBe(value);
  expect(bigIntFromBytes(bytes)).toBe(value);
  if (bytes.length > 1) expect(meaning(bytes.subarray(1))).not.toBe(value); // no byte fewer would do
}

describe('bigIntToBytes', () => {
  it.each([
    [0n, [0]],
    [1n, [1]],
    [-1n, [255]],
    [127n, [127]],
    [128n, [0, 128]],
    [-128n, [128]],
    [-129n, [255, 127]],
    [255n, [0, 255]],
    [256n, [1, 0]],
    [-256n, [255, 0]],
    [32_767n, [127, 255]],
    [32_768n, [0, 128, 0]],
    [-32_768n, [128, 0]],
    [-32_769n, [255, 127, 255]],
  ])('gives %s in the fewest bytes', (value, bytes) => {
    expect([...bigIntToBytes(value)]).toEqual(bytes);
  });

  it('holds every power of two and ten and its neighbours', () => {
    for (const base of [2n, 10n]) {
      for (let exponent = 0n; exponent <= 130n; exponent++) {
        for (const near of [-1n, 0n, 1n]) {
          holds(base ** exponent + near);
          holds(-(base ** exponent) + near);
        }
      }
    }
  });

  it('holds any integer', () => {
    fc.assert(fc.property(fc.bigInt(), holds), { numRuns: 1_000 });
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 3400n), max: 2n ** 3400n }), holds), { numRuns: 300 });
  });
});

describe('bigIntFromBytes', () => {
  it('reads bytes that are more than they need be', () => {
    expect(bigIntFromBytes(Uint8Array.of(0, 0, 5))).toBe(5n);
    expect(bigIntFromBytes(Uint8Array.of(255, 255, 251))).toBe(-5n);
  });

  it('reads any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => expect(bigIntFromBytes(bytes)).toBe(meaning(bytes))),
      { numRuns: 1_000 },
    );
  });
});
