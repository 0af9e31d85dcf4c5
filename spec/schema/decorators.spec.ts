import { describe, expect, it } from '@jest/globals';
import { Column, Database, Index, Measured, Measurements, PrimaryKey, Query, SchemaError, Table } from '../../lib/index.js';
import { buildSchema } from '../../lib/schema/build-schema.js';
import type { EntityClass } from '../../lib/schema/column-type.js';
import type { ColumnOptions } from '../../lib/schema/description.js';
import { compiled, declareCompiled, KINDS } from '../support/compiled.js';
import { COLUMNS, DEFAULTS, type Declaration, declare, INDEXES, KEYS, QUERIES, refusal, TABLES } from '../support/declarations.js';

/** Everything that is refused, and what is taken, in words. What a compiler emits is not among it: one kind has none. */
const REFUSED = [...TABLES, ...COLUMNS, ...KEYS, ...INDEXES, ...QUERIES]
  .filter(([, { emitted }]) => emitted === undefined)
  .map(([title, given]) => [title, given] as const);
const BAD_DEFAULTS = DEFAULTS.map(([options]) => [JSON.stringify(options, bigintsAsText), { columns: { value: options } }] as const);

/** A property that JavaScript itself refuses, in one of the kinds at least. */
const NOT_JAVASCRIPT = new Set(['the name prototype']);

const TAKEN: Readonly<Record<string, Declaration>> = {
  'nothing but a key': {},
  'a key that is counted': { keys: { code: { autoincrement: true } } },
  'a composite key': { keys: { tenant: {}, code: { using: 'hash' } }, columns: { tenant: { type: 'string' }, code: { type: 'int' } } },
  'all options of a table': { table: { name: 'thing', version: 7, pageSizeBytes: 4096, maxRowBytes: 1000, ttlMs: 5 } },
  'a column of each type': {
    columns: Object.fromEntries(
      [
        'boolean',
        'int',
        'long',
        'float',
        'double',
        'bytes',
        'string',
        'date',
        'timestamp-millis',
        'timestamp-micros',
        'uuid',
        'decimal',
      ].map((type, n): [string, ColumnOptions] => [`column${n}`, { type: type as 'int', nullable: n % 2 === 0 }]),
    ),
  },
  'composite columns': {
    columns: {
      kind: { enum: ['a', 'b'] },
      list: { items: { items: 'int' } },
      map: { values: 'string', as: 'map' },
      flag: { default: true },
    },
  },
  'indexes and queries': {
    columns: { a: { type: 'int' }, b: { type: 'string', nullable: true } },
    indexes: [{ columns: ['a', 'b'] }, { columns: ['b', 'a'], unique: true, name: 'second' }],
    indexed: { b: { unique: true, nullsDistinct: false }, a: { using: 'hash' } },
    queries: { one: { delete: true, by: ['b', 'a'] }, two: { update: ['b', 'a'], by: 'id' }, three: { inPlace: ['a'], by: 'a' } },
  },
};

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** A schema as data, or the text of its refusal. */
function outcome(make: () => EntityClass): unknown {
  try {
    const { ctor, ...schema } = buildSchema(make());
    return { ...schema, named: ctor.name };
  } catch (error) {
    if (error instanceof SchemaError) return error.message;
    throw error;
  }
}

