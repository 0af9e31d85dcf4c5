import { describe, expect, it } from '@jest/globals';
import { writeString } from '../../lib/bytes/text.js';
import { KeyHash } from '../../lib/index/key-hash.js';
import { TextKey } from '../../lib/index/text-key.js';
import { Random } from '../support/random.js';

const TEXTS = 20_000;

/** Text of every length around those of words and of what can be held, alike but for a character. */
function draw(random: Random): string {
  const characters = Array.from({ length: random.below(70) }, () => random.pick(['a', 'b', '\0', '\x7f']));
  if (characters.length > 0 && random.chance(0.3)) {
    characters[random.below(characters.length)] = random.pick(['\x80', 'é', 'ÿ', 'Ā', '🦊', '\ud83e']);
  }
  return characters.join('');
}

describe('TextKey', () => {
  it('holds ASCII that was hashed, and finds it alone where rows stand', () => {
    new Random().reported((random) => {
      const seeds = Uint32Array.of(random.word(), random.word(), random.word());
      const asked = new TextKey();
      const hash = new KeyHash(seeds, asked);
      const plain = new KeyHash(seeds);
      const buffer = Buffer.alloc(256, 0x61);
      const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
      let held = 0;
      for (let n = 0; n < TEXTS; n++) {
        const text = draw(random);
        if (hash.of(text) !== plain.of(text)) throw new Error(`two hashes of ${JSON.stringify(text)}`);
        const isAscii = /^[\0-\x7f]*$/.test(text);
        if (TextKey.fits(text) && asked.holds(text) !== isAscii) throw new Error(`holds ${JSON.stringify(text)}: ${!isAscii}`);
        if (!asked.holds(text)) continue;
        held++;
        const other = random.chance(0.5) ? text : random.chance(0.5) ? changed(random, text) : draw(random).replaceAll(/[^\0-\x7f]/gu, 'c');
        const at = random.below(100);
        writeString(buffer, at, other);
        if (asked.isAt(buffer, view, at) !== (other === text)) throw new Error(`${JSON.stringify(text)} at ${JSON.stringify(other)}`);
      }
      expect(held).toBeGreaterThan(TEXTS / 3);
    });
  });

  it('reads no byte beyond the end of the memory', () => {
    const asked = new TextKey();
    const hash = new KeyHash(undefined, asked);
    for (const text of ['', 'a', 'abc', 'abcd', 'abcde', 'x'.repeat(63)]) {
      const buffer = Buffer.alloc(text.length + 1);
      writeString(buffer, 0, text);
      hash.of(text);
      expect(asked.isAt(buffer, new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0)).toBe(true);
    }
  });
});

/** The text with one character changed. */
function changed(random: Random, text: string): string {
  const at = random.below(Math.max(text.length, 1));
  return `${text.slice(0, at)}c${text.slice(at + 1)}`;
}
