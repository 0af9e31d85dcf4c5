import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, type Snapshot, type TableManager, TransactionError } from '../../lib/index.js';
import { Account, account, ENTITIES, LedgerEntry } from '../support/entities.js';

let db: Database;
let accounts: TableManager<typeof Account>;

beforeEach(() => {
  db = new Database({ tables: ENTITIES });
  accounts = db.table(Account);
});

afterEach(() => {
  expect([...db.check()]).toEqual([]);
});

const kept = () => db.stats().snapshots;

describe('Database.snapshot', () => {
  it('shows every table and index as of its moment, while rows change, move, leave and come', () => {
    for (let n = 1; n <= 200; n++) accounts.insert(account(n));
    db.table(LedgerEntry).insert({ tenant: 'a', number: 1, amount: 1 });
    const before = accounts.selectAll().execute();
    using snapshot = db.snapshot();
    for (let n = 1; n <= 200; n += 2) accounts.updateBy(n, { email: `changed${n}@example.com`, note: 'long '.repeat(n) });
    for (let n = 2; n <= 200; n += 4) accounts.delete(n);
    for (let n = 201; n <= 260; n++) accounts.insert(account(n));
    db.table(LedgerEntry).delete(['a', 1]);

    const then = snapshot.table(Account);
    expect(then.selectAll().execute()).toEqual(before);
    expect(then.count()).toBe(200);
    for (const row of before) {
      expect(then.select(row.id)).toEqual(row);
      expect(then.selectOneBy('email', row.email)).toEqual(row);
    }
    expect(then.select(201)).toBeUndefined();
    expect(then.selectOneBy('email', 'changed1@example.com')).toBeUndefined();
    expect(snapshot.table(LedgerEntry).select(['a', 1])?.amount).toBe(1);
    expect(accounts.count()).toBe(210);
  });

  it('is exact over awaits in the middle of an iteration', async () => {
    for (let n = 1; n <= 50; n++) accounts.insert(account(n));
    const before = accounts.selectAll().orderBy('score', 'desc').execute();
    using snapshot = db.snapshot();
    const seen: Account[] = [];
    for (const row of snapshot.table(Account).selectAll().orderBy('score', 'desc')) {
      seen.push(row);
      await wait(0);
      const id = 1 + (seen.length % 50);
      if (seen.length % 3 === 0) accounts.delete(id);
      else accounts.upsert({ ...account(id), email: `e${seen.length}@example.com`, score: 1000 + seen.length, id });
    }
    expect(seen).toEqual(before);
  });

  it('keeps only what changes, once however many snapshots overlap, and gives it back with the last that needs it', () => {
    for (let n = 1; n <= 100; n++) accounts.insert(account(n));
    const free = () => accounts.stats().usedBytes;
    const clean = free();
    const first = db.snapshot();
    const second = db.snapshot();
    expect(kept()).toMatchObject({ open: 2, versions: 0 });
    for (let round = 0; round < 20; round++) accounts.updateBy(7, { score: round });
    expect(kept()).toMatchObject({ open: 2, versions: 1 });
    const third = db.snapshot();
    for (let round = 0; round < 20; round++) accounts.updateBy(7, { score: 100 + round });
    accounts.delete(8);
    expect(kept()).toMatchObject({ open: 3, versions: 3 });
    first.dispose();
    expect(kept()).toMatchObject({ open: 2, versions: 3 });
    expect(second.table(Account).select(7)?.score).toBe(account(7).score);
    expect(third.table(Account).select(7)?.score).toBe(19);
    second.dispose();
    expect(kept()).toMatchObject({ open: 1, versions: 2 });
    expect(third.table(Account).select(8)).toBeDefined();
    third.dispose();
    third.dispose();
    expect(kept()).toEqual({ open: 0, forgotten: 0, versions: 0, bytes: 0 });
    accounts.insert({ ...account(8), id: 8 });
    expect(free()).toBe(clean);
  });

  it('stays as it was where a transaction that began after it is rolled back, and when it is disposed in one', () => {
    accounts.insertMany([account(1), account(2)]);
    const snapshot = db.snapshot();
    const other = db.snapshot();
    const before = accounts.selectAll().execute();
    expect(() =>
      db.transaction(() => {
        accounts.updateBy(1, { score: 99 });
        accounts.delete(2);
        expect(snapshot.table(Account).selectAll().execute()).toEqual(before);
        other.dispose();
        snapshot.dispose();
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(accounts.selectAll().execute()).toEqual(before);
    expect(kept()).toMatchObject({ open: 0, versions: 0 });
  });

  it('refuses reads after its end, and to be taken within a transaction', () => {
    accounts.insert(account(1));
    const snapshot = db.snapshot();
    const table = snapshot.table(Account);
    const query = table.selectAll();
    const iterator = query[Symbol.iterator]();
    snapshot[Symbol.dispose]();
    expect(snapshot.isDisposed).toBe(true);
    for (const read of [
      () => table.select(1),
      () => query.execute(),
      () => query.count(),
      () => iterator.next(),
      () => snapshot.table(LedgerEntry).count(),
    ]) {
      expect(read).toThrow(TransactionError);
    }
    expect(() => db.transaction(() => db.snapshot())).toThrow(TransactionError);
    expect(() => db.snapshot().table(class Foreign {} as never)).toThrow(/not among the tables/);
  });

  it('stays for whoever still has a table or a query of it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    accounts.insertMany([account(1), account(2)]);
    const query = (() => db.snapshot().table(Account).selectAll())();
    accounts.updateBy(1, { score: 99 });
    accounts.delete(2);
    for (let round = 0; round < 5; round++) {
      await wait(5);
      collect();
    }
    expect(query.execute().map((row) => row.score)).toEqual([account(1).score, account(2).score]);
    expect(kept()).toMatchObject({ open: 1, forgotten: 0 });
  });

  it('is found when it was forgotten, and what it kept is given back', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    accounts.insert(account(1));
    (() => {
      let forgotten: Snapshot | undefined = db.snapshot();
      expect(forgotten.table(Account).count()).toBe(1);
      forgotten = undefined;
    })();
    accounts.updateBy(1, { score: 5 });
    expect(kept()).toMatchObject({ open: 1, versions: 1 });
    for (let round = 0; round < 100 && kept().open > 0; round++) {
      await wait(10);
      collect();
    }
    expect(kept()).toEqual({ open: 0, forgotten: 1, versions: 0, bytes: 0 });
  });
});
