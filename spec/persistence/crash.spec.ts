import { describe, expect, it } from '@jest/globals';
import { crashEverywhere } from '../support/crash-oracle.js';
import { record } from '../support/crash-workload.js';
import { Random } from '../support/random.js';

/** `npm run test:deep` asks for more. */
const IMAGES = Number(process.env.CRASH_IMAGES ?? 200_000);
const STEPS = 60;

describe('a store whose machine stops', () => {
  it(`comes back whole, with all that was acknowledged, from ${IMAGES} crash images`, async () => {
    const first = new Random().seed;
    let images = 0;
    for (let seed = first; images < IMAGES; seed++) {
      const result = await crashEverywhere(await record(seed, STEPS), { wholeOneIn: 60 });
      images += result.images;
      expect(result.violation).toBeUndefined();
    }
  }, 3_600_000);

  it('loses nothing that was acknowledged in relaxed mode where only the process ends, and is whole in any case', async () => {
    const first = new Random().seed;
    let images = 0;
    const options = { durability: { relaxed: { intervalMs: 3 } } };
    for (let seed = first; images < IMAGES / 10; seed++) {
      const result = await crashEverywhere(await record(seed, STEPS, options), {
        options,
        durable: (mode, acked) => (mode === 'all' ? acked : 0),
        wholeOneIn: 60,
      });
      images += result.images;
      expect(result.violation).toBeUndefined();
    }
  }, 3_600_000);
});
