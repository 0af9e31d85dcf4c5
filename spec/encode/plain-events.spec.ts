import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChangeEvent, type CommitEvent, Database, EventFormatError, PlainEvents, ValidationError } from '../../lib/index.js';
import { Account, Address, LedgerEntry } from '../support/entities.js';
import { type EventSample, eventSample } from '../support/event-arbitrary.js';

const RUNS = Number(process.env.EVENTS ?? 200);

function sameEvent(a: ChangeEvent, b: ChangeEvent): boolean {
  return isDeepStrictEqual(a, b) && Object.getPrototypeOf(a.after ?? {}) === Object.getPrototypeOf(b.after ?? {});
}

/** What a database says of a few writes. */
function commitsOf(work: (db: Database) => void): CommitEvent[] {
  const db = new Database({ tables: [Account, LedgerEntry] });
  const commits: CommitEvent[] = [];
  db.on('commit', (commit) => commits.push(commit));
  work(db);
  return commits;
}

const ada = { email: 'ada@example.com', country: 'GB', score: 1, plan: 'free' as const };

describe('PlainEvents', () => {
  it('makes plain values of each kind of change', () => {
    const [insert, update, remove] = commitsOf((db) => {
      const accounts = db.table(Account);
      accounts.insert({ ...ada, balance: 2n ** 62n, address: { city: 'London', zip: 1 }, tags: ['x'] });
      accounts.updateBy(1, { score: 5 });
      db.table(LedgerEntry).insert({ tenant: 't', number: 7, amount: Number.NaN });
    }) as [CommitEvent, CommitEvent, CommitEvent];
    const plain = new PlainEvents({ tables: [Account, LedgerEntry] });
    const row = {
      ...{ id: 1, email: 'ada@example.com', country: 'GB', score: 1, balance: '4611686018427387904', note: null },
      ...{ createdAt: '2023-11-14T22:13:20.000Z', plan: 'free', tags: ['x'], address: { city: 'London', zip: 1 } },
    };
    expect(plain.event(insert.changes[0] as ChangeEvent)).toEqual({
      ...{ lsn: 1, txn: 1, seq: 0, table: 'account', kind: 'insert', key: 1, before: null, after: row },
      at: insert.at.toISOString(),
    });
    expect(plain.commit(update)).toEqual({
      ...{ lsn: 2, txn: 2, at: update.at.toISOString() },
      changes: [{ seq: 0, table: 'account', kind: 'update', key: 1, before: row, after: { ...row, score: 5 } }],
    });
    expect(plain.event(remove.changes[0] as ChangeEvent)).toMatchObject({ key: ['t', 7], after: { amount: 'NaN', label: null } });
  });

  it('has other forms on request', () => {
    const [commit] = commitsOf((db) => db.table(Account).insert({ ...ada, balance: 5n })) as [CommitEvent];
    const plain = new PlainEvents({ tables: [Account], bigints: 'bigint', dates: 'ms' }).commit(commit);
    expect(plain.at).toBe(commit.at.getTime());
    expect(plain.changes[0]?.after).toMatchObject({ balance: 5n, createdAt: 1_700_000_000_000 });
  });

  it('gives back every value of every type, through JSON and through a structured clone', () => {
    const check = ({ tables, event }: EventSample) => {
      const text = new PlainEvents({ tables });
      const clone = new PlainEvents({ tables, bigints: 'bigint', dates: 'ms' });
      const throughText = text.readEvent(JSON.parse(JSON.stringify(text.event(event))));
      const throughClone = clone.readEvent(structuredClone(clone.event(event)));
      if (!sameEvent(throughText, event)) throw new Error(`through JSON: ${fc.stringify(throughText)} is not ${fc.stringify(event)}`);
      if (!sameEvent(throughClone, event)) throw new Error(`through a clone: ${fc.stringify(throughClone)} is not ${fc.stringify(event)}`);
    };
    fc.assert(fc.property(eventSample, check), { numRuns: RUNS });
  });

  it('keeps whole transactions, and rows that are instances', () => {
    const commits = commitsOf((db) => {
      db.transaction(() => {
        db.table(Account).insert({ ...ada, address: { city: 'London', zip: 1 } });
        db.table(LedgerEntry).insert({ tenant: 't', number: 7, amount: -0 });
        db.table(Account).delete(1);
      });
    });
    const plain = new PlainEvents({ tables: [Account, LedgerEntry] });
    const again = commits.map((commit) => plain.readCommit(JSON.parse(JSON.stringify(plain.commit(commit)))));
    expect(again).toEqual(commits);
    const [{ changes }] = again as [CommitEvent];
    expect(changes.map(({ before, after }) => (before ?? after)?.constructor)).toEqual([Account, LedgerEntry, Account]);
    expect((changes[0] as ChangeEvent<Account>).after?.address).toBeInstanceOf(Address);
  });

  it('refuses what is no event, with typed errors', () => {
    const plain = new PlainEvents({ tables: [Account] });
    const [commit] = commitsOf((db) => db.table(Account).insert(ada)) as [CommitEvent];
    const good = plain.event(commit.changes[0] as ChangeEvent);
    const after = good.after as Record<string, unknown>;
    const { note: _, ...partial } = after;
    const wrong: readonly (readonly [unknown, typeof EventFormatError | typeof ValidationError])[] = [
      [null, EventFormatError],
      [[], EventFormatError],
      [{ ...good, lsn: -1 }, EventFormatError],
      [{ ...good, lsn: '1' }, EventFormatError],
      [{ ...good, at: 'yesterday' }, EventFormatError],
      [{ ...good, seq: 0.5 }, EventFormatError],
      [{ ...good, table: 'ledger_entry' }, EventFormatError],
      [{ ...good, table: '__proto__' }, EventFormatError],
      [{ ...good, kind: 'truncate' }, EventFormatError],
      [{ ...good, kind: 'constructor' }, EventFormatError],
      [{ ...good, kind: 'update' }, EventFormatError],
      [{ ...good, kind: 'delete' }, EventFormatError],
      [{ ...good, before: good.after }, EventFormatError],
      [{ ...good, after: 'row' }, EventFormatError],
      [{ ...good, expired: 1 }, EventFormatError],
      [{ ...good, last: false }, EventFormatError],
      [{ ...good, snapshot: 'middle' }, EventFormatError],
      [{ ...good, after: partial }, ValidationError],
      [{ ...good, after: { ...after, balance: '1e5' } }, ValidationError],
      [{ ...good, after: { ...after, balance: '9223372036854775808' } }, ValidationError],
      [{ ...good, after: { ...after, plan: 'gold' } }, ValidationError],
      [{ ...good, after: { ...after, createdAt: '2020-13-01' } }, ValidationError],
      [{ ...good, after: { ...after, address: { city: 'x' } } }, ValidationError],
      [{ ...good, after: { ...after, extra: 1 } }, ValidationError],
    ];
    for (const [value, error] of wrong) expect(() => plain.readEvent(value)).toThrow(error);
    expect(() => plain.readCommit({ ...good, changes: undefined })).toThrow(EventFormatError);
    expect(() => plain.readCommit({ ...good, changes: [null] })).toThrow(EventFormatError);
    expect(() => plain.readCommit({ ...good, changes: [], snapshot: 'all' })).toThrow(EventFormatError);
    const image = { ...commit, changes: [], snapshot: 'last' as const };
    expect(plain.readCommit(plain.commit(image))).toEqual(image);
    expect(plain.readEvent(good)).toEqual(commit.changes[0]);
    const foreign = { ...(commit.changes[0] as ChangeEvent), after: { ...after } };
    expect(() => plain.event(foreign)).toThrow(ValidationError);
  });

  it('survives any JSON in any place of an event', () => {
    const check = ({ tables, event }: EventSample, junk: unknown, place: number) => {
      const plain = new PlainEvents({ tables });
      const value = JSON.parse(JSON.stringify(plain.event(event))) as Record<string, unknown>;
      const changed = replacedAt(value, place, junk === DEEP ? nested(5000) : junk);
      try {
        plain.event(plain.readEvent(changed)); // what is taken can be written again
      } catch (error) {
        if (!(error instanceof EventFormatError) && !(error instanceof ValidationError)) throw error;
      }
    };
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom<unknown>('9'.repeat(2000), DEEP, -0));
    fc.assert(fc.property(eventSample, junk, fc.nat(), check), { numRuns: RUNS });
  });
});

/** Stands for what fast-check could not print. */
const DEEP = 'deep';

/** An array within an array within an array … */
function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

/** The value with one of all the places in it, counted from outside, holding something else. */
function replacedAt(value: unknown, place: number, junk: unknown): unknown {
  let places = 0;
  const countPlaces = (part: unknown): void => {
    places++;
    if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) countPlaces(inner);
  };
  countPlaces(value);
  let left = place % places;
  const replace = (part: unknown): unknown => {
    if (left-- === 0) return junk;
    if (Array.isArray(part)) return part.map(replace);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, replace(inner)]));
  };
  return replace(value);
}
