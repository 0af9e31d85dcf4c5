/** The package without a compiler, from CommonJS: decorators are functions. `calls.mjs` is the same from an ES module. */
const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const worktable = require('worktable');

const { Column, Database, Index, PrimaryKey, Query, Table } = worktable;

class Account {
  get domain() {
    return this.email.slice(this.email.indexOf('@') + 1);
  }
}
PrimaryKey('autoincrement')(Account.prototype, 'id');
Column('string')(Account.prototype, 'email');
Index('unique')(Account.prototype, 'email');
Column('int')(Account.prototype, 'score');
Query({ inPlace: ['score'], by: 'email' })(Account, 'bump');
Table()(Account);

async function main() {
  const path = mkdtempSync(join(tmpdir(), 'worktable-consumer-'));
  try {
    const db = await Database.open({ path: join(path, 'store'), tables: [Account] });
    const accounts = db.table(Account);
    accounts.insert({ email: 'ada@example.com', score: 1 });
    assert.throws(() => db.transaction(() => accounts.insert({ email: 'ada@example.com', score: 1 })), worktable.UniqueViolationError);
    assert.equal(
      accounts.queries.bump('ada@example.com', (row) => void row.score++),
      1,
    );
    await db.close();
    const again = await Database.open({ path: join(path, 'store'), tables: [Account] });
    const row = again.table(Account).selectOneBy('email', 'ada@example.com');
    assert.deepEqual([row instanceof Account, row.id, row.score, row.domain], [true, 1, 2, 'example.com']);
    assert.deepEqual([...again.check()], []);
    await again.close();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
  const oneForBoth = !process.execArgv.includes('--no-experimental-require-module');
  const imported = await import('worktable');
  assert.equal(imported.Database === Database, oneForBoth);
  console.log('every check passed');
}

main();
