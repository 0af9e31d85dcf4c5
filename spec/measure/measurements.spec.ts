import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Database, Measured, Measurements, measurements, SchemaError, TableManager } from '../../lib/index.js';
import { Account, account, ENTITIES } from '../support/entities.js';

const counts = (rows: readonly { operation: string; count: number; failed: number }[]) =>
  Object.fromEntries(rows.map(({ operation, count, failed }) => [operation, failed === 0 ? count : `${count}, ${failed} failed`]));

describe('new Database({ measure: true })', () => {
  it('measures each call by its name, once, failed ones too', async () => {
    const db = new Database({ tables: ENTITIES, measure: true });
    const accounts = db.table(Account);
    accounts.insert(account(1));
    accounts.insertMany([account(2), account(3), account(4)]);
    for (let n = 0; n < 5; n++) accounts.select(1);
    expect(() => accounts.insert(account(1))).toThrow('unique');
    accounts.selectAll().where('score', '>', 0).orderBy('id').limit(2).select('id').execute();
    expect([...accounts.selectBy('country', 'DE')].length).toBe(accounts.selectBy('country', 'DE').count());
    accounts.queries.bumpScoreById(1, (row) => void row.score++);
    expect(() => db.transaction(() => accounts.delete(5) || accounts.update(account(9) as never))).toThrow();
    await db.transactionAsync(async (tx) => tx.table(Account).select(1));
    (await accounts.lock(1)).unlock();
    expect(counts(db.measurements())).toEqual({
      'account.delete': 1,
      'account.insert': '2, 1 failed',
      'account.insertMany': 1,
      'account.lock': 1,
      'account.queries.bumpScoreById': 1,
      'account.query.count': 1,
      'account.query.execute': 2,
      'account.select': 5,
      'account.update': '1, 1 failed',
      'database.transaction': '1, 1 failed',
      'database.transactionAsync': 1,
    });
    for (const row of db.measurements()) {
      expect(row.minNs).toBeGreaterThan(0);
      expect(row.p50Ns).toBeGreaterThanOrEqual(row.minNs);
      expect(row.p99Ns).toBeGreaterThanOrEqual(row.p50Ns);
      expect(row.maxNs * 1.001).toBeGreaterThanOrEqual(row.p99Ns);
      expect(row.meanNs).toBeLessThanOrEqual(row.maxNs);
    }
    db.resetMeasurements();
    expect(db.measurements()).toEqual([]);
    expect([...db.check()]).toEqual([]);
  });

  it('costs nothing where it is off: calls are the very functions of the class', () => {
    const db = new Database({ tables: ENTITIES });
    const accounts = db.table(Account);
    expect(Object.getOwnPropertyNames(accounts).filter((name) => typeof accounts[name as never] === 'function')).toEqual([]);
    expect(accounts.insert).toBe(TableManager.prototype.insert);
    expect(Object.hasOwn(db, 'transaction')).toBe(false);
    accounts.insert(account(1));
    expect(db.measurements()).toEqual([]);
  });
});

describe('@Measured', () => {
  it('measures a method, to the end of its promise, and keeps what it is and does', async () => {
    const into = new Measurements();
    class Desk {
      readonly rate = 3;

      @Measured({ into }) quote(amount: number): number {
        if (amount < 0) throw new RangeError('below 0');
        return amount * this.rate;
      }

      @Measured({ into, name: 'slowly' }) async later(ms: number): Promise<number> {
        await wait(ms);
        if (ms === 0) throw new Error('at once');
        return this.rate;
      }

      @Measured({ into }) static all(): string {
        return 'all';
      }

      @Measured() plain(): void {}
    }
    const desk = new Desk();
    expect(desk.quote(2)).toBe(6);
    expect(() => desk.quote(-1)).toThrow(RangeError);
    expect(await desk.later(20)).toBe(3);
    await expect(desk.later(0)).rejects.toThrow('at once');
    expect(Desk.all()).toBe('all');
    expect(desk.quote.name).toBe('quote');
    expect(desk.quote.length).toBe(1);
    expect(counts(into.rows())).toEqual({ 'Desk.all': 1, 'Desk.quote': '2, 1 failed', slowly: '2, 1 failed' });
    expect(into.rows().find(({ operation }) => operation === 'slowly')?.maxNs).toBeGreaterThan(15e6);
    into.enabled = false;
    desk.quote(1);
    expect(counts(into.rows())['Desk.quote']).toBe('2, 1 failed');
    desk.plain();
    expect(counts(measurements.rows())).toEqual({ 'Desk.plain': 1 });
    measurements.reset();
  });

  it('is refused on what is no method', () => {
    expect(() => Measured()({ constructor: class Desk {} } as object, 'field', undefined as never)).toThrow(SchemaError);
  });
});
