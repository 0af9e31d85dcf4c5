import { describe, expect, it } from '@jest/globals';
import { DuplicateKeyError, NotFoundError, QueryError, StaleRowError, UniqueViolationError, ValidationError } from '../../../lib/index.js';
import { Account, Address, account } from '../entities.js';
import { type OpenDatabase, refusal, useDatabase } from './harness.js';

export function writesBehave(open: OpenDatabase): void {
  const t = useDatabase(open);

  describe('insert', () => {
    it('gives the primary key and stores every column', () => {
      const key = t.accounts.insert(
        account(1, { balance: 2n ** 63n - 1n, note: 'né 🦊', tags: ['a', ''], address: { city: 'Paris', zip: 75000 } }),
      );
      expect(key).toBe(1);
      const row = t.accounts.select(1) as Account;
      expect(row).toBeInstanceOf(Account);
      expect(row.address).toBeInstanceOf(Address);
      expect({ ...row, address: { ...row.address } }).toEqual({
        id: 1,
        email: 'user1@example.com',
        country: 'DE',
        score: 1,
        balance: 2n ** 63n - 1n,
        note: 'né 🦊',
        createdAt: new Date(1_700_000_000_000),
        plan: 'free',
        tags: ['a', ''],
        address: { city: 'Paris', zip: 75000 },
      });
      expect(row.domain).toBe('example.com');
      expect(row.describe()).toBe('user1@example.com (DE)');
    });

    it('does not change the row that it is given, frozen or not', () => {
      const row = Object.freeze(account(1));
      t.accounts.insert(row);
      expect(row).toEqual(account(1));
    });

    it('hands out copies, down to arrays, dates, bytes and nested records', () => {
      t.accounts.insert(account(1, { tags: ['a'], address: { city: 'Paris', zip: 1 } }));
      const row = t.accounts.select(1) as Account;
      row.email = 'other@example.com';
      row.tags.push('b');
      row.createdAt.setTime(0);
      (row.address as Address).city = 'Rome';
      const fresh = t.accounts.select(1) as Account;
      expect([fresh.email, fresh.tags, fresh.createdAt.getTime(), fresh.address?.city]).toEqual([
        'user1@example.com',
        ['a'],
        1_700_000_000_000,
        'Paris',
      ]);
      const bytes = Uint8Array.of(1, 2, 3);
      const token = t.sessions.insert({ user: 1, fingerprint: bytes, expires: new Date(5) });
      bytes[0] = 9;
      const session = t.sessions.select(token);
      expect(session?.fingerprint).toEqual(Uint8Array.of(1, 2, 3));
      (session?.fingerprint as Uint8Array)[0] = 7;
      expect(t.sessions.selectOneBy('fingerprint', Uint8Array.of(1, 2, 3))?.token).toBe(token);
    });

    it('refuses a key that exists, and keeps the row that has it', () => {
      t.accounts.insert(account(1, { id: 7 }));
      const error = refusal(() => t.accounts.insert(account(2, { id: 7 })));
      expect(error).toMatchObject({ code: 'WT_DUPLICATE_KEY', table: 'account', key: 7 });
      expect(() => t.accounts.insert(account(2, { id: 7 }))).toThrow(DuplicateKeyError);
      expect(t.accounts.select(7)?.email).toBe('user1@example.com');
      expect(t.accounts.selectOneBy('email', 'user2@example.com')).toBeUndefined();
    });

    it('names the first violated unique index, leaves every index as it was, and lets the other values be used', () => {
      t.accounts.insert(account(1));
      const error = refusal(() => t.accounts.insert(account(2, { email: 'user1@example.com' })));
      expect(error).toMatchObject({ code: 'WT_UNIQUE_VIOLATION', index: 'email', columns: ['email'] });
      expect(String(error.message)).not.toContain('user1');
      expect(t.accounts.count()).toBe(1);
      expect(t.accounts.selectBy('country', 'GB').count()).toBe(0);
      expect(t.accounts.insert(account(2))).toBe(2);
      expect(t.accounts.selectBy('country', 'GB').count()).toBe(1);
    });

    it('names indexes in declaration order where two are violated', () => {
      t.readings.insert({ id: 1, tag: 'a', slot: 'b' });
      expect(refusal(() => t.readings.insert({ id: 2, tag: 'a', slot: 'b' }))).toMatchObject({ index: 'tag' });
      expect(refusal(() => t.readings.insert({ id: 2, tag: 'c', slot: 'b' }))).toMatchObject({ index: 'slot' });
      expect(t.readings.selectOneBy('tag', 'c')).toBeUndefined();
    });

    it('refuses a missing column, null, an unknown one and a wrong type by name', () => {
      const { email: _, ...withoutEmail } = account(1);
      expect(refusal(() => t.accounts.insert(withoutEmail as never))).toMatchObject({ code: 'WT_VALIDATION', column: 'email' });
      expect(refusal(() => t.accounts.insert({ ...account(1), email: null } as never))).toMatchObject({ column: 'email' });
      expect(refusal(() => t.accounts.insert({ ...account(1), emial: 'x' } as never))).toMatchObject({ column: 'emial' });
      expect(refusal(() => t.accounts.insert({ ...account(1), score: '1' } as never))).toMatchObject({ column: 'score' });
      expect(refusal(() => t.accounts.insert({ ...account(1), score: 1.5 }))).toMatchObject({ column: 'score' });
      expect(refusal(() => t.accounts.insert({ ...account(1), balance: 2n ** 63n }))).toMatchObject({ column: 'balance' });
      expect(refusal(() => t.accounts.insert({ ...account(1), email: '\ud800' }))).toMatchObject({ column: 'email' });
      expect(refusal(() => t.accounts.insert({ ...account(1), plan: 'gold' } as never))).toMatchObject({ column: 'plan' });
      expect(refusal(() => t.accounts.insert({ ...account(1), createdAt: new Date(Number.NaN) }))).toMatchObject({ column: 'createdAt' });
      expect(() => t.accounts.insert(null as never)).toThrow(TypeError);
      expect(() => t.accounts.insert([] as never)).toThrow(TypeError);
      expect(t.accounts.count()).toBe(0);
    });

    it("never tells a row's values in an error", () => {
      const secret = 'tell-nobody';
      const errors = [
        refusal(() => t.accounts.insert({ ...account(1), score: secret } as never)),
        refusal(() => t.accounts.insert({ ...account(1), plan: secret } as never)),
        refusal(() => t.accounts.insert({ ...account(1), tags: [secret, 1] } as never)),
      ];
      for (const error of errors) expect(String(error.message)).not.toContain(secret);
    });

    it('takes plain objects, class instances, and rows whose values come from getters', () => {
      const instance = Object.assign(new Account(), account(1), { extra: 'not a column' });
      t.accounts.insert(instance);
      expect(Object.keys(t.accounts.select(1) as Account)).not.toContain('extra');
      class WithGetters {
        reads = 0;
        get email(): string {
          this.reads++;
          return `from-getter-${this.reads}@example.com`;
        }
        country = 'FR';
        score = 1;
        plan = 'free' as const;
      }
      const { reads: _, ...shape } = Object.getOwnPropertyDescriptors(new WithGetters());
      const row = Object.create(WithGetters.prototype, shape) as WithGetters;
      Object.defineProperty(row, 'reads', { value: 0, writable: true, enumerable: false });
      const key = t.accounts.insert(row);
      expect(t.accounts.select(key)?.email).toBe('from-getter-1@example.com');
      expect(t.accounts.selectOneBy('email', 'from-getter-1@example.com')?.id).toBe(key);
    });

    it('stays whole when a getter of the row writes to the same table', () => {
      const row = {
        ...account(1),
        get country() {
          t.accounts.insert(account(50));
          return 'FR';
        },
      };
      t.accounts.insert(row);
      expect(t.accounts.count()).toBe(2);
      expect(t.accounts.selectOneBy('email', 'user1@example.com')?.country).toBe('FR');
      expect(t.accounts.selectOneBy('email', 'user50@example.com')?.country).toBe('GB');
    });

    it('stores long text, long rows of more than a page, and every plane of Unicode', () => {
      const text = 'x'.repeat(10 * 1024 * 1024);
      t.accounts.insert(account(1, { note: text }));
      t.accounts.insert(account(2, { note: '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{1f98a}\u{10ffff}' }));
      expect(t.accounts.select(1)?.note === text).toBe(true);
      expect(t.accounts.select(2)?.note).toBe('\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{1f98a}\u{10ffff}');
      t.accounts.updateBy(1, { note: 'short' });
      expect(t.accounts.select(1)?.note).toBe('short');
      t.accounts.updateBy(2, { note: text });
      t.accounts.delete(2);
      expect(t.accounts.stats().totalBytes).toBeLessThan(1024 * 1024);
    });
  });

  describe('keys', () => {
    it('count from 1, move past supplied ones and never go back', () => {
      expect(t.accounts.insert(account(1))).toBe(1);
      expect(t.accounts.insert(account(2, { id: 10 }))).toBe(10);
      expect(t.accounts.insert(account(3))).toBe(11);
      expect(t.accounts.insert(account(4, { id: 5 }))).toBe(5);
      t.accounts.delete(11);
      expect(t.accounts.insert(account(5))).toBe(12);
    });

    it('are not used up by refused rows', () => {
      t.accounts.insert(account(1));
      refusal(() => t.accounts.insert(account(1)));
      refusal(() => t.accounts.insert({ ...account(2), score: 1.5 }));
      expect(t.accounts.insert(account(2))).toBe(2);
    });

    it('are handed out by nextKey, each once', () => {
      const first = t.accounts.nextKey();
      expect([first, t.accounts.nextKey(), t.accounts.insert(account(1))]).toEqual([1, 2, 3]);
      expect(t.accounts.insert(account(2, { id: first }))).toBe(1);
      expect(() => t.ledger.nextKey()).toThrow(QueryError);
    });

    it('may be composite, and are tuples then', () => {
      expect(t.ledger.insert({ tenant: 'a', number: 2, amount: 1 })).toEqual(['a', 2]);
      t.ledger.insert({ tenant: 'a', number: 10, amount: 2 });
      t.ledger.insert({ tenant: 'a,1', number: 0, amount: 3 });
      t.ledger.insert({ tenant: '', number: -5, amount: 4 });
      expect(t.ledger.select(['a', 10])?.amount).toBe(2);
      expect(t.ledger.select(['a', 11])).toBeUndefined();
      expect(
        t.ledger
          .selectAll()
          .execute()
          .map((row) => row.amount),
      ).toEqual([4, 1, 2, 3]);
      expect(() => t.ledger.insert({ tenant: 'a', number: 2, amount: 9 })).toThrow(DuplicateKeyError);
      t.ledger.updateBy(['a', 2], { amount: 7 });
      expect(t.ledger.delete(['a', 2])).toBe(true);
      expect(() => t.ledger.select('a' as never)).toThrow(QueryError);
      expect(() => t.ledger.select(['a'] as never)).toThrow(QueryError);
      expect(() => t.ledger.select(['a', undefined] as never)).toThrow(QueryError);
    });

    it('may be generated, and a generator that repeats is refused', () => {
      const make = (n: number) => ({ user: 1, fingerprint: Uint8Array.of(n), expires: new Date(n) });
      const token = t.sessions.insert(make(1));
      expect(t.sessions.select(token)?.user).toBe(1);
      expect(t.sessions.select(token.toUpperCase())?.user).toBe(1);
      expect(() => t.sessions.insert({ ...make(2), token })).toThrow(DuplicateKeyError);
      expect(t.sessions.count()).toBe(1);
    });

    it('refuse undefined, null and other types wherever a key is asked for', () => {
      t.accounts.insert(account(1));
      for (const key of [undefined, null, '1', {}, true]) {
        expect(() => t.accounts.select(key as never)).toThrow(QueryError);
        expect(() => t.accounts.delete(key as never)).toThrow(QueryError);
        expect(() => t.accounts.updateBy(key as never, { score: 1 })).toThrow(QueryError);
        expect(() => t.accounts.selectOneBy('id', key as never)).toThrow(QueryError);
      }
      expect(t.accounts.select(Number.NaN)).toBeUndefined();
      expect(t.accounts.select(1.5)).toBeUndefined();
      expect(t.accounts.count()).toBe(1);
    });
  });

  describe('update', () => {
    it('replaces the whole row, and a moved value is found only under its new key', () => {
      t.accounts.insert(account(1, { note: 'old' }));
      const row = t.accounts.select(1) as Account;
      t.accounts.update({ ...row, email: 'new@example.com', country: 'JP', note: null });
      expect(t.accounts.selectOneBy('email', 'user1@example.com')).toBeUndefined();
      expect(t.accounts.selectBy('country', 'DE').count()).toBe(0);
      expect(t.accounts.selectOneBy('email', 'new@example.com')?.country).toBe('JP');
      expect(t.accounts.select(1)?.note).toBeNull();
    });

    it('leaves row and indexes as they were when a unique value is taken', () => {
      t.accounts.insertMany([account(1), account(2)]);
      const before = t.accounts.select(2);
      expect(() => t.accounts.update({ ...(before as Account), country: 'JP', email: 'user1@example.com' })).toThrow(UniqueViolationError);
      expect(() => t.accounts.updateBy(2, { score: 99, email: 'user1@example.com' })).toThrow(UniqueViolationError);
      expect(t.accounts.select(2)).toEqual(before);
      expect(t.accounts.selectBy('country', 'JP').count()).toBe(0);
      expect(t.accounts.selectBy('score', 99).count()).toBe(0);
    });

    it('needs a row, and needs all of it', () => {
      expect(() => t.accounts.update({ ...(Object.assign(new Account(), account(1)) as Account), id: 9 })).toThrow(ValidationError);
      t.accounts.insert(account(1));
      const row = t.accounts.select(1) as Account;
      expect(refusal(() => t.accounts.update({ ...row, id: 9 }))).toMatchObject({ code: 'WT_NOT_FOUND', key: 9 });
      expect(refusal(() => t.accounts.updateBy(9, { score: 1 }))).toMatchObject({ code: 'WT_NOT_FOUND', key: 9 });
      const { score: _, ...rest } = row;
      expect(refusal(() => t.accounts.update(rest as never))).toMatchObject({ column: 'score' });
    });

    it('sets named columns alone, and refuses key columns, undefined and unknown ones', () => {
      t.accounts.insert(account(1, { balance: 5n }));
      t.accounts.updateBy(1, { score: 8, note: 'n' });
      expect(t.accounts.select(1)).toMatchObject({ score: 8, note: 'n', balance: 5n });
      expect(refusal(() => t.accounts.updateBy(1, { id: 1 } as never))).toMatchObject({ code: 'WT_VALIDATION', column: 'id' });
      expect(refusal(() => t.accounts.updateBy(1, { score: undefined } as never))).toMatchObject({ column: 'score' });
      expect(refusal(() => t.accounts.updateBy(1, { nope: 1 } as never))).toMatchObject({ column: 'nope' });
      expect(() => t.accounts.updateBy(1, null as never)).toThrow(TypeError);
      t.accounts.updateBy(1, {});
      expect(t.accounts.select(1)?.score).toBe(8);
    });

    it('keeps rows that grow, shrink and move exact, and reuses their old places', () => {
      t.accounts.insertMany(Array.from({ length: 50 }, (_, n) => account(n)));
      const pages = t.accounts.stats().pages;
      for (let n = 0; n < 5000; n++) t.accounts.updateBy(1 + (n % 50), { note: 'x'.repeat((n * 37) % 300) });
      for (let n = 0; n < 5000; n++) t.accounts.updateBy(7, { note: 'y'.repeat((n * 53) % 2000) });
      expect(t.accounts.stats().pages).toBeLessThanOrEqual(pages + 8);
      expect(t.accounts.select(7)?.note).toBe('y'.repeat((4999 * 53) % 2000));
      expect(t.accounts.select(8)?.note).toBe('x'.repeat((4957 * 37) % 300));
    });
  });

  describe('upsert', () => {
    it('inserts or replaces, and says which', () => {
      expect(t.accounts.upsert(account(1))).toEqual({ key: 1, inserted: true });
      expect(t.accounts.upsert({ ...account(1), id: 1, score: 77 })).toEqual({ key: 1, inserted: false });
      expect(t.accounts.select(1)?.score).toBe(77);
      t.accounts.insert(account(2));
      expect(() => t.accounts.upsert({ ...account(2), id: 1 })).toThrow(UniqueViolationError);
      expect(t.accounts.select(1)?.email).toBe('user1@example.com');
    });
  });

  describe('delete', () => {
    it('tells whether there was a row, and the values can be used again', () => {
      t.accounts.insert(account(1));
      expect([t.accounts.delete(1), t.accounts.delete(1)]).toEqual([true, false]);
      expect(t.accounts.selectOneBy('email', 'user1@example.com')).toBeUndefined();
      expect(t.accounts.insert({ ...account(1), id: 1 })).toBe(1);
    });

    it('leaves others alone where many rows share a value, from one row to thousands', () => {
      t.accounts.insertMany(Array.from({ length: 3000 }, (_, n) => account(n, { country: 'FR' })));
      for (let id = 1; id <= 3000; id += 3) t.accounts.delete(id);
      const left = t.accounts.selectBy('country', 'FR').execute();
      expect(left.map((row) => row.id)).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1).filter((id) => id % 3 !== 1));
      for (const row of left.slice(1)) t.accounts.delete(row.id);
      expect(
        t.accounts
          .selectBy('country', 'FR')
          .execute()
          .map((row) => row.id),
      ).toEqual([2]);
    });
  });

  describe('insertMany', () => {
    it('is all or nothing, and tells the row', () => {
      expect(t.accounts.insertMany([account(1), account(2)])).toEqual([1, 2]);
      const stats = t.accounts.stats();
      const duplicate = refusal(() => t.accounts.insertMany([account(3), account(4), account(1)]));
      expect(duplicate).toMatchObject({ code: 'WT_UNIQUE_VIOLATION', index: 'email', row: 2 });
      expect(refusal(() => t.accounts.insertMany([account(3), { ...account(4), score: 0.5 }]))).toMatchObject({ column: 'score', row: 1 });
      expect(refusal(() => t.accounts.insertMany([{ ...account(3), id: 1 }]))).toMatchObject({ code: 'WT_DUPLICATE_KEY', row: 0 });
      expect(t.accounts.count()).toBe(2);
      expect(t.accounts.stats()).toEqual(stats);
      expect(t.accounts.insert(account(3))).toBe(3);
      expect(t.accounts.insertMany([])).toEqual([]);
    });
  });

  describe('declared queries', () => {
    it('update by key and by index, and give the number of rows', () => {
      t.accounts.insertMany(Array.from({ length: 8 }, (_, n) => account(n)));
      expect(t.accounts.queries.setBalanceById(3, { balance: 9n })).toBe(1);
      expect(t.accounts.queries.setBalanceById(99, { balance: 9n })).toBe(0);
      expect(t.accounts.queries.setPlanByCountry('FR', { plan: 'paid' })).toBe(2);
      expect(
        t.accounts
          .selectAll()
          .where('plan', '=', 'paid')
          .execute()
          .map((row) => row.country),
      ).toEqual(['FR', 'FR']);
      expect(t.accounts.queries.moveByPlan(['paid', 'FR'], { country: 'DE', score: 0 })).toBe(2);
      expect(t.accounts.selectBy('country', 'DE').count()).toBe(4);
    });

    it('are all or nothing over several rows', () => {
      t.accounts.insertMany(Array.from({ length: 8 }, (_, n) => account(n)));
      const before = t.accounts.selectAll().execute();
      expect(() => t.accounts.queries.setEmailByCountry('FR', { email: 'same@example.com' })).toThrow(UniqueViolationError);
      expect(t.accounts.selectAll().execute()).toEqual(before);
      let calls = 0;
      expect(() =>
        t.accounts.queries.editByCountry('FR', (row) => {
          row.tags.push('seen');
          if (++calls === 2) throw new Error('stop');
        }),
      ).toThrow('stop');
      expect(t.accounts.selectAll().execute()).toEqual(before);
    });

    it('delete by index and by a column without one', () => {
      t.accounts.insertMany(Array.from({ length: 8 }, (_, n) => account(n, { note: n < 3 ? 'x' : null })));
      expect(t.accounts.queries.deleteByCountry('DE')).toBe(2);
      expect(t.accounts.queries.deleteByNote('x')).toBe(2);
      expect(t.accounts.queries.deleteByNote(null)).toBe(4);
      expect(t.accounts.count()).toBe(0);
    });

    it('change rows in place, and indexes follow', () => {
      t.accounts.insertMany([account(1), account(2)]);
      expect(
        t.accounts.queries.bumpScoreById(1, (row) => {
          row.score += 100;
        }),
      ).toBe(1);
      expect(
        t.accounts
          .selectBy('score', 101)
          .execute()
          .map((row) => row.id),
      ).toEqual([1]);
      expect(
        t.accounts.queries.editNoteByEmail('user2@example.com', (row) => {
          row.note = `${row.note ?? 'none'}!`;
        }),
      ).toBe(1);
      expect(t.accounts.select(2)?.note).toBe('none!');
    });

    it('read their values before they look for rows, and let no draft write', () => {
      t.accounts.insertMany([account(1), account(5)]);
      const values = {
        get plan() {
          t.accounts.delete(1);
          return 'paid' as const;
        },
      };
      expect(t.accounts.queries.setPlanByCountry('DE', values)).toBe(1);
      expect(
        t.accounts
          .selectAll()
          .execute()
          .map((row) => [row.id, row.plan]),
      ).toEqual([[2, 'paid']]);
      const sneaky = (draft: object) => {
        Object.defineProperty(draft, 'score', { enumerable: true, get: () => t.accounts.delete(2) });
      };
      expect(refusal(() => t.accounts.queries.bumpScoreById(2, sneaky))).toMatchObject({ code: 'WT_TRANSACTION' });
      expect(t.accounts.count()).toBe(1);
    });

    it('refuse what is not theirs', () => {
      t.accounts.insert(account(1));
      const { queries } = t.accounts;
      expect(refusal(() => queries.setBalanceById(1, {} as never))).toMatchObject({ column: 'balance' });
      expect(refusal(() => queries.setBalanceById(1, { balance: 1n, score: 1 } as never))).toMatchObject({ column: 'score' });
      expect(refusal(() => queries.setBalanceById(1, { balance: 1 } as never))).toMatchObject({ column: 'balance' });
      expect(refusal(() => queries.setPlanByCountry(undefined as never, { plan: 'paid' }))).toMatchObject({ code: 'WT_QUERY' });
      expect(refusal(() => queries.deleteByCountry(undefined as never))).toMatchObject({ code: 'WT_QUERY' });
      expect(refusal(() => queries.moveByPlan('paid' as never, { country: 'x', score: 1 }))).toMatchObject({ code: 'WT_QUERY' });
      expect(refusal(() => queries.bumpScoreById(1, (row) => Object.assign(row, { score: 'x' })))).toMatchObject({ column: 'score' });
      expect(refusal(() => queries.bumpScoreById(1, (row) => Object.assign(row, { email: 'x' })))).toMatchObject({ column: 'email' });
      expect(refusal(() => queries.bumpScoreById(1, (async () => undefined) as never))).toMatchObject({ code: 'WT_TRANSACTION' });
      expect(refusal(() => queries.bumpScoreById(1, () => void t.accounts.delete(1)))).toMatchObject({ code: 'WT_TRANSACTION' });
      expect(() => queries.bumpScoreById(1, undefined as never)).toThrow(TypeError);
      expect(t.accounts.select(1)?.score).toBe(1);
    });
  });

  describe('reinsertCdc', () => {
    it('replaces a row that is what the caller thinks it is, and refuses one that is not', () => {
      t.accounts.insert(account(1));
      const old = t.accounts.select(1) as Account;
      const operation = t.accounts.reinsertCdc(old, { ...old, score: 50 });
      expect([operation.kind, operation.before?.score, operation.after?.score]).toEqual(['update', 1, 50]);
      expect(() => t.accounts.reinsertCdc(old, { ...old, score: 51 })).toThrow(StaleRowError);
      expect(() => t.accounts.reinsertCdc(old, { ...old, id: 2 })).toThrow(ValidationError);
      expect(() => t.accounts.reinsertCdc({ ...old, id: 2 }, { ...old, id: 2 })).toThrow(NotFoundError);
      expect(t.accounts.select(1)?.score).toBe(50);
    });
  });

  describe('null, NaN and −0 in indexes', () => {
    it('find null by null, and let nulls repeat in a unique index unless told otherwise', () => {
      t.readings.insertMany([
        { id: 3, slot: 'x' },
        { id: 1, slot: 'y' },
      ]);
      expect(
        t.readings
          .selectBy('tag', null)
          .execute()
          .map((row) => row.id),
      ).toEqual([1, 3]);
      expect(t.readings.selectBy('value', null).count()).toBe(2);
      t.readings.insert({ id: 2 });
      expect(refusal(() => t.readings.insert({ id: 4 }))).toMatchObject({ index: 'slot' });
      expect(t.readings.selectAll().where('tag', 'is', null).count()).toBe(3);
    });

    it('hold NaN as one key after all numbers, and −0 as 0', () => {
      t.readings.insertMany([
        { id: 1, slot: 'a', value: Number.NaN, copy: Number.NaN },
        { id: 2, slot: 'b', value: -0, copy: -0 },
        { id: 3, slot: 'c', value: 0, copy: 0 },
        { id: 4, slot: 'd', value: Number.POSITIVE_INFINITY, copy: Number.POSITIVE_INFINITY },
        { id: 5, slot: 'e', value: Number.NEGATIVE_INFINITY, copy: 1 },
        { id: 6, slot: 'f', value: Number.NaN, copy: Number.NaN },
        { id: 7, slot: 'g' },
      ]);
      const ids = (rows: { id: number }[]) => rows.map((row) => row.id);
      for (const column of ['value', 'copy'] as const) {
        expect(ids(t.readings.selectBy(column, Number.NaN).execute())).toEqual([1, 6]);
        expect(ids(t.readings.selectBy(column, 0).execute())).toEqual([2, 3]);
        expect(ids(t.readings.selectBy(column, -0).execute())).toEqual([2, 3]);
      }
      expect(ids(t.readings.selectAll().orderBy('value').execute())).toEqual([7, 5, 2, 3, 4, 1, 6]);
      expect(ids(t.readings.selectAll().where('value', '>', 5).execute())).toEqual([1, 4, 6]);
      expect(ids(t.readings.selectAll().where('value', '<', Number.NaN).execute())).toEqual([2, 3, 4, 5]);
      expect(Object.is(t.readings.select(2)?.value, -0)).toBe(true);
      t.readings.updateBy(2, { value: 0, copy: 0 });
      t.readings.updateBy(1, { value: 1 });
      expect(ids(t.readings.selectBy('value', Number.NaN).execute())).toEqual([6]);
    });

    it('let a row leave NaN, and a transaction undo one, in every kind of index', () => {
      t.readings.insertMany([
        { id: 1, slot: 'a', value: Number.NaN, copy: Number.NaN },
        { id: 2, slot: 'b', value: 1, copy: 1 },
      ]);
      t.readings.updateBy(1, { value: 2, copy: 2 });
      t.readings.updateBy(2, { value: Number.NaN, copy: Number.NaN });
      expect(t.readings.selectAll().where('value', '>=', Number.NaN).count()).toBe(1);
      expect(() =>
        t.db.transaction(() => {
          t.readings.updateBy(1, { value: Number.NaN, copy: Number.NaN });
          t.readings.delete(2);
          t.readings.insert({ id: 3, slot: 'c', value: Number.NaN, copy: Number.NaN });
          throw new Error('undo');
        }),
      ).toThrow('undo');
      expect(
        t.readings
          .selectBy('value', Number.NaN)
          .execute()
          .map((row) => row.id),
      ).toEqual([2]);
      expect([t.readings.delete(2), t.readings.delete(1)]).toEqual([true, true]);
    });

    it('keep all 64 bits of a long in order', () => {
      const values = [-(2n ** 63n), -(2n ** 53n) - 1n, -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n];
      t.readings.insertMany(values.map((ticks, at) => ({ id: values.length - at, slot: String(at), ticks })));
      expect(
        t.readings
          .selectAll()
          .orderBy('ticks')
          .execute()
          .map((row) => row.ticks),
      ).toEqual(values);
      expect(t.readings.selectBy('ticks', 2n ** 53n + 1n).count()).toBe(1);
      expect(t.readings.selectBy('ticks', 2n ** 53n).count()).toBe(0);
      expect(
        t.readings
          .selectAll()
          .where('ticks', 'between', [-(2n ** 63n), -1n])
          .count(),
      ).toBe(3);
    });
  });
}
