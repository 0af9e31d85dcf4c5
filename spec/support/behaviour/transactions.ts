import { describe, expect, it } from '@jest/globals';
import { ClosedError, type CommitEvent, TransactionError, UniqueViolationError } from '../../../lib/index.js';
import { type Account, account } from '../entities.js';
import { type OpenDatabase, useDatabase } from './harness.js';

export function transactionsBehave(open: OpenDatabase): void {
  const t = useDatabase(open);
  const state = () => ({
    problems: [...t.db.check()], // which builds every index
    accounts: t.accounts.selectAll().execute(),
    ledger: t.ledger.selectAll().execute(),
    stats: t.db.stats().tables.map(({ rowIdBytes: _, bytes: ___, indexes, ...pages }) => ({
      ...pages,
      indexes: indexes.map(({ bytes: __, ...rest }) => rest),
    })),
    lsn: t.db.lsn,
  });

  it('keep everything, or undo rows, every index, counters and free space over all tables', () => {
    t.accounts.insertMany(Array.from({ length: 200 }, (_, n) => account(n, { note: 'x'.repeat(n * 3) })));
    t.ledger.insert({ tenant: 'a', number: 1, amount: 1 });
    const before = state();
    const events: unknown[] = [];
    t.accounts.on('change', (event) => events.push(event));
    expect(() =>
      t.db.transaction(() => {
        for (let id = 1; id <= 100; id++) t.accounts.delete(id);
        t.accounts.insertMany(Array.from({ length: 2000 }, (_, n) => account(1000 + n, { note: 'y'.repeat(100) })));
        for (let id = 101; id <= 200; id++) t.accounts.updateBy(id, { note: 'z'.repeat(id * 10), country: 'ZZ', email: `z${id}` });
        t.accounts.insert(account(5000, { note: 'long'.repeat(50_000) }));
        t.accounts.nextKey();
        t.accounts.queries.bumpScoreById(150, (row) => void row.score++);
        t.ledger.delete(['a', 1]);
        t.ledger.insert({ tenant: 'b', number: 2, amount: 2, label: 'x' });
        expect([...t.db.check()]).toEqual([]);
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(state()).toEqual(before);
    expect(events).toEqual([]);
    expect(t.accounts.insert(account(300))).toBe(201);
  });

  it('see their own writes, and give back what the callback returns', () => {
    const result = t.db.transaction(() => {
      const key = t.accounts.insert(account(1));
      t.accounts.updateBy(key, { score: 5 });
      t.accounts.delete(key);
      const again = t.accounts.insert({ ...account(1), id: key });
      return [t.accounts.select(again)?.score, t.accounts.count()];
    });
    expect(result).toEqual([1, 1]);
  });

  it('tell listeners that came within them of rows that were inserted before', () => {
    const events: unknown[] = [];
    t.db.transaction(() => {
      t.accounts.insertMany([account(1), account(2)]);
      t.ledger.insert({ tenant: 'a', number: 1, amount: 1 });
      t.accounts.insertMany([account(3), account(4)]);
      t.accounts.updateBy(3, { score: 77 });
      t.accounts.delete(4);
      t.accounts.on('change', ({ kind, key, seq, after: row }) => events.push([kind, key, seq, row?.score]));
    });
    expect(events).toEqual([
      ['insert', 1, 0, account(1).score],
      ['insert', 2, 1, account(2).score],
      ['insert', 3, 3, account(3).score],
      ['insert', 4, 4, account(4).score],
      ['update', 3, 5, 77],
      ['delete', 4, 6, undefined],
    ]);
    expect([...t.db.check()]).toEqual([]);
  });

  it('undo inserts in turns with what else was done to their keys', () => {
    t.accounts.insertMany([account(1), account(2)]);
    const before = state();
    expect(() =>
      t.db.transaction(() => {
        t.accounts.insertMany([account(3), account(4)]);
        t.accounts.delete(1);
        t.accounts.insert({ ...account(1), id: 1 });
        t.accounts.delete(3);
        expect(() => t.accounts.insertMany([account(3), account(5), account(2)])).toThrow(UniqueViolationError);
        t.accounts.insertMany([account(3), account(6)]);
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(state()).toEqual(before);
    t.accounts.insertMany([account(3), account(4)]);
  });

  it('nest as savepoints', () => {
    t.accounts.insert(account(1));
    t.db.transaction(() => {
      t.accounts.insert(account(2));
      expect(() =>
        t.db.transaction(() => {
          t.accounts.insert(account(3));
          t.accounts.delete(1);
          throw new Error('inner');
        }),
      ).toThrow('inner');
      expect(t.accounts.count()).toBe(2);
      t.db.transaction(() => t.accounts.updateBy(1, { score: 9 }));
      expect(() => t.accounts.insertMany([account(4), account(2)])).toThrow(UniqueViolationError);
      expect(t.accounts.insert(account(5))).toBe(3);
    });
    expect(
      t.accounts
        .selectAll()
        .execute()
        .map((row) => [row.id, row.score]),
    ).toEqual([
      [1, 9],
      [2, 2],
      [3, 5],
    ]);
  });

  it('undo an outer transaction with the inner ones that it kept', () => {
    expect(() =>
      t.db.transaction(() => {
        t.db.transaction(() => t.accounts.insert(account(1)));
        throw new Error('outer');
      }),
    ).toThrow('outer');
    expect(t.accounts.count()).toBe(0);
  });

  it('refuse a callback that returns a promise, before anything is kept', async () => {
    const events: CommitEvent[] = [];
    t.db.on('commit', (event) => events.push(event));
    expect(() => t.db.transaction(async () => t.accounts.insert(account(1)))).toThrow(TransactionError);
    const rejecting = async () => {
      t.accounts.insert(account(1));
      throw new Error('later');
    };
    expect(() => t.db.transaction(rejecting)).toThrow(TransactionError);
    await new Promise((resolve) => setImmediate(resolve));
    expect([t.accounts.count(), events.length, t.db.lsn]).toEqual([0, 0, 0]);
    expect(() => t.db.transaction(undefined as never)).toThrow(TypeError);
  });

  it('survive a row, a default and a refusal in the middle when the callback catches it', () => {
    t.db.transaction(() => {
      t.accounts.insert(account(1));
      expect(() => t.accounts.insert(account(1))).toThrow(UniqueViolationError);
      expect(() => t.accounts.insert({ ...account(2), score: 0.5 })).toThrow();
      t.accounts.insert(account(2));
    });
    expect(
      t.accounts
        .selectAll()
        .execute()
        .map((row) => row.id),
    ).toEqual([1, 2]);
  });

  it('refuse close() within, and all writes after it', async () => {
    t.accounts.insert(account(1));
    let attempt: Promise<void> | undefined;
    t.db.transaction(() => {
      attempt = t.db.close();
    });
    await expect(attempt).rejects.toThrow(TransactionError);
    await t.db.close();
    const row = t.accounts.select(1) as Account;
    const writes = [
      () => t.accounts.insert(account(2)),
      () => t.accounts.insertMany([account(2)]),
      () => t.accounts.update(row),
      () => t.accounts.updateBy(1, { score: 2 }),
      () => t.accounts.upsert(account(2)),
      () => t.accounts.delete(1),
      () => t.accounts.nextKey(),
      () => t.accounts.queries.setPlanByCountry('DE', { plan: 'paid' }),
      () => t.db.transaction(() => undefined),
    ];
    for (const write of writes) expect(write).toThrow(ClosedError);
    expect(t.accounts.select(1)).toEqual(row);
  });

  describe('an error while undoing', () => {
    it('does not occur when the transaction swapped unique values around', () => {
      t.accounts.insertMany([account(1), account(2)]);
      expect(() =>
        t.db.transaction(() => {
          t.accounts.updateBy(1, { email: 'tmp' });
          t.accounts.updateBy(2, { email: 'user1@example.com' });
          t.accounts.updateBy(1, { email: 'user2@example.com' });
          t.accounts.delete(2);
          t.accounts.insert(account(1));
          throw new Error('undo');
        }),
      ).toThrow('undo');
      expect(
        t.accounts
          .selectAll()
          .execute()
          .map((row) => row.email),
      ).toEqual(['user1@example.com', 'user2@example.com']);
    });
  });
}
