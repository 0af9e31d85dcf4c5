import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Database } from '../../lib/index.js';
import { type Switch, switches } from '../../lib/switches.js';
import { Account, account } from '../support/entities.js';
import { commands, Pair } from '../support/pair.js';

const SEQUENCES = 40;
const ALL = Object.keys(switches) as Switch[];

describe('a database without one of its ways of being fast', () => {
  afterEach(() => {
    for (const name of ALL) switches[name] = true;
  });

  it.each(ALL)(`answers as a model does over ${SEQUENCES} random sequences: %s`, (name) => {
    switches[name] = false;
    fc.assert(
      fc.property(commands, (list) => {
        const pair = new Pair();
        for (const each of list) each(pair);
        pair.compare();
      }),
      { numRuns: SEQUENCES },
    );
  });
});

describe('an index that may repeat keys', () => {
  const open = () => {
    const db = new Database({ tables: [Account] });
    return { db, accounts: db.table(Account) };
  };
  const built = (accounts: ReturnType<typeof open>['accounts']) =>
    accounts
      .stats()
      .indexes.filter((index) => index.built)
      .map(({ name }) => name);

  it('is built when somebody first asks it, and by no write', () => {
    const { db, accounts } = open();
    const unique = built(accounts);
    accounts.insertMany(Array.from({ length: 100 }, (_, n) => account(n)));
    accounts.updateBy(1, { score: 7 });
    accounts.delete(2);
    expect(() =>
      db.transaction(() => {
        accounts.updateBy(3, { score: 8 });
        accounts.delete(4);
        accounts.insert(account(200));
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(built(accounts)).toEqual(unique);
    expect(
      accounts
        .selectBy('score', 7)
        .execute()
        .map(({ id }) => id),
    ).toContain(1);
    expect(built(accounts)).toEqual([...unique, 'score']);
    expect([...db.check()]).toEqual([]);
  });

  it('holds the rows as they are, where it is built within a transaction that is then undone', () => {
    const { db, accounts } = open();
    accounts.insertMany(Array.from({ length: 50 }, (_, n) => account(n, { score: n % 5 })));
    const before = accounts
      .selectAll()
      .where('score', '=', 3)
      .where((row) => row.id > 0)
      .execute();
    const other = open();
    other.accounts.insertMany(Array.from({ length: 50 }, (_, n) => account(n, { score: n % 5 })));
    expect(() =>
      other.db.transaction(() => {
        other.accounts.delete(4);
        other.accounts.updateBy(9, { score: 99 });
        expect(other.accounts.selectBy('score', 3).count()).toBe(8);
        expect(other.accounts.selectBy('score', 99).count()).toBe(1);
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(other.accounts.selectBy('score', 3).execute()).toEqual(before);
    expect([...db.check(), ...other.db.check()]).toEqual([]);
  });

  it('is built with all others by buildIndexes', () => {
    const { accounts } = open();
    accounts.insertMany(Array.from({ length: 100 }, (_, n) => account(n)));
    accounts.buildIndexes();
    expect(accounts.stats().indexes.every((index) => index.built)).toBe(true);
    expect(accounts.stats().indexes.map(({ entries }) => entries)).toEqual(accounts.stats().indexes.map(() => 100));
  });
});
