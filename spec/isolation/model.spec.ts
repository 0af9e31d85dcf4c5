import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import {
  Column,
  Database,
  ExpiresAt,
  Index,
  type LockGuard,
  PrimaryKey,
  type Snapshot,
  Table,
  type TableReader,
  type TableWriter,
  WorkTableError,
} from '../../lib/index.js';
import { AsyncTransaction } from '../../lib/isolation/async-transaction.js';
import { isExpired } from '../../lib/table/row-expiry.js';
import type { TableCore } from '../../lib/table/table-core.js';
import type { Journal } from '../../lib/transaction/journal.js';

const SEQUENCES = 2000;
const COMMANDS = 80;

@Table({ pageSizeBytes: 4096 })
@Index({ columns: ['country', 'score'], using: 'packed' })
class Account {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() email!: string;
  @Index({ using: 'hash' }) @Column() country!: string;
  @Index() @Column('int') score!: number;
  @Index({ using: 'packed' }) @Column({ type: 'string', nullable: true }) note!: string | null;
  @ExpiresAt() @Column('timestamp-millis', { as: 'number', nullable: true }) until!: number | null;
}

interface Row {
  id: number;
  email: string;
  country: string;
  score: number;
  note: string | null;
  until: number | null;
}

type Rows = ReadonlyMap<number, Row>;