describe.each(KINDS)('$decorators decorators, define: $define,', (kind) => {
  const classOf = (source: string, given?: unknown) => compiled(source, kind, given) as EntityClass;

  it.each(Object.entries(TAKEN))('say the same of a class with %s', (_, given) => {
    const found = outcome(() => declareCompiled(given, kind));
    expect(found).toHaveProperty('canonicalForm');
    expect(found).toEqual(outcome(() => declareCompiled(given, { decorators: 'legacy', define: true })));
  });

  it('are refused whatever is refused of a class, in the same words', () => {
    let compared = 0;
    for (const [title, given] of [...REFUSED, ...BAD_DEFAULTS]) {
      if (NOT_JAVASCRIPT.has(title)) continue;
      expect([title, outcome(() => declareCompiled(given, kind))]).toEqual([title, outcome(() => declare(given))]);
      compared++;
    }
    expect(compared).toBeGreaterThan(100);
  });

  it('pass on what a base class says, and leave the base as it was', () => {
    const [Base, Derived, Bare] = compiled(
      `
      class Dated { @Index() @Column('timestamp-millis') at!: Date; @Column('int') code!: number }
      @Table({ name: 'base' }) @Index({ columns: ['label', 'score'] })
      class Base extends Dated {
        @PrimaryKey('autoincrement') id!: number;
        @Index('unique') @Column('string') label!: string;
        @Column('double') score!: number;
        @Query({ update: ['score'], by: 'label' }) static setScore;
      }
      class Undecorated extends Base {}
      @Table({ name: 'derived', version: 2 }) @Index({ columns: ['extra', 'label'] })
      class Derived extends Undecorated {
        @Column('float') score = 0;
        @Index() @Column('int') extra!: number;
        @PrimaryKey() code!: number;
        @Query({ delete: true, by: 'extra' }) static gone;
      }
      return [Base, Derived, class Bare extends Derived {}];`,
      kind,
    ) as EntityClass[];
    const base = buildSchema(Base as EntityClass);
    expect(base.columns.map(({ name, type }) => `${name} ${type.kind}`)).toEqual([
      ...['at timestamp-millis', 'code int', 'id long', 'label string', 'score double'],
    ]);
    expect(base.indexes.map(({ name }) => name)).toEqual(['at', 'label_score', 'label']);
    expect(base.queries.map(({ name }) => name)).toEqual(['setScore']);
    expect(refusal(() => buildSchema(Bare as EntityClass)).message).toMatch(/Bare: the class has no @Table/);
    expect(refusal(() => buildSchema(Derived as EntityClass)).message).toMatch(/composite key cannot be generated/);
  });

  it('take records that name each other, and themselves, through functions', () => {
    const Employee = classOf(`
      class Team { @Column('string') name!: string; @Column({ items: () => Person }) people!: Person[] }
      class Person {
        @Column('string') name!: string;
        @Column({ type: () => Team, nullable: true }) team?: Team | null;
        @Column({ type: () => Person, nullable: true }) boss?: Person | null;
      }
      @Table() class Employee { @PrimaryKey() @Column('int') id!: number; @Column({ type: () => Person }) self!: Person }
      return Employee;`);
    const db = new Database({ tables: [Employee] });
    const boss = { name: 'b', team: { name: 't', people: [{ name: 'c', team: null, boss: null }] }, boss: null };
    const employees = db.table(Employee);
    employees.insert({ id: 1, self: { name: 'a', team: null, boss } } as never);
    const row = employees.select(1 as never) as { self: { boss: object } };
    expect(JSON.parse(JSON.stringify(row))).toEqual({ id: 1, self: { name: 'a', team: null, boss } });
    expect(row.self.boss.constructor.name).toBe('Person');
    expect([...db.check()]).toEqual([]);
  });

  it('make tables that work, whose rows are instances of the class', () => {
    const Account = classOf(`
      @Table({ ttlMs: 60_000 })
      class Account {
        @PrimaryKey('autoincrement') id!: number;
        @Index('unique') @Column('string') email!: string;
        @Index() @Column('int') score!: number;
        @Column({ default: 0n }) balance!: bigint;
        @Query({ inPlace: ['score'], by: 'email' }) static bump;
        get domain() { return this.email.split('@')[1]; }
      }
      return Account;`);
    const db = new Database({ tables: [Account] });
    // biome-ignore lint/suspicious/noExplicitAny: a class without types
    const accounts = db.table(Account) as any;
    const id = accounts.insert({ email: 'ada@example.com', score: 1 });
    expect(() => accounts.insert({ email: 'ada@example.com', score: 2 })).toThrow(expect.objectContaining({ code: 'WT_UNIQUE_VIOLATION' }));
    expect(accounts.queries.bump('ada@example.com', (row: { score: number }) => void row.score++)).toBe(1);
    accounts.insert(
      Object.assign(new (Account as new () => object)(), {
        email: 'b@example.org',
        score: 2,
        id: 2,
        balance: 0n,
        expiresAt: new Date(4e12),
      }),
    );
    const row = accounts.select(id);
    expect(row).toBeInstanceOf(Account);
    expect(row).toMatchObject({ id: 1, email: 'ada@example.com', score: 2, balance: 0n, domain: 'example.com' });
    expect([...db.check()]).toEqual([]);
  });

  it('measure methods by the name of their class, whoever inherits and calls them', async () => {
    const into = new Measurements();
    const [Desk, Office] = compiled(
      `
      class Desk {
        rate = 3;
        @Measured({ into: given }) quote(amount: number) { if (amount < 0) throw new RangeError(); return amount * this.rate; }
        @Measured({ into: given, name: 'slowly' }) async later(fails: boolean) { if (fails) throw new Error(); return this.rate; }
        @Measured({ into: given }) static all() { return 'all'; }
      }
      class Office extends Desk {
        @Measured({ into: given }) quote(amount: number) { return super.quote(amount) + 1; }
      }
      return [Desk, Office];`,
      kind,
      into,
    ) as unknown as [DeskClass, DeskClass];
    expect([new Office().quote(2), new Desk().quote(2), Office.all(), Desk.all()]).toEqual([7, 6, 'all', 'all']);
    expect(() => new Desk().quote(-1)).toThrow(RangeError);
    await expect(new Desk().later(true)).rejects.toThrow();
    expect(await new Desk().later(false)).toBe(3);
    expect([Desk.prototype.quote.name, Desk.prototype.quote.length]).toEqual(['quote', 1]);
    expect(Object.fromEntries(into.rows().map(({ operation, count, failed }) => [operation, [count, failed]]))).toEqual({
      'Desk.all': [2, 0],
      'Desk.quote': [3, 1],
      'Office.quote': [1, 0],
      slowly: [2, 1],
    });
  });
});

