import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isString, readBytes, readString, readText, skipText, writeBytes, writeString } from '../../lib/bytes/text.js';
import { cursor, writeInt } from '../../lib/bytes/varint.js';

/** Around the limits of this file (25, 48, 64) and of the varint that holds a length (64, 8192). */
const LENGTHS = [...Array(28).keys(), 31, 32, 33, 47, 48, 49, 50, 62, 63, 64, 65, 126, 127, 128, 129, 255, 256, 8191, 8192, 8193, 70_000];
const AROUND = 5;

function specified(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(5);
  return Buffer.concat([length.subarray(0, writeInt(length, 0, payload.length)), payload]);
}

/** A buffer amid other bytes, so that a write beyond its ends shows. */
function guarded(sizeBytes: number): { buffer: Buffer; untouched: () => boolean } {
  const memory = Buffer.alloc(sizeBytes + 2 * AROUND, 0xaa);
  const buffer = memory.subarray(AROUND, AROUND + sizeBytes);
  const around = [memory.subarray(0, AROUND), memory.subarray(AROUND + sizeBytes)];
  return { buffer, untouched: () => around.every((side) => side.every((byte) => byte === 0xaa)) };
}

function textHolds(text: string): void {
  const bytes = specified(Buffer.from(text, 'utf8'));
  const exact = guarded(bytes.length);
  expect(writeString(exact.buffer, 0, text)).toBe(bytes.length);
  expect(exact.buffer.equals(bytes) && exact.untouched()).toBe(true);
  const { buffer, untouched } = guarded(bytes.length + 2);
  expect(writeString(buffer, 1, text)).toBe(1 + bytes.length);
  expect(buffer.subarray(1, -1).equals(bytes)).toBe(true);
  expect(buffer[0] === 0xaa && buffer.at(-1) === 0xaa && untouched()).toBe(true);
  cursor.position = -1;
  expect(readString(buffer, 1) === text).toBe(true);
  expect(cursor.position).toBe(1 + bytes.length);
  expect(skipText(buffer, 1)).toBe(1 + bytes.length);
}

describe('writeString', () => {
  it.each(LENGTHS)('writes %i characters of ASCII as Avro says', (length) => {
    textHolds('x'.repeat(length));
    textHolds(Array.from({ length }, (_, at) => String.fromCharCode(at % 128)).join(''));
  });

  it('writes text that is ASCII but for its first, middle or last character', () => {
    for (const other of ['\u0080', 'é', '\u07ff', '\u0800', '\uffff', '🦊']) {
      for (const length of LENGTHS) {
        const ascii = 'a'.repeat(length);
        const middle = length >> 1;
        for (const text of [other + ascii, ascii + other, ascii.slice(0, middle) + other + ascii.slice(middle)]) textHolds(text);
      }
    }
  });

  it('writes the characters at both ends of every plane of Unicode and of every length of UTF-8', () => {
    const points = [0, 1, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd];
    for (let plane = 0; plane <= 16; plane++)
      points.push(plane * 0x10000, plane * 0x10000 + 0x8000 * Math.sign(plane), plane * 0x10000 + 0xffff);
    for (const point of points)
      for (const count of [1, 2, 3, 4, 12, 13, 48, 49, 64, 130]) textHolds(String.fromCodePoint(point).repeat(count));
  });

  it('keeps a byte order mark and the null character', () => {
    textHolds('\ufeffa');
    textHolds('\ufeff');
    textHolds('\0');
    textHolds(`a\0${'b'.repeat(60)}\0`);
  });

  it('writes any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200, size: 'max' }), textHolds), { numRuns: 1_000 });
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii', maxLength: 80, size: 'max' }), textHolds), { numRuns: 1_000 });
  });

  it('measures text that does not fit, and writes nothing beyond the buffer', () => {
    for (const text of ['', 'a', 'é', 'a'.repeat(48), 'a'.repeat(49), 'é'.repeat(48), 'a'.repeat(63), 'a'.repeat(64), '🦊'.repeat(40)]) {
      const size = specified(Buffer.from(text, 'utf8')).length;
      for (let room = 0; room < size; room++) {
        const { buffer, untouched } = guarded(room);
        expect(writeString(buffer, 0, text)).toBe(size);
        expect(writeString(buffer, room + 9, text)).toBe(room + 9 + size);
        expect(untouched()).toBe(true);
      }
    }
  });
});

