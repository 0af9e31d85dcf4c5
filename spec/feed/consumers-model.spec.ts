import { describe, expect, it } from '@jest/globals';
import { FeedRunner } from '../support/feed-run.js';
import { Random } from '../support/random.js';

/** `FEED_RUNS=20000 npm run spec -- spec/feed/consumers-model.spec.ts` runs as many; `SEED` says from where. */
const RUNS = Number(process.env.FEED_RUNS ?? 2000);

describe('readers of the feed', () => {
  it(`are given exactly what was committed behind their positions, in ${RUNS} random runs`, async () => {
    const first = new Random().seed;
    const sum = { transactions: 0, given: 0, truncated: 0, crashes: 0 };
    for (let seed = first; seed < first + RUNS; seed++) {
      const found = await new FeedRunner(seed).run(160).catch((error: unknown) => {
        throw new Error(`SEED=${seed}: ${(error as Error).stack}`);
      });
      for (const name of ['transactions', 'given', 'truncated', 'crashes'] as const) sum[name] += found[name];
    }
    // Or the runs would show nothing.
    expect(sum.given).toBeGreaterThan(RUNS * 10);
    expect(sum.crashes).toBeGreaterThan(RUNS / 10);
    expect(sum.truncated).toBeGreaterThan(RUNS / 100);
    if (process.env.FEED_RUNS !== undefined) process.stdout.write(`${JSON.stringify(sum)}\n`);
  }, 3_600_000);
});
