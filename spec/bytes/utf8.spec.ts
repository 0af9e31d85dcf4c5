import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { isShortUtf8 } from '../../lib/bytes/utf8.js';
import { Random } from '../support/random.js';

const PIECES = ['a', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', 'José', '🦊'].map((text) =>
  Buffer.from(text),
);
/** Overlong forms, surrogates, beyond the last code point, alone, cut short. */
const WRONG = [
  '80',
  'bf',
  'c080',
  'c1bf',
  'e08080',
  'e09fbf',
  'eda080',
  'edbfbf',
  'f08080',
  'f08fbfbf',
  'f4908080',
  'f5808080',
  'ff',
  'c3',
  'e282',
  'f09f98',
];

describe('isShortUtf8', () => {
  it('says of every three bytes, alone and before another, what Node says', () => {
    const bytes = Buffer.alloc(4, 0x80);
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        for (const third of [0, 0x7f, 0x80, 0xbf, 0xc0, 0xff]) {
          bytes[0] = first;
          bytes[1] = second;
          bytes[2] = third;
          for (let to = 0; to <= 4; to++) {
            if (isShortUtf8(bytes, 0, to) !== isUtf8(bytes.subarray(0, to))) throw new Error(bytes.toString('hex', 0, to));
          }
        }
      }
    }
  });

  it('finds what is wrong wherever it stands, and reads nothing outside', () => {
    const random = new Random();
    random.reported(() => {
      for (let n = 0; n < 20_000; n++) {
        const parts = Array.from({ length: random.below(8) }, () =>
          random.chance(0.1) ? Buffer.from(random.pick(WRONG), 'hex') : random.pick(PIECES),
        );
        const text = Buffer.concat(parts);
        const around = Buffer.concat([Buffer.of(0xe2), text, Buffer.of(0x82, 0xac)]);
        expect(isShortUtf8(around, 1, 1 + text.length)).toBe(isUtf8(text));
      }
    });
  });
});
