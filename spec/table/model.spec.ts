import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { COMMANDS, commands, Pair } from '../support/pair.js';

const SEQUENCES = 2000;

describe('a database beside a model of it', () => {
  it(`agrees with it over ${SEQUENCES} random sequences of up to ${COMMANDS} commands`, () => {
    fc.assert(
      fc.property(commands, fc.boolean(), (list, followed) => {
        const pair = new Pair();
        if (followed) pair.follow();
        for (const each of list) each(pair);
        pair.compare();
        if (followed) expect([...pair.follower.values()].sort((a, b) => a.id - b.id)).toEqual(pair.model.accounts);
      }),
      { numRuns: SEQUENCES },
    );
  }, 300_000);
});
