import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { crc64Avro } from '../../lib/bytes/crc64-avro.js';

/** The fingerprint bit by bit: a polynomial division, without a table. */
function bitwise(bytes: Uint8Array): bigint {
  const polynomial = 0xc15d213aa4d7a795n;
  let register = polynomial;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (register & 1n) ^ BigInt((byte >> bit) & 1);
      register >>= 1n;
      if (out === 1n) register ^= polynomial;
    }
  }
  return register;
}

/** The fingerprints that Apache Avro publishes of these two. */
const APACHE: readonly (readonly [canonical: string, fingerprint: bigint])[] = [
  ['"null"', 7195948357588979594n],
  ['{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]}', 7843277075252814651n],
];

describe('crc64Avro', () => {
  it.each(APACHE)('gives the fingerprint that Apache Avro gives of %s', (canonical, fingerprint) => {
    const bytes = Buffer.from(canonical, 'utf8');
    expect(BigInt.asIntN(64, crc64Avro(bytes))).toBe(fingerprint);
    expect(bitwise(bytes)).toBe(crc64Avro(bytes));
  });

  it('is unsigned, and of nothing the seed', () => {
    expect(crc64Avro(new Uint8Array(0))).toBe(0xc15d213aa4d7a795n);
    for (const [canonical] of APACHE) expect(crc64Avro(Buffer.from(canonical)) >= 0n).toBe(true);
  });

  it('agrees with a division bit by bit, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => expect(crc64Avro(bytes)).toBe(bitwise(bytes))),
      { numRuns: 500 },
    );
  });
});
