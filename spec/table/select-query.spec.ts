import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Column, Database, Index, PrimaryKey, QueryError, Table, type TableManager } from '../../lib/index.js';
import { Random } from '../support/random.js';

/** A column of each type that is ordered in a way of its own, and a compound index through nullable columns. */
@Table({ pageSizeBytes: 4096 })
@Index({ columns: ['part', 'weight', 'label'] })
class Sample {
  @PrimaryKey('autoincrement') id!: number;
  @Column({ type: 'int', nullable: true }) part!: number | null;
  @Index() @Column({ type: 'double', nullable: true }) weight!: number | null;
  @Index() @Column({ type: 'string', nullable: true }) label!: string | null;
  @Index() @Column('float') ratio!: number;
  @Index({ using: 'hash' }) @Column('uuid') token!: string;
  @Column('bytes') digest!: Uint8Array;
  @Column({ type: 'decimal', precision: 9, scale: 2 }) price!: string;
}

type Row = Omit<Sample, 'id'>;

const uuid = (n: number) => `0000000${n}-0000-4000-8000-00000000abcd`;
const part = fc.option(fc.integer({ min: 0, max: 2 }), { nil: null });
const weight = fc.constantFrom(null, -0, 0, 1.5, -1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
const label = fc.constantFrom(null, '', 'a', 'a\uffff', 'a\uffffb', 'b', '\uffff', '\uffff\uffff', 'é', '🦊');
const row: fc.Arbitrary<Row> = fc.record({
  part,
  weight,
  label,
  ratio: fc.constantFrom(0.1, 0.2, -0.1, 3),
  token: fc.integer({ min: 0, max: 3 }).map(uuid),
  digest: fc.constantFrom(Uint8Array.of(), Uint8Array.of(1), Uint8Array.of(1, 2), Uint8Array.of(255)),
  price: fc.constantFrom('0.00', '0.10', '-1.25', '9999999.99'),
});

/** −1 for null, then numbers, then NaN: the order that the documents give. */
function compareCells(a: unknown, b: unknown): number {
  const rank = (value: unknown) => (value === null ? 0 : Number.isNaN(value) ? 2 : 1);
  if (rank(a) !== rank(b) || rank(a) !== 1) return rank(a) - rank(b);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function open(rows: readonly Row[]) {
  const db = new Database({ tables: [Sample] });
  const samples = db.table(Sample);
  samples.insertMany(rows);
  return { db, samples, all: samples.selectAll().execute() };
}

const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);

describe('SelectQuery over every kind of order', () => {
  it('answers ranges, prefixes, lists and pages as filters and sorts of the plain rows do', () => {
    const asked = fc.record({
      part: fc.option(part, { nil: undefined }),
      low: fc.option(weight, { nil: undefined }),
      high: fc.option(weight, { nil: undefined }),
      prefix: fc.option(fc.constantFrom('', 'a', 'a\uffff', '\uffff', '\uffff\uffff', '🦊'), { nil: undefined }),
      labels: fc.option(fc.array(label, { maxLength: 4 }), { nil: undefined }),
      ratio: fc.option(fc.constantFrom(0.1, 0.25), { nil: undefined }),
      order: fc.array(fc.tuple(fc.constantFrom('part', 'weight', 'label', 'ratio', 'id'), fc.boolean()), { maxLength: 3 }),
      offset: fc.nat({ max: 4 }),
      limit: fc.option(fc.nat({ max: 8 }), { nil: 400 }),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60, size: 'max' }), asked, (rows, q) => {
        const { samples, all } = open(rows);
        let query = samples.selectAll();
        let wanted = all;
        const within = (value: unknown, test: boolean) => value !== null && test;
        if (q.part !== undefined) {
          query = query.where('part', '=', q.part);
          wanted = wanted.filter((r) => r.part === q.part);
        }
        if (q.low !== undefined && q.low !== null) {
          query = query.where('weight', '>', q.low);
          wanted = wanted.filter((r) => within(r.weight, compareCells(r.weight, q.low) > 0));
        }
        if (q.high !== undefined && q.high !== null) {
          query = query.where('weight', '<=', q.high);
          wanted = wanted.filter((r) => within(r.weight, compareCells(r.weight, q.high) <= 0));
        }
        if (q.prefix !== undefined) {
          query = query.where('label', 'startsWith', q.prefix);
          wanted = wanted.filter((r) => r.label?.startsWith(q.prefix as string));
        }
        if (q.labels !== undefined) {
          query = query.where('label', 'in', q.labels);
          wanted = wanted.filter((r) => (q.labels as (string | null)[]).includes(r.label));
        }
        if (q.ratio !== undefined) {
          query = query.where('ratio', '>=', q.ratio);
          wanted = wanted.filter((r) => r.ratio >= Math.fround(q.ratio as number));
        }
        const order = q.order as ['part' | 'weight' | 'label' | 'ratio' | 'id', boolean][];
        for (const [column, descending] of order) query = query.orderBy(column, descending ? 'desc' : 'asc');
        const sorted = [...wanted].sort((a, b) => {
          for (const [column, descending] of order) {
            const by = compareCells(a[column], b[column]);
            if (by !== 0) return descending ? -by : by;
          }
          return a.id - b.id;
        });
        const paged = query.offset(q.offset).limit(q.limit);
        expect(ids(paged.execute())).toEqual(ids(sorted.slice(q.offset, q.offset + q.limit)));
        expect(ids(query.execute())).toEqual(ids(sorted));
        expect(query.count()).toBe(wanted.length);
      }),
      { numRuns: 1500 },
    );
  });

  it('walks a list of values backwards where the order is descending', () => {
    const { samples } = open(['b', 'a', 'c', 'a'].map((text) => ({ ...blank, label: text })));
    const query = samples.selectAll().where('label', 'in', ['a', 'c', 'b']).orderBy('label', 'desc');
    expect(ids(query.execute())).toEqual([3, 1, 2, 4]);
    expect(query.explain()).toMatchObject({ index: 'label', access: 'point', sort: '', reverse: true });
  });

  it('takes floats, uuids and bytes in conditions as they are stored', () => {
    const { samples } = open([
      { ...blank, ratio: 0.1, token: uuid(1).toUpperCase(), digest: Uint8Array.of(7, 8) },
      { ...blank, ratio: 0.5, token: uuid(2), digest: Uint8Array.of(7) },
    ]);
    expect(ids(samples.selectBy('ratio', 0.1).execute())).toEqual([1]);
    expect(samples.select(1)?.token).toBe(uuid(1));
    expect(ids(samples.selectBy('token', uuid(1).toUpperCase()).execute())).toEqual([1]);
    expect(ids(samples.selectAll().where('digest', '=', Uint8Array.of(7)).execute())).toEqual([2]);
    expect(
      ids(
        samples
          .selectAll()
          .where('digest', 'in', [Uint8Array.of(9), Uint8Array.of(7, 8)])
          .execute(),
      ),
    ).toEqual([1]);
    expect(ids(samples.selectAll().where('digest', '>', Uint8Array.of(7)).execute())).toEqual([1]);
  });

  it('finds the least and the greatest of any rows, whichever index has them', () => {
    const asked = fc.record({ part: fc.option(part, { nil: undefined }), low: fc.option(weight, { nil: undefined }), odd: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60, size: 'max' }), asked, (rows, { part: wanted, low, odd }) => {
        const { samples, all } = open(rows);
        let query = samples.selectAll();
        let left = all;
        if (wanted !== undefined) {
          query = query.where('part', '=', wanted);
          left = left.filter((sample) => sample.part === wanted);
        }
        if (low !== undefined && low !== null) {
          query = query.where('weight', '>=', low);
          left = left.filter((sample) => sample.weight !== null && compareCells(sample.weight, low) >= 0);
        }
        if (odd) {
          query = query.where((sample) => sample.id % 2 === 1);
          left = left.filter(({ id }) => id % 2 === 1);
        }
        for (const column of ['id', 'part', 'weight', 'label', 'ratio', 'token'] as const) {
          const values = left.map((sample) => sample[column]).filter((value) => value !== null);
          const sorted = values.sort(compareCells);
          const same = (a: unknown, b: unknown) => (a === undefined || b === undefined ? a === b : compareCells(a, b) === 0);
          expect([column, same(query.min(column), sorted[0]), same(query.max(column), sorted.at(-1))]).toEqual([column, true, true]);
        }
      }),
    );
  });

  it('takes one step to the least and the greatest behind columns that are fixed', () => {
    const rows = Array.from({ length: 300 }, (_, at) => ({ ...blank, part: at % 3, weight: at % 2 === 0 ? null : at }));
    const { samples } = open(rows);
    let looked = 0;
    const query = samples
      .selectAll()
      .where('part', '=', 1)
      .where(() => {
        looked++;
        return true;
      });
    expect([query.min('weight'), query.max('weight'), query.min('id'), looked]).toEqual([1, 295, 2, 102]);
    expect(samples.selectAll().where('part', '=', 1).where('weight', '<', 100).max('weight')).toBe(97);
  });

  it('adds decimals up exactly, averages them as numbers, and leaves nulls out of extremes', () => {
    const prices = ['0.10', '0.20', '-1.25'];
    const { samples } = open(prices.map((price, at) => ({ ...blank, price, weight: at === 0 ? null : at, digest: Uint8Array.of(at % 2) })));
    const query = samples.selectAll();
    expect(query.sum('price')).toBe('-0.95');
    expect(query.avg('price')).toBeCloseTo(-0.95 / 3, 12);
    expect([query.min('weight'), query.max('weight'), query.where('id', '>', 0).min('weight')]).toEqual([1, 2, 1]);
    expect([query.min('price'), query.max('price')]).toEqual(['-1.25', '0.20']);
    const groups = query.groupBy('digest').count();
    expect([...groups]).toEqual([
      [Uint8Array.of(0), 2],
      [Uint8Array.of(1), 1],
    ]);
  });

  it('refuses aggregates of groups over columns that do not add up, or have no order', () => {
    const lists = new Database({ tables: [Listing] }).table(Listing);
    lists.insertMany([
      { id: 1, tags: ['a'] },
      { id: 2, tags: ['b'] },
    ]);
    const groups = lists.selectAll().groupBy('id');
    expect(() => groups.min('tags' as never)).toThrow(QueryError);
    expect(() => groups.max('tags' as never)).toThrow(QueryError);
    expect(() => groups.sum('tags' as never)).toThrow(QueryError);
    expect(() => groups.avg('tags' as never)).toThrow(QueryError);
  });
});

