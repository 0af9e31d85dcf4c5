import { describe, expect, it } from '@jest/globals';
import { RepeatedText } from '../../lib/bytes/repeated-text.js';
import { Random } from '../support/random.js';

const READS = 400_000;

/** What the reader keeps, and whether it rests. */
interface Inside {
  readonly words: Int32Array;
  readonly texts: readonly string[];
  readonly rest: number;
  readonly hits: number;
}

/** Texts laid out one behind the other, at any offset, with bytes of others around them. */
class Texts {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly starts: number[] = [];
  readonly lengths: number[] = [];

  constructor(readonly texts: readonly string[]) {
    const parts: Buffer[] = [Buffer.from('?')];
    let at = 1;
    for (const text of texts) {
      const bytes = Buffer.from(text);
      this.starts.push(at);
      this.lengths.push(bytes.length);
      parts.push(bytes);
      at += bytes.length;
    }
    // Inside of a larger memory, as a page of its own may be.
    const memory = Buffer.concat([Buffer.alloc(5, 0x7e), ...parts]);
    this.buffer = memory.subarray(5);
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
  }

  read(reader: RepeatedText, n: number): string {
    return reader.read(this.buffer, this.view, this.starts[n] as number, this.lengths[n] as number);
  }
}

/** Texts that are alike: the same beginning, the same end, one byte changed, a byte more. */
function alike(random: Random): string[] {
  const texts: string[] = [''];
  for (let n = 0; n < 3000; n++) {
    const length = random.below(70);
    const characters = Array.from({ length }, () => random.pick(['a', 'b', '\0', 'é', '🦊', 'ä']));
    texts.push(characters.join(''), `${characters.join('')}x`, `x${characters.join('')}`);
    if (length > 0) {
      characters[random.below(length)] = 'z';
      texts.push(characters.join(''));
    }
  }
  return texts;
}

describe('RepeatedText', () => {
  it('gives every text as it is, however often it comes', () => {
    new Random().reported((random) => {
      const texts = new Texts(alike(random));
      const reader = new RepeatedText();
      let few = 10;
      for (let n = 0; n < READS; n++) {
        if (n % 5000 === 0) few = random.pick([2, 10, 100, 400, 1000, texts.texts.length]);
        const which = random.below(few);
        const text = texts.read(reader, which);
        if (text !== texts.texts[which]) throw new Error(`read ${n}: ${JSON.stringify(text)} for ${JSON.stringify(texts.texts[which])}`);
      }
    });
  });

  it('remembers text that repeats', () => {
    const texts = new Texts(['FR', 'x', 'Ada Lovelace', 'José Müller', 'sixty bytes of text, counted by hand and by machine: sixty!!']);
    const reader = new RepeatedText();
    for (let n = 0; n < 10_000; n++) texts.read(reader, n % 5);
    const { hits, texts: kept } = reader as unknown as Inside;
    expect(hits).toBeGreaterThan(9700);
    expect(kept.filter((text) => text !== '').sort()).toEqual([...texts.texts].sort());
  });

  it('lets go of its memory where text does not repeat, and begins again when it does', () => {
    const texts = new Texts(Array.from({ length: 2000 }, (_, n) => `number ${n}`));
    const reader = new RepeatedText();
    const inside = reader as unknown as Inside;
    for (let n = 0; n < 1000; n++) texts.read(reader, n);
    expect(inside.words.length).toBe(0);
    expect(inside.texts.length).toBe(0);
    expect(inside.rest).toBeGreaterThan(0);
    while (inside.rest > 0) expect(texts.read(reader, 7)).toBe('number 7');
    for (let n = 0; n < 100; n++) texts.read(reader, 7);
    expect(inside.hits).toBe(99);
  });

  it('keeps nothing for a column that is hardly read, and no more than its slots for any other', () => {
    const texts = new Texts(Array.from({ length: 2000 }, (_, n) => `number ${n}`));
    const reader = new RepeatedText();
    const inside = reader as unknown as Inside;
    for (let n = 0; n < 100; n++) texts.read(reader, n);
    expect(inside.words.length).toBe(0);
    for (let n = 0; n < 50_000; n++) {
      texts.read(reader, n % 3);
      if (n % 20 === 0) texts.read(reader, n % 2000);
      expect(inside.texts.length <= 512 && inside.words.byteLength <= 32_768).toBe(true);
    }
  });
});
