import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ChangeEvent,
  Column,
  Database,
  ExpiresAt,
  Index,
  type InPlaceQuery,
  PrimaryKey,
  PrimaryKeyProp,
  Query,
  RowLockedError,
  SchemaError,
  Table,
  type TableManager,
  UniqueViolationError,
  type UpdateQuery,
} from '../../lib/index.js';

const MINUTE = 60_000;
const START = 1_800_000_000_000;

@Table({ name: 'session', ttlMs: 10 * MINUTE })
class Session {
  [PrimaryKeyProp]?: 'token';
  @PrimaryKey() @Column() token!: string;
  @Index('unique') @Column() device!: string;
  @Index() @Column() user!: string;
  @Column('int') hits!: number;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;

  @Query({ update: ['hits'], by: 'user' }) static setHitsByUser: UpdateQuery<Session, 'hits', 'user'>;
}

@Table()
class Counted {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() name!: string;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;
}

@Table()
class Seat {
  @PrimaryKey() @Column('int') id!: number;
  @Index('unique') @Column({ type: 'int', nullable: true }) place!: number | null;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;
}

@Table()
class Place {
  @PrimaryKey() @Column('int') id!: number;
  @Index('unique') @Column('int') rank!: number;
  @Index() @Column('int') queue!: number;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;

  @Query({ inPlace: ['rank'], by: 'queue' }) static moveByQueue: InPlaceQuery<Place, 'rank', 'queue'>;
  @Query({ update: ['until'], by: 'queue' }) static renewByQueue: UpdateQuery<Place, 'until', 'queue'>;
}

let db: Database;
let sessions: TableManager<typeof Session>;
let events: ChangeEvent<Session, string>[];

const session = (n: number, more: Partial<Session> = {}) => ({ token: `t${n}`, device: `d${n}`, user: `u${n % 3}`, hits: n, ...more });
const pass = (ms: number) => jest.setSystemTime(Date.now() + ms);
const tokens = () =>
  sessions
    .selectAll()
    .execute()
    .map((row) => row.token);

beforeEach(() => {
  jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'queueMicrotask'] });
  db = new Database({ tables: [Session], expiryIntervalMs: MINUTE });
  sessions = db.table(Session);
  events = [];
  sessions.on('change', (event) => events.push(event));
});