@Table()
class Listing {
  @PrimaryKey() @Column('int') id!: number;
  @Column({ items: 'string' }) tags!: string[];
}

const blank: Row = { part: null, weight: null, label: null, ratio: 0, token: uuid(0), digest: new Uint8Array(0), price: '0.00' };

/** What a scan without an index gives, by queries and worked out of the rows one by one. */
function expectScans(samples: Pick<TableManager<typeof Sample>, 'selectAll'>): void {
  const rows = [...samples.selectAll()];
  const some = rows.filter(({ digest }) => digest.length !== 1 || digest[0] !== 1);
  const query = samples.selectAll().where('digest', '!=', Uint8Array.of(1));
  expect(query.count()).toBe(some.length);
  expect(query.where('price', '>', '0.00').count()).toBe(some.filter(({ price }) => Number(price) > 0).length);
  expect(query.sum('ratio')).toBeCloseTo(some.reduce((sum, { ratio }) => sum + ratio, 0));
  expect(query.max('digest')).toEqual(
    some
      .map(({ digest }) => digest)
      .sort(Buffer.compare)
      .at(-1),
  );
  expect([...samples.selectAll().groupBy('price').count().values()].reduce((sum, count) => sum + count, 0)).toBe(rows.length);
}

describe('A scan without an index', () => {
  const one = (n: number): Row => ({
    part: n % 3,
    weight: null,
    label: `label ${n}`,
    ratio: 0.25 * (n % 7),
    token: uuid(n % 4),
    digest: [Uint8Array.of(), Uint8Array.of(1), Uint8Array.of(1, 2), Uint8Array.of(255)][n % 4] as Uint8Array,
    price: n % 5 === 0 ? '0.00' : '9.50',
  });

  it('meets the rows that there are, while a transaction inserts, updates, deletes and is undone', () => {
    new Random().reported((random) => {
      const { samples, db } = open(Array.from({ length: 60 }, (_, n) => one(n)));
      using before = db.snapshot();
      for (let round = 0; round < 30; round++) {
        const work = () => {
          for (let n = 0; n < 8; n++) {
            const key = 1 + random.below(90);
            if (random.chance(0.4)) samples.delete(key);
            else if (random.chance(0.5)) samples.insert(one(random.below(100)));
            else if (samples.select(key) !== undefined) samples.updateBy(key, { label: 'y'.repeat(random.below(200)), price: '1.00' });
            expectScans(samples);
          }
          if (random.chance(0.5)) throw new RangeError('undone');
        };
        try {
          db.transaction(work);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
        expectScans(samples);
      }
      const old = before.table(Sample);
      expect(old.count()).toBe(60);
      expectScans(old);
      before[Symbol.dispose]();
      expectScans(samples);
      expect([...samples.check()]).toEqual([]);
    });
  });

  it('meets the rows that an async transaction sees', async () => {
    const { samples, db } = open(Array.from({ length: 40 }, (_, n) => one(n)));
    await db.transactionAsync(async (tx) => {
      const own = tx.table(Sample);
      for (let key = 1; key < 40; key += 3) own.delete(key);
      await Promise.resolve();
      own.insert(one(3));
      expectScans(own);
      expect(samples.selectAll().where('price', '!=', '5.00').count()).toBe(40);
    });
    expectScans(samples);
  });
});