describe('readText', () => {
  it('reads from the middle of a buffer, whatever lies beside it', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
    const buffer = Buffer.from(`é€${letters}🦊`, 'utf8');
    for (let length = 0; length <= letters.length; length++) expect(readText(buffer, 5, length)).toBe(letters.slice(0, length));
    expect(readText(buffer, 2, 3)).toBe('€');
    expect(readText(buffer, 5 + letters.length, 4)).toBe('🦊');
  });
});

describe('writeBytes', () => {
  it.each(LENGTHS)('writes %i bytes as Avro says, and reads them as a copy of its own', (length) => {
    const payload = Uint8Array.from({ length }, (_, at) => (at * 7 + 3) & 255);
    const bytes = specified(payload);
    const exact = guarded(bytes.length);
    expect(writeBytes(exact.buffer, 0, payload)).toBe(bytes.length);
    expect(exact.buffer.equals(bytes) && exact.untouched()).toBe(true);
    const { buffer, untouched } = guarded(bytes.length + 2);
    expect(writeBytes(buffer, 1, payload)).toBe(1 + bytes.length);
    expect(buffer.subarray(1, -1).equals(bytes)).toBe(true);
    expect(buffer[0] === 0xaa && buffer.at(-1) === 0xaa && untouched()).toBe(true);
    cursor.position = -1;
    const read = readBytes(buffer, 1);
    expect(cursor.position).toBe(1 + bytes.length);
    expect(skipText(buffer, 1)).toBe(1 + bytes.length);
    buffer.fill(0);
    expect(Buffer.compare(read, payload)).toBe(0);
    expect(read.buffer.byteLength).toBe(length);
  });

  it('reads a plain Uint8Array, which is what a row declares, not a Buffer', () => {
    for (const buffer of [Buffer.of(4, 1, 2), Buffer.of(0)]) expect(Buffer.isBuffer(readBytes(buffer, 0))).toBe(false);
  });

  it('measures bytes that do not fit, and writes nothing beyond the buffer', () => {
    for (const length of [0, 1, 63, 64, 200]) {
      const payload = new Uint8Array(length).fill(0xbb);
      const size = specified(payload).length;
      for (let room = 0; room < size; room++) {
        const { buffer, untouched } = guarded(room);
        expect(writeBytes(buffer, 0, payload)).toBe(size);
        expect(writeBytes(buffer, room + 9, payload)).toBe(room + 9 + size);
        expect(untouched()).toBe(true);
      }
    }
  });
});

describe('isString', () => {
  it('tells equal text from other text without decoding it, whatever its bytes look like', () => {
    const texts = [
      '',
      'a',
      'b',
      'ab',
      'é',
      'Ã©',
      '\u00c3',
      'éa',
      'aé',
      '😀',
      '\u00f0\u009f\u0098\u0080',
      'x'.repeat(63),
      'x'.repeat(64),
      'é'.repeat(32),
    ];
    texts.push(`${'x'.repeat(62)}é`, 'x'.repeat(9000), `${'x'.repeat(8999)}y`);
    for (const stored of texts) {
      const buffer = specified(Buffer.from(stored, 'utf8'));
      for (const asked of texts) expect([stored, asked, isString(buffer, 0, asked)]).toEqual([stored, asked, stored === asked]);
    }
    const text = fc.string({ unit: 'grapheme', maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) => isString(specified(Buffer.from(a, 'utf8')), 0, b) === (a === b)),
      { numRuns: 2000 },
    );
  });
});
