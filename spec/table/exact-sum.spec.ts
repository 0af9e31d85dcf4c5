import { describe, expect, it } from '@jest/globals';
import { ExactSum } from '../../lib/table/exact-sum.js';
import { Random } from '../support/random.js';

const bits = new DataView(new ArrayBuffer(8));

/** A double of any exponent, subnormal ones and the greatest among them. */
function anyDouble(random: Random): number {
  bits.setUint32(0, random.word());
  bits.setUint32(4, random.word());
  const value = bits.getFloat64(0);
  return Number.isFinite(value) ? value : random.below(1000) / 10;
}

/** The numerator over 2^1074. */
function units(value: number): bigint {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const exponent = (high >>> 20) & 0x7ff;
  const mantissa = (BigInt(exponent === 0 ? high & 0xfffff : (high & 0xfffff) | 0x100000) << 32n) | BigInt(bits.getUint32(4));
  const size = mantissa << BigInt(Math.max(exponent - 1, 0));
  return value < 0 ? -size : size;
}

/** The double nearest to a count of 2^−1074, found by comparing with its neighbours. */
function nearest(count: bigint): number {
  const size = count < 0n ? -count : count;
  let low = 0n;
  let high = 0x7ff0000000000000n; // the bits of Infinity
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (units(fromBits(middle)) <= size) low = middle;
    else high = middle;
  }
  const step = low === 0x7fefffffffffffffn ? 1n << 2045n : units(fromBits(high)) - units(fromBits(low));
  const over = 2n * (size - units(fromBits(low)));
  const found = over > step || (over === step && low % 2n === 1n) ? high : low;
  return count < 0n ? -fromBits(found) : fromBits(found);
}

function fromBits(pattern: bigint): number {
  bits.setBigUint64(0, pattern);
  return bits.getFloat64(0);
}

const sumOf = (values: readonly number[]) => {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.value;
};

describe('ExactSum', () => {
  it('is the double nearest to the true sum, for numbers of all sizes, added and taken away in any order', () => {
    new Random().reported((random) => {
      for (let run = 0; run < 3000; run++) {
        const values = Array.from({ length: random.below(12) }, () => {
          if (random.chance(0.3)) return random.below(1000) - 500;
          if (random.chance(0.3)) return (random.below(1000) - 500) / 100;
          if (random.chance(0.2)) return random.pick([2 ** 53 - 1, -(2 ** 53), 1e300, -1e300, 5e-324, -5e-324, 2 ** 971, Number.MAX_VALUE]);
          return anyDouble(random);
        });
        const sum = new ExactSum();
        for (const value of values) sum.add(value);
        const gone = values.filter(() => random.chance(0.4));
        for (const value of gone) sum.remove(value);
        let count = 0n;
        for (const value of values) count += units(value);
        for (const value of gone) count -= units(value);
        expect(Object.is(sum.value + 0, nearest(count) + 0)).toBe(true);
      }
    });
  });

  it('loses nothing where floating point would', () => {
    expect(sumOf([1e308, 1e308, -1e308, -1e308])).toBe(0);
    expect(sumOf([1, 1e100, 1, -1e100])).toBe(2);
    expect(sumOf(Array(10).fill(0.1))).toBe(1);
    expect(sumOf([2 ** 53, 1, 1])).toBe(2 ** 53 + 2);
    expect(sumOf([Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Number.POSITIVE_INFINITY);
    expect(sumOf([])).toBe(0);
    expect(Object.is(sumOf([-0]), 0)).toBe(true);
  });

  it('counts infinities and NaN, so that they can be taken away', () => {
    const sum = new ExactSum();
    sum.add(1.5);
    sum.add(Number.POSITIVE_INFINITY);
    expect(sum.value).toBe(Number.POSITIVE_INFINITY);
    sum.add(Number.NEGATIVE_INFINITY);
    expect(sum.value).toBeNaN();
    sum.remove(Number.POSITIVE_INFINITY);
    expect(sum.value).toBe(Number.NEGATIVE_INFINITY);
    sum.add(Number.NaN);
    expect(sum.value).toBeNaN();
    sum.remove(Number.NaN);
    sum.remove(Number.NEGATIVE_INFINITY);
    expect(sum.value).toBe(1.5);
  });

  it('goes on being exact over more additions than the carries wait for', () => {
    const sum = new ExactSum();
    for (let n = 0; n < 300_000; n++) sum.add(5e-324 * (2 ** 53 - 1));
    expect(sum.value).toBe(5e-324 * (2 ** 53 - 1) * 300_000);
    for (let n = 0; n < 299_999; n++) sum.remove(5e-324 * (2 ** 53 - 1));
    expect(sum.value).toBe(5e-324 * (2 ** 53 - 1));
  });
});
