import { describe, expect, it } from '@jest/globals';
import { WordCopier } from '../../lib/storage/word-copier.js';
import { Random } from '../support/random.js';

describe('WordCopier', () => {
  it('copies any length from anywhere, to the last byte of the source, and touches no other word', () => {
    const random = new Random();
    random.reported(() => {
      const copier = new WordCopier();
      for (let n = 0; n < 5_000; n++) {
        // Now and then another source, and one that does not begin where its memory does.
        const memory = Buffer.from(Array.from({ length: 200 }, () => random.below(256)));
        const source = random.chance(0.5) ? memory : memory.subarray(3, 150);
        for (let copies = 0; copies < 3; copies++) {
          const from = random.below(source.length + 1);
          const length = random.chance(0.3) ? source.length - from : random.below(source.length - from + 1);
          const target = new Int32Array(64).fill(-1);
          copier.copy(source, from, length, target, 2);
          const bytes = Buffer.from(target.buffer);
          const end = (length + 3) & -4;
          expect(bytes.subarray(8, 8 + length).equals(source.subarray(from, from + length))).toBe(true);
          expect(bytes.subarray(8 + length, 8 + end).every((byte) => byte === 0)).toBe(true);
          expect([...bytes.subarray(0, 8), ...bytes.subarray(8 + end)].every((byte) => byte === 255)).toBe(true);
        }
      }
    });
  });
});
