import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ChangeEvent,
  ClosedError,
  Database,
  DuplicateKeyError,
  RowLockedError,
  type TableManager,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionError,
  TransactionTimeoutError,
  UniqueViolationError,
} from '../../lib/index.js';
import { Account, account, ENTITIES, LedgerEntry } from '../support/entities.js';

let db: Database;
let accounts: TableManager<typeof Account>;

beforeEach(() => {
  db = new Database({ tables: ENTITIES });
  accounts = db.table(Account);
  accounts.insertMany([account(1), account(2), account(3)]);
});

afterEach(() => {
  expect([...db.check()]).toEqual([]);
  expect(db.stats().snapshots.versions).toBe(0);
  for (const table of db.stats().tables) expect(table.locks).toEqual({ held: 0, waiting: 0 });
});

const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => expect('refused').toBe('done'),
    (error: unknown) => error as Error,
  );

describe('Database.transactionAsync', () => {
  it('looks at the rows that it sees where no index answers, however many it has written', async () => {
    accounts.updateBy(1, { note: 'before' });
    await db.transactionAsync(async (tx) => {
      const mine = tx.table(Account);
      for (let n = 0; n < 12; n++) {
        if (n % 3 === 0) mine.insert(account(10 + n, { note: `inserted ${n}` }));
        else mine.updateBy(4, { note: `updated ${n}` });
        const rows = mine.selectAll().execute();
        for (const note of ['before', `inserted ${n}`, `updated ${n}`, 'inserted 0']) {
          const query = mine.selectAll().where('note', '=', note);
          expect(query.count()).toBe(rows.filter((row) => row.note === note).length);
          expect(query.sum('score')).toBe(rows.reduce((sum, row) => sum + (row.note === note ? row.score : 0), 0));
        }
      }
    });
  });

  it('is seen by nobody before it commits, sees its own writes, and commits as one', async () => {
    const events: ChangeEvent<Account>[] = [];
    accounts.on('change', (event) => events.push(event));
    const lsn = db.lsn;
    const result = await db.transactionAsync(async (tx) => {
      const mine = tx.table(Account);
      const id = mine.insert(account(9));
      await wait(0);
      mine.updateBy(1, { score: 77 });
      mine.delete(2);
      mine.queries.setPlanByCountry(account(3).country, { plan: 'paid' });
      tx.table(LedgerEntry).insert({ tenant: 't', number: 1, amount: 5 });
      await wait(0);
      expect(mine.select(1)?.score).toBe(77);
      expect(mine.select(2)).toBeUndefined();
      expect(mine.selectOneBy('email', account(9).email)?.id).toBe(id);
      expect(mine.selectAll().count()).toBe(3);
      expect(mine.count()).toBe(3);
      expect(accounts.select(1)?.score).toBe(account(1).score);
      expect(accounts.count()).toBe(3);
      expect(accounts.selectOneBy('email', account(9).email)).toBeUndefined();
      expect(events).toEqual([]);
      expect(() => accounts.updateBy(1, { score: 1 })).toThrow(RowLockedError);
      expect(() => accounts.delete(2)).toThrow(RowLockedError);
      return id;
    });
    expect(accounts.select(1)?.score).toBe(77);
    expect(accounts.select(2)).toBeUndefined();
    expect(accounts.select(result)?.email).toBe(account(9).email);
    expect(db.table(LedgerEntry).count()).toBe(1);
    expect(db.lsn).toBe(lsn + 1);
    expect(new Set(events.map((event) => event.lsn))).toEqual(new Set([lsn + 1]));
    expect(events.map((event) => event.kind).slice(0, 3)).toEqual(['insert', 'update', 'delete']);
  });

  it('leaves nothing behind when its callback throws', async () => {
    const before = accounts.selectAll().execute();
    const lsn = db.lsn;
    const failed = db.transactionAsync(async (tx) => {
      tx.table(Account).updateBy(1, { score: 77 });
      tx.table(Account).insert(account(9));
      await wait(0);
      throw new Error('mine');
    });
    await expect(failed).rejects.toThrow('mine');
    expect(accounts.selectAll().execute()).toEqual(before);
    expect(db.lsn).toBe(lsn);
    accounts.updateBy(1, { score: 1 });
  });

  it('is refused where something that it read has been changed, and says that another attempt may succeed', async () => {
    const error = await refused(
      db.transactionAsync(async (tx) => {
        const { score } = tx.table(Account).select(1) as Account;
        await wait(0);
        accounts.updateBy(1, { score: score + 10 });
        tx.table(Account).updateBy(2, { score });
      }),
    );
    expect(error).toBeInstanceOf(TransactionConflictError);
    expect(error).toMatchObject({ retryable: true, table: 'account', key: 1 });
    expect(accounts.select(2)?.score).toBe(account(2).score);
  });

  it('is refused at once where it writes a row that was changed since it began, and cannot go on', async () => {
    let second: unknown;
    const error = await refused(
      db.transactionAsync(async (tx) => {
        const mine = tx.table(Account);
        await wait(0);
        accounts.updateBy(1, { score: 10 });
        try {
          mine.updateBy(1, { score: 20 });
        } catch {
          second = await refused(Promise.resolve().then(() => mine.updateBy(2, { score: 1 })));
        }
      }),
    );
    expect(error).toBeInstanceOf(TransactionConflictError);
    expect(second).toBe(error);
    expect(accounts.select(1)?.score).toBe(10);
  });

  it('does not mind changes to what it has not read, and reads alone conflict with nothing', async () => {
    await db.transactionAsync(async (tx) => {
      tx.table(Account).updateBy(1, { score: 5 });
      await wait(0);
      accounts.updateBy(2, { score: 6 });
      accounts.insert(account(9));
    });
    expect(accounts.select(1)?.score).toBe(5);
    await db.transactionAsync(
      async (tx) => {
        const french = tx.table(Account).selectAll().where('country', '=', account(1).country);
        const asked = [french.count(), french.sum('score'), french.max('balance')];
        await wait(0);
        accounts.insert(account(10, { country: 'ZZ' }));
        tx.table(Account).updateBy(1, { score: asked.length });
      },
      { retries: 0 },
    );
    const sums = await db.transactionAsync(async (tx) => {
      const first = tx.table(Account).selectAll().sum('score');
      await wait(0);
      accounts.updateBy(3, { score: 1000 });
      return [first, tx.table(Account).selectAll().sum('score')];
    });
    expect(sums[0]).toBe(sums[1]);
  });

  it('runs again by itself, waiting first for the rows that it stumbled over', async () => {
    const tasks = Array.from({ length: 16 }, () =>
      db.transactionAsync(
        async (tx) => {
          const mine = tx.table(Account);
          const { score } = mine.select(1) as Account;
          await wait(0);
          mine.updateBy(1, { score: score + 1 });
        },
        { retries: 1 },
      ),
    );
    const outcomes = await Promise.allSettled(tasks);
    const done = outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
    expect(accounts.select(1)?.score).toBe(account(1).score + done);
    expect(done).toBe(16);
  });

  it('takes locks before it reads, so that nothing it reads there changes', async () => {
    const add = () =>
      db.transactionAsync(async (tx) => {
        await tx.lock(Account, [2, 1]);
        const mine = tx.table(Account);
        const { score } = mine.select(1) as Account;
        await wait(0);
        mine.updateBy(1, { score: score + 1 });
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect(accounts.select(1)?.score).toBe(account(1).score + 20);
    const late = db.transactionAsync(async (tx) => {
      tx.table(Account);
      await tx.lock(Account, [1]);
    });
    await expect(late).rejects.toThrow(TransactionError);
  });

  it('undoes a savepoint alone', async () => {
    await db.transactionAsync(async (tx) => {
      const mine = tx.table(Account);
      mine.updateBy(1, { score: 1 });
      expect(() =>
        tx.savepoint(() => {
          mine.updateBy(1, { score: 2 });
          mine.delete(2);
          mine.insert(account(9));
          throw new Error('undo');
        }),
      ).toThrow('undo');
      expect(() => mine.insertMany([account(10), account(10)])).toThrow(UniqueViolationError);
      expect(mine.select(1)?.score).toBe(1);
      expect(mine.count()).toBe(3);
      expect(mine.selectOneBy('email', account(2).email)?.id).toBe(2);
    });
    expect(
      accounts
        .selectAll()
        .execute()
        .map((row) => [row.id, row.score]),
    ).toEqual([
      [1, 1],
      [2, account(2).score],
      [3, account(3).score],
    ]);
  });

  it('refuses what the table would: duplicate keys, unique values, of others and of its own', async () => {
    await db.transactionAsync(async (tx) => {
      const mine = tx.table(Account);
      expect(() => mine.insert({ ...account(20), id: 1 })).toThrow(DuplicateKeyError);
      expect(() => mine.insert({ ...account(20), email: account(1).email })).toThrow(UniqueViolationError);
      expect(() => mine.updateBy(2, { email: account(1).email })).toThrow(UniqueViolationError);
      mine.updateBy(1, { email: 'free@example.com' });
      mine.updateBy(2, { email: account(1).email });
      mine.delete(3);
      mine.insert({ ...account(3), id: 3 });
    });
    expect(accounts.selectOneBy('email', account(1).email)?.id).toBe(2);
  });

  it('hands out keys that no other transaction gets', async () => {
    const insert = (n: number) =>
      db.transactionAsync(async (tx) => {
        const id = tx.table(Account).insert(account(n));
        await wait(0);
        return id;
      });
    const ids = await Promise.all([insert(11), insert(12), insert(13)]);
    expect(new Set(ids).size).toBe(3);
    expect(accounts.insert(account(14))).toBeGreaterThan(Math.max(...ids));
  });

  it('ends with a named error when its time is up or its signal says so, whatever its callback does', async () => {
    let late: Promise<unknown> | undefined;
    const slow = db.transactionAsync(
      (tx) => {
        tx.table(Account).updateBy(1, { score: 9 });
        late = wait(40).then(() => tx.table(Account).updateBy(2, { score: 9 }));
        return late;
      },
      { timeoutMs: 10 },
    );
    const timeout = await refused(slow);
    expect(timeout).toBeInstanceOf(TransactionTimeoutError);
    expect(timeout).toMatchObject({ retryable: true, timeoutMs: 10 });
    accounts.updateBy(1, { score: 3 });
    await expect(late).rejects.toBe(timeout);

    const controller = new AbortController();
    const ended = refused(db.transactionAsync(() => wait(10_000, undefined, { ref: false }), { signal: controller.signal }));
    controller.abort(new Error('enough'));
    const abort = await ended;
    expect(abort).toBeInstanceOf(TransactionAbortedError);
    expect(abort).toMatchObject({ retryable: false, cause: new Error('enough') });
    const never = refused(db.transactionAsync(async () => expect('not').toBe('called'), { signal: AbortSignal.abort() }));
    expect(await never).toBeInstanceOf(TransactionAbortedError);
  });

  it('waits for a lock no longer than its time, and leaves no waiter', async () => {
    const guard = await accounts.lock(1);
    const first = await refused(db.transactionAsync((tx) => tx.lock(Account, [2, 1]), { timeoutMs: 10 }));
    expect(first).toBeInstanceOf(TransactionTimeoutError);
    expect(accounts.stats().locks).toEqual({ held: 1, waiting: 0 });
    const options = { retries: 3, timeoutMs: 20 };
    const error = await refused(db.transactionAsync(async (tx) => tx.table(Account).updateBy(1, { score: 4 }), options));
    expect(error).toBeInstanceOf(TransactionTimeoutError);
    guard.unlock();
    await db.transactionAsync(async (tx) => tx.table(Account).updateBy(1, { score: 4 }), options);
    expect(accounts.select(1)?.score).toBe(4);
  });

  it('refuses to be used after its end, within a synchronous transaction, and when the database is closed', async () => {
    let leaked: TableManager<typeof Account> | undefined;
    await db.transactionAsync(async (tx) => {
      leaked = tx.table(Account) as TableManager<typeof Account>;
      leaked.select(1);
      expect(() => db.transaction(() => tx.table(Account).updateBy(1, { score: 1 }))).toThrow(TransactionError);
    });
    expect(() => leaked?.select(1)).toThrow(TransactionError);
    expect(() => leaked?.updateBy(1, { score: 1 })).toThrow(TransactionError);
    const open = db.transactionAsync(async (tx) => {
      tx.table(Account).updateBy(1, { score: 1 });
      await db.close();
    });
    await expect(open).rejects.toThrow(ClosedError);
    await expect(db.transactionAsync(async () => 1)).rejects.toThrow(ClosedError);
    await expect(db.transactionAsync(undefined as never)).rejects.toThrow(TypeError);
  });
});
