import { randomBytes } from 'node:crypto';
import { crc32 as zlib } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { crc32 } from '../../lib/bytes/crc32.js';

describe('crc32', () => {
  it('is zlib’s for every length, offset and seed', () => {
    const bytes = randomBytes(600);
    for (let length = 0; length <= 400; length++) {
      const from = length % 9;
      const seed = length % 3 === 0 ? 0 : (length * 2654435761) >>> 0;
      expect(crc32(bytes, from, from + length, seed)).toBe(zlib(bytes.subarray(from, from + length), seed));
    }
  });

  it('goes on from what an earlier range gave', () => {
    const bytes = randomBytes(1000);
    for (const cut of [0, 1, 7, 8, 191, 192, 500, 1000]) expect(crc32(bytes, cut, 1000, crc32(bytes, 0, cut))).toBe(zlib(bytes));
  });

  it('gives the check value of the polynomial', () => {
    expect(crc32(Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926);
  });
});
