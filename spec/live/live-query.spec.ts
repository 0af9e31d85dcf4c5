import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClosedError, Database, type LiveChange, QueryError, type TableManager, TransactionError } from '../../lib/index.js';
import { Account, account, ENTITIES } from '../support/entities.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();
let db: Database;
let accounts: TableManager<typeof Account>;

beforeEach(() => {
  db = new Database({ tables: ENTITIES });
  accounts = db.table(Account);
  for (let n = 1; n <= 12; n++) accounts.insert(account(n));
});

afterEach(async () => {
  expect([...db.check()]).toEqual([]);
  await db.close();
});

const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);
const told = (change: LiveChange<Account>) => [ids(change.rows), ids(change.added), ids(change.removed), ids(change.changed), change.lsn];

describe('a live query', () => {
  it('tells a transaction as one, after its commit, and nothing of what was undone', () => {
    const changes: unknown[] = [];
    accounts
      .selectBy('country', 'FR')
      .live()
      .on('change', (change) => changes.push(told(change)));
    db.transaction(() => {
      accounts.updateBy(1, { country: 'FR' });
      accounts.delete(4);
      accounts.updateBy(1, { score: 9 });
      expect(() =>
        db.transaction(() => {
          accounts.updateBy(2, { country: 'FR' });
          throw new Error('to the savepoint');
        }),
      ).toThrow('to the savepoint');
      expect(changes).toEqual([]);
    });
    expect(() =>
      db.transaction(() => {
        accounts.delete(8);
        throw new Error('undone');
      }),
    ).toThrow('undone');
    expect(changes).toEqual([[[1, 8, 12], [1], [4], [], 13]]);
  });

  it('reads as of the last commit within a transaction, and the value of an aggregate too', () => {
    const live = accounts.selectBy('country', 'FR').orderBy('score', 'desc').live();
    const sum = accounts.selectBy('country', 'FR').live.sum('score');
    const before = live.rows;
    db.transaction(() => {
      accounts.updateBy(4, { score: 77, note: 'long '.repeat(50) });
      accounts.updateBy(4, { score: 78 });
      accounts.delete(8);
      accounts.insert(account(16));
      expect(live.rows).toEqual(before);
      expect([live.size, sum.value]).toEqual([3, 14]);
    });
    expect(ids(live.rows)).toEqual([4, 13, 12]);
    expect(sum.value).toBe(86);
  });

  it('hands out copies: what a listener does to them changes neither the table nor what others get', () => {
    const live = accounts.selectBy('country', 'FR').live();
    const scores: number[][] = [];
    for (let n = 0; n < 2; n++) {
      live.on('change', ({ rows, changed }) => {
        expect(changed[0]).toBeInstanceOf(Account);
        scores.push(rows.map(({ score }) => score));
        for (const row of [...rows, ...changed]) row.score = -1;
      });
    }
    accounts.updateBy(4, { score: 5 });
    accounts.updateBy(4, { score: 6 });
    expect(scores).toEqual([
      [5, 8, 2],
      [5, 8, 2],
      [6, 8, 2],
      [6, 8, 2],
    ]);
    expect(live.rows.map(({ score }) => score)).toEqual([6, 8, 2]);
  });

  it('gives changes that were kept the rows of their time, whatever has happened since', () => {
    const live = accounts.selectBy('country', 'FR').orderBy('score').limit(2).live();
    const kept: LiveChange<Account>[] = [];
    live.on('change', (change) => kept.push(change));
    accounts.updateBy(12, { score: 50 });
    accounts.delete(4);
    accounts.insert(account(24, { score: -1 }));
    for (const key of [8, 12, 13]) accounts.delete(key);
    expect(kept.map(({ rows }) => rows.map(({ id, score }) => [id, score])).reverse()).toEqual([
      [],
      [[13, -1]],
      [
        [12, 50],
        [13, -1],
      ].reverse(),
      [
        [13, -1],
        [8, 8],
      ],
      [
        [8, 8],
        [12, 50],
      ],
      [
        [4, 4],
        [8, 8],
      ],
    ]);
  });

  it('lets listeners write, and tells what they commit after it, to all in one order', () => {
    const seen: number[][] = [];
    const live = accounts.selectBy('country', 'FR').live();
    live.on('change', ({ added }) => {
      for (const { id, score } of added) if (score < 103) accounts.insert(account(id * 4 + 100, { country: 'FR', score: score + 1 }));
    });
    live.on('change', ({ rows, added }) => seen.push([rows.length, ...ids(added)]));
    accounts.insert(account(100, { score: 100 }));
    expect(seen).toEqual([
      [4, 13],
      [5, 14],
      [6, 15],
      [7, 16],
    ]);
  });

  it('is not harmed by a listener that throws or rejects', async () => {
    const errors: unknown[] = [];
    db.on('listenerError', (error, event) => errors.push([(error as Error).message, event]));
    const live = accounts.selectBy('country', 'FR').live();
    let heard = 0;
    live.on('change', () => {
      throw new Error('thrown');
    });
    live.on('change', async () => {
      throw new Error('rejected');
    });
    live.on('change', () => heard++);
    accounts.delete(4);
    await wait(0);
    expect(heard).toBe(1);
    expect(errors).toEqual([
      ['thrown', 'change'],
      ['rejected', 'change'],
    ]);
    expect(ids(live.rows)).toEqual([8, 12]);
  });

  it('ends with the error of its where function; the transaction stands, and other queries go on', async () => {
    const errors: unknown[] = [];
    db.on('listenerError', (error, event) => errors.push([(error as Error).message, event]));
    const live = accounts
      .selectAll()
      .where((row) => {
        if (row.score === 99) throw new Error('cannot say');
        return row.score > 3;
      })
      .live();
    const count = accounts.selectAll().live.count();
    const loop = live[Symbol.asyncIterator]();
    await loop.next();
    const next = loop.next();
    accounts.insert(account(99, { score: 99 }));
    expect(accounts.count()).toBe(13);
    expect(count.value).toBe(13);
    expect(errors).toEqual([['cannot say', 'live']]);
    await expect(next).rejects.toThrow('cannot say');
    expect(await loop.next()).toEqual({ value: undefined, done: true });
    expect(() => live.rows).toThrow('cannot say');
    expect(live.closed).toBe(true);
    accounts.delete(13);
    expect(errors).toHaveLength(1);
  });

  it('refuses writes, and other live queries, in its where function', () => {
    const errors: unknown[] = [];
    db.on('listenerError', (error) => errors.push(error));
    let work = () => {};
    const begin = () =>
      accounts
        .selectAll()
        .where(() => {
          work();
          return true;
        })
        .live();
    begin();
    work = () => void accounts.delete(1);
    accounts.updateBy(2, { score: 50 });
    work = () => {};
    begin();
    work = () => void accounts.selectAll().live.count();
    accounts.updateBy(3, { score: 50 });
    expect(errors).toEqual([expect.any(TransactionError), expect.any(TransactionError)]);
    expect(accounts.count()).toBe(12);
  });

  it('is refused where nothing changes, and within a transaction', async () => {
    using snapshot = db.snapshot();
    expect(() => snapshot.table(Account).selectAll().live()).toThrow(QueryError);
    expect(() => snapshot.table(Account).selectAll().groupBy('country').live.count()).toThrow(/not a snapshot or a transaction/);
    await db.transactionAsync(async (tx) => {
      expect(() => tx.table(Account).selectAll().live.count()).toThrow(QueryError);
    });
    db.transaction(() => {
      expect(() => accounts.selectAll().live()).toThrow(TransactionError);
    });
    expect(() => accounts.selectAll().live.sum('plan' as never)).toThrow(QueryError);
    expect(() => accounts.selectAll().live.min('tags' as never)).toThrow(QueryError);
    expect(db.table(Account).selectAll().live.count().value).toBe(12);
  });

  it('takes in what async transactions commit', async () => {
    const changes: unknown[] = [];
    const live = accounts.selectBy('country', 'FR').live();
    live.on('change', (change) => changes.push(told(change)));
    await db.transactionAsync(async (tx) => {
      tx.table(Account).delete(8);
      await wait(0);
      tx.table(Account).updateBy(4, { note: 'x' });
      expect(changes).toEqual([]);
    });
    expect(changes).toEqual([[[4, 12], [], [8], [4], 13]]);
  });

  it('is let go of by close, and by using: no more changes, and no reading', async () => {
    let heard = 0;
    const live = accounts.selectAll().live();
    live.on('change', () => heard++);
    const loop = live[Symbol.asyncIterator]();
    await loop.next();
    accounts.delete(1);
    const waiting = live[Symbol.asyncIterator]();
    await waiting.next();
    const next = waiting.next();
    live.close();
    live.close();
    expect(await loop.next()).toEqual({ value: undefined, done: true });
    expect(await next).toEqual({ value: undefined, done: true });
    accounts.delete(2);
    expect(heard).toBe(1);
    expect(() => live.rows).toThrow(QueryError);
    {
      using count = accounts.selectAll().live.count();
      count.on('change', () => heard++);
    }
    accounts.delete(3);
    expect(heard).toBe(1);
  });

  it('ends with the database: loops get what they have not had, and what there is can be read', async () => {
    const live = accounts.selectBy('country', 'FR').live();
    const sum = accounts.selectAll().live.sum('score');
    const loop = live[Symbol.asyncIterator]();
    await loop.next();
    accounts.delete(4);
    accounts.delete(8);
    await db.close();
    const { value } = await loop.next();
    expect(told(value as LiveChange<Account>)).toEqual([[12], [], [4, 8], [], 14]);
    expect(await loop.next()).toEqual({ value: undefined, done: true });
    expect(ids(live.rows)).toEqual([12]);
    expect([live.closed, sum.value]).toEqual([true, accounts.selectAll().sum('score')]);
    expect(() => accounts.selectAll().live()).toThrow(ClosedError);
  });

  it('tells the last changes to listeners where one of them closes the database', async () => {
    const lsns: number[] = [];
    const live = accounts.selectAll().live();
    live.once('change', () => {
      accounts.delete(2);
      void db.close();
    });
    live.on('change', ({ lsn }) => lsns.push(lsn));
    accounts.delete(1);
    expect(lsns).toEqual([13, 14]);
    await db.close();
    expect(live.closed).toBe(true);
  });

  it('merges for a slow loop what it missed, and tells nothing of what came and left meanwhile', async () => {
    const live = accounts.selectBy('country', 'FR').live();
    const loop = live[Symbol.asyncIterator]();
    const first = await loop.next();
    expect(told(first.value as LiveChange<Account>)).toEqual([[4, 8, 12], [4, 8, 12], [], [], 12]);
    for (let n = 0; n < 1000; n++) {
      const id = accounts.insert(account(1000 + n, { country: 'FR' }));
      accounts.updateBy(4, { score: n });
      accounts.delete(id);
    }
    accounts.delete(8);
    const second = await loop.next();
    expect(told(second.value as LiveChange<Account>)).toEqual([[4, 12], [], [8], [4], db.lsn]);
    expect((second.value as LiveChange<Account>).previous.map(({ score }) => score)).toEqual([4]);
    await loop.return?.();
    expect(await loop.next()).toEqual({ value: undefined, done: true });
  });

  it('is found by the value that it asks for, also where there are very many', () => {
    const heard: number[] = [];
    for (let n = 1; n <= 2000; n++) {
      accounts
        .selectAll()
        .where('score', '=', n % 1000)
        .live.count()
        .on('change', () => heard.push(n));
    }
    accounts.updateBy(1, { score: 500 });
    expect(heard).toEqual([1, 500, 1001, 1500]);
  });

  it('follows a stored database, and goes on with what was stored when it is opened again', async () => {
    const path = directory();
    const first = await Database.open({ path, tables: ENTITIES });
    const live = first.table(Account).selectAll().orderBy('score', 'desc').limit(2).live();
    for (let n = 1; n <= 5; n++) first.table(Account).insert(account(n));
    expect(ids(live.rows)).toEqual([5, 4]);
    await first.close();
    const second = await Database.open({ path, tables: ENTITIES });
    const again = second.table(Account).selectAll().orderBy('score', 'desc').limit(2).live();
    expect(again.rows).toEqual(live.rows);
    second.table(Account).delete(5);
    expect(ids(again.rows)).toEqual([4, 3]);
    await second.close();
  });
});
