import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AwilixResolutionError, asClass, asFunction, asValue, createContainer, InjectionMode } from 'awilix';
import { Container as InversifyContainer, inject as inversifyInject, injectable as inversifyInjectable } from 'inversify';
import { inject as tsyringeInject, injectable as tsyringeInjectable, container as tsyringeRoot } from 'tsyringe';
import { Inject, Service, Token, Container as TypediContainer } from 'typedi';
import { Database, type TableManager } from '../../lib/index.js';
import { getDatabaseToken, getTableToken, table } from '../../lib/inject/index.js';
import { Note, Visit } from '../support/notes.js';

type Notes = TableManager<typeof Note>;
type Visits = TableManager<typeof Visit>;

const noteTable = table(Note);
const visitTable = table(Visit, 'audit');

/** What each container's own service does with its tables. */
interface Desk {
  write(text: string): number;
}

let db: Database;
let audit: Database;
beforeEach(() => {
  db = new Database({ tables: [Note] });
  audit = new Database({ tables: [Visit] });
});
afterEach(async () => {
  expect([...db.check(), ...audit.check()]).toEqual([]);
  await db.close();
  await audit.close();
});

function expectToWrite(desk: Desk): void {
  expect(desk.write('by a container')).toBe(1);
  expect(db.table(Note).select(1)?.text).toBe('by a container');
  expect(audit.table(Visit).select(1)?.page).toBe('by a container');
}

describe('tsyringe', () => {
  @tsyringeInjectable()
  class TsyringeDesk implements Desk {
    constructor(
      @tsyringeInject(noteTable.token) private readonly notes: Notes,
      @tsyringeInject(visitTable.token) private readonly visits: Visits,
      readonly database: Database,
    ) {}

    write(text: string): number {
      this.visits.insert({ page: text });
      return this.notes.insert({ text });
    }
  }

  it('injects tables of several databases, and the database by its class', () => {
    const container = tsyringeRoot.createChildContainer();
    // The tables before the database: it is looked for when a table is first asked for.
    container.register(noteTable.token, noteTable).register(visitTable.token, visitTable);
    container.registerInstance(Database, db).registerInstance(getDatabaseToken('audit') as symbol, audit);
    const desk = container.resolve(TsyringeDesk);
    expectToWrite(desk);
    expect(desk.database).toBe(db);
    expect(container.createChildContainer().resolve<Notes>(noteTable.token)).toBe(db.table(Note));
  });

  it('says so where no database is registered', () => {
    const container = tsyringeRoot.createChildContainer();
    container.register(noteTable.token, noteTable);
    expect(() => container.resolve(noteTable.token)).toThrow(/Database/);
  });
});

describe('InversifyJS', () => {
  @inversifyInjectable()
  class InversifyDesk implements Desk {
    constructor(
      @inversifyInject(noteTable.token) private readonly notes: Notes,
      @inversifyInject(visitTable.token) private readonly visits: Visits,
      @inversifyInject(Database) readonly database: Database,
    ) {}

    write(text: string): number {
      this.visits.insert({ page: text });
      return this.notes.insert({ text });
    }
  }

  it('injects tables of several databases, and the database by its class', () => {
    const container = new InversifyContainer();
    container.bind(noteTable.token).toDynamicValue(noteTable.useFactory);
    container.bind(visitTable.token).toDynamicValue(visitTable.useFactory);
    container.bind(Database).toConstantValue(db);
    container.bind(getDatabaseToken('audit')).toConstantValue(audit);
    container.bind(InversifyDesk).toSelf();
    const desk = container.get(InversifyDesk);
    expectToWrite(desk);
    expect(desk.database).toBe(db);
    expect(container.get<Notes>(getTableToken(Note))).toBe(db.table(Note));
  });

  it('says so where no database is bound', () => {
    const container = new InversifyContainer();
    container.bind(noteTable.token).toDynamicValue(noteTable.useFactory);
    expect(() => container.get(noteTable.token)).toThrow(/Database/);
  });
});

describe('TypeDI', () => {
  const NOTES = new Token<Notes>('notes');
  const VISITS = new Token<Visits>('visits');
  afterEach(() => {
    TypediContainer.remove([NOTES, VISITS, Database]);
  });

  @Service()
  class TypediDesk implements Desk {
    constructor(
      @Inject(NOTES) private readonly notes: Notes,
      @Inject(VISITS) private readonly visits: Visits,
      readonly database: Database,
    ) {}

    write(text: string): number {
      this.visits.insert({ page: text });
      return this.notes.insert({ text });
    }
  }

  it('injects tables of several databases, and the database by its class', () => {
    TypediContainer.set({ id: NOTES, factory: noteTable.useFactory });
    // A named database has a token of the user's own: TypeDI's types know no symbols.
    TypediContainer.set({ id: VISITS, factory: () => visitTable.useFactory(audit) });
    // By a factory: a container of a scope makes what it has of the others anew, and a value would be lost on the way.
    TypediContainer.set({ id: Database, factory: () => db });
    const desk = TypediContainer.get(TypediDesk);
    expectToWrite(desk);
    expect(desk.database).toBe(db);
    expect(TypediContainer.of('request').get(NOTES)).toBe(db.table(Note));
  });

  it('says so where no database is set', () => {
    TypediContainer.set({ id: NOTES, factory: noteTable.useFactory });
    expect(() => TypediContainer.get(NOTES)).toThrow(/Database/);
  });
});

describe('Awilix', () => {
  class AwilixDesk implements Desk {
    private readonly notes: Notes;
    private readonly visits: Visits;

    constructor({ notes, visits }: { notes: Notes; visits: Visits }) {
      this.notes = notes;
      this.visits = visits;
    }

    write(text: string): number {
      this.visits.insert({ page: text });
      return this.notes.insert({ text });
    }
  }

  it('injects tables of several databases, by the names of the cradle', () => {
    const container = createContainer<{ desk: AwilixDesk; notes: Notes; database: Database }>({ strict: true });
    container.register({ notes: asFunction(noteTable.useFactory).singleton(), visits: asFunction(visitTable.useFactory).singleton() });
    container.register({ database: asValue(db), [getDatabaseToken('audit') as symbol]: asValue(audit) });
    container.register({ desk: asClass(AwilixDesk).singleton() });
    expectToWrite(container.cradle.desk);
    expect(container.cradle.notes).toBe(db.table(Note));
    expect(container.createScope().cradle.notes).toBe(db.table(Note));
  });

  it('injects by the names of parameters, where it is told to', () => {
    const container = createContainer<{ notes: Notes }>({ injectionMode: InjectionMode.CLASSIC });
    container.register({ database: asValue(db), notes: asFunction((database: Database) => noteTable.useFactory(database)) });
    expect(container.cradle.notes).toBe(db.table(Note));
  });

  it('says so where no database is registered', () => {
    const container = createContainer<{ notes: Notes }>();
    container.register({ notes: asFunction(noteTable.useFactory) });
    expect(() => container.cradle.notes).toThrow(AwilixResolutionError);
    expect(() => container.cradle.notes).toThrow(/database/);
  });
});
