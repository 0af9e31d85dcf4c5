import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncTransaction } from '../../lib/isolation/async-transaction.js';
import { ReadSet } from '../../lib/isolation/read-set.js';
import { SnapshotView } from '../../lib/isolation/snapshot-view.js';
import { TransactionTable } from '../../lib/isolation/transaction-table.js';
import { isSerializable, randomHistory } from '../support/history.js';

const HISTORIES = 2000;
/** How many histories a weakened variant gets to show its anomaly in. */
const WEAKENED = 600;

async function anomalies(seeds: number): Promise<number[]> {
  const found: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    // What is weakened may also be refused by the tables themselves.
    if (!isSerializable(await randomHistory(seed, () => true))) found.push(seed);
  }
  return found;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('transactionAsync, run many at once', () => {
  it(`is serializable in ${HISTORIES} random histories`, async () => {
    let committed = 0;
    let conflicts = 0;
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const history = await randomHistory(seed);
      committed += history.committed.length;
      conflicts += history.conflicts;
      if (!isSerializable(history)) throw new Error(`seed ${seed}: no serial order gives ${JSON.stringify(history)}`);
    }
    // Neither refusing everything nor never meeting would prove anything.
    expect(committed).toBeGreaterThan(HISTORIES * 2);
    expect(conflicts).toBeGreaterThan(HISTORIES / 4);
  }, 120_000);

  // Each variant leaves out one thing that keeps transactions apart; the checker must see that it is missing.
  const variants: Record<string, () => void> = {
    'write skew, where nothing that was read is looked at again': () => {
      jest.spyOn(TransactionTable.prototype, 'findConflict').mockReturnValue(undefined);
    },
    'phantoms, where the conditions of queries are not remembered': () => {
      jest.spyOn(ReadSet.prototype, 'where').mockImplementation(() => undefined);
    },
    'write skew, where the keys that were looked up are not remembered': () => {
      jest.spyOn(ReadSet.prototype, 'point').mockImplementation(() => undefined);
    },
    'lost updates, where rows are neither locked nor looked at again': () => {
      jest.spyOn(AsyncTransaction.prototype, 'lockNow').mockImplementation(() => undefined);
      jest.spyOn(TransactionTable.prototype, 'findConflict').mockReturnValue(undefined);
    },
    'the read-only anomaly, where a reader sees the table as it goes on': () => {
      jest.spyOn(SnapshotView.prototype, 'sync').mockImplementation(() => undefined);
    },
  };
  for (const [anomaly, weaken] of Object.entries(variants)) {
    it(`would show ${anomaly}`, async () => {
      weaken();
      expect((await anomalies(WEAKENED)).length).toBeGreaterThan(0);
    }, 120_000);
  }
});
