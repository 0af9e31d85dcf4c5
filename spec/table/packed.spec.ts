import { describe, expect, it } from '@jest/globals';
import { Column, Database, ExpiresAt, Index, type IndexOptions, PrimaryKey, Table } from '../../lib/index.js';
import { Random } from '../support/random.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const RUNS = Number(process.env.PACKED_TABLES ?? 4);
const STEPS = 1500;
const COUNTRIES = ['FR', 'DE', 'GB', 'a longer name', 'a longer one'];

/** A table whose every index is of one kind. */
function declare(using: 'btree' | 'packed') {
  const plain: IndexOptions = { using };
  @Table({ name: 'account', pageSizeBytes: 4096 })
  @Index({ columns: ['country', 'score'], using })
  class Account {
    @PrimaryKey({ using }) @Column('string') id!: string;
    @Index({ using, unique: true }) @Column({ type: 'string', nullable: true }) email?: string | null;
    @Index(plain) @Column('string') country!: string;
    @Index(plain) @Column('int') score!: number;
    @Index(plain) @Column({ type: 'double', nullable: true }) weight?: number | null;
    @Index(plain) @Column({ type: 'long', as: 'bigint' }) ticks!: bigint;
  }
  return Account;
}

/** Two databases, one with each kind of index, to which the same is done. */
class Twin {
  readonly sides = (['btree', 'packed'] as const).map((using) => {
    const entity = declare(using);
    const db = new Database({ tables: [entity] });
    return { entity, db, table: db.table(entity) };
  });

  constructor(private readonly random: Random) {}

  /** Does the same in both, and expects the same of it. */
  private both(work: (side: Twin['sides'][number]) => unknown): void {
    const [tree, packed] = this.sides.map((side) => {
      try {
        return { gave: work(side) };
      } catch (error) {
        return { refused: (error as { code?: string }).code, message: (error as Error).message };
      }
    });
    expect(packed).toEqual(tree);
  }

  private row() {
    const { random } = this;
    const id = `row ${random.below(300)}`;
    const email = random.chance(0.3) ? null : `address ${random.below(200)}`;
    const weight = random.pick([null, Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, random.below(50) / 7]);
    const ticks = random.chance(0.5) ? 2n ** 60n + BigInt(random.below(40)) : BigInt(random.below(40));
    return { id, email, country: random.pick(COUNTRIES), score: random.below(30), weight, ticks };
  }

  step(): void {
    const { random } = this;
    const row = this.row();
    const { id, ...rest } = row;
    const write = random.below(7);
    this.both(({ table, db }) => {
      if (write < 3) return table.upsert(row);
      if (write === 3) return table.delete(id);
      if (write === 4) return table.insert(row);
      if (write === 5) return table.updateBy(id, { score: rest.score, email: rest.email, weight: rest.weight });
      return db.transaction(() => {
        table.upsert(row);
        table.selectBy('country', rest.country).limit(3).execute();
        table.delete(id);
        if (rest.score % 2 === 0) throw new Error('undo');
      });
    });
  }

  compare(): void {
    const { random } = this;
    const column = random.pick(['score', 'weight', 'ticks', 'email', 'country'] as const);
    const operator = random.pick(['=', '<', '<=', '>', '>='] as const);
    const value = this.row()[column];
    const direction = random.pick(['asc', 'desc'] as const);
    const limit = random.pick([5, 1000]);
    const { country, score } = this.row();
    this.both(({ table }) => {
      const query = table.selectAll().where(column, operator as '=', value as never);
      return [
        query.execute(),
        query.orderBy(column, direction).limit(limit).execute(),
        table.selectAll().orderBy(column, direction).limit(limit).execute(),
        table.selectBy('country', country).where('score', '>=', score).orderBy('score', direction).limit(limit).execute(),
        table.selectAll().where('country', 'startsWith', 'a lo').execute(),
        table
          .selectAll()
          .where('score', 'in', [score, score + 1])
          .count(),
        table.selectAll().max(column === 'email' || column === 'country' ? 'score' : column),
      ];
    });
    for (const { table } of this.sides) expect([...table.check()]).toEqual([]);
  }

  /** What was there when a snapshot was taken is there still, after more writes. */
  snapshot(): void {
    const views = this.sides.map(({ db, entity }) => {
      const snapshot = db.snapshot();
      return { snapshot, table: snapshot.table(entity) };
    });
    const read = () =>
      views.map(({ table }) =>
        table
          .selectAll()
          .orderBy('score', 'desc')
          .execute()
          .map((row) => ({ ...row })),
      );
    const before = read();
    for (let n = 0; n < 50; n++) this.step();
    expect(read()).toEqual(before);
    expect(before[1]).toEqual(before[0]);
    for (const { snapshot } of views) snapshot.dispose();
  }
}

describe('a table with packed indexes', () => {
  it('answers and refuses as one with B-trees does, through random writes, transactions and snapshots', () => {
    const random = new Random();
    random.reported(() => {
      for (let run = 0; run < RUNS; run++) {
        const twin = new Twin(random);
        for (let step = 0; step < STEPS; step++) {
          twin.step();
          if (step % 50 === 0) twin.compare();
          if (step % 200 === 199) twin.snapshot();
        }
        twin.compare();
      }
    });
  });

  const directory = temporaryDirectories();

  it('opens from a store that had B-trees, and the other way round', async () => {
    const path = directory();
    let rows: object[] = [];
    for (const using of ['btree', 'packed', 'btree'] as const) {
      const entity = declare(using);
      const db = await Database.open({ path, tables: [entity] });
      const table = db.table(entity);
      expect(table.selectAll().orderBy('weight').execute()).toEqual(rows);
      for (let n = 0; n < 600; n++) table.upsert({ id: `${using} ${n}`, country: 'FR', score: n % 7, weight: n % 11, ticks: BigInt(n) });
      rows = table.selectAll().orderBy('weight').execute();
      expect([...db.check()]).toEqual([]);
      expect(table.stats().indexes.map((index) => index.using)).toEqual(Array(7).fill(using));
      await db.close();
    }
  });

  it('says which index it takes, as for a B-tree, and lets rows expire by one', () => {
    @Table({ name: 'session' })
    @Index({ columns: ['user', 'device'], using: 'packed' })
    class Session {
      @PrimaryKey({ autoincrement: true, using: 'packed' }) @Column('int') id!: number;
      @Column('int') user!: number;
      @Column('string') device!: string;
      @ExpiresAt() @Index({ using: 'packed' }) @Column('timestamp-millis', { as: 'number' }) until!: number;
    }
    const db = new Database({ tables: [Session] });
    const sessions = db.table(Session);
    for (let n = 0; n < 100; n++) sessions.insert({ user: n % 10, device: `d${n % 3}`, until: n < 50 ? 1 : Date.now() + 1e6 });
    expect(sessions.count()).toBe(50);
    expect(sessions.removeExpired()).toBe(50);
    expect(sessions.selectBy('user', 3).where('device', '>=', 'd1').explain()).toMatchObject({ index: 'user_device', access: 'range' });
    expect(sessions.selectAll().where('until', '>', 5).orderBy('until').limit(3).explain()).toMatchObject({ index: 'until', sort: '' });
    expect(sessions.select(77)).toMatchObject({ user: 6, device: 'd1' });
    expect([...db.check()]).toEqual([]);
  });
});
