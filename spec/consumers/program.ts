/**
 * What each consumer of the package is: it declares tables, writes, queries, transacts, stores, reopens and checks. This
 * very text is compiled by every toolchain. `INFERS=1` says that it emits types of properties.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Column,
  Database,
  ExpiresAt,
  Index,
  Measured,
  measurements,
  OptionalProps,
  PrimaryKey,
  Query,
  SchemaError,
  Table,
  type UpdateQuery,
} from 'worktable';

class Contact {
  @Column('string') phone!: string;
  @Column({ type: () => Person, nullable: true }) through?: Person | null;
}

class Person {
  @Column('string') name!: string;
  @Column({ items: () => Contact }) contacts!: Contact[];
  @Column({ type: () => Person, nullable: true }) partner?: Person | null;
}

class Dated {
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;
}

@Table({ name: 'account', version: 2 })
@Index({ columns: ['country', 'score'] })
class Account extends Dated {
  [OptionalProps]?: 'balance';

  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column('string') email!: string;
  @Column('string') country!: string;
  @Index() @Column('int') score!: number;
  @Column({ type: 'long', default: 0n }) balance!: bigint;
  @Column({ type: () => Person, nullable: true }) owner?: Person | null;

  @Query({ update: ['score'], by: 'country' }) static setScore: UpdateQuery<Account, 'score', 'country'>;

  get domain(): string {
    return this.email.slice(this.email.indexOf('@') + 1);
  }
}

@Table({ name: 'inferred' })
class Inferred {
  @PrimaryKey('autoincrement') id!: number;
  @Column() name!: string;
  @Column() amount!: number;
  @Column() big!: bigint;
  @Column() at!: Date;
  @Column() bytes!: Uint8Array;
  @Column({ nullable: true }) note?: string | null;
}

class Desk {
  @Measured('quote') quote(amount: number): number {
    return amount * 2;
  }
}

export async function main(): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), 'worktable-consumer-'));
  try {
    await useAndReopen(join(path, 'store'));
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
  inferOrExplain();
  assert.equal(new Desk().quote(2), 4);
  assert.deepEqual(
    measurements.rows().map(({ operation, count }) => [operation, count]),
    [['quote', 1]],
  );
  return 'every check passed';
}

async function useAndReopen(path: string): Promise<void> {
  const before = await Database.open({ path, tables: [Account] });
  const accounts = before.table(Account);
  const heard: unknown[] = [];
  accounts.on('change', ({ kind, after }) => heard.push([kind, after?.email]));
  const partner = { name: 'b', contacts: [{ phone: '1', through: null }], partner: null };
  const ada: number = accounts.insert({
    ...{ email: 'ada@example.com', country: 'GB', score: 1 },
    owner: { name: 'a', contacts: [], partner },
  });
  accounts.insertMany([
    { email: 'bob@example.org', country: 'FR', score: 5 },
    { email: 'eve@example.org', country: 'FR', score: 7 },
  ]);
  assert.throws(
    () =>
      before.transaction(() => {
        accounts.updateBy(ada, { balance: 5n });
        accounts.insert({ email: 'ada@example.com', country: 'GB', score: 1 });
      }),
    { name: 'UniqueViolationError', code: 'WT_UNIQUE_VIOLATION' },
  );
  assert.equal(accounts.queries.setScore('FR', { score: 9 }), 2);
  assert.equal(accounts.select(ada)?.balance, 0n);
  assert.equal(heard.length, 5);
  assert.deepEqual([...before.check()], []);
  await before.close();

  await using(await Database.open({ path, tables: [Account] }), (db) => {
    const table = db.table(Account);
    const best = table.selectAll().where('country', '=', 'FR').where('score', '>', 5).orderBy('email', 'desc').execute();
    assert.deepEqual(
      best.map(({ domain, email }) => [domain, email]),
      [
        ['example.org', 'eve@example.org'],
        ['example.org', 'bob@example.org'],
      ],
    );
    assert.ok(best[0] instanceof Account);
    assert.equal(table.selectOneBy('email', 'ada@example.com')?.owner?.partner?.contacts[0]?.phone, '1');
    assert.ok(table.select(ada)?.owner instanceof Person);
    assert.equal(table.insert({ email: 'kim@example.org', country: 'FR', score: 1 }), 4);
    assert.deepEqual([...db.check()], []);
  });
}

async function using(db: Database, work: (db: Database) => void): Promise<void> {
  try {
    work(db);
  } finally {
    await db.close();
  }
}

/** Where types are emitted they are taken; where not, the error says what to do. */
function inferOrExplain(): void {
  if (process.env.INFERS === '1') {
    const db = new Database({ tables: [Inferred] });
    const at = new Date(5);
    db.table(Inferred).insert({ name: 'a', amount: 0.5, big: 2n ** 60n, at, bytes: Uint8Array.of(1) });
    const { name, amount, big, at: then, bytes, note } = db.table(Inferred).select(1) as Inferred;
    assert.deepEqual([name, amount, big, then, [...bytes], note], ['a', 0.5, 2n ** 60n, at, [1], null]);
  } else {
    assert.throws(
      () => new Database({ tables: [Inferred] }),
      (error) => error instanceof SchemaError && /\.name: .*no type.*Name the type, as in @Column\('string'\)/.test(error.message),
    );
  }
}
