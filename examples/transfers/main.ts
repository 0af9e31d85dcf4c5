/**
 * Money moves between accounts, from many tasks at once that await in the middle, while auditors read. Nothing is lost:
 * every sum that anybody sees is the same, and every balance is what the book of transfers says.
 */
import assert from 'node:assert/strict';
import { setImmediate as elsewhere } from 'node:timers/promises';
import { Column, Database, Index, PrimaryKey, Table, TransactionConflictError } from '../../lib/index.js';

@Table()
class Account {
  @PrimaryKey() @Column('int') id!: number;
  @Column('long') balance!: bigint;
}

@Table()
class Transfer {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column('int') from!: number;
  @Index() @Column('int') to!: number;
  @Column('long') amount!: bigint;
}

const ACCOUNTS = 50;
const TASKS = 32;
const TRANSFERS_A_TASK = 150;
const START = 1000n;

const db = new Database({ tables: [Account, Transfer] });
const accounts = db.table(Account);
const transfers = db.table(Transfer);
accounts.insertMany(Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: START })));
const total = START * BigInt(ACCOUNTS);

class OutOfMoney extends Error {}

const tally = { done: 0, outOfMoney: 0, lostRaces: 0, audits: 0 };

/** Reads both balances, goes elsewhere, as to a service that approves, and then writes all three rows or none. */
async function transfer(from: number, to: number, amount: bigint): Promise<void> {
  await db.transactionAsync(async (tx) => {
    const mine = tx.table(Account);
    const payer = mine.select(from) as Account;
    const payee = mine.select(to) as Account;
    await elsewhere();
    if (payer.balance < amount) throw new OutOfMoney();
    mine.updateBy(from, { balance: payer.balance - amount });
    mine.updateBy(to, { balance: payee.balance + amount });
    tx.table(Transfer).insert({ from, to, amount });
  });
}

/** A transfer that others cross is tried again, by hand here, to count how often that is; `{ retries }` does the same. */
async function task(number: number): Promise<void> {
  for (let n = 0; n < TRANSFERS_A_TASK; n++) {
    const from = (number * 7 + n * 13) % ACCOUNTS;
    const to = (from + 1 + ((number + n) % (ACCOUNTS - 1))) % ACCOUNTS;
    for (let done = false; !done; ) {
      try {
        await transfer(from, to, BigInt(1 + ((number * n) % 400)));
        done = true;
        tally.done++;
      } catch (error) {
        if (error instanceof TransactionConflictError) tally.lostRaces++;
        else if (error instanceof OutOfMoney) done = true;
        else throw error;
        if (error instanceof OutOfMoney) tally.outOfMoney++;
      }
    }
  }
}

let open = true;

/** Adds up a snapshot slowly, while money moves on. */
async function audit(): Promise<void> {
  while (open) {
    using snapshot = db.snapshot();
    let sum = 0n;
    for (const { balance } of snapshot.table(Account).selectAll()) {
      assert.ok(balance >= 0n, 'no account is overdrawn');
      sum += balance;
      await elsewhere();
    }
    assert.equal(sum, total, 'a snapshot holds all the money');
    tally.audits++;
  }
}

const auditors = [audit(), audit()];
await Promise.all(Array.from({ length: TASKS }, (_, number) => task(number)));
open = false;
await Promise.all(auditors);

assert.equal(tally.done + tally.outOfMoney, TASKS * TRANSFERS_A_TASK);
assert.equal(transfers.count(), tally.done);
assert.equal(accounts.selectAll().sum('balance'), total);
const paid = transfers.selectAll().groupBy('from').sum('amount');
const received = transfers.selectAll().groupBy('to').sum('amount');
for (const { id, balance } of accounts.selectAll()) {
  assert.equal(balance, START - (paid.get(id) ?? 0n) + (received.get(id) ?? 0n), 'a balance is what the book says');
}
assert.ok(tally.audits > 0 && tally.lostRaces > 0, 'auditors read, and transfers crossed');
assert.deepEqual([...db.check()], []);
assert.deepEqual(db.stats().snapshots, { open: 0, forgotten: 0, versions: 0, bytes: 0 });

console.log(`${TASKS} tasks moved money between ${ACCOUNTS} accounts at once:`);
console.table(tally);
console.log(`All ${total} are still there, in every snapshot and at the end, and each balance is what the book of transfers says.`);
await db.close();
