import { expect } from '@jest/globals';
import fc from 'fast-check';
import {
  type ChangeEvent,
  Column,
  Database,
  type DeleteQuery,
  Index,
  type InPlaceQuery,
  PrimaryKey,
  PrimaryKeyProp,
  Query,
  Table,
  type TableManager,
  type UpdateQuery,
} from '../../lib/index.js';
import { Model, type ModelAccount, type ModelEntry, Refused } from './model.js';

export const COMMANDS = 200;

@Table({ pageSizeBytes: 4096 })
@Index({ columns: ['country', 'score'] })
class Account {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() email!: string;
  @Index({ using: 'hash' }) @Column() country!: string;
  @Index() @Column('int') score!: number;
  @Column('long') balance!: bigint;
  @Index({ using: 'packed' }) @Column({ type: 'string', nullable: true }) note!: string | null;

  @Query({ update: ['country', 'balance'], by: 'score' }) static moveByScore: UpdateQuery<Account, ['country', 'balance'], 'score'>;
  @Query({ update: ['email'], by: 'balance' }) static mailByBalance: UpdateQuery<Account, 'email', 'balance'>;
  @Query({ inPlace: ['score', 'note'], by: 'country' }) static bumpByCountry: InPlaceQuery<Account, ['score', 'note'], 'country'>;
  @Query({ delete: true, by: 'note' }) static deleteByNote: DeleteQuery<Account, 'note'>;
}

@Table({ pageSizeBytes: 4096 })
@Index({ columns: ['tenant', 'label'], unique: true, name: 'label_of_tenant' })
class Entry {
  [PrimaryKeyProp]?: ['tenant', 'number'];
  @PrimaryKey() @Column() tenant!: string;
  @PrimaryKey() @Column('int') number!: number;
  @Column({ type: 'string', nullable: true }) label!: string | null;
  @Index({ using: 'packed' }) @Column('double') amount!: number;
}

export const PAIR_TABLES = [Account, Entry] as const;

/** The store and its model, side by side. */
export class Pair {
  accounts: TableManager<typeof Account>;
  entries: TableManager<typeof Entry>;
  readonly model = new Model();
  readonly follower = new Map<number, ModelAccount>();
  lsn = 0;

  constructor(public db: Database = new Database({ tables: PAIR_TABLES })) {
    this.accounts = db.table(Account);
    this.entries = db.table(Entry);
  }

  /** Goes on with a database that holds the same. */
  goOn(db: Database): void {
    this.db = db;
    this.accounts = db.table(Account);
    this.entries = db.table(Entry);
  }

  /** Follows the store through its events alone. */
  follow(): void {
    this.accounts.on('change', (event: ChangeEvent<Account, number>) => {
      if (event.before !== null) expect({ ...event.before }).toEqual(this.follower.get(event.key));
      if (event.after === null) this.follower.delete(event.key);
      else this.follower.set(event.key, { ...event.after });
    });
    this.db.on('commit', (event) => expect(event.lsn).toBe(++this.lsn));
  }

  /** Both sides answer alike: with the same value, or with the same refusal. */
  same(store: () => unknown, model: () => unknown): void {
    const wanted = outcome(model);
    const got = outcome(store);
    expect(got).toEqual(wanted);
  }

  compare(): void {
    const { accounts, entries, model } = this;
    expect(accounts.selectAll().execute().map(plain)).toEqual(model.accounts);
    expect(entries.selectAll().execute().map(plain)).toEqual(model.entries);
    expect([...this.db.check()]).toEqual([]);
  }
}

const plain = (row: object) => ({ ...row });

function outcome(work: () => unknown): unknown {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof Refused) return { code: error.code, index: error.index };
    const { code, index } = error as { code?: string; index?: string };
    if (code === undefined || code === 'WT_INVARIANT') throw error;
    return { code, index };
  }
}

export type Command = (pair: Pair) => void;

/** A command that a failure prints with its arguments. */
function command<T>(name: string, given: fc.Arbitrary<T>, make: (args: T) => Command): fc.Arbitrary<Command> {
  return given.map((args) => Object.assign(make(args), { [fc.toStringMethod]: () => `${name}(${fc.stringify(args)})` }));
}

