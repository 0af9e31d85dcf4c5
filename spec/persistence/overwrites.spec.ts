import { describe, expect, it } from '@jest/globals';
import { Column, type CommitEvent, Database, Index, PrimaryKey, Table, UniqueViolationError } from '../../lib/index.js';
import type { PersistenceTask } from '../../lib/persistence/persistence-task.js';
import { switches } from '../../lib/switches.js';
import { coresOf, taskOf } from '../support/crash-workload.js';
import { Random } from '../support/random.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

@Table({ pageSizeBytes: 4096 })
class Item {
  @PrimaryKey() @Column('int') id!: number;
  @Index('unique') @Column('int') tag!: number;
  @Index() @Column('int') shelf!: number;
  @Column('double') price!: number;
  @Column() note!: string;
}

const KEYS = 40;
const directory = temporaryDirectories();
const open = (path = directory()) => Database.open({ path, tables: [Item] });

async function openWithout(): Promise<Database> {
  switches.updatesInPlace = false;
  try {
    return await open();
  } finally {
    switches.updatesInPlace = true;
  }
}

const itemsOf = (db: Database) => db.table(Item);
const rowsOf = (db: Database) => itemsOf(db).selectAll().execute();
const placesOf = (db: Database) => coresOf(db).flatMap(({ store }) => [...store.rowIds].map((row) => store.linkOf(row)));

async function historyOf(db: Database): Promise<CommitEvent[]> {
  const commits: CommitEvent[] = [];
  for await (const commit of db.commits({ from: 0 })) {
    commits.push(commit);
    if (commit.lsn === db.lsn) return commits;
  }
  return commits;
}

/** What a commit did, without the time at which it was. */
function told({ lsn, txn, changes }: CommitEvent): unknown {
  return { lsn, txn, changes: changes.map(({ kind, key, before, after }) => ({ kind, key, before: { ...before }, after: { ...after } })) };
}

type Patch = Partial<Pick<Item, 'tag' | 'shelf' | 'price' | 'note'>>;

function patch(random: Random): Patch {
  const note = 'x'.repeat(random.below(random.chance(0.1) ? 3000 : 40));
  const all = { tag: random.below(KEYS * 2), shelf: random.below(300), price: random.below(1000) / 8, note };
  const names = ['tag', 'shelf', 'price', 'note'] as const;
  const chosen = names.filter(() => random.chance(0.4));
  return Object.fromEntries((chosen.length > 0 ? chosen : (['price'] as const)).map((name) => [name, all[name]]));
}

function attempt(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof UniqueViolationError)) throw error;
    return error.index;
  }
}

/** Has the same random updates made in place and in new places. */
async function compare(random: Random): Promise<void> {
  const path = directory();
  let db = await open(path);
  const other = await openWithout();
  for (const each of [db, other]) {
    itemsOf(each).insertMany(Array.from({ length: KEYS }, (_, id) => ({ id, tag: id, shelf: id % 7, price: 1, note: '' })));
  }
  for (let step = 0; step < 3000; step++) {
    const id = random.below(KEYS);
    const changes = patch(random);
    const whole = random.chance(0.2);
    const outcomes = [db, other].map((each) =>
      attempt(() => {
        const items = itemsOf(each);
        if (whole) items.update({ ...(items.select(id) as Item), ...changes });
        else items.updateBy(id, changes);
      }),
    );
    expect(outcomes[0]).toBe(outcomes[1]);
    if (step % 100 === 0) expect([...db.check()]).toEqual([]);
    if (step % 1000 === 500) {
      await db.close();
      db = await open(path);
    }
  }
  expect((await historyOf(db)).map(told)).toEqual((await historyOf(other)).map(told));
  await db.close();
  const again = await open(path);
  for (const each of [db, again]) expect(rowsOf(each)).toEqual(rowsOf(other));
  for (const each of [again, other]) await each.close();
}

describe('updates in place of a stored table', () => {
  it('leave the rows, the log and the indexes that updates in new places leave', async () => {
    const random = new Random();
    try {
      await compare(random);
    } catch (error) {
      throw new Error(`SEED=${random.seed}: ${(error as Error).message}`, { cause: error });
    }
  });

  it('leave each row where it is, as long as nobody wants what it was', async () => {
    const db = await open();
    const items = itemsOf(db);
    items.insertMany(Array.from({ length: KEYS }, (_, id) => ({ id, tag: id, shelf: 1, price: 1, note: 'first' })));
    const before = placesOf(db);
    for (let id = 0; id < KEYS; id++) {
      items.updateBy(id, { price: 2 });
      items.updateBy(id, { shelf: 5, note: 'other' });
    }
    expect(placesOf(db)).toEqual(before);
    {
      using snapshot = db.snapshot();
      items.updateBy(0, { price: 3 });
      expect(snapshot.table(Item).select(0)?.price).toBe(2);
    }
    db.transaction(() => items.updateBy(1, { price: 3 }));
    const heard: unknown[] = [];
    items.on('change', ({ before }) => heard.push(before?.price));
    items.updateBy(2, { price: 3 });
    expect(heard).toEqual([2]);
    const moved = placesOf(db).map((place, row) => place !== before[row]);
    expect(moved).toEqual(moved.map((_, row) => row < 3));
    await db.close();
  });

  it('change nothing where the log takes them not', async () => {
    const db = await open();
    const items = itemsOf(db);
    items.insertMany([0, 1].map((id) => ({ id, tag: id, shelf: id, price: 1, note: 'a note' })));
    await db.waitForOps();
    const task = taskOf(db) as unknown as { filling: { addOverwrite: PersistenceTask['appendOverwrite'] } };
    const { lsn } = db;
    const before = rowsOf(db);
    for (const changes of [{ price: 2 }, { shelf: 3 }, { tag: 9 }, { tag: 9, shelf: 3, price: 2 }]) {
      const { filling } = task;
      filling.addOverwrite = () => {
        throw new RangeError('no memory');
      };
      expect(() => items.updateBy(0, changes)).toThrow('no memory');
      delete (filling as Partial<typeof filling>).addOverwrite;
      expect(rowsOf(db)).toEqual(before);
      expect([...db.check()]).toEqual([]);
      expect(db.lsn).toBe(lsn);
      expect(items.selectOneBy('tag', 0)?.id).toBe(0);
      expect(items.selectOneBy('tag', 9)).toBeUndefined();
    }
    items.updateBy(0, { tag: 9 });
    expect([db.lsn, await db.waitForOps()]).toEqual([lsn + 1, lsn + 1]);
    await db.close();
  });
});
