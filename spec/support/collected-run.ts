/**
 * Calls of a table, in rounds, each round ended by a full collection of garbage: for `node --expose-gc --trace-deopt`, which
 * tells of the optimized code that a collection takes away. Prints the call and the round before each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Column, Database, Index, PrimaryKey, Table } from '../../lib/index.js';

const ROUNDS = 14;
const CALLS = 3000;
const ROWS = 2000;

@Table()
class Item {
  @PrimaryKey('autoincrement') id!: number;
  @Column('string') @Index({ unique: true }) name!: string;
  @Column('int') @Index() kind!: number;
  @Column('double') price!: number;
  @Column('long') changed!: number;
}

const db = new Database({ tables: [Item] });
const items = db.table(Item);
let made = 0;
const row = () => ({ name: `item ${++made}`, kind: made % 50, price: made / 3, changed: 2 ** 40 + made });
const key = (n: number) => 1 + ((n * 7919) % (ROWS - 1));
for (let n = 0; n < ROWS; n++) items.insert(row());

/** Objects of this class come and go, and nothing keeps one of them: its code must be taken away, or the trace tells nothing. */
class Passing {
  constructor(readonly value: number) {}
}
let last: Passing | undefined;
const use = (n: number) => {
  last = new Passing(n);
  return last.value;
};

const calls: Record<string, (n: number) => unknown> = {
  passing: (n) => use(n),
  select: (n) => items.select(key(n)),
  selectOneBy: (n) => items.selectOneBy('name', `item ${key(n)}`),
  plainIndex: (n) =>
    items
      .selectBy('kind', n % 50)
      .limit(5)
      .execute(),
  range: (n) =>
    items
      .selectAll()
      .where('kind', '>=', n % 50)
      .orderBy('kind')
      .limit(5)
      .execute(),
  first: (n) => items.selectBy('kind', n % 50).first(),
  filter: (n) =>
    items
      .selectBy('kind', n % 50)
      .where('price', '>', 100)
      .limit(3)
      .execute(),
  sum: (n) =>
    items
      .selectBy('kind', n % 50)
      .limit(5)
      .sum('price'),
  insert: () => items.insert(row()),
  insertMany: () => items.insertMany([row(), row()]),
  updateBy: (n) => items.updateBy(key(n), { price: n / 7 }),
  transaction: (n) => db.transaction(() => items.updateBy(key(n), { kind: n % 50 })),
  told: (n) => items.updateBy(key(n), { price: n / 9 }),
};

/** By itself, so that the loop around it, which awaits, is not optimized. */
function repeat(call: (n: number) => unknown): void {
  for (let n = 0; n < CALLS; n++) call(n);
}

for (const [name, call] of Object.entries(calls)) {
  if (name === 'told') items.on('change', ({ after }) => after);
  for (let round = 0; round < ROUNDS; round++) {
    console.log(`round ${round} of ${name}`);
    repeat(call);
    await sleep(3); // code that is optimized beside this is put in place by the next calls
    repeat(call);
    last = undefined;
    globalThis.gc?.();
  }
}
