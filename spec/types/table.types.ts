/**
 * Type tests: this file is compiled by `npm run types` and never run. A line under `@ts-expect-error` must not compile;
 * where it does, the compiler says that the expectation is unused.
 */
import {
  Column,
  type Database,
  type DeleteQuery,
  Index,
  type InPlaceQuery,
  type LiveGroups,
  type LiveQuery,
  type LiveValue,
  type Lsn,
  OptionalProps,
  PrimaryKey,
  PrimaryKeyProp,
  Query,
  Table,
  type TableManager,
  type UpdateQuery,
} from '../../lib/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function exactly<A, B>(same: Same<A, B>): void;

@Table()
class Account {
  [OptionalProps]?: 'createdAt';
  @PrimaryKey({ autoincrement: true }) id!: number;
  @Index({ unique: true }) @Column() email!: string;
  @Column('int') score!: number;
  @Column('long') balance!: bigint;
  @Column({ nullable: true }) note?: string | null;
  @Column() createdAt!: Date;
  @Column({ enum: ['free', 'paid'] }) plan!: 'free' | 'paid';
  @Column({ items: 'string' }) tags!: string[];
  @Query({ update: ['balance'], by: 'id' }) static setBalanceById: UpdateQuery<Account, 'balance', 'id'>;
  @Query({ update: ['plan', 'score'], by: ['email', 'score'] }) static many: UpdateQuery<Account, ['plan', 'score'], ['email', 'score']>;
  @Query({ delete: true, by: 'plan' }) static deleteByPlan: DeleteQuery<Account, 'plan'>;
  @Query({ inPlace: ['score'], by: 'id' }) static bump: InPlaceQuery<Account, 'score', 'id'>;
  static helper(): number {
    return 1;
  }
  get domain(): string {
    return this.email;
  }
  hello(): string {
    return '';
  }
}

@Table()
class Entry {
  [PrimaryKeyProp]?: ['tenant', 'number'];
  @PrimaryKey() @Column() tenant!: string;
  @PrimaryKey() @Column('int') number!: number;
  @Column() amount!: number;
}

@Table()
class Product {
  [PrimaryKeyProp]?: 'sku';
  @PrimaryKey() @Column() sku!: string;
  @Column() price!: number;
}

class Point {
  @Column() lat!: number;
  @Column() lon!: number;
  @Column({ type: 'double', nullable: true }) height?: number | null;
  distance(): number {
    return Math.hypot(this.lat, this.lon);
  }
  get far(): boolean {
    return this.distance() > 1;
  }
}

@Table()
class Place {
  @PrimaryKey('autoincrement') id!: number;
  @Column({ type: () => Point }) where!: Point;
  @Column({ items: () => Point }) stops!: Point[];
}

