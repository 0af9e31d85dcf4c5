import { describe, expect, it } from '@jest/globals';
import { World } from '../support/live/world.js';
import { Random } from '../support/random.js';

const CHANGES = Number(process.env.LIVE_CHANGES ?? 100_000);
const TRANSACTIONS = 250;

describe('live queries beside running them anew', () => {
  it(`agree after each transaction, over ${CHANGES} random changes of random tables, and tell what has changed`, async () => {
    const first = new Random().seed;
    let changes = 0;
    for (let seed = first; changes < CHANGES; seed++) {
      const world = new World(new Random(seed));
      await world.run(TRANSACTIONS).catch((error: Error) => {
        error.message = `SEED=${seed}: ${error.message}`;
        throw error;
      });
      changes += world.changes;
    }
    expect(changes).toBeGreaterThanOrEqual(CHANGES);
  }, 900_000);
});
