import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Key } from '../../lib/index/key-order.js';
import { keyWords } from '../../lib/index/key-word.js';
import { sortWords } from '../../lib/index/sort-words.js';
import { compareOf, KEY_KINDS } from '../support/key-arbitrary.js';

const RUNS = Number(process.env.KEY_WORDS ?? 3000);

describe('keyWords', () => {
  for (const kind of KEY_KINDS) {
    it(`orders words as keys and bounds of ${kind.title}, and says when a word is of one key alone`, () => {
      const compare = compareOf(kind);
      const words = keyWords(kind.columns);
      const word = (key: Key) => ({ word: words.of(key), isExact: words.isExact });
      fc.assert(
        fc.property(kind.keys, kind.bounds, (key, bound) => {
          const order = compare(key, bound);
          const [a, b] = [word(key), word(bound)];
          if (Number.isNaN(a.word) || Number.isNaN(b.word)) throw new Error('a word is no number');
          if (order < 0 ? a.word > b.word : order > 0 ? a.word < b.word : a.word !== b.word) throw new Error('words are out of order');
          // What is looked for may be a bound; what stands in an index is a key.
          if (a.word === b.word && b.isExact && order !== 0) throw new Error('a word is said to be of one key, and is not');
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('tells short text and small integers apart by their words alone', () => {
    const exactOf = (title: string) => {
      const words = keyWords((KEY_KINDS.find((kind) => kind.title === title) as (typeof KEY_KINDS)[0]).columns);
      return (key: Key) => [words.of(key), words.isExact][1];
    };
    expect([exactOf('text')('FR'), exactOf('text')('FRANCE'), exactOf('text')('GERMANY')]).toEqual([true, true, false]);
    expect([exactOf('text, int')(['FR', -7]), exactOf('text, int')(['FRA', 7])]).toEqual([true, false]);
    expect([exactOf('int')(2 ** 31 - 1), exactOf('double')(Number.NaN), exactOf('double or null')(null)]).toEqual([true, true, true]);
    expect([exactOf('bigint')(2n ** 53n - 1n), exactOf('bigint')(2n ** 53n)]).toEqual([true, false]);
  });
});

describe('sortWords', () => {
  it('sorts as a comparison does, and keeps the order of rows with one word', () => {
    const word = fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 }), fc.integer());
    fc.assert(
      fc.property(fc.array(word, { maxLength: 300 }), (given) => {
        const words = Float64Array.from(given, (one) => one + 0);
        const rows = Int32Array.from(given, (_, at) => at * 3);
        const wanted = Array.from(rows).sort((a, b) => (words[a / 3] as number) - (words[b / 3] as number) || a - b);
        const sorted = sortWords(words, rows);
        expect(Array.from(sorted.rows)).toEqual(wanted);
        expect(Array.from(sorted.words)).toEqual(wanted.map((row) => words[row / 3]));
      }),
    );
  });
});
