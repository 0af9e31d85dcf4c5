import { describe, expect, it } from '@jest/globals';
import { LockTimeoutError, QueryError, RowLockedError, TransactionError } from '../../../lib/index.js';
import { type Account, account } from '../entities.js';
import { type OpenDatabase, useDatabase } from './harness.js';

const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

export function locksBehave(open: OpenDatabase): void {
  const t = useDatabase(open);

  it('refuse the plain writes of others, let reads and other rows be, and let the holder write through the guard', async () => {
    t.accounts.insertMany([account(1), account(2)]);
    const row = t.accounts.select(1) as Account;
    {
      using guard = await t.accounts.lock(1);
      const writes = [
        () => t.accounts.update({ ...row, score: 9 }),
        () => t.accounts.updateBy(1, { score: 9 }),
        () => t.accounts.upsert({ ...account(1), id: 1 }),
        () => t.accounts.delete(1),
        () => t.accounts.queries.bumpScoreById(1, (draft) => void draft.score++),
        () => t.accounts.queries.setPlanByCountry('DE', { plan: 'paid' }),
        () => t.accounts.updateCdc({ ...row, score: 9 }),
        () => t.db.transaction(() => t.accounts.delete(1)),
      ];
      for (const write of writes) expect(write).toThrow(RowLockedError);
      expect(t.accounts.select(1)).toEqual(row);
      t.accounts.updateBy(2, { score: 7 });
      guard.updateBy(1, { score: 5 });
      guard.write(() => t.db.transaction(() => t.accounts.queries.bumpScoreById(1, (draft) => void draft.score++)));
      expect(t.accounts.select(1)?.score).toBe(6);
      expect(() => t.accounts.updateBy(1, { score: 0 })).toThrow(RowLockedError);
    }
    t.accounts.updateBy(1, { score: 0 });
    expect(t.accounts.select(1)?.score).toBe(0);
  });

  it('cover columns: others write the other columns of the row, and nobody deletes it', async () => {
    t.accounts.insert(account(1));
    using guard = await t.accounts.lock(1, ['score']);
    t.accounts.updateBy(1, { note: 'free' });
    expect(() => t.accounts.updateBy(1, { note: 'x', score: 1 })).toThrow(RowLockedError);
    expect(() => t.accounts.delete(1)).toThrow(RowLockedError);
    using other = await t.accounts.lock(1, ['note']);
    expect(() => t.accounts.updateBy(1, { note: 'held' })).toThrow(RowLockedError);
    expect(() => guard.updateBy(1, { note: 'not mine' })).toThrow(RowLockedError);
    other.updateBy(1, { note: 'mine' });
    guard.updateBy(1, { score: 77 });
    expect(t.accounts.select(1)).toMatchObject({ note: 'mine', score: 77 });
    expect(() => t.accounts.lock(1, ['nope' as never])).rejects.toThrow(QueryError);
  });

  it('cover keys that do not exist yet', async () => {
    using guard = await t.ledger.lock(['a', 1]);
    expect(() => t.ledger.insert({ tenant: 'a', number: 1, amount: 1 })).toThrow(RowLockedError);
    t.ledger.insert({ tenant: 'a', number: 2, amount: 1 });
    guard.insert({ tenant: 'a', number: 1, amount: 1 });
    expect(t.ledger.count()).toBe(2);
  });

  it('are granted in order, and a waiter for the whole row is not starved by later ones for columns', async () => {
    t.accounts.insert(account(1));
    const order: string[] = [];
    const first = await t.accounts.lock(1, ['score']);
    const whole = t.accounts.lock(1).then((guard) => {
      order.push('whole');
      guard.unlock();
    });
    const later = t.accounts.lock(1, ['note']).then((guard) => {
      order.push('later');
      guard.unlock();
    });
    await pause();
    expect(order).toEqual([]);
    first.unlock();
    await Promise.all([whole, later]);
    expect(order).toEqual(['whole', 'later']);
  });

  it('end a wait by a timeout or a signal, and leave nothing behind', async () => {
    t.accounts.insert(account(1));
    const guard = await t.accounts.lock(1);
    await expect(t.accounts.lock(1, undefined, { timeoutMs: 5 })).rejects.toThrow(LockTimeoutError);
    const controller = new AbortController();
    const waiting = t.accounts.lock(1, undefined, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(t.accounts.lock(1, undefined, { signal: controller.signal })).rejects.toThrow('enough');
    guard.unlock();
    guard.unlock();
    expect(() => guard.updateBy(1, { score: 1 })).toThrow(TransactionError);
    t.accounts.updateBy(1, { score: 1 });
    expect(guard.isHeld).toBe(false);
  });

  it('take several rows in key order, so that opposite requests do not deadlock', async () => {
    t.accounts.insertMany([account(1), account(2), account(3)]);
    let running = 0;
    const task = async (keys: number[]) => {
      using guard = await t.accounts.lockMany(keys);
      expect(++running).toBe(1);
      await pause();
      for (const key of keys) guard.updateBy(key, { score: (t.accounts.select(key)?.score as number) + 1 });
      running--;
    };
    await Promise.all(Array.from({ length: 30 }, (_, n) => task(n % 2 === 0 ? [1, 3, 1] : [3, 2, 1])));
    expect(
      t.accounts
        .selectAll()
        .execute()
        .map((row) => row.score),
    ).toEqual([1 + 45, 2 + 15, 3 + 30]);
  });

  it('free on an exception', async () => {
    t.accounts.insert(account(1));
    const work = async () => {
      using guard = await t.accounts.lock(1);
      guard.updateBy(1, { score: 3 });
      throw new Error('stop');
    };
    await expect(work()).rejects.toThrow('stop');
    t.accounts.updateBy(1, { score: 4 });
  });

  describe('increments under contention', () => {
    it('are exact: 20,000 by 64 tasks that read, await and write', async () => {
      t.accounts.insertMany([account(1, { score: 0 }), account(2, { score: 0 })]);
      const tasks = 64;
      const each = Math.ceil(20_000 / tasks);
      await Promise.all(
        Array.from({ length: tasks }, async (_, n) => {
          for (let round = 0; round < each; round++) {
            const key = 1 + ((n + round) % 2);
            using guard = await t.accounts.lock(key, ['score']);
            const { score } = t.accounts.select(key) as Account;
            if (round % 16 === 0) await Promise.resolve();
            guard.updateBy(key, { score: score + 1 });
          }
        }),
      );
      expect(t.accounts.selectAll().sum('score')).toBe(tasks * each);
    });
  });
}
