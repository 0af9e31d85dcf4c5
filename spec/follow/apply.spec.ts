import { describe, expect, it } from '@jest/globals';
import {
  type ChangeEvent,
  ChangeMismatchError,
  Column,
  type CommitEvent,
  Database,
  EventFormatError,
  ExpiresAt,
  Index,
  type Lsn,
  PlainEvents,
  PositionGapError,
  PrimaryKey,
  PrimaryKeyProp,
  Table,
  UniqueViolationError,
} from '../../lib/index.js';
import { coresOf } from '../support/crash-workload.js';
import { Account, account, LedgerEntry } from '../support/entities.js';
import { Random } from '../support/random.js';

const TABLES = [Account, LedgerEntry] as const;
const SOURCE = { source: 'main' };

/** All rows' bytes, and the counters. */
function contents(db: Database): readonly string[] {
  return coresOf(db).map(({ store, counterValue }) => {
    const rows = [...store.rowIds].map((row) => Buffer.from(store.bytesAt(store.linkOf(row))).toString('hex'));
    return `${counterValue}: ${rows.sort().join(' ')}`;
  });
}

function assertSound(db: Database): void {
  expect([...db.check()]).toEqual([]);
}

/** A database, and everything that it said. */
class Leader {
  readonly db = new Database({ tables: TABLES });
  readonly accounts = this.db.table(Account);
  readonly entries = this.db.table(LedgerEntry);
  readonly commits: CommitEvent[] = [];

  constructor() {
    this.db.on('commit', (commit) => this.commits.push(commit));
  }

  /** Its commits as events that come one by one. */
  get events(): ChangeEvent[] {
    return this.commits.flatMap(({ changes }) =>
      changes.map((event, at) => (at === changes.length - 1 ? { ...event, last: true } : event)),
    );
  }

  /** An image of all its rows, as the feed begins with. */
  get image(): ChangeEvent[] {
    const { db } = this;
    const rows = db.tables.flatMap((table) => [...table.selectAll()].map((after) => ({ table: table.name, after })));
    return rows.map(({ table, after }, seq) => ({
      ...{ lsn: db.lsn, txn: 0, seq, table, kind: 'read', key: undefined, before: null, after, at: new Date(5) },
      snapshot: seq === rows.length - 1 ? 'last' : 'true',
    }));
  }

  account(n: number): number {
    return this.accounts.insert({ email: `${n}@example.com`, country: 'GB', score: n, plan: 'free' });
  }

  /** Random transactions over both tables, some of which are undone. */
  work(random: Random, transactions: number): void {
    for (let n = 0; n < transactions; n++) {
      try {
        this.db.transaction(() => {
          for (let step = random.below(4); step >= 0; step--) this.step(random);
          if (random.chance(0.1)) throw new Error('undone');
        });
      } catch (error) {
        if (!(error instanceof UniqueViolationError) && (error as Error).message !== 'undone') throw error;
      }
    }
  }

  private step(random: Random): void {
    const { accounts, entries } = this;
    const id = 1 + random.below(40);
    const label = random.chance(0.5) ? null : `l${random.below(20)}`;
    switch (random.below(7)) {
      case 0:
      case 1:
        this.account(random.below(60));
        break;
      case 2:
        if (accounts.select(id) !== undefined)
          accounts.updateBy(id, { score: random.below(9), balance: BigInt(random.word()), note: label });
        break;
      case 3:
        accounts.delete(id);
        break;
      case 4:
        accounts.queries.editByCountry('GB', (row) => {
          row.tags = random.chance(0.5) ? [] : ['x'.repeat(random.below(30))];
        });
        break;
      case 5:
        entries.delete(['t', id]);
        break;
      default:
        entries.upsert({ tenant: 't', number: id, amount: random.chance(0.2) ? -0 : random.word() / 7, label });
    }
  }
}