let now = 0;
beforeEach(() => {
  jest.spyOn(Date, 'now').mockImplementation(() => now);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The rows whose time is not over. */
function alive(rows: Rows): Rows {
  return new Map([...rows].filter(([, row]) => row.until === null || row.until > now));
}

type Command = readonly [kind: number, a: number, b: number, c: number];

/** One write, the same on the store and on the model. */
type Write =
  | { kind: 'insert'; row: Row }
  | { kind: 'upsert'; row: Row }
  | { kind: 'update'; id: number; patch: Partial<Row> }
  | { kind: 'delete'; id: number };

const idOf = (write: Write) => ('row' in write ? write.row.id : write.id);

function writeOf(a: number, b: number, c: number): Write {
  const id = 1 + (a % 12);
  const row = {
    id,
    email: `${b % 14}@example.com`,
    country: 'ABC'[c % 3] as string,
    score: b % 5,
    note: c % 4 === 0 ? null : 'x'.repeat((c * 7) % 90),
    until: c % 5 === 0 ? now + 1 + (b % 9) : null,
  };
  switch (a % 5) {
    case 0:
      return { kind: 'delete', id };
    case 1:
      return { kind: 'insert', row };
    case 2:
      return { kind: 'upsert', row };
    case 3:
      return { kind: 'update', id, patch: { email: row.email, note: row.note } };
    default:
      return { kind: 'update', id, patch: { country: row.country, score: row.score } };
  }
}

/** The rows after a write, or the code of its refusal. */
function writeToModel(rows: Rows, write: Write): Rows | string {
  const after = new Map(rows);
  if (write.kind === 'delete') {
    after.delete(write.id);
    return after;
  }
  const old = rows.get(idOf(write));
  if (write.kind === 'update' && old === undefined) return 'WT_NOT_FOUND';
  if (write.kind === 'insert' && old !== undefined) return 'WT_DUPLICATE_KEY';
  const row = write.kind === 'update' ? { ...(old as Row), ...write.patch } : write.row;
  for (const other of rows.values()) if (other.id !== row.id && other.email === row.email) return 'WT_UNIQUE_VIOLATION';
  after.set(row.id, row);
  return after;
}

function writeToStore(table: TableWriter<typeof Account>, write: Write): string | undefined {
  try {
    if (write.kind === 'delete') table.delete(write.id);
    else if (write.kind === 'insert') table.insert(write.row);
    else if (write.kind === 'upsert') table.upsert(write.row);
    else table.updateBy(write.id, write.patch);
    return undefined;
  } catch (error) {
    if (error instanceof WorkTableError) return error.code;
    throw error;
  }
}

/** One of many queries, on a reader and on plain rows. */
function compare(reader: TableReader<typeof Account>, rows: Rows, kind: number, value: number): unknown {
  const all = [...rows.values()].sort((a, b) => a.id - b.id);
  const plain = (found: Iterable<Account>) => [...found].map((row) => ({ ...row }));
  const by = (name: 'score' | 'note', sign: number) => (a: Row, b: Row) => {
    const x = a[name] ?? '';
    const y = b[name] ?? '';
    return (a[name] === b[name] ? 0 : a[name] === null ? -1 : b[name] === null ? 1 : x < y ? -1 : 1) * sign || a.id - b.id;
  };
  const country = 'ABC'[value % 3] as string;
  const score = value % 5;
  switch (kind % 14) {
    case 0:
      return expect(plain(reader.selectAll())).toEqual(all);
    case 1:
      return expect(plain(reader.selectBy('country', country).execute())).toEqual(all.filter((row) => row.country === country));
    case 2:
      return expect(reader.selectBy('country', country).count()).toBe(all.filter((row) => row.country === country).length);
    case 3:
      return expect(plain(reader.selectAll().where('score', '>=', score).orderBy('score').limit(3))).toEqual(
        all
          .filter((row) => row.score >= score)
          .sort(by('score', 1))
          .slice(0, 3),
      );
    case 4:
      return expect(plain(reader.selectAll().orderBy('score', 'desc'))).toEqual([...all].sort(by('score', -1)));
    case 5:
      return expect(plain(reader.selectAll().where('country', '=', country).where('score', '=', score))).toEqual(
        all.filter((row) => row.country === country && row.score === score),
      );
    case 6:
      return expect(plain(reader.selectAll().where('country', '=', country).where('score', '<', score).orderBy('score', 'desc'))).toEqual(
        all.filter((row) => row.country === country && row.score < score).sort(by('score', -1)),
      );
    case 7: {
      const email = `${value % 14}@example.com`;
      const found = reader.selectOneBy('email', email);
      return expect(found && { ...found }).toEqual(all.find((row) => row.email === email));
    }
    case 8:
      return expect(plain(reader.selectAll().where('note', 'is', null))).toEqual(all.filter((row) => row.note === null));
    case 9:
      return expect(reader.selectAll().max('score')).toBe(all.length === 0 ? undefined : Math.max(...all.map((row) => row.score)));
    case 10:
      return expect(reader.count()).toBe(all.length);
    case 11:
      return expect(plain(reader.selectAll().where((row) => row.id % 2 === value % 2))).toEqual(
        all.filter((row) => row.id % 2 === value % 2),
      );
    case 12:
      return expect(plain(reader.selectAll().orderBy('id', 'desc').offset(1).limit(4))).toEqual([...all].reverse().slice(1, 5));
    default: {
      const id = 1 + (value % 12);
      const found = reader.select(id);
      return expect(found && { ...found }).toEqual(rows.get(id));
    }
  }
}

/** An async transaction, and what it should see. */
interface OpenTransaction {
  readonly tx: AsyncTransaction;
  rows: Rows;
  readonly writes: Write[];
  readonly began: number;
}

/** The store with everything that is open on it, and plain maps that say what each should see. */
class World {
  readonly db = new Database({ tables: [Account] });
  readonly accounts = this.db.table(Account);
  rows: Rows = new Map();
  commits = 0;
  conflicts = 0;
  private readonly snapshots: { snapshot: Snapshot; rows: Rows; iterator: Iterator<Account>; taken: Row[] }[] = [];
  private readonly transactions: OpenTransaction[] = [];
  private readonly guards: { guard: LockGuard<number, never, never, never>; id: number }[] = [];

  async run([kind, a, b, c]: Command): Promise<unknown> {
    switch (kind) {
      case 0:
        return this.snap();
      case 1:
        return this.dispose(a);
      case 2:
      case 3:
        return this.look(a, b, c);
      case 4:
        return this.begin();
      case 5:
      case 6:
        return this.writeWithin(a, b, c);
      case 7:
        return this.ask(a, b, c);
      case 8:
        return this.end(a, b);
      case 9:
        return this.lock(a, b);
      case 10:
        return this.together(a, b, c);
      case 11:
        now += a % 3;
        this.rows = alive(this.rows);
        return undefined;
      case 12:
        return this.tidy(a, b);
      default:
        return this.write(writeOf(a, b, c));
    }
  }

  private isLocked(id: number): boolean {
    return this.core.locks.map.isHeldByOther(id, undefined, undefined);
  }

  private write(write: Write): void {
    this.rows = alive(this.rows);
    const after = writeToModel(this.rows, write);
    const code = writeToStore(this.accounts, write);
    if (code === 'WT_ROW_LOCKED') {
      // Its own row, or an expired one that is in its way and cannot be removed.
      expect(
        this.isLocked(idOf(write)) || [...this.core.store.rowIds].some((row) => this.core.isHeld(row) && isExpired(this.core, row)),
      ).toBe(true);
      return;
    }
    if (typeof after === 'string') {
      expect(code).toBe(after);
      return;
    }
    expect(code).toBeUndefined();
    this.rows = after;
    this.commits++;
  }

  /** Several writes as one synchronous transaction, which is sometimes undone. */
  private together(a: number, b: number, c: number): void {
    const before = { rows: this.rows, commits: this.commits };
    const undo = new Error('undo');
    try {
      this.db.transaction(() => {
        for (let n = 0; n < 3; n++) {
          this.write(writeOf(a + n * 7, b + n * 3, c + n));
          this.look(a, b + n, c);
        }
        if (a % 2 === 0) throw undo;
      });
    } catch (error) {
      if (error !== undo) throw error;
      Object.assign(this, before);
    }
  }

  private get core(): TableCore {
    return (this.accounts as unknown as { core: TableCore }).core;
  }

  /** What goes on behind: expired rows are removed, and a page is emptied. */
  private tidy(a: number, b: number): void {
    if (a % 3 === 0) {
      this.commits += this.accounts.removeExpired(1 + (b % 3)) > 0 ? 1 : 0;
      return;
    }
    const { store } = this.core;
    if (a % 3 === 1) store.retirePage(b % 4);
    for (let row = 0; row < store.idExtent; row++) if ((row + b) % 2 === 0) store.evacuate(row as never);
  }

  private snap(): unknown {
    if (this.snapshots.length >= 4) return this.dispose(0);
    const snapshot = this.db.snapshot();
    const iterator = snapshot.table(Account).selectAll()[Symbol.iterator]();
    return this.snapshots.push({ snapshot, rows: this.rows, iterator, taken: [] });
  }

  private dispose(at: number): void {
    const [open] = this.snapshots.splice(at % Math.max(1, this.snapshots.length), 1);
    open?.snapshot.dispose();
  }

  /** Asks a snapshot, or the table, and goes on with an iteration that was begun long ago. */
  private look(at: number, kind: number, value: number): unknown {
    const open = this.snapshots[at % (this.snapshots.length + 1)];
    if (open === undefined) {
      this.rows = alive(this.rows);
      return compare(this.accounts, this.rows, kind, value);
    }
    compare(open.snapshot.table(Account), open.rows, kind, value);
    const { value: row, done } = open.iterator.next();
    if (!done) return open.taken.push({ ...row });
    return expect(open.taken).toEqual([...open.rows.values()].sort((a, b) => a.id - b.id));
  }

  private begin(): void {
    if (this.transactions.length >= 3) return;
    const { cores, journal } = this.db as unknown as { cores: ReadonlyMap<typeof Account, TableCore>; journal: Journal };
    const tx = new AsyncTransaction(cores, journal, new AbortController().signal);
    tx.table(Account);
    this.transactions.push({ tx, rows: this.rows, writes: [], began: this.commits });
  }

  private pick(at: number): OpenTransaction | undefined {
    return this.transactions[at % Math.max(1, this.transactions.length)];
  }

  private drop(open: OpenTransaction): void {
    open.tx.end();
    this.transactions.splice(this.transactions.indexOf(open), 1);
  }

  private writeWithin(a: number, b: number, c: number): void {
    const open = this.pick(b);
    if (open === undefined) return;
    const write = writeOf(a, b, c);
    const attempt = (): boolean => {
      const after = writeToModel(open.rows, write);
      const code = writeToStore(open.tx.table(Account), write);
      if (code === 'WT_TRANSACTION_CONFLICT') return false;
      expect(code).toBe(typeof after === 'string' ? after : undefined);
      if (typeof after !== 'string') {
        open.rows = after;
        open.writes.push(write);
      }
      return true;
    };
    const before = { rows: open.rows, writes: open.writes.length };
    if (c % 5 !== 0) {
      if (!attempt()) this.dropConflict(open);
      return;
    }
    const undo = new Error('undo');
    let conflict = false;
    try {
      open.tx.savepoint(() => {
        conflict = !attempt();
        throw undo;
      });
    } catch (error) {
      if (error !== undo) throw error;
    }
    open.rows = before.rows;
    open.writes.length = before.writes;
    if (conflict) this.dropConflict(open);
  }

  private dropConflict(open: OpenTransaction): void {
    this.conflicts++;
    expect(this.commits > open.began || this.transactions.length > 1 || this.guards.length > 0).toBe(true);
    this.drop(open);
  }

  private ask(a: number, b: number, c: number): void {
    const open = this.pick(a);
    if (open === undefined) return;
    compare(open.tx.table(Account), open.rows, b, c);
  }

  /** Ends a transaction. One that commits must have the same answers and refusals if it is run now, all at once. */
  private end(a: number, b: number): unknown {
    const open = this.pick(a);
    if (open === undefined) return undefined;
    if (b % 4 === 0) return this.drop(open);
    try {
      open.tx.commit();
    } catch (error) {
      expect((error as WorkTableError).code).toBe('WT_TRANSACTION_CONFLICT');
      return this.dropConflict(open);
    }
    this.drop(open);
    if (open.tx.journal.pending.length === 0) return undefined; // it has read, and no more
    this.rows = alive(this.rows);
    for (const write of open.writes) {
      const after = writeToModel(this.rows, write);
      if (typeof after !== 'string') this.rows = after;
    }
    expect([...this.rows.values()].sort((x, y) => x.id - y.id)).toEqual(
      this.accounts
        .selectAll()
        .execute()
        .map((row) => ({ ...row })),
    );
    return ++this.commits;
  }

  private async lock(a: number, b: number): Promise<void> {
    if (a % 2 === 0 || this.guards.length > 2) {
      this.guards.shift()?.guard.unlock();
      return;
    }
    const id = 1 + (b % 12);
    if (this.isLocked(id)) return;
    const guard = await this.accounts.lock(id);
    this.guards.push({ guard: guard as never, id });
    this.rows = alive(this.rows);
    const write: Write = { kind: 'update', id, patch: { score: a % 5 } };
    const after = writeToModel(this.rows, write);
    if (typeof after === 'string') return;
    guard.updateBy(id, { score: a % 5 });
    this.rows = after;
    this.commits++;
  }

  /** Everything once more, and then nothing may be left of what was open. */
  async close(): Promise<void> {
    for (const { snapshot, rows } of this.snapshots)
      for (let kind = 0; kind < 14; kind++) compare(snapshot.table(Account), rows, kind, kind);
    for (const open of this.transactions) for (let kind = 0; kind < 14; kind++) compare(open.tx.table(Account), open.rows, kind, kind);
    expect([...this.db.check()]).toEqual([]);
    for (const open of [...this.transactions]) this.drop(open);
    while (this.snapshots.length > 0) this.dispose(0);
    for (const { guard } of this.guards) guard.unlock();
    const { versions, locks } = this.core;
    expect(versions.stats()).toEqual({ versions: 0, bytes: 0 });
    expect(versions.isKept).toBe(false);
    expect(locks.map.size).toBe(0);
    compare(this.accounts, alive(this.rows), 0, 0);
    expect([...this.db.check()]).toEqual([]);
    await this.db.close();
  }
}

describe('snapshots, async transactions, locks, expiry and vacuum', () => {
  it(`see what plain maps say in ${SEQUENCES} random sequences`, async () => {
    let conflicts = 0;
    const command = fc.tuple(fc.nat(18), fc.nat(999), fc.nat(999), fc.nat(999));
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: COMMANDS, size: 'max' }), async (commands) => {
        now = 1000;
        const world = new World();
        for (const one of commands) await world.run(one);
        await world.close();
        conflicts += world.conflicts;
      }),
      { numRuns: SEQUENCES },
    );
    expect(conflicts).toBeGreaterThan(SEQUENCES / 10);
  }, 600_000);
});