const text = fc.constantFrom('', 'a', 'b', 'ab', 'é', '🦊', 'x'.repeat(60), 'y'.repeat(700));
const email = fc.integer({ min: 0, max: 14 }).map((n) => `user${n}@example.com`);
const country = fc.constantFrom('FR', 'DE', 'GB');
const score = fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: 6 }) }, { weight: 1, arbitrary: fc.constant(0.5) });
const balance = fc.constantFrom(0n, 1n, -(2n ** 63n), 2n ** 63n - 1n);
const note = fc.option(text, { nil: null });
const id = fc.integer({ min: 1, max: 20 });
const row = fc.record({ email, country, score, balance, note });
const keyed = fc.tuple(row, fc.option(id, { nil: undefined })).map(([rest, key]) => (key === undefined ? rest : { ...rest, id: key }));
const partial = fc.record({ email, country, score, balance, note }, { requiredKeys: [] });
const entry = fc.record({
  tenant: fc.constantFrom('a', 'b', 'a,1'),
  number: fc.integer({ min: -2, max: 4 }),
  label: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null }),
  amount: fc.constantFrom(0, 1.5, Number.NaN, Number.POSITIVE_INFINITY),
}) as fc.Arbitrary<ModelEntry>;

const simple: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: command(
      'insert',
      keyed,
      (r) => (p) =>
        p.same(
          () => p.accounts.insert(r),
          () => p.model.insertAccount(r),
        ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'insertMany',
      fc.array(keyed, { maxLength: 6 }),
      (rows) => (p) =>
        p.same(
          () => p.accounts.insertMany(rows),
          () => p.model.whole(() => rows.map((r) => p.model.insertAccount(r))),
        ),
    ),
  },
  {
    weight: 4,
    arbitrary: command(
      'updateBy',
      fc.tuple(id, partial),
      ([key, change]) =>
        (p) =>
          p.same(
            () => p.accounts.updateBy(key, change),
            () => p.model.updateAccount(key, change),
          ),
    ),
  },
  {
    weight: 2,
    arbitrary: command(
      'update',
      fc.tuple(id, row),
      ([key, r]) =>
        (p) =>
          p.same(
            () => p.accounts.update({ ...r, id: key }),
            () => p.model.updateAccount(key, r),
          ),
    ),
  },
  {
    weight: 3,
    arbitrary: command(
      'upsert',
      keyed,
      (r) => (p) =>
        p.same(
          () => p.accounts.upsert(r),
          () => p.model.upsertAccount(r),
        ),
    ),
  },
  {
    weight: 4,
    arbitrary: command(
      'delete',
      id,
      (key) => (p) =>
        p.same(
          () => p.accounts.delete(key),
          () => p.model.deleteAccount(key),
        ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'moveByScore',
      fc.tuple(score, country, balance),
      ([by, to, amount]) =>
        (p) =>
          p.same(
            () => p.accounts.queries.moveByScore(by, { country: to, balance: amount }),
            () =>
              p.model.updateWhere(
                (r) => r.score === by,
                () => ({ country: to, balance: amount }),
              ),
          ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'mailByBalance',
      fc.tuple(balance, email),
      ([by, to]) =>
        (p) =>
          p.same(
            () => p.accounts.queries.mailByBalance(by, { email: to }),
            () =>
              p.model.updateWhere(
                (r) => r.balance === by,
                () => ({ email: to }),
              ),
          ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'bumpByCountry',
      fc.tuple(country, note),
      ([by, to]) =>
        (p) =>
          p.same(
            () =>
              p.accounts.queries.bumpByCountry(by, (r) => {
                r.score += 1;
                r.note = to;
              }),
            () =>
              p.model.updateWhere(
                (r) => r.country === by,
                (r) => ({ score: r.score + 1, note: to }),
              ),
          ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'deleteByNote',
      note,
      (by) => (p) =>
        p.same(
          () => p.accounts.queries.deleteByNote(by),
          () => p.model.deleteWhere((r) => r.note === by),
        ),
    ),
  },
  {
    weight: 3,
    arbitrary: command(
      'insertEntry',
      entry,
      (r) => (p) =>
        p.same(
          () => p.entries.insert(r),
          () => p.model.insertEntry(r),
        ),
    ),
  },
  {
    weight: 2,
    arbitrary: command(
      'relabelEntry',
      entry,
      (r) => (p) =>
        p.same(
          () => p.entries.updateBy([r.tenant, r.number], { label: r.label }),
          () => p.model.relabelEntry(r.tenant, r.number, r.label),
        ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'deleteEntry',
      entry,
      (r) => (p) =>
        p.same(
          () => p.entries.delete([r.tenant, r.number]),
          () => p.model.deleteEntry(r.tenant, r.number),
        ),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'nextKey',
      fc.constant(undefined),
      () => (p) =>
        p.same(
          () => p.accounts.nextKey(),
          () => ++p.model.counter,
        ),
    ),
  },
);

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const query = command(
  'query',
  fc.record({
    country: maybe(country),
    low: maybe(fc.integer({ min: -1, max: 7 })),
    high: maybe(fc.integer({ min: -1, max: 7 })),
    note: maybe(note),
    emails: maybe(fc.array(email, { maxLength: 4 })),
    prefix: maybe(fc.constantFrom('user1', 'user', 'z')),
    order: fc.array(fc.tuple(fc.constantFrom('country', 'score', 'note', 'id', 'email', 'balance'), fc.constantFrom('asc', 'desc')), {
      maxLength: 3,
    }),
    offset: maybe(fc.integer({ min: 0, max: 5 })),
    limit: maybe(fc.integer({ min: 0, max: 6 })),
  }),
  (asked) => (p) => askBoth(p, asked as Asked),
);

interface Asked {
  country?: string;
  low?: number;
  high?: number;
  note?: string | null;
  emails?: string[];
  prefix?: string;
  order: ['country' | 'score' | 'note' | 'id' | 'email' | 'balance', 'asc' | 'desc'][];
  offset?: number;
  limit?: number;
}

function askBoth(p: Pair, asked: Asked): void {
  let q = p.accounts.selectAll();
  let rows = [...p.model.accounts];
  const { country: c, low, high, note: n, emails, prefix, order, offset = 0, limit } = asked;
  if (c !== undefined) {
    q = q.where('country', '=', c);
    rows = rows.filter((r) => r.country === c);
  }
  if (low !== undefined) {
    q = q.where('score', '>=', low);
    rows = rows.filter((r) => r.score >= low);
  }
  if (high !== undefined) {
    q = q.where('score', '<', high);
    rows = rows.filter((r) => r.score < high);
  }
  if (n !== undefined) {
    q = q.where('note', '=', n);
    rows = rows.filter((r) => r.note === n);
  }
  if (emails !== undefined) {
    q = q.where('email', 'in', emails);
    rows = rows.filter((r) => emails.includes(r.email));
  }
  if (prefix !== undefined) {
    q = q.where('email', 'startsWith', prefix);
    rows = rows.filter((r) => r.email.startsWith(prefix));
  }
  for (const [column, direction] of order) q = q.orderBy(column, direction);
  rows.sort((a, b) => {
    for (const [column, direction] of order) {
      const by = compareCells(a[column], b[column]);
      if (by !== 0) return direction === 'asc' ? by : -by;
    }
    return a.id - b.id;
  });
  const counted = rows.length;
  rows = rows.slice(offset, limit === undefined ? undefined : offset + limit);
  const paged = limit === undefined ? q.offset(offset) : q.limit(limit).offset(offset);
  expect(paged.execute().map(plain)).toEqual(rows);
  expect(paged.count()).toBe(rows.length);
  expect(paged.first()?.id).toBe(rows[0]?.id);
  expect(q.count()).toBe(counted);
  expect(paged.sum('score')).toBe(rows.reduce((sum, r) => sum + r.score, 0));
  expect(paged.max('id')).toBe(rows.length === 0 ? undefined : Math.max(...rows.map((r) => r.id)));
  expect(paged.explain().rowsReturned).toBe(rows.length);
}

function compareCells(a: string | number | bigint | null, b: string | number | bigint | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

const plainCommand = fc.oneof({ weight: 8, arbitrary: simple }, { weight: 1, arbitrary: query });

class Abort extends Error {}

/** A transaction of some commands, of which some are a savepoint; either may end in a throw. */
const transaction = command(
  'transaction',
  fc.record({
    before: fc.array(plainCommand, { maxLength: 6 }),
    inner: fc.array(plainCommand, { maxLength: 6 }),
    innerThrows: fc.boolean(),
    after: fc.array(plainCommand, { maxLength: 4 }),
    throws: fc.boolean(),
  }),
  (t) => (p) => {
    const run = (list: readonly Command[]) => {
      for (const each of list) each(p);
    };
    // The model's savepoints wrap the store's; each command is applied to both within them.
    const savepoint = (work: () => void) => {
      try {
        p.model.whole(() => p.db.transaction(work));
      } catch (error) {
        if (!(error instanceof Abort)) throw error;
      }
    };
    savepoint(() => {
      run(t.before);
      savepoint(() => {
        run(t.inner);
        if (t.innerThrows) throw new Abort();
      });
      run(t.after);
      if (t.throws) throw new Abort();
    });
  },
);

export const pairCommand: fc.Arbitrary<Command> = fc.oneof({ weight: 12, arbitrary: plainCommand }, { weight: 1, arbitrary: transaction });

export const commands = fc.array(pairCommand, { maxLength: COMMANDS, size: 'max' });
