import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueryError, TransactionError } from '../../../lib/index.js';
import { type Account, account } from '../entities.js';
import { type OpenDatabase, useDatabase } from './harness.js';

const ids = (rows: readonly { id: number }[]) => rows.map((row) => row.id);

export function queriesBehave(open: OpenDatabase): void {
  const t = useDatabase(open);
  let all: Account[];

  beforeEach(() => {
    t.accounts.insertMany(
      Array.from({ length: 400 }, (_, n) =>
        account(n, { score: (n * 7919) % 50, note: n % 5 === 0 ? null : `note ${n % 9}`, balance: BigInt(n) * 10n ** 16n }),
      ),
    );
    all = t.accounts.selectAll().execute();
  });

  describe('where', () => {
    it('answers every operator as a filter over the plain rows does, whatever index serves it', () => {
      const q = () => t.accounts.selectAll();
      const cases: [Account[], Account[]][] = [
        [q().where('country', '=', 'FR').execute(), all.filter((r) => r.country === 'FR')],
        [q().where('country', '!=', 'FR').execute(), all.filter((r) => r.country !== 'FR')],
        [q().where('score', '<', 10).execute(), all.filter((r) => r.score < 10)],
        [q().where('score', '<=', 10).execute(), all.filter((r) => r.score <= 10)],
        [q().where('score', '>', 40.5).execute(), all.filter((r) => r.score > 40.5)],
        [q().where('score', '>=', 40).where('score', '<', 45).execute(), all.filter((r) => r.score >= 40 && r.score < 45)],
        [q().where('score', 'between', [3, 5]).execute(), all.filter((r) => r.score >= 3 && r.score <= 5)],
        [q().where('score', 'between', [5, 3]).execute(), []],
        [q().where('score', 'in', [1, 2, 2, 99]).execute(), all.filter((r) => [1, 2].includes(r.score))],
        [q().where('score', 'in', []).execute(), []],
        [q().where('email', 'startsWith', 'user12').execute(), all.filter((r) => r.email.startsWith('user12'))],
        [q().where('note', 'startsWith', 'note 1').execute(), all.filter((r) => r.note?.startsWith('note 1'))],
        [q().where('note', 'is', null).execute(), all.filter((r) => r.note === null)],
        [q().where('note', '=', null).execute(), all.filter((r) => r.note === null)],
        [q().where('note', '!=', null).execute(), all.filter((r) => r.note !== null)],
        [q().where('note', '!=', 'note 1').execute(), all.filter((r) => r.note !== 'note 1')],
        [q().where('note', '<', 'note 2').execute(), all.filter((r) => r.note !== null && (r.note as string) < 'note 2')],
        [q().where('note', 'in', [null, 'note 3']).execute(), all.filter((r) => r.note === null || r.note === 'note 3')],
        [q().where('plan', '<', 'paid').execute(), all],
        [
          q()
            .where('balance', '>', 10n ** 17n)
            .where('country', '=', 'GB')
            .execute(),
          all.filter((r) => r.balance > 10n ** 17n && r.country === 'GB'),
        ],
        [q().where('country', '=', 'FR').where('score', '>', 20).execute(), all.filter((r) => r.country === 'FR' && r.score > 20)],
        [
          q().where('country', '=', 'FR').where('score', 'in', [0, 4, 8]).execute(),
          all.filter((r) => r.country === 'FR' && r.score % 4 === 0 && r.score <= 8),
        ],
        [q().where('createdAt', '=', new Date(1_700_000_000_000)).execute(), all],
        [
          q()
            .where((r) => r.id % 7 === 0 && r.domain === 'example.com')
            .where('country', '=', 'DE')
            .execute(),
          all.filter((r) => r.id % 7 === 0 && r.country === 'DE'),
        ],
        [q().where('country', '=', 'FR').where('country', '=', 'DE').execute(), []],
        [q().where('score', '=', Number.NaN).execute(), []],
        [q().where('score', '<', Number.NaN).execute(), all],
        [
          q()
            .where('country', '=', null as never)
            .execute(),
          [],
        ],
        [
          q()
            .where('score', '!=', null as never)
            .execute(),
          all,
        ],
        [
          q()
            .where('score', '=', null as never)
            .execute(),
          [],
        ],
      ];
      for (const [got, expected] of cases) expect(got).toEqual(expected);
    });

    it('refuses undefined, unknown columns, other types and impossible operators', () => {
      const q = t.accounts.selectAll() as unknown as {
        where(...args: unknown[]): unknown;
        orderBy(...args: unknown[]): unknown;
        offset(n: unknown): unknown;
      };
      const wrong: unknown[][] = [
        ['country', '=', undefined],
        ['country', 'in', ['FR', undefined]],
        ['country', 'in', 'FR'],
        ['score', 'between', [1]],
        ['score', 'between', [1, undefined]],
        ['score', 'between', new Array(2)],
        ['score', 'in', new Array(1)],
        ['score', 'between', [null, 1]],
        ['score', '>', null],
        ['score', '=', '1'],
        ['score', 'startsWith', '1'],
        ['email', 'startsWith', 1],
        ['note', 'is', 'x'],
        ['nope', '=', 1],
        ['score', '~', 1],
        ['tags', '=', []],
        ['plan', '=', 'gold'],
        ['createdAt', '>', new Date(Number.NaN)],
        ['balance', '=', 1],
      ];
      for (const args of wrong) expect(() => q.where(...args)).toThrow(QueryError);
      expect(() => q.orderBy('nope')).toThrow(QueryError);
      expect(() => q.orderBy('tags')).toThrow(QueryError);
      expect(() => q.orderBy('score', 'down')).toThrow(QueryError);
      for (const n of [-1, 1.5, Number.NaN, '1', undefined]) expect(() => q.offset(n)).toThrow(QueryError);
    });

    it('refuses a function that writes, and leaves the table as it was', () => {
      expect(() =>
        t.accounts
          .selectAll()
          .where((row) => t.accounts.delete(row.id))
          .execute(),
      ).toThrow(TransactionError);
      expect(t.accounts.count()).toBe(400);
      t.accounts.delete(1);
      expect(t.accounts.count()).toBe(399);
    });
  });

  describe('order', () => {
    const by =
      <T>(...keys: ((row: Account) => T)[]) =>
      (a: Account, b: Account) => {
        for (const key of keys) {
          const [x, y] = [key(a), key(b)];
          if (x !== y) return x < y ? -1 : 1;
        }
        return a.id - b.id;
      };

    it('is the primary key where none is asked for, and stable where it is', () => {
      const q = () => t.accounts.selectAll();
      expect(ids(q().execute())).toEqual(ids(all));
      expect(ids(q().orderBy('score').execute())).toEqual(ids([...all].sort(by((r) => r.score))));
      expect(ids(q().orderBy('score', 'desc').execute())).toEqual(ids([...all].sort(by((r) => -r.score))));
      expect(ids(q().orderBy('country').orderBy('score', 'desc').execute())).toEqual(
        ids(
          [...all].sort(
            by<string | number>(
              (r) => r.country,
              (r) => -r.score,
            ),
          ),
        ),
      );
      expect(ids(q().orderBy('country', 'desc').orderBy('score', 'desc').execute())).toEqual(
        ids([...all].sort((a, b) => (a.country === b.country ? b.score - a.score || a.id - b.id : a.country < b.country ? 1 : -1))),
      );
      expect(ids(q().orderBy('id', 'desc').execute())).toEqual(ids(all).reverse());
      const noted = [...all].sort((a, b) =>
        a.note === b.note ? a.id - b.id : a.note === null ? -1 : b.note === null ? 1 : (a.note as string) < (b.note as string) ? -1 : 1,
      );
      expect(ids(q().orderBy('note').execute())).toEqual(ids(noted));
      expect(ids(q().where('country', '=', 'FR').orderBy('score', 'desc').limit(7).execute())).toEqual(
        ids(
          [...all]
            .filter((r) => r.country === 'FR')
            .sort(by((r) => -r.score))
            .slice(0, 7),
        ),
      );
    });

    it('applies offset, then limit, in whichever order they are called; past the end is empty', () => {
      const sorted = ids([...all].sort(by((r) => r.score)));
      const q = t.accounts.selectAll().orderBy('score');
      expect(ids(q.limit(5).offset(10).execute())).toEqual(sorted.slice(10, 15));
      expect(ids(q.offset(10).limit(5).execute())).toEqual(sorted.slice(10, 15));
      expect(ids(t.accounts.selectAll().orderBy('note').offset(300).limit(300).execute())).toHaveLength(100);
      expect(q.offset(400).execute()).toEqual([]);
      expect(q.limit(0).execute()).toEqual([]);
      expect(q.offset(390).limit(100).count()).toBe(10);
      expect(t.accounts.selectAll().limit(0).first()).toBeUndefined();
    });
  });

  describe('explain', () => {
    const explain = (query: { explain(): { index: string; access: string; sort: string; rowsExamined: number } }) => {
      const { index, access, sort, rowsExamined } = query.explain();
      return { index, access, sort, rowsExamined };
    };

    it('shows that keys, unique and plain values never scan', () => {
      const q = () => t.accounts.selectAll();
      expect(explain(q().where('id', '=', 5))).toEqual({ index: 'primary', access: 'point', sort: '', rowsExamined: 1 });
      expect(explain(q().where('email', '=', 'user9@example.com'))).toEqual({ index: 'email', access: 'point', sort: '', rowsExamined: 1 });
      expect(explain(q().where('country', '=', 'FR'))).toMatchObject({ index: 'country', access: 'point', rowsExamined: 100, sort: '' });
      expect(explain(q().where('id', 'between', [10, 19]))).toEqual({ index: 'primary', access: 'range', sort: '', rowsExamined: 10 });
      expect(explain(q().where('email', 'startsWith', 'user39'))).toMatchObject({ index: 'email', access: 'range', rowsExamined: 11 });
      expect(explain(q().where('country', '=', 'FR').where('score', '>=', 45))).toMatchObject({
        index: 'country_score',
        access: 'range',
        sort: 'id asc',
      });
      expect(explain(q().where('country', '=', 'FR').where('email', '=', 'user9@example.com'))).toMatchObject({
        index: 'email',
        rowsExamined: 1,
      });
    });

    it('shows that an index gives an order, and that a limit ends the walk', () => {
      const q = () => t.accounts.selectAll();
      expect(explain(q().orderBy('score', 'desc').limit(10))).toEqual({ index: 'score', access: 'scan', sort: '', rowsExamined: 10 });
      expect(explain(q().where('country', '=', 'FR').orderBy('score', 'desc').limit(10))).toEqual({
        index: 'country_score',
        access: 'range',
        sort: '',
        rowsExamined: 10,
      });
      const latest = q().where('country', '=', 'FR').orderBy('id', 'desc').limit(3);
      expect(explain(latest)).toEqual({ index: 'country', access: 'point', sort: '', rowsExamined: 3 });
      expect(ids(latest.execute())).toEqual([397, 393, 389]);
      expect(explain(q().limit(3))).toEqual({ index: 'primary', access: 'scan', sort: '', rowsExamined: 3 });
      expect(explain(q().orderBy('id', 'desc').limit(3))).toEqual({ index: 'primary', access: 'scan', sort: '', rowsExamined: 3 });
      expect(explain(q().orderBy('note').limit(3))).toMatchObject({ sort: 'note asc, id asc', rowsExamined: 400 });
    });

    it('uses hash indexes for equality, and says so when asked for a range', () => {
      t.sessions.insertMany(Array.from({ length: 30 }, (_, n) => ({ user: n % 3, fingerprint: Uint8Array.of(n), expires: new Date(n) })));
      expect(explain(t.sessions.selectBy('user', 1))).toMatchObject({ index: 'user', access: 'point', rowsExamined: 10 });
      expect(() => t.sessions.selectAll().where('user', '>', 1).execute()).toThrow(QueryError);
      expect(() => t.sessions.selectAll().where('token', 'between', ['a', 'b']).count()).toThrow(/hash/);
      expect(t.sessions.selectBy('user', 2).where('token', '>', '').count()).toBe(10);
      expect(
        t.sessions
          .selectAll()
          .where((row) => row.user > 1)
          .count(),
      ).toBe(10);
      expect(t.sessions.selectOneBy('fingerprint', Uint8Array.of(7))?.expires).toEqual(new Date(7));
      const tokens = t.sessions
        .selectAll()
        .execute()
        .map((row) => row.token);
      expect(tokens).toEqual([...tokens].sort());
    });
  });

  describe('selectBy and selectOneBy', () => {
    it('need an index that serves them', () => {
      expect(() => t.accounts.selectBy('note', 'x')).toThrow(QueryError);
      expect(() => t.accounts.selectOneBy('country', 'FR')).toThrow(QueryError);
      expect(() => t.accounts.selectOneBy('email', undefined as never)).toThrow(QueryError);
      expect(() => t.accounts.selectBy('country', undefined as never)).toThrow(QueryError);
      expect(t.accounts.selectOneBy('id', 3)?.id).toBe(3);
      expect(t.ledger.selectBy('tenant', 'x').count()).toBe(0);
    });
  });

  describe('a query', () => {
    it('is immutable and lazy', () => {
      const base = t.accounts.selectBy('country', 'FR');
      const narrowed = base.where('score', '>', 25).orderBy('score').limit(2);
      t.accounts.insert(account(1000, { country: 'FR', score: 26 }));
      expect(base.count()).toBe(101);
      expect(narrowed.execute()[0]?.score).toBe(26);
      expect(base.count()).toBe(101);
    });

    it('answers for the rows of now, each time that it is run again', () => {
      const made = () => {
        const q = t.accounts.selectAll();
        return [
          q,
          q.orderBy('id', 'desc').limit(3),
          q.where('id', 'in', [3, 7, 401, 402]),
          q.where('country', '=', 'FR').offset(1),
          q.where('country', '=', 'FR').where('score', '>', 20).orderBy('score', 'desc'),
          q.where('score', '>=', 10).orderBy('score').limit(20),
          q.where('score', '=', 11).where((row) => row.note !== null),
          q.where('email', 'startsWith', 'user1'),
          q.where('note', '=', 'note 1').orderBy('balance', 'desc'),
        ];
      };
      const kept = made();
      const expectSame = () => {
        for (const [at, fresh] of made().entries()) {
          const query = kept[at] as typeof fresh;
          expect([query.execute(), query.first(), [...query], query.count()]).toEqual([
            fresh.execute(),
            fresh.first(),
            [...fresh],
            fresh.count(),
          ]);
        }
      };
      expectSame();
      t.accounts.insertMany([account(401, { country: 'FR', score: 11 }), account(402, { country: 'FR', score: 49 })]);
      expectSame();
      t.accounts.updateBy(3, { score: 30, country: 'FR', note: 'note 1' });
      for (let id = 100; id < 200; id++) t.accounts.delete(id);
      expectSame();
      expect(() =>
        t.db.transaction(() => {
          for (const { id } of t.accounts.selectAll().execute()) t.accounts.delete(id);
          expectSame();
          throw new Error('undone');
        }),
      ).toThrow('undone');
      expectSame();
    });

    it('iterates over the rows of the moment in which it began', () => {
      let seen = 0;
      for (const row of t.accounts.selectBy('country', 'FR')) {
        seen++;
        t.accounts.delete(row.id);
        t.accounts.insert(account(2000 + seen, { country: 'FR' }));
      }
      expect(seen).toBe(100);
      expect(t.accounts.selectBy('country', 'FR').count()).toBe(100);
    });

    it('gives single columns as plain objects', () => {
      const [row] = t.accounts.selectAll().select('id', 'note', 'createdAt').limit(1).execute();
      expect(row).toEqual({ id: 1, note: null, createdAt: new Date(1_700_000_000_000) });
      expect(() => t.accounts.selectAll().select('nope' as never)).toThrow(QueryError);
      expect(() => t.accounts.selectAll().select()).toThrow(QueryError);
    });
  });

  describe('aggregates', () => {
    it('add up, exactly for bigints', () => {
      const q = t.accounts.selectAll();
      expect(q.sum('score')).toBe(all.reduce((sum, r) => sum + r.score, 0));
      expect(q.sum('balance')).toBe(all.reduce((sum, r) => sum + r.balance, 0n));
      expect(q.avg('score')).toBeCloseTo(all.reduce((sum, r) => sum + r.score, 0) / 400, 10);
      expect([q.min('score'), q.max('score'), q.min('email'), q.max('note')]).toEqual([0, 49, 'user0@example.com', 'note 8']);
      expect(q.where('country', '=', 'FR').max('balance')).toBe(396n * 10n ** 16n);
      expect(q.orderBy('score', 'desc').limit(10).sum('score')).toBe(
        [...all]
          .map((r) => r.score)
          .sort((a, b) => b - a)
          .slice(0, 10)
          .reduce((a, b) => a + b),
      );
      const none = q.where('id', '<', 0);
      expect([none.sum('score'), none.sum('balance'), none.avg('score'), none.min('id'), none.max('note')]).toEqual([
        0,
        0n,
        undefined,
        undefined,
        undefined,
      ]);
      expect(() => q.sum('email' as never)).toThrow(QueryError);
      expect(() => q.min('tags' as never)).toThrow(QueryError);
    });

    it('compensate the rounding of floats', () => {
      t.readings.insertMany(Array.from({ length: 1000 }, (_, id) => ({ id, slot: String(id), value: 0.1 })));
      expect(t.readings.selectAll().sum('value')).toBe(100);
    });

    it('group, in the order of the column, null first', () => {
      const counts = t.accounts.selectAll().groupBy('country').count();
      expect([...counts]).toEqual([
        ['DE', 100],
        ['FR', 100],
        ['GB', 100],
        ['IT', 100],
      ]);
      const notes = t.accounts.selectAll().where('score', '<', 25).groupBy('note');
      expect([...notes.count().keys()][0]).toBeNull();
      for (const [note, sum] of notes.sum('score')) {
        expect(sum).toBe(all.filter((r) => r.note === note && r.score < 25).reduce((total, r) => total + r.score, 0));
      }
      expect(t.accounts.selectAll().groupBy('country').max('score').get('FR')).toBe(
        Math.max(...all.filter((r) => r.country === 'FR').map((r) => r.score)),
      );
      expect(t.accounts.selectAll().groupBy('plan').avg('score').get('free')).toBeCloseTo(
        all.reduce((sum, r) => sum + r.score, 0) / 400,
        10,
      );
      expect(t.accounts.selectAll().groupBy('plan').min('email').get('free')).toBe('user0@example.com');
    });
  });
}
