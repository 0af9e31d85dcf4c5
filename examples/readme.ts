/** The example of the README, word for word but for the name of the package, and what it must have done. */
import assert from 'node:assert/strict';
import { mock } from 'node:test';

const log = mock.method(console, 'log');

// readme:start
import { Column, Database, Index, PrimaryKey, Table } from '../lib/index.js';

@Table()
class Account {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column('string') email!: string;
  @Index() @Column('long', { as: 'bigint' }) balance!: bigint;
}
const db = new Database({ tables: [Account] });
const accounts = db.table(Account).on('change', ({ kind, after }) => console.log(kind, after?.email));
const ada = accounts.insert({ email: 'ada@example.com', balance: 100n }); // prints: insert ada@example.com
try {
  db.transaction(() => {
    accounts.updateBy(ada, { balance: 0n });
    accounts.insert({ email: 'ada@example.com', balance: 100n });
  });
} catch (error) {
  console.log(String(error)); // prints: UniqueViolationError: account: a row with this value exists in unique index email
}
console.log(accounts.selectAll().where('balance', '>=', 50n).orderBy('email').first()?.email); // prints: ada@example.com
// readme:end

const [event, refusal, found, ...others] = log.mock.calls.map((call) => call.arguments as unknown[]);
assert.deepEqual(event, ['insert', 'ada@example.com']);
assert.deepEqual(refusal, ['UniqueViolationError: account: a row with this value exists in unique index email']);
assert.deepEqual(found, ['ada@example.com']);
assert.deepEqual(accounts.selectAll().execute(), [Object.assign(new Account(), { id: 1, email: 'ada@example.com', balance: 100n })]);
assert.deepEqual(others, []);
assert.equal(accounts.count(), 1);
assert.deepEqual([...db.check()], []);
