import { describe, expect, it } from '@jest/globals';
import type { ChangeEvent, CommitEvent } from '../../../lib/index.js';
import { Account, account } from '../entities.js';
import { type OpenDatabase, useDatabase } from './harness.js';

export function eventsBehave(open: OpenDatabase): void {
  const t = useDatabase(open);

  describe('change and commit events', () => {
    it('tell each change with its rows before and after, in commit order, with gapless LSNs', () => {
      const changes: ChangeEvent<Account, number>[] = [];
      const commits: CommitEvent[] = [];
      t.accounts.on('change', (event) => changes.push(event));
      t.db.on('commit', (event) => commits.push(event));
      t.accounts.insert(account(1));
      t.accounts.updateBy(1, { score: 42 });
      t.db.transaction(() => {
        t.accounts.insert(account(2));
        t.ledger.insert({ tenant: 'a', number: 1, amount: 1 });
        t.accounts.delete(1);
      });
      expect(changes.map((e) => [e.lsn, e.seq, e.table, e.kind, e.key, e.before?.score, e.after?.score])).toEqual([
        [1, 0, 'account', 'insert', 1, undefined, 1],
        [2, 0, 'account', 'update', 1, 1, 42],
        [3, 0, 'account', 'insert', 2, undefined, 2],
        [3, 2, 'account', 'delete', 1, 42, undefined],
      ]);
      expect(changes[0]?.after).toBeInstanceOf(Account);
      expect(changes[0]?.at).toBeInstanceOf(Date);
      expect(commits.map((c) => [c.lsn, c.changes.map((e) => `${e.table} ${e.kind} ${e.seq}`)])).toEqual([
        [1, ['account insert 0']],
        [2, ['account update 0']],
        [3, ['account insert 0', 'ledger_entry insert 1', 'account delete 2']],
      ]);
      expect(commits[2]?.changes[1]?.key).toEqual(['a', 1]);
      expect(t.db.lsn).toBe(3);
    });

    it('count LSNs without gaps, listeners or not, refusals or not', () => {
      t.accounts.insert(account(1));
      expect(() => t.accounts.insert(account(1))).toThrow();
      t.accounts.updateBy(1, { score: 3 });
      expect(() =>
        t.db.transaction(() => {
          t.accounts.delete(1);
          throw new Error('undo');
        }),
      ).toThrow();
      t.db.transaction(() => undefined);
      t.accounts.nextKey();
      t.accounts.delete(99);
      expect(t.db.lsn).toBe(2);
      expect(t.accounts.deleteCdc(1)?.lsn).toBe(3);
    });

    it('come in commit order also where a listener writes', () => {
      const seen: number[] = [];
      t.accounts.on('change', (event) => {
        if (event.kind === 'insert' && event.key < 4) t.accounts.insert(account(event.key + 1));
      });
      t.accounts.on('change', (event) => seen.push(event.lsn));
      t.accounts.insert(account(1));
      expect(seen).toEqual([1, 2, 3, 4]);
      expect(t.accounts.count()).toBe(4);
    });

    it('give each listener rows of its own', () => {
      const scores: (number | undefined)[] = [];
      for (let n = 0; n < 2; n++) {
        t.accounts.on('change', (event) => {
          scores.push(event.after?.score);
          (event.after as Account).score = -1;
        });
      }
      t.accounts.insert(account(3));
      expect(scores).toEqual([3, 3]);
      expect(t.accounts.select(1)?.score).toBe(3);
    });

    it('reach the others when one listener throws or rejects, and tell db.on(listenerError)', async () => {
      const errors: [string, string][] = [];
      let heard = 0;
      t.db.on('listenerError', (error, event) => errors.push([(error as Error).message, event]));
      t.db.on('listenerError', () => {
        throw new Error('even this one');
      });
      t.accounts.on('change', () => {
        throw new Error('thrown');
      });
      t.accounts.on('change', async () => {
        throw new Error('rejected');
      });
      t.accounts.on('change', () => heard++);
      t.db.on('commit', () => {
        throw new Error('at commit');
      });
      const warnings: unknown[] = [];
      const emitWarning = process.emitWarning;
      process.emitWarning = (...args: unknown[]) => void warnings.push(args[1]);
      expect(t.accounts.insert(account(1))).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      process.emitWarning = emitWarning;
      expect(heard).toBe(1);
      expect(errors).toEqual([
        ['thrown', 'change'],
        ['at commit', 'commit'],
        ['rejected', 'change'],
      ]);
      expect(warnings).toEqual(Array(3).fill('WorkTableListenerError'));
    });

    it('survive listeners that throw things which are no errors, and long queues', () => {
      const emitWarning = process.emitWarning;
      process.emitWarning = () => undefined;
      t.accounts.once('change', () => {
        throw Object.create(null);
      });
      t.accounts.insert(account(0));
      process.emitWarning = emitWarning;
      const seen: number[] = [];
      t.accounts.once('change', () => {
        for (let n = 2; n < 20_000; n++) t.accounts.insert(account(n));
      });
      t.accounts.on('change', (event) => seen.push(event.lsn));
      t.accounts.insert(account(1));
      expect(seen).toEqual(Array.from({ length: 19_999 }, (_, n) => n + 2));
    });

    it('can be ended, and heard once', () => {
      let many = 0;
      let once = 0;
      const listener = () => many++;
      t.accounts.on('change', listener).once('change', () => once++);
      t.accounts.insert(account(1));
      t.accounts.insert(account(2));
      t.accounts.off('change', listener);
      t.accounts.insert(account(3));
      expect([many, once]).toEqual([2, 1]);
      expect(() => t.accounts.on('change', undefined as never)).toThrow(TypeError);
    });
  });

  describe('the …Cdc calls', () => {
    it('do the same work and give the operation, with bytes, link and index events', () => {
      const inserted = t.accounts.insertCdc(account(1));
      expect(inserted).toMatchObject({ kind: 'insert', table: 'account', lsn: 1, seq: 0, key: 1, before: null });
      expect(inserted.after?.email).toBe('user1@example.com');
      expect(inserted.link.length).toBe(inserted.bytes.length);
      expect(inserted.primaryEvents).toEqual([{ index: 'primary', kind: 'insert', key: 1 }]);
      expect(inserted.secondaryEvents).toEqual([
        { index: 'country_score', kind: 'insert', key: ['DE', 1] },
        { index: 'email', kind: 'insert', key: 'user1@example.com' },
        { index: 'country', kind: 'insert', key: 'DE' },
        { index: 'score', kind: 'insert', key: 1 },
      ]);
      const updated = t.accounts.updateCdc({ ...(t.accounts.select(1) as Account), score: 2 });
      expect(updated.primaryEvents).toEqual([]);
      expect(updated.secondaryEvents).toEqual([
        { index: 'country_score', kind: 'remove', key: ['DE', 1] },
        { index: 'country_score', kind: 'insert', key: ['DE', 2] },
        { index: 'score', kind: 'remove', key: 1 },
        { index: 'score', kind: 'insert', key: 2 },
      ]);
      expect(t.accounts.upsertCdc({ ...account(5), id: 1 }).kind).toBe('update');
      expect(t.accounts.upsertCdc(account(6)).kind).toBe('insert');
      const deleted = t.accounts.deleteCdc(1);
      expect(deleted).toMatchObject({ kind: 'delete', key: 1, after: null });
      expect(deleted?.before?.email).toBe('user5@example.com');
      expect(deleted?.secondaryEvents.map((event) => event.kind)).toEqual(['remove', 'remove', 'remove', 'remove']);
      expect(t.accounts.deleteCdc(1)).toBeUndefined();
      expect(t.db.lsn).toBe(5);
    });

    it('number the operations of a transaction', () => {
      const operations = t.db.transaction(() => [t.accounts.insertCdc(account(1)), t.accounts.insertCdc(account(2))]);
      expect(operations.map(({ lsn, seq }) => [lsn, seq])).toEqual([
        [1, 0],
        [1, 1],
      ]);
      expect(operations[0]?.txn).toBe(operations[1]?.txn);
      const next = t.accounts.insertCdc(account(3));
      expect([next.lsn, next.seq]).toEqual([2, 0]);
      expect(next.txn).toBeGreaterThan(operations[0]?.txn as number);
    });
  });
}
