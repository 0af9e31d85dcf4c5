import { beforeEach, describe, expect, it } from '@jest/globals';
import { Column, Database, type InPlaceQuery, PrimaryKey, Query, Table, type TableManager } from '../../lib/index.js';

const TASKS = 64;
const INCREMENTS = 100_000;
const ROWS = 4;

@Table()
class Counter {
  @PrimaryKey() @Column('int') id!: number;
  @Column('int') value!: number;

  @Query({ inPlace: ['value'], by: 'id' }) static bump: InPlaceQuery<Counter, 'value', 'id'>;
}

let db: Database;
let counters: TableManager<typeof Counter>;

beforeEach(() => {
  db = new Database({ tables: [Counter] });
  counters = db.table(Counter);
  for (let id = 0; id < ROWS; id++) counters.insert({ id, value: 0 });
});

/** All tasks at once, each taking the next increment until none is left. */
async function concurrently(increment: (id: number) => unknown): Promise<void> {
  let next = 0;
  const task = async () => {
    while (next < INCREMENTS) {
      await increment(next++ % ROWS);
    }
  };
  await Promise.all(Array.from({ length: TASKS }, task));
  expect(counters.selectAll().sum('value')).toBe(INCREMENTS);
  expect(counters.stats().locks).toEqual({ held: 0, waiting: 0 });
  expect([...db.check()]).toEqual([]);
}

const currentOf = (id: number) => (counters.select(id) as Counter).value;

describe(`${INCREMENTS} increments by ${TASKS} tasks at once`, () => {
  it('are exact through locks', async () => {
    await concurrently(async (id) => {
      using guard = await counters.lock(id);
      const value = currentOf(id);
      await undefined;
      guard.updateBy(id, { value: value + 1 });
    });
  }, 60_000);

  it('are exact in place', async () => {
    await concurrently((id) => counters.queries.bump(id, (row) => void row.value++));
  }, 60_000);

  it('are exact through async transactions that lock first', async () => {
    await concurrently((id) =>
      db.transactionAsync(async (tx) => {
        await tx.lock(Counter, [id]);
        const mine = tx.table(Counter);
        const { value } = mine.select(id) as Counter;
        await undefined;
        mine.updateBy(id, { value: value + 1 });
      }),
    );
  }, 60_000);

  it('are exact through async transactions that run again after a conflict', async () => {
    await concurrently((id) =>
      db.transactionAsync(
        async (tx) => {
          const mine = tx.table(Counter);
          const { value } = mine.select(id) as Counter;
          await undefined;
          mine.updateBy(id, { value: value + 1 });
        },
        { retries: 1 },
      ),
    );
  }, 60_000);

  it('would not be exact with neither', async () => {
    await expect(
      concurrently(async (id) => {
        const value = currentOf(id);
        await undefined;
        counters.updateBy(id, { value: value + 1 });
      }),
    ).rejects.toThrow();
  });
});