afterEach(async () => {
  expect([...db.check()]).toEqual([]);
  await db.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('rows that expire', () => {
  it('get their time from ttlMs where they do not say it, when they are inserted or replaced whole', () => {
    sessions.insert(session(1));
    sessions.insert(session(2, { until: new Date(START + 5) }));
    sessions.insert(session(3, { until: null }));
    expect(sessions.select('t1')?.until).toEqual(new Date(START + 10 * MINUTE));
    expect(sessions.select('t2')?.until).toEqual(new Date(START + 5));
    pass(MINUTE);
    sessions.updateBy('t1', { hits: 9 });
    expect(sessions.select('t1')?.until).toEqual(new Date(START + 10 * MINUTE));
    sessions.update(session(1));
    expect(sessions.select('t1')?.until).toEqual(new Date(START + 11 * MINUTE));
    pass(1000 * MINUTE);
    expect(tokens()).toEqual(['t3']);
  });

  it('are in no answer from their time on, though they are still in the table', () => {
    for (let n = 1; n <= 9; n++) sessions.insert(session(n, { until: new Date(START + n * 1000) }));
    pass(5000);
    expect(tokens()).toEqual(['t6', 't7', 't8', 't9']);
    expect(sessions.stats().rows).toBe(9);
    expect(sessions.count()).toBe(4);
    expect(sessions.select('t5')).toBeUndefined();
    expect(sessions.select('t6')).toBeDefined();
    expect(sessions.selectOneBy('device', 'd2')).toBeUndefined();
    expect(sessions.selectBy('user', 'u0').count()).toBe(2);
    expect(sessions.selectBy('user', 'u2').execute()).toHaveLength(1);
    expect(
      sessions
        .selectAll()
        .where('until', '<=', new Date(START + 7000))
        .count(),
    ).toBe(2);
    expect(sessions.selectAll().sum('hits')).toBe(30);
    expect(sessions.selectAll().min('hits')).toBe(6);
    expect(sessions.selectAll().groupBy('user').count()).toEqual(
      new Map([
        ['u0', 2],
        ['u1', 1],
        ['u2', 1],
      ]),
    );
    expect([...sessions.selectAll().orderBy('hits').limit(1)].map((row) => row.hits)).toEqual([6]);
    expect(sessions.queries.setHitsByUser('u2', { hits: 100 })).toBe(1);
    expect(sessions.delete('t1')).toBe(false);
    expect(() => sessions.updateBy('t1', { hits: 1 })).toThrow(expect.objectContaining({ code: 'WT_NOT_FOUND' }));
    expect(sessions.stats().rows).toBe(9);
  });

  it('give way to new rows with their key or unique values, and leave as deletes marked as expired', () => {
    for (let n = 1; n <= 4; n++) sessions.insert(session(n, { until: new Date(START + 1000) }));
    sessions.insert(session(5));
    pass(2000);
    events.length = 0;
    sessions.insert(session(1));
    expect(sessions.upsert(session(2))).toEqual({ key: 't2', inserted: true });
    sessions.insert(session(6, { device: 'd3' }));
    sessions.updateBy('t5', { device: 'd4' });
    expect(events.map(({ kind, key, expired }) => [kind, key, expired])).toEqual([
      ['delete', 't1', true],
      ['insert', 't1', undefined],
      ['delete', 't2', true],
      ['insert', 't2', undefined],
      ['delete', 't3', true],
      ['insert', 't6', undefined],
      ['delete', 't4', true],
      ['update', 't5', undefined],
    ]);
    expect(sessions.deleteCdc('t6')?.expired).toBe(false);
  });

  it('do not give way to a row that has null where they have it: nulls are unique among none', async () => {
    const other = new Database({ tables: [Seat], expiryIntervalMs: MINUTE });
    const seats = other.table(Seat);
    const heard: string[] = [];
    seats.on('change', (event) => heard.push(`${event.kind} ${event.key}`));
    seats.insert({ id: 1, place: null, until: new Date(START + 1) });
    seats.insert({ id: 2, place: 5 });
    pass(1);
    seats.insert({ id: 3, place: null });
    seats.updateBy(2, { place: null });
    expect(heard).toEqual(['insert 1', 'insert 2', 'insert 3', 'update 2']);
    await other.transactionAsync(async (tx) => {
      tx.table(Seat).insert({ id: 4, place: null });
      tx.table(Seat).insert({ id: 1, place: null });
    });
    expect(heard.slice(4)).toEqual(['insert 4', 'delete 1', 'insert 1']);
    expect([...other.check()]).toEqual([]);
    await other.close();
  });

  it('give way before any listener hears of it, so that none changes the row that is written', () => {
    sessions.insertMany([session(1), session(2, { until: null }), session(3, { until: null })]);
    pass(11 * MINUTE);
    events.length = 0;
    let heard = 0;
    const live = sessions.selectAll().live.count();
    live.on('change', () => heard++);
    sessions.on('change', (event) => {
      if (!event.expired) return;
      sessions.delete('t2');
      sessions.insert(session(9, { device: 'd9', until: null })); // where the deleted row was
    });
    sessions.updateBy('t2', { device: 'd1' });
    expect(events.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['delete t1', 'update t2', 'delete t2', 'insert t9']);
    expect(tokens()).toEqual(['t3', 't9']);
    expect(sessions.select('t9')?.device).toBe('d9');
    expect(heard).toBe(2); // one came and one went: nobody had heard of t1 since its time was over
    expect(live.value).toBe(2);
    live.close();
  });

  it('give way to a write that is refused all the same, and are told of then', () => {
    sessions.insertMany([session(1), session(2, { until: null })]);
    pass(11 * MINUTE);
    events.length = 0;
    expect(() => sessions.insert(session(1, { device: 'd2' }))).toThrow(UniqueViolationError);
    expect(events.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['delete t1']);
  });

  it('give way to a row whose key is counted, while a listener inserts another', () => {
    const counted = new Database({ tables: [Counted] });
    const rows = counted.table(Counted);
    rows.insert({ name: 'a', until: new Date(Date.now() + 1) });
    pass(2);
    rows.once('change', () => rows.insert({ name: 'b' }));
    expect(rows.insert({ name: 'a' })).toBe(2);
    expect(
      rows
        .selectAll()
        .execute()
        .map(({ id, name }) => `${id} ${name}`),
    ).toEqual(['2 a', '3 b']);
    expect([...counted.check()]).toEqual([]);
    counted.close();
  });

  it('come back with the transaction that removed them, and are gone still', () => {
    sessions.insert(session(1, { until: new Date(START + 1000) }));
    pass(2000);
    expect(() =>
      db.transaction(() => {
        sessions.insert(session(1));
        throw new Error('undo');
      }),
    ).toThrow('undo');
    expect(sessions.select('t1')).toBeUndefined();
    expect(sessions.stats().rows).toBe(1);
  });

  it('are removed in steps, in the order of their times, with other work between the steps', () => {
    for (let n = 0; n < 2500; n++) sessions.insert(session(n, { until: new Date(START + 5000 - n) }));
    sessions.insert(session(9999));
    pass(6000);
    events.length = 0;
    const commits: number[] = [];
    db.on('commit', (commit) => commits.push(commit.changes.length));
    jest.advanceTimersByTime(MINUTE);
    expect(commits).toEqual([1000]);
    jest.advanceTimersByTime(1);
    jest.advanceTimersByTime(1);
    expect(commits).toEqual([1000, 1000, 500]);
    expect(events.every((event) => event.kind === 'delete' && event.expired)).toBe(true);
    expect(events.map((event) => event.key).slice(0, 2)).toEqual(['t2499', 't2498']);
    expect(sessions.stats().rows).toBe(1);
    expect(sessions.removeExpired()).toBe(0);
  });

  it('stay while somebody has locked them, and are removed at call', async () => {
    for (let n = 1; n <= 3; n++) sessions.insert(session(n, { until: new Date(START + 1000) }));
    const guard = await sessions.lock('t2');
    pass(2000);
    expect(sessions.removeExpired(1)).toBe(1);
    expect(sessions.removeExpired()).toBe(1);
    expect(() => sessions.insert(session(2))).toThrow(RowLockedError);
    expect(sessions.removeExpired()).toBe(0);
    guard.unlock();
    expect(sessions.removeExpired()).toBe(1);
    expect(sessions.stats().rows).toBe(0);
  });

  it('are in a snapshot that was taken in their time, and in a transaction that began then', async () => {
    sessions.insert(session(1, { until: new Date(START + 1000) }));
    sessions.insert(session(2));
    sessions.insert(session(3, { until: new Date(START - 1) }));
    using snapshot = db.snapshot();
    await db.transactionAsync(async (tx) => {
      const mine = tx.table(Session);
      expect(mine.count()).toBe(2);
      pass(2000);
      sessions.removeExpired();
      expect(mine.select('t1')).toBeDefined();
      expect(mine.select('t3')).toBeUndefined();
    });
    expect(
      snapshot
        .table(Session)
        .selectAll()
        .execute()
        .map((row) => row.token),
    ).toEqual(['t1', 't2']);
    expect(snapshot.table(Session).count()).toBe(2);
    expect(tokens()).toEqual(['t2']);
    await db.transactionAsync(async (tx) => {
      pass(20 * MINUTE);
      tx.table(Session).insert(session(2, { hits: 50 }));
      expect(tx.table(Session).count()).toBe(1);
    });
    expect(sessions.select('t2')?.hits).toBe(50);
  });

  it('need nothing but ttlMs: the table has a column of its own for it then', () => {
    @Table({ ttlMs: 1000 })
    class Token {
      @PrimaryKey('autoincrement') id!: number;
    }
    const other = new Database({ tables: [Token] });
    const id = other.table(Token).insert({});
    expect(other.table(Token).select(id)).toEqual(expect.objectContaining({ id, expiresAt: new Date(START + 1000) }));
    pass(1000);
    expect(other.table(Token).select(id)).toBeUndefined();
    void other.close();
  });

  it.each([
    ['that may be null', true],
    ['that may not', false],
  ])('expire at and before 1970, too, by a column %s', async (_, nullable) => {
    class Ticket {
      declare id: number;
      declare until: Date;
    }
    PrimaryKey('autoincrement')(Ticket.prototype, 'id');
    Column('int')(Ticket.prototype, 'id');
    Column({ type: 'timestamp-millis', nullable })(Ticket.prototype, 'until');
    ExpiresAt()(Ticket.prototype, 'until');
    Table()(Ticket);
    const other = new Database({ tables: [Ticket], expiryIntervalMs: MINUTE });
    const tickets = other.table(Ticket);
    const id = tickets.insert({ until: new Date(START + MINUTE) });
    for (const ms of [0, -1, -MINUTE, -8.64e15, 1]) {
      expect(tickets.select(tickets.insert({ until: new Date(ms) }))).toBeUndefined();
    }
    expect(tickets.count()).toBe(1);
    tickets.updateBy(id, { until: new Date(0) });
    expect(tickets.count()).toBe(0);
    expect(tickets.removeExpired()).toBe(6);
    expect(tickets.stats().rows).toBe(0);
    await other.close();
  });

  it('are declared rightly, or refused', () => {
    const refusal = (declare: () => new () => object) => {
      try {
        void new Database({ tables: [declare()] }).close();
        return 'nothing';
      } catch (error) {
        expect(error).toBeInstanceOf(SchemaError);
        return (error as Error).message;
      }
    };
    expect(
      refusal(() => {
        @Table()
        class Twice {
          @PrimaryKey() @Column('int') id!: number;
          @ExpiresAt() a!: Date;
          @ExpiresAt() b!: Date;
        }
        return Twice;
      }),
    ).toMatch(/Twice.b: a second @ExpiresAt/);
    expect(
      refusal(() => {
        @Table()
        class Wrong {
          @PrimaryKey() @Column('int') id!: number;
          @ExpiresAt() @Column('int') a!: number;
        }
        return Wrong;
      }),
    ).toMatch(/Wrong.a: @ExpiresAt stands on a column of type int/);
    expect(
      refusal(() => {
        @Table()
        class Keyed {
          @ExpiresAt() @PrimaryKey() @Column('timestamp-millis') id!: Date;
        }
        return Keyed;
      }),
    ).toMatch(/Keyed/);
    expect(
      refusal(() => {
        @Table()
        class Hashed {
          @PrimaryKey() @Column('int') id!: number;
          @ExpiresAt() @Index({ using: 'hash' }) @Column('timestamp-millis') a!: Date;
        }
        return Hashed;
      }),
    ).toMatch(/Hashed.a: the index over the @ExpiresAt column is a hash/);
    expect(
      refusal(() => {
        @Table({ ttlMs: 0 })
        class Never {
          @PrimaryKey() @Column('int') id!: number;
        }
        return Never;
      }),
    ).toMatch(/ttlMs is no positive integer/);
    expect(
      refusal(() => {
        @Table({ ttlMs: 5 })
        class Named {
          @PrimaryKey() @Column('int') id!: number;
          @Column() expiresAt!: string;
        }
        return Named;
      }),
    ).toMatch(/Named.expiresAt: ttlMs needs a column of this name/);
  });
});

describe('a declared query, while time passes', () => {
  const open = () => {
    const other = new Database({ tables: [Place] });
    const places = other.table(Place);
    places.insert({ id: 1, rank: 1, queue: 1, until: null });
    places.insert({ id: 2, rank: 2, queue: 1, until: new Date(Date.now() + 10) });
    return { other, places };
  };

  it('sees one moment: a row that it found does not give way to another that it writes', async () => {
    const { other, places } = open();
    const move = () =>
      places.queries.moveByQueue(1, (row) => {
        pass(100);
        row.rank += 1;
      });
    expect(move).toThrow(UniqueViolationError);
    expect([...other.check()]).toEqual([]);
    // Between two calls its time is over.
    expect(places.selectAll().execute()).toMatchObject([{ id: 1, rank: 1 }]);
    expect(move()).toBe(1);
    expect(places.select(1)?.rank).toBe(2);
    expect([...other.check()]).toEqual([]);
    await other.close();
  });

  it('writes what it found, though values that are read meanwhile take their time', async () => {
    const { other, places } = open();
    const later = new Date(Date.now() + MINUTE);
    const values = {
      get until() {
        pass(5);
        return later;
      },
    };
    expect(places.queries.renewByQueue(1, values)).toBe(2);
    pass(1000);
    expect(places.count()).toBe(2);
    expect([...other.check()]).toEqual([]);
    await other.close();
  });
});