interface DeskClass {
  new (): { quote(amount: number): number; later(fails: boolean): Promise<number> };
  all(): string;
  prototype: { quote: (amount: number) => number };
}

describe('standard decorators', () => {
  const standard = { decorators: 'standard', define: true } as const;

  it.each([
    ['@Column("int") static a', 'a', /@Column stands on a static property\. Decorate instance properties\.$/],
    ['@PrimaryKey() static a', 'a', /@PrimaryKey stands on a static property/],
    ['@Index() static a', 'a', /@Index stands on a static property/],
    ['@Column("int") #a', '#a', /@Column stands on a private property/],
    ['@Column("int") [Symbol.iterator]', 'Symbol(Symbol.iterator)', /@Column stands on a symbol\. Give the property a plain name\.$/],
    ['@Column("int") a() {}', 'a', /@Column stands on what is a method/],
    ['@Column("int") get a() { return 1 }', 'a', /@Column stands on what is a getter/],
    ['@Column("int") set a(value) {}', 'a', /@Column stands on what is a setter/],
    ['@Column("int") accessor a', 'a', /@Column stands on what is an accessor/],
    ['@ExpiresAt() static a', 'a', /@ExpiresAt stands on a static property/],
    ['@Query({ delete: true, by: "id" }) a', 'a', /@Query stands on a property that is not static/],
    ['@Query({ delete: true, by: "id" }) static #a', '#a', /@Query stands on a property that is not static/],
    ['@Query({ delete: true, by: "id" }) static a() {}', 'a', /@Query stands on a property that is not static/],
    ['@Table() a', 'a', /@Table stands on a member of a class/],
  ])('are refused where they do not belong, with the name of the class: %s', (member, property, message) => {
    const made = () => compiled(`@Table() class Subject { @PrimaryKey() @Column('int') id; ${member} }`, standard);
    expect(refusal(made)).toMatchObject({ className: 'Subject', property });
    expect(refusal(made).message).toMatch(message);
    const nested = compiled(
      `class Inner { @Column('int') ok; ${member} }
      @Table() class Subject { @PrimaryKey() @Column('int') id; @Column({ type: () => Inner }) inner } return Subject;`,
      standard,
    ) as EntityClass;
    expect(refusal(() => buildSchema(nested))).toMatchObject({ className: 'Inner', property });
  });

  it('are refused without the metadata that ties them to a class', () => {
    const context = { kind: 'field', name: 'a', static: false, private: false } as const;
    expect(refusal(() => Column('int')(undefined, context)).message).toMatch(/no metadata\. Use TypeScript 5\.2 or later/);
    expect(refusal(() => Table()(class {}, { kind: 'class', name: 'Subject', metadata: undefined })).message).toMatch(/no metadata/);
    expect(refusal(() => Measured()((() => 1) as never, { ...context, kind: 'getter' } as never)).message).toMatch(/is no method/);
  });

  it('are found under whichever symbol the compiler keeps them', () => {
    const metadata = {};
    const context = { kind: 'field', name: 'id', static: false, private: false, metadata } as const;
    PrimaryKey()(undefined, context);
    Column('int')(undefined, context);
    const Subject = class Subject {};
    Object.defineProperty(Subject, Symbol('of another polyfill'), { value: metadata });
    Table()(Subject, { kind: 'class', name: 'Subject', metadata });
    expect(buildSchema(Subject).columns.map(({ name }) => name)).toEqual(['id']);
  });

  it('go together with calls in plain JavaScript on one class', () => {
    const Subject = compiled(`@Table() class Subject { @PrimaryKey() @Column('int') id } return Subject;`, standard) as EntityClass;
    Column('string')(Subject.prototype as object, 'name');
    Index('unique')(Subject.prototype as object, 'name');
    Query({ delete: true, by: 'name' })(Subject, 'gone');
    const schema = buildSchema(Subject);
    expect(schema.columns.map(({ name }) => name)).toEqual(['id', 'name']);
    expect(schema.indexes.map(({ name }) => name)).toEqual(['name']);
    expect(schema.queries.map(({ name }) => name)).toEqual(['gone']);
  });

  it('explain a type that nobody names', () => {
    const Subject = compiled(`@Table() class Subject { @PrimaryKey() @Column('int') id; @Column() name } return Subject;`, standard);
    expect(refusal(() => buildSchema(Subject as EntityClass)).message).toMatch(
      /Subject\.name: the column has no type\. Name the type, as in @Column\('string'\).*standard decorators/,
    );
  });

  it('make Symbol.metadata, once, without taking it from those who come later', () => {
    const known = Object.getOwnPropertyDescriptor(Symbol, 'metadata');
    expect(known).toMatchObject({ value: Symbol.for('Symbol.metadata'), writable: true, configurable: true, enumerable: false });
  });
});