describe('Database.apply', () => {
  it('follows random transactions, given as commits, as events, or through a pipe of JSON', async () => {
    for (let run = 0; run < Number(process.env.RUNS ?? 15); run++) {
      const random = new Random();
      try {
        const leader = new Leader();
        leader.work(random, 60);
        const plain = new PlainEvents({ tables: TABLES });
        const lines = leader.commits.map((commit) => plain.readCommit(JSON.parse(JSON.stringify(plain.commit(commit)))));
        async function* later<T>(items: readonly T[]) {
          yield* items;
        }
        for (const given of [leader.commits, leader.events, lines, later(leader.commits), later(leader.events)]) {
          const follower = new Database({ tables: TABLES });
          const heard: CommitEvent[] = [];
          follower.on('commit', (commit) => heard.push(commit));
          expect(await follower.apply(given, SOURCE)).toBe(leader.db.lsn);
          expect(contents(follower)).toEqual(contents(leader.db));
          expect(heard.map(({ at, changes }) => ({ at, changes: changes.length }))).toEqual(
            leader.commits.map(({ at, changes }) => ({ at, changes: changes.length })),
          );
          assertSound(follower);
        }
      } catch (error) {
        throw new Error(`SEED=${random.seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });

  it('passes over what it has applied, and goes on where it was', async () => {
    const leader = new Leader();
    leader.work(new Random(1), 40);
    const follower = new Database({ tables: TABLES });
    expect(follower.appliedLsn('main')).toBe(0);
    await follower.apply(leader.commits.slice(0, 20), SOURCE);
    expect(follower.appliedLsn('main')).toBe(20);
    await follower.apply(leader.commits, SOURCE);
    await follower.apply(leader.commits, SOURCE);
    await follower.apply([], SOURCE);
    expect([follower.lsn, follower.appliedLsn('main')]).toEqual([leader.db.lsn, leader.db.lsn]);
    expect(contents(follower)).toEqual(contents(leader.db));
  });

  it('counts on where the other database has, whatever became of its rows', async () => {
    for (const form of ['log', 'image'] as const) {
      const leader = new Leader();
      const commits = leader.db.commits(form === 'log' ? { from: 0, to: 4 } : { from: 'snapshot', to: 4 });
      leader.account(1);
      leader.accounts.delete(1);
      leader.db.transaction(() => {
        leader.accounts.nextKey();
        leader.accounts.nextKey();
        leader.entries.insert({ tenant: 't', number: 1, amount: 1 });
      });
      leader.entries.insert({ tenant: 't', number: 2, amount: 1 });
      const plain = new PlainEvents({ tables: TABLES });
      async function* piped() {
        for await (const commit of commits) yield plain.readCommit(JSON.parse(JSON.stringify(plain.commit(commit))));
      }
      const follower = new Database({ tables: TABLES });
      await follower.apply(piped(), SOURCE);
      expect(contents(follower)).toEqual(contents(leader.db));
      follower.unfollow('main');
      expect(follower.table(Account).nextKey()).toBe(4);
    }
    const follower = new Database({ tables: TABLES });
    const wrong = (table: string, key: unknown) => [
      { lsn: 1 as Lsn, txn: 1, at: new Date(), changes: [], counters: [{ table, key: key as bigint }] },
    ];
    for (const [table, key] of [
      ['ledger_entry', 1n],
      ['account', -1n],
      ['account', 2n ** 70n],
      ['account', 1],
      ['none', 1n],
    ] as const) {
      await expect(follower.apply(wrong(table, key), SOURCE)).rejects.toThrow(EventFormatError);
    }
    expect([follower.appliedLsn('main'), follower.table(Account).nextKey()]).toEqual([0, 1]);
  });

  it('may end within a transaction of its own, with as many rows as there are positions', async () => {
    const follower = new Database({ tables: TABLES });
    await follower.apply([{ lsn: 1 as Lsn, txn: 1, at: new Date(), changes: [], counters: [] }], SOURCE);
    expect(follower.appliedLsn('main')).toBe(1);
    follower.transaction(() => {
      follower.table(Account).insert(account(1));
      follower.unfollow('main');
    });
    expect([follower.appliedLsn('main'), follower.table(Account).count()]).toEqual([0, 1]);
    assertSound(follower);
  });

  it('refuses a gap, with the position that it expects, and keeps what came before it', async () => {
    const leader = new Leader();
    for (let n = 0; n < 5; n++) leader.account(n);
    const follower = new Database({ tables: TABLES });
    const [first, second, , fourth] = leader.commits as [CommitEvent, CommitEvent, CommitEvent, CommitEvent];
    const error = await follower.apply([first, second, fourth], SOURCE).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PositionGapError);
    expect(error).toMatchObject({ code: 'WT_POSITION_GAP', source: 'main', expected: 3, found: 4 });
    expect([follower.appliedLsn('main'), follower.table(Account).count()]).toEqual([2, 2]);
    await expect(new Database({ tables: TABLES }).apply([second], SOURCE)).rejects.toThrow(PositionGapError);
  });

  it('applies a transaction whole or not at all', async () => {
    const leader = new Leader();
    leader.account(1);
    leader.db.transaction(() => {
      leader.entries.insert({ tenant: 't', number: 1, amount: 1 });
      leader.accounts.updateBy(1, { score: 7 });
      leader.account(2);
    });
    const [first, second] = leader.commits as [CommitEvent, CommitEvent];
    const spoilt: readonly [string, (db: Database) => void][] = [
      ['its row is another one here', (db) => db.table(Account).updateBy(1, { note: 'mine' })],
      ['its row is not there', (db) => void db.table(Account).delete(1)],
      ['its row cannot be there', (db) => void db.table(Account).insert({ email: '2@example.com', country: 'FR', score: 1, plan: 'free' })],
    ];
    for (const [reason, spoil] of spoilt) {
      const follower = new Database({ tables: TABLES });
      await follower.apply([first], SOURCE);
      spoil(follower);
      const before = contents(follower);
      const heard: unknown[] = [];
      follower.on('commit', (commit) => heard.push(commit));
      const error = await follower.apply([second], SOURCE).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ChangeMismatchError);
      expect(error).toMatchObject({ code: 'WT_CHANGE_MISMATCH', table: 'account', lsn: 2, message: expect.stringContaining(reason) });
      expect([contents(follower), follower.appliedLsn('main'), heard]).toEqual([before, 1, []]);
      assertSound(follower);
    }
    // The events end, or another transaction begins, before the last one has come.
    const cut = leader.events.slice(0, 2);
    const follower = new Database({ tables: TABLES });
    await expect(follower.apply(cut, SOURCE)).rejects.toThrow(EventFormatError);
    expect([follower.appliedLsn('main'), follower.table(LedgerEntry).count()]).toEqual([1, 0]);
    const [, insert, update] = leader.events as [ChangeEvent, ChangeEvent, ChangeEvent];
    await expect(follower.apply([insert, { ...update, lsn: 3 as Lsn }], SOURCE)).rejects.toThrow(EventFormatError);
    await follower.apply(leader.events, SOURCE);
    expect(contents(follower)).toEqual(contents(leader.db));
  });

  it('refuses a transaction or an image of which events are missing, or there twice', async () => {
    const leader = new Leader();
    leader.db.transaction(() => [1, 2, 3].map((n) => leader.account(n)));
    const follower = new Database({ tables: TABLES });
    for (const events of [leader.events, leader.image]) {
      const [first, second, third] = events as [ChangeEvent, ChangeEvent, ChangeEvent];
      for (const wrong of [[second, third], [first, third], [third], [first, second, second, third], [first, first, second, third]]) {
        await expect(follower.apply(wrong, SOURCE)).rejects.toThrow(EventFormatError);
        const [commit] = leader.commits as [CommitEvent];
        const changes = wrong.map(({ last: _, ...event }) => event);
        await expect(follower.apply([{ ...commit, changes }], SOURCE)).rejects.toThrow(EventFormatError);
      }
      expect([follower.appliedLsn('main'), follower.table(Account).count()]).toEqual([0, 0]);
    }
    await follower.apply(leader.events, SOURCE);
    expect(contents(follower)).toEqual(contents(leader.db));
  });

  it('refuses what is no transaction of its tables', async () => {
    const leader = new Leader();
    leader.entries.insert({ tenant: 't', number: 1, amount: 1 });
    leader.entries.update({ tenant: 't', number: 1, amount: 2, label: null });
    const [first, second] = leader.commits as [CommitEvent, CommitEvent];
    const [insert] = first.changes as [ChangeEvent<LedgerEntry>];
    const [update] = second.changes as [ChangeEvent<LedgerEntry>];
    const follower = new Database({ tables: TABLES });
    const one = (event: object) => [{ ...first, changes: [{ ...insert, ...event } as ChangeEvent] }];
    for (const wrong of [
      [null as never],
      [7 as never],
      one({ table: 'elsewhere' }),
      one({ kind: 'truncate' }),
      one({ after: null }),
      one({ after: { tenant: 't', number: 1 } }),
      [{ ...first, at: undefined as never }],
      [{ ...first, at: new Date(Number.NaN) }],
    ]) {
      await expect(follower.apply(wrong, SOURCE)).rejects.toThrow(EventFormatError);
    }
    await follower.apply([first], SOURCE);
    const moved = { ...update, after: { ...(update.after as LedgerEntry), number: 2 } };
    await expect(follower.apply([{ ...second, changes: [moved as ChangeEvent] }], SOURCE)).rejects.toThrow(ChangeMismatchError);
    await expect(follower.apply([], { source: '' })).rejects.toThrow(TypeError);
    await follower.close();
    await expect(follower.apply([second], SOURCE)).rejects.toMatchObject({ code: 'WT_CLOSED' });
    assertSound(follower);
  });

  it('follows some tables, and several databases at once', async () => {
    const one = new Leader();
    const other = new Leader();
    one.work(new Random(3), 30);
    other.work(new Random(4), 30);
    const follower = new Database({ tables: TABLES });
    await follower.apply(one.commits, { source: 'one', tables: [Account] });
    await follower.apply(other.commits, { source: 'other', tables: [LedgerEntry] });
    expect([follower.appliedLsn('one'), follower.appliedLsn('other')]).toEqual([one.db.lsn, other.db.lsn]);
    expect(contents(follower)).toEqual([contents(one.db)[0], contents(other.db)[1]]);
  });

  it.each(['commits', 'changes'] as const)('follows db.%s from an image on, while both go on, through a pipe and directly', async (of) => {
    for (let seed = 1; seed <= 8; seed++) {
      const leader = new Leader();
      leader.work(new Random(seed), seed === 1 ? 0 : 30); // at times the image is empty, which only commits can tell
      if (of === 'changes') leader.account(100);
      const plain = new PlainEvents({ tables: TABLES });
      async function* piped() {
        for await (const commit of leader.db.commits({ from: 'snapshot' }))
          yield plain.readCommit(JSON.parse(JSON.stringify(plain.commit(commit))));
      }
      const follower = new Database({ tables: TABLES });
      const done = follower.apply(seed % 2 === 0 && of === 'commits' ? piped() : leader.db[of]({ from: 'snapshot' }), SOURCE);
      for (let n = 0; n < 10; n++) {
        leader.work(new Random(seed * 1000 + n), 3);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await leader.db.close();
      expect(await done).toBe(leader.db.lsn);
      const rows = (db: Database) => contents(db).map((text) => text.slice(text.indexOf(':')));
      expect(rows(follower)).toEqual(rows(leader.db));
      assertSound(follower);
    }
  });

  it('begins with an image, and goes on behind it', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const leader = new Leader();
      leader.work(new Random(seed), 30);
      const { image } = leader;
      const at = leader.db.lsn;
      leader.work(new Random(seed + 100), 30);
      const follower = new Database({ tables: TABLES });
      expect(await follower.apply([...image, ...leader.commits.slice(at)], SOURCE)).toBe(leader.db.lsn);
      // Events of an image have no counters: the highest keys are those of rows that are there.
      const rows = (db: Database) => contents(db).map((text) => text.slice(text.indexOf(':')));
      expect(rows(follower)).toEqual(rows(leader.db));
      assertSound(follower);
      // Behind what was applied it says nothing new.
      await follower.apply(image, SOURCE);
      expect([follower.appliedLsn('main'), rows(follower)]).toEqual([leader.db.lsn, rows(leader.db)]);
      // Ahead of it, its rows take the place of all that are there.
      const late = new Database({ tables: TABLES });
      await late.apply(leader.commits.slice(0, 10), SOURCE);
      await late.apply(leader.image, { source: 'main', tables: TABLES });
      expect([late.appliedLsn('main'), rows(late)]).toEqual([leader.db.lsn, rows(leader.db)]);
      assertSound(late);
    }
  });

  it('takes an image whole or not at all, and never empties a table that the image does not mention', async () => {
    const leader = new Leader();
    leader.account(1);
    leader.account(2);
    const follower = new Database({ tables: TABLES });
    await expect(follower.apply(leader.image.slice(0, 1), SOURCE)).rejects.toThrow(EventFormatError);
    await expect(follower.apply([...leader.image.slice(0, 1), leader.commits[0] as CommitEvent], SOURCE)).rejects.toThrow(EventFormatError);
    const [first, second] = leader.image as [ChangeEvent, ChangeEvent];
    await expect(follower.apply([first, { ...second, after: first.after }], SOURCE)).rejects.toThrow(ChangeMismatchError);
    expect([follower.appliedLsn('main'), follower.table(Account).count()]).toEqual([0, 0]);
    follower.table(LedgerEntry).insert({ tenant: 'own', number: 1, amount: 1 });
    await expect(follower.apply(leader.image, SOURCE)).rejects.toThrow(ChangeMismatchError);
    expect(follower.table(LedgerEntry).count()).toBe(1);
    await follower.apply(leader.image, { source: 'main', tables: [Account] });
    expect([follower.table(LedgerEntry).count(), follower.table(Account).count()]).toEqual([1, 2]);
    await follower.apply(leader.image, { source: 'all', tables: TABLES });
    expect(follower.table(LedgerEntry).count()).toBe(0);
  });

  it('takes an image from before the first transaction: there is no row', async () => {
    const leader = new Database({ tables: TABLES, changes: {} });
    const image = () => leader.commits({ from: 'snapshot', to: 0 });
    const follower = new Database({ tables: TABLES });
    follower.table(LedgerEntry).insert({ tenant: 'own', number: 1, amount: 1 });
    await expect(follower.apply(image(), SOURCE)).rejects.toThrow(ChangeMismatchError);
    await follower.apply(image(), { source: 'main', tables: TABLES });
    expect([follower.table(LedgerEntry).count(), follower.appliedLsn('main')]).toEqual([0, 0]);
    follower.table(LedgerEntry).insert({ tenant: 'own', number: 1, amount: 1 });
    await follower.apply(image(), { source: 'main', tables: TABLES }); // it has it already
    expect(follower.table(LedgerEntry).count()).toBe(1);
  });
});

@Table()
class Lease {
  [PrimaryKeyProp]?: 'name';

  @PrimaryKey() @Column('string') name!: string;
  @Index('unique') @Column('int') slot!: number;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;
}

describe('Database.apply of rows that expire', () => {
  const soon = () => new Date(Date.now() + 20);

  /** Runs `work` when every row has expired. */
  const later = () => new Promise((resolve) => setTimeout(resolve, 40));

  it('removes nothing by itself, lets nothing make way, and marks what the other database removed', async () => {
    const leader = new Database({ tables: [Lease], expiryIntervalMs: 1e9 });
    const commits: CommitEvent[] = [];
    leader.on('commit', (commit) => commits.push(commit));
    const leases = leader.table(Lease);
    leases.insert({ name: 'a', slot: 1, until: soon() });
    leases.insert({ name: 'b', slot: 2, until: soon() });
    const follower = new Database({ tables: [Lease], expiryIntervalMs: 1 });
    await follower.apply(commits, SOURCE);
    await later();
    const copies = follower.table(Lease);
    expect([copies.select('a'), coresOf(follower)[0]?.count]).toEqual([undefined, 2]);
    leases.insert({ name: 'c', slot: 1, until: null }); // makes `a` go
    leases.removeExpired();
    const heard: unknown[] = [];
    copies.on('change', ({ kind, key, expired }) => heard.push([kind, key, expired]));
    await follower.apply(commits, SOURCE);
    expect(heard).toEqual([
      ['delete', 'a', true],
      ['insert', 'c', undefined],
      ['delete', 'b', true],
    ]);
    expect(contents(follower)).toEqual(contents(leader));
    assertSound(follower);
    // A row that does not belong here is in the way, though its time is over.
    copies.insert({ name: 'own', slot: 9, until: soon() });
    leases.insert({ name: 'e', slot: 9, until: null });
    await later();
    await expect(follower.apply(commits, SOURCE)).rejects.toThrow(ChangeMismatchError);
    // Without one to follow, it looks after its rows itself again.
    copies.insert({ name: 'd', slot: 3, until: soon() });
    follower.unfollow('main');
    for (let turn = 0; turn < 1000 && (coresOf(follower)[0]?.count ?? 0) > 1; turn++) await later();
    expect(coresOf(follower)[0]?.count).toBe(1);
  });
});