export function compiles(db: Database): void {
  const accounts: TableManager<typeof Account> = db.table(Account);
  const entries = db.table(Entry);
  const products = db.table(Product);

  // Keys.
  exactly<ReturnType<typeof accounts.insert>, number>(true);
  exactly<ReturnType<typeof entries.insert>, [string, number]>(true);
  exactly<ReturnType<typeof products.insert>, string>(true);
  accounts.select(1);
  entries.select(['a', 1]);
  // @ts-expect-error a key of another type
  accounts.select('1');
  // @ts-expect-error a tuple of the wrong types
  entries.select([1, 'a']);
  // @ts-expect-error no tuple
  products.select(['a']);

  // Rows in.
  const row = { email: 'a', score: 1, balance: 1n, plan: 'free' as const, tags: [] };
  accounts.insert(row);
  accounts.insert({ ...row, id: 5, note: null, createdAt: new Date() });
  accounts.insert({ ...row, note: undefined });
  accounts.upsert(row);
  accounts.insertMany([row, row]);
  // @ts-expect-error a missing column
  accounts.insert({ score: 1, balance: 1n, plan: 'free', tags: [] });
  // @ts-expect-error an unknown column
  accounts.insert({ ...row, nope: 1 });
  // @ts-expect-error a wrong type
  accounts.insert({ ...row, balance: 1 });
  // @ts-expect-error a symbol that the enum has not
  accounts.insert({ ...row, plan: 'gold' });
  // @ts-expect-error null in a column that is not nullable
  accounts.insert({ ...row, email: null });
  // @ts-expect-error a whole row needs the key and the columns with defaults
  accounts.update(row);
  accounts.update({ ...row, id: 1, createdAt: new Date() });
  accounts.updateBy(1, { score: 2, note: null });
  // @ts-expect-error a key column
  accounts.updateBy(1, { id: 2 });
  // @ts-expect-error a wrong type
  accounts.updateBy(1, { score: '2' });
  // @ts-expect-error an unknown column
  accounts.updateBy(1, { scor: 2 });

  // A composite key cannot be generated, so its parts are needed.
  entries.insert({ tenant: 'a', number: 1, amount: 2 });
  // @ts-expect-error a part of the key is missing
  entries.insert({ tenant: 'a', amount: 2 });

  // Nested classes are given as data: without their methods, and with their own optional columns left out.
  const places = db.table(Place);
  places.insert({ where: { lat: 1, lon: 2 }, stops: [{ lat: 1, lon: 2, height: null }] });
  // @ts-expect-error a missing property of a nested class
  places.insert({ where: { lat: 1 }, stops: [] });
  // @ts-expect-error a nested value of another type
  places.insert({ where: { lat: '1', lon: 2 }, stops: [] });
  // @ts-expect-error a record has no order
  places.selectAll().orderBy('where');
  // @ts-expect-error an array cannot be compared
  places.selectAll().where('stops', '=', []);

  // Rows out.
  const found = accounts.select(1);
  exactly<typeof found, Account | undefined>(true);
  found?.hello();
  const projected = accounts.selectAll().select('id', 'note').execute();
  exactly<typeof projected, { id: number; note: string | null }[]>(true);

  // Queries.
  const query = accounts.selectAll();
  query.where('score', '>', 1).where('email', '=', 'a').orderBy('score', 'desc').limit(1);
  query.where('note', '=', null).where('note', 'is', null).where('note', 'startsWith', 'a');
  query.where('score', 'in', [1, 2]).where('score', 'between', [1, 2]).where('createdAt', '<', new Date());
  query.where((candidate) => candidate.hello() === candidate.domain);
  accounts.selectBy('email', 'a');
  // @ts-expect-error an unknown column
  query.where('nope', '=', 1);
  // @ts-expect-error a method is no column
  query.where('hello', '=', 1);
  // @ts-expect-error a value of another type
  query.where('score', '=', '1');
  // @ts-expect-error undefined
  query.where('score', '=', undefined);
  // @ts-expect-error null has no place in a range
  query.where('note', '<', null);
  // @ts-expect-error null in a column that is not nullable
  query.where('score', '=', null);
  // @ts-expect-error an unknown operator
  query.where('score', '~', 1);
  // @ts-expect-error one value where a list is needed
  query.where('score', 'in', 1);
  // @ts-expect-error a prefix of a number
  query.where('score', 'startsWith', '1');
  // @ts-expect-error a symbol that the enum has not
  query.where('plan', '=', 'gold');
  // @ts-expect-error an unknown column
  query.orderBy('nope');
  // @ts-expect-error an unknown direction
  query.orderBy('score', 'down');
  // @ts-expect-error a value of another type
  accounts.selectBy('email', 1);
  // @ts-expect-error undefined
  accounts.selectOneBy('email', undefined);
  // @ts-expect-error not numeric
  query.sum('createdAt');
  exactly<ReturnType<typeof query.sum<'balance'>>, bigint>(true);
  exactly<ReturnType<typeof query.max<'createdAt'>>, Date | undefined>(true);
  const groups = query.groupBy('plan').count();
  exactly<typeof groups, Map<'free' | 'paid', number>>(true);

  // Live queries.
  const live = query.limit(10).live();
  exactly<typeof live, LiveQuery<Account>>(true);
  exactly<typeof live.rows, Account[]>(true);
  live.on('change', ({ rows, added, removed, changed, previous, lsn }) => {
    exactly<typeof rows | typeof added | typeof removed | typeof changed | typeof previous, Account[]>(true);
    exactly<typeof lsn, Lsn>(true);
  });
  exactly<ReturnType<typeof query.live.count>, LiveValue<number>>(true);
  exactly<ReturnType<typeof query.live.sum<'balance'>>, LiveValue<bigint>>(true);
  exactly<ReturnType<typeof query.live.max<'createdAt'>>, LiveValue<Date | undefined>>(true);
  const names = query.select('id', 'note').live();
  exactly<typeof names.rows, { id: number; note: string | null }[]>(true);
  const sums = query.groupBy('plan').live.sum('balance');
  exactly<typeof sums, LiveGroups<'free' | 'paid', bigint>>(true);
  // @ts-expect-error an unknown event
  live.on('changed', () => undefined);
  // @ts-expect-error not numeric
  query.live.sum('createdAt');
  // @ts-expect-error an array has no order
  query.live.min('tags');
  // @ts-expect-error an unknown column
  query.groupBy('plan').live.max('nope');
  // @ts-expect-error an array has no order
  query.groupBy('plan').min('tags');
  // @ts-expect-error not numeric
  query.groupBy('plan').sum('createdAt');

  // Declared queries.
  const updated: number = accounts.queries.setBalanceById(1, { balance: 2n });
  accounts.queries.many(['a', 1], { plan: 'paid', score: updated });
  accounts.queries.deleteByPlan('free');
  accounts.queries.bump(1, (draft) => {
    draft.score += 1;
  });
  // @ts-expect-error a wrong value
  accounts.queries.setBalanceById(1, { balance: 2 });
  // @ts-expect-error a column that the query does not set
  accounts.queries.setBalanceById(1, { balance: 2n, score: 1 });
  // @ts-expect-error a wrong key
  accounts.queries.setBalanceById('1', { balance: 2n });
  // @ts-expect-error a column that the query does not hand out
  accounts.queries.bump(1, (draft) => void draft.email);
  // @ts-expect-error a static method is no declared query
  accounts.queries.helper();
  // @ts-expect-error an unknown query
  accounts.queries.nope();

  // Events and operations.
  accounts.on('change', (event) => {
    exactly<typeof event.key, number>(true);
    exactly<typeof event.after, Account | null>(true);
  });
  // @ts-expect-error an unknown event
  accounts.on('changed', () => undefined);
  const operation = accounts.insertCdc(row);
  exactly<typeof operation.after, Account | null>(true);
  const lsn: Lsn = operation.lsn;
  // @ts-expect-error a plain number is no position
  const position: Lsn = 1;
  const total: number = db.transaction(() => accounts.count() + Number(lsn) + Number(position));
  // @ts-expect-error what the callback returns
  const text: string = db.transaction(() => total);

  // Snapshots and async transactions hand out tables of the same types; a snapshot's has no writes.
  const snapshot = db.snapshot().table(Account);
  exactly<ReturnType<typeof snapshot.select>, Account | undefined>(true);
  snapshot.selectBy('email', 'a@b.c').where('score', '>', 1).count();
  // @ts-expect-error a snapshot is read
  snapshot.insert(row);
  // @ts-expect-error an unknown column
  snapshot.selectBy('nope', 1);
  const result: Promise<number> = db.transactionAsync(
    async (tx) => {
      const mine = tx.table(Account);
      mine.updateBy(1, { score: 2 });
      await tx.lock(Account, [1]);
      // @ts-expect-error a key of another type
      await tx.lock(Account, ['1']);
      // @ts-expect-error a wrong value
      mine.updateBy(1, { score: '2' });
      // @ts-expect-error locks are of the table itself
      mine.lock(1);
      return mine.queries.setBalanceById(1, { balance: 2n });
    },
    { retries: 3, timeoutMs: 5, signal: AbortSignal.timeout(5) },
  );
  // @ts-expect-error what the callback resolves with
  const wrong: Promise<string> = result;
  // @ts-expect-error a callback that does not await
  void db.transactionAsync(() => 1);
  return void [text, wrong];
}
