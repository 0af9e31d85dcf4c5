import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { Database } from '../../lib/index.js';
import { type Command, PAIR_TABLES, Pair, pairCommand } from '../support/pair.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const SEQUENCES = 150;
const directory = temporaryDirectories();

type Step = Command | 'reopen' | 'checkpoint' | 'wait';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: pairCommand },
  { weight: 1, arbitrary: fc.constant<Step>('reopen') },
  { weight: 1, arbitrary: fc.constant<Step>('checkpoint') },
  { weight: 1, arbitrary: fc.constant<Step>('wait') },
);

describe('a stored database beside a model of it', () => {
  it(`agrees with it over ${SEQUENCES} random sequences, with reopenings and checkpoints among them`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
        const path = directory();
        const open = () => Database.open({ path, tables: PAIR_TABLES, segmentBytes: 4096 });
        const pair = new Pair(await open());
        for (const each of [...steps, 'reopen' as const]) {
          if (each === 'reopen') {
            const { lsn } = pair.db;
            await pair.db.close();
            pair.goOn(await open());
            if (pair.db.lsn !== lsn) throw new Error(`LSN ${lsn} became ${pair.db.lsn}`);
            pair.compare();
          } else if (each === 'checkpoint') await pair.db.checkpoint();
          else if (each === 'wait') await pair.db.waitForOps();
          else each(pair);
        }
        await pair.db.close();
      }),
      { numRuns: SEQUENCES },
    );
  }, 300_000);
});
