import { Database, WorkTableError } from '../../../lib/index.js';
import type { Random } from '../random.js';
import { type AnyTable, RandomTable } from './random-table.js';
import { type Watched, watch } from './watched.js';

const MOST_WATCHED = 5;
const START = Date.UTC(2026, 10, 25);

class Undone extends Error {}

/** Two random tables, random transactions over them, and live queries that come and go. */
export class World {
  /** Changes that were committed. */
  changes = 0;
  private now = START;
  private readonly tables: readonly RandomTable[];
  private readonly db: Database;
  private readonly managers: readonly AnyTable[];
  private watched: Watched[] = [];
  private lsn = 0;

  constructor(private readonly random: Random) {
    this.tables = ['one', 'other'].map((name) => new RandomTable(name, random, () => this.now));
    this.db = new Database({ tables: this.tables.map(({ entity }) => entity), expiryIntervalMs: 2 ** 30 });
    this.managers = this.tables.map((table) => table.in(this.db));
  }

  async run(transactions: number): Promise<void> {
    const { now } = Date;
    Date.now = () => this.now;
    try {
      for (let n = 0; n < transactions; n++) await this.step();
      this.checkTables();
      await this.db.close();
    } finally {
      Date.now = now;
    }
  }

  private async step(): Promise<void> {
    const { random } = this;
    this.comeAndGo();
    if (random.chance(0.1)) this.now += random.below(100);
    const kind = random.below(100);
    if (kind < 2) random.pick(this.managers).removeExpired();
    else if (kind < 4) await random.pick(this.managers).vacuum();
    else if (kind < 7) await this.asyncTransaction();
    else if (kind < 50) this.single();
    else this.transaction(0);
    this.check();
    for (const one of this.watched) if (random.chance(0.1)) await this.told(one, () => one.turn());
  }

  private comeAndGo(): void {
    const { random } = this;
    if (this.watched.length > 0 && random.chance(0.02)) this.watched.splice(random.below(this.watched.length), 1)[0]?.close();
    if (this.watched.length === MOST_WATCHED || !random.chance(0.1)) return;
    const at = random.below(2);
    const one = watch(this.tables[at] as RandomTable, this.managers[at] as AnyTable, random);
    if (one !== undefined) this.watched.push(one);
  }

  private check(): void {
    if (this.db.lsn === this.lsn) return;
    this.lsn = this.db.lsn;
    for (const one of this.watched) void this.told(one, () => one.check(this.lsn));
  }

  private told<T>(one: Watched, work: () => T): T {
    try {
      return work();
    } catch (error) {
      (error as Error).message = `${one.text}: ${(error as Error).message}`;
      throw error;
    }
  }

  private transaction(depth: number): void {
    const { random, changes } = this;
    try {
      this.db.transaction(() => {
        for (let n = random.below(6); n >= 0; n--) {
          if (depth < 2 && random.chance(0.15)) this.transaction(depth + 1);
          else this.change();
        }
        if (random.chance(0.2)) throw new Undone();
      });
    } catch (error) {
      if (!(error instanceof Undone)) throw error;
      this.changes = changes;
    }
  }

  private async asyncTransaction(): Promise<void> {
    await this.db.transactionAsync(async (tx) => {
      for (const [at, { entity }] of this.tables.entries()) {
        const manager = tx.table(entity) as unknown as AnyTable;
        this.changeOf(this.tables[at] as RandomTable, manager);
        await undefined;
        this.changeOf(this.tables[at] as RandomTable, manager);
      }
    });
  }

  /** One change and no transaction around it. Where a row may give way that has expired, there would be two. */
  private single(): void {
    const at = this.random.below(2);
    const table = this.tables[at] as RandomTable;
    if (table.expires) this.transaction(2);
    else this.changeOf(table, this.managers[at] as AnyTable, 9);
  }

  private change(): void {
    const at = this.random.below(2);
    this.changeOf(this.tables[at] as RandomTable, this.managers[at] as AnyTable);
  }

  private changeOf(table: RandomTable, manager: AnyTable, kinds = 10): void {
    const { random } = this;
    const key = table.keyValues();
    try {
      const kind = random.below(kinds);
      if (kind < 3) manager.upsert(table.row(key));
      else if (kind < 4) manager.insert(table.row(key));
      else if (kind < 7) manager.updateBy(table.keyOf(key), table.patch() as never);
      else if (kind < 8) manager.update(table.row(key));
      else if (kind < 9 && !manager.delete(table.keyOf(key))) return;
      else if (kind === 9 && manager.delete(table.keyOf(key))) manager.insert(table.row(random.chance(0.7) ? key : table.keyValues()));
      this.changes++;
    } catch (error) {
      if (!(error instanceof WorkTableError) || error.code === 'WT_INVARIANT') throw error;
    }
  }

  private checkTables(): void {
    const wrong = [...this.db.check()];
    if (wrong.length > 0) throw new Error(`the tables are not sound: ${JSON.stringify(wrong)}`);
  }
}
