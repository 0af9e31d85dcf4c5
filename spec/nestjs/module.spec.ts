import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type DynamicModule,
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Column, Database, InjectionError, PrimaryKey, Table, TableManager } from '../../lib/index.js';
import { table } from '../../lib/inject/index.js';
import {
  getDatabaseToken,
  getTableToken,
  InjectDatabase,
  InjectTable,
  WorkTableModule,
  type WorkTableOptions,
  type WorkTableOptionsFactory,
} from '../../lib/nestjs/index.js';
import { Note, Visit } from '../support/notes.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();

interface Closable {
  close(): Promise<void>;
}
const opened: Closable[] = [];
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

/** Starts an application of these modules and providers, without a server. */
async function start(imports: DynamicModule['imports'], providers: Provider[] = []) {
  @Module({ imports: imports ?? [], providers })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  opened.push(app);
  return app;
}

function moduleOf(imports: DynamicModule['imports'], providers: Provider[]): Type {
  @Module({ imports: imports ?? [], providers })
  class FeatureModule {}
  return FeatureModule;
}

@Injectable()
class Desk {
  @InjectTable(Note) readonly byProperty!: TableManager<typeof Note>;

  constructor(
    @InjectTable(Note) readonly notes: TableManager<typeof Note>,
    @InjectDatabase() readonly injected: Database,
    readonly db: Database,
  ) {}
}

@Injectable()
class Archive {
  constructor(
    @InjectTable(Note, 'archive') readonly notes: TableManager<typeof Note>,
    @InjectDatabase('archive') readonly db: Database,
  ) {}
}

describe('WorkTableModule.forFeature', () => {
  it('injects tables that no list names, into parameters and properties, and the database by its type', async () => {
    const app = await start([WorkTableModule.forRoot(), moduleOf([WorkTableModule.forFeature([Note])], [Desk])]);
    const { notes, byProperty, injected, db } = app.get(Desk);
    expect(notes.insert({ text: 'a' })).toBe(1);
    expect(notes).toBeInstanceOf(TableManager);
    expect(byProperty).toBe(notes);
    expect(injected).toBe(db);
    expect(db.table(Note)).toBe(notes);
    expect(app.get(getTableToken(Note))).toBe(notes);
    expect(app.get(getDatabaseToken())).toBe(db);
  });

  it('adds to the tables of forRoot, each class once, wherever the modules stand', async () => {
    const features = [moduleOf([WorkTableModule.forFeature([Visit, Note])], []), moduleOf([WorkTableModule.forFeature([Note])], [Desk])];
    const app = await start([...features, WorkTableModule.forRoot({ tables: [Note] })]);
    expect(app.get(Database).tables.map(({ name }) => name)).toEqual(['note', 'visit']);
  });

  it('keeps its tables to the modules that import it', async () => {
    const imports = [WorkTableModule.forRoot(), moduleOf([WorkTableModule.forFeature([Note])], []), moduleOf([], [Desk])];
    await expect(start(imports)).rejects.toThrow(/dependencies of the Desk.*Symbol\(TableManager<Note>\)/s);
  });

  it('leaves no table to the next application of the process', async () => {
    await start([WorkTableModule.forRoot(), WorkTableModule.forFeature([Note, Visit])]);
    const app = await start([WorkTableModule.forRoot(), WorkTableModule.forFeature([Visit])]);
    expect(app.get(Database).tables.map(({ name }) => name)).toEqual(['visit']);
  });

  it('tells classes of one name apart', async () => {
    const named = (name: string) => {
      @Table({ name })
      class Note {
        @PrimaryKey('autoincrement') id!: number;
        @Column() text!: string;
      }
      return Note;
    };
    const [one, other] = [named('one'), named('other')];
    const app = await start([WorkTableModule.forRoot(), WorkTableModule.forFeature([one, other])]);
    const tables = [one, other].map((entity) => app.get<TableManager<typeof one>>(getTableToken(entity)));
    expect(tables.map(({ name }) => name)).toEqual(['one', 'other']);
  });

  it('takes table(Class) among the providers of a module instead', async () => {
    const app = await start([WorkTableModule.forRoot()], [table(Note), Desk]);
    expect(app.get(Desk).notes.insert({ text: 'a' })).toBe(1);
  });
});

describe('WorkTableModule.forRoot', () => {
  it('injects the tables that it names everywhere, without forFeature', async () => {
    const app = await start([WorkTableModule.forRoot({ tables: [Note] }), moduleOf([], [Desk])]);
    expect(app.get(Desk).notes.insert({ text: 'a' })).toBe(1);
  });

  it('opens several databases, one table of a class in each', async () => {
    const app = await start([
      WorkTableModule.forRoot({ path: directory() }),
      WorkTableModule.forRoot({ name: 'archive' }),
      moduleOf([WorkTableModule.forFeature([Note]), WorkTableModule.forFeature([Note], 'archive')], [Desk, Archive]),
      moduleOf([WorkTableModule.forFeature([Visit], 'archive')], []),
    ]);
    const [desk, archive] = [app.get(Desk), app.get(Archive)];
    expect(archive.db).not.toBe(desk.db);
    expect(desk.notes.insert({ text: 'a' })).toBe(1);
    expect([desk.notes.count(), archive.notes.count()]).toEqual([1, 0]);
    expect([desk.db, archive.db].map((db) => db.tables.map(({ name }) => name))).toEqual([['note'], ['note', 'visit']]);
    expect(desk.db.recovery).toBeDefined();
    expect(archive.db.recovery).toBeUndefined();
  });

  it('stores, closes with the application, and finds it again', async () => {
    const path = directory();
    for (const round of [1, 2, 3]) {
      const app = await start([WorkTableModule.forRoot({ path }), WorkTableModule.forFeature([Note])], [Desk]);
      const { notes, db } = app.get(Desk);
      expect(db.recovery?.clean).toBe(true);
      expect(notes.insert({ text: `note ${round}` })).toBe(round);
      await app.close();
      expect(db.closed).toBe(true);
    }
  });

  it('opens before anything is told that the application begins', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Beginner {
      constructor(@InjectTable(Note) readonly notes: TableManager<typeof Note>) {
        seen.push(notes.insert({ text: 'constructed' }));
      }
      onModuleInit() {
        seen.push(this.notes.insert({ text: 'module' }));
      }
      onApplicationBootstrap() {
        seen.push(this.notes.insert({ text: 'application' }));
      }
    }
    await start([WorkTableModule.forRoot({ path: directory() }), WorkTableModule.forFeature([Note])], [Beginner]);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('fails the start of the application where it cannot open, and lets go of the store', async () => {
    const path = directory();
    const holder = await Database.open({ path, tables: [Note] });
    const modules = () => [WorkTableModule.forRoot({ path }), WorkTableModule.forFeature([Note])];
    await expect(start(modules())).rejects.toMatchObject({ code: 'WT_DATABASE_LOCKED' });
    await holder.close();
    const unstored = [WorkTableModule.forRoot({ path }), WorkTableModule.forFeature([Visit])];
    await expect(start(unstored)).rejects.toMatchObject({ code: 'WT_SCHEMA_MISMATCH' });
    await start(modules());
  });
});

describe('WorkTableModule.forRootAsync', () => {
  const PATH = Symbol('path');
  @Injectable()
  class Options implements WorkTableOptionsFactory {
    constructor(@Inject(PATH) readonly path: string) {}
    async createWorkTableOptions(): Promise<WorkTableOptions> {
      await sleep(5);
      return { path: this.path, tables: [Visit] };
    }
  }
  @Global()
  @Module({ providers: [{ provide: PATH, useFactory: directory }], exports: [PATH] })
  class PathModule {}
  @Module({ imports: [PathModule], providers: [Options], exports: [Options] })
  class OptionsModule {}

  it.each([
    ['useFactory', { imports: [PathModule], inject: [PATH], useFactory: (path: string) => ({ path, tables: [Visit] }) }],
    ['useClass', { imports: [PathModule], useClass: Options }],
    ['useExisting', { imports: [OptionsModule], useExisting: Options }],
  ])('opens with the options that %s gives', async (_way, options) => {
    const app = await start([WorkTableModule.forRootAsync(options), WorkTableModule.forFeature([Note])], [Desk]);
    const { notes, db } = app.get(Desk);
    notes.insert({ text: 'a' });
    await db.waitForOps();
    expect(db.recovery).toBeDefined();
    expect(db.tables.map(({ name }) => name)).toEqual(['visit', 'note']);
  });

  it('takes a name and tables beside the factory', async () => {
    const useFactory = () => ({});
    const app = await start([WorkTableModule.forRootAsync({ name: 'archive', tables: [Note], useFactory }), moduleOf([], [Archive])]);
    expect(app.get(Archive).notes.insert({ text: 'a' })).toBe(1);
  });

  it('refuses a name that the factory gives, for tokens are known before', async () => {
    const useFactory = () => ({ name: 'archive' }) as WorkTableOptions; // types refuse it too
    await expect(start([WorkTableModule.forRootAsync({ useFactory })])).rejects.toThrow(/the name stands beside the factory/);
    await start([WorkTableModule.forRootAsync({ name: 'archive', useFactory })]);
  });

  it('refuses no way, two ways, and a factory that gives no options', async () => {
    expect(() => WorkTableModule.forRootAsync({})).toThrow(/one of useFactory, useClass and useExisting/);
    expect(() => WorkTableModule.forRootAsync({ useClass: Options, useExisting: Options })).toThrow(TypeError);
    await expect(start([WorkTableModule.forRootAsync({ useFactory: () => undefined as never })])).rejects.toThrow(/gives options/);
    const useFactory = () => Promise.reject(new Error('no configuration'));
    await expect(start([WorkTableModule.forRootAsync({ useFactory })])).rejects.toThrow('no configuration');
  });
});

describe('what cannot be injected', () => {
  it('is refused where it is named: no class, no array, no options', () => {
    expect(() => InjectTable(undefined as never)).toThrow(/undefined here, as in files that import each other/);
    expect(() => WorkTableModule.forFeature([Note, undefined as never])).toThrow(/undefined here/);
    expect(() => WorkTableModule.forFeature(Note as never)).toThrow(/an array of classes/);
    expect(() => WorkTableModule.forRoot({ tables: [undefined as never] })).toThrow(/undefined here/);
    expect(() => WorkTableModule.forRoot(null as never)).toThrow(TypeError);
  });

  it('names the database that is missing', async () => {
    const wanted = WorkTableModule.forFeature([Note], 'archive');
    await expect(start([WorkTableModule.forRoot(), wanted])).rejects.toThrow(/Symbol\(Database "archive"\)/);
    await expect(start([WorkTableModule.forFeature([Note])])).rejects.toThrow(/argument Database at index \[0\]/);
  });

  it('names two databases of one name', async () => {
    const twice = [WorkTableModule.forRoot(), WorkTableModule.forRoot()];
    await expect(start(twice)).rejects.toThrow(
      new InjectionError('two databases are called "default": give forRoot({ name }) to all but one of them'),
    );
    const once = WorkTableModule.forRoot();
    await start([once, moduleOf([once], [])]);
  });

  it('names the class that is no table, and the property that is wrong', async () => {
    class Undecorated {}
    const refused = start([WorkTableModule.forRoot(), WorkTableModule.forFeature([Undecorated])]);
    await expect(refused).rejects.toMatchObject({ code: 'WT_SCHEMA', className: 'Undecorated' });
  });

  it('names the class that came after the database was opened', async () => {
    const app = await start([WorkTableModule.forRoot({ tables: [Note] })]);
    const late = app.get(LazyModuleLoader).load(() => moduleOf([WorkTableModule.forFeature([Visit])], []));
    await expect(late).rejects.toThrow(/Visit is not among the tables of this database\. It was opened before/);
    const known = await app.get(LazyModuleLoader).load(() => moduleOf([WorkTableModule.forFeature([Note])], [Desk]));
    expect(known.get(Desk, { strict: false }).notes.insert({ text: 'a' })).toBe(1);
  });
});

describe('tests of an application', () => {
  const testing = () =>
    Test.createTestingModule({
      imports: [WorkTableModule.forRoot({ path: '/dev/null/never' }), WorkTableModule.forFeature([Note])],
      providers: [Desk],
    });

  it('put another database in its place, which stays theirs to close', async () => {
    const db = new Database({ tables: [Note] });
    const module = await testing().overrideProvider(getDatabaseToken()).useValue(db).compile();
    const { notes } = module.get(Desk);
    expect(notes).toBe(db.table(Note));
    await module.close();
    expect(notes.insert({ text: 'still open' })).toBe(1);
  });

  it('put another table in its place', async () => {
    const inMemory = new Database({ tables: [Note] });
    const fake = { insert: () => 7 };
    const module = await testing()
      .overrideProvider(Database)
      .useValue(inMemory)
      .overrideProvider(getTableToken(Note))
      .useValue(fake)
      .compile();
    expect(module.get(Desk).notes).toBe(fake);
  });

  it('are told where their database lacks a table', async () => {
    const empty = new Database({ tables: [Visit] });
    const compiled = testing().overrideProvider(Database).useValue(empty).compile();
    await expect(compiled).rejects.toThrow(/Note is not among the tables of this database\..*given in place of the one of forRoot/);
  });
});

describe('the end of an application', () => {
  /** Writes in every hook, the last time after a while. */
  function writerOf(entity: typeof Note, database?: string): Type<OnApplicationShutdown> {
    @Injectable()
    class Writer {
      constructor(@InjectTable(entity, database) readonly notes: TableManager<typeof Note>) {}
      onModuleDestroy() {
        this.notes.insert({ text: 'destroy' });
      }
      beforeApplicationShutdown() {
        this.notes.insert({ text: 'before' });
      }
      async onApplicationShutdown() {
        await sleep(10);
        this.notes.insert({ text: 'shutdown' });
      }
    }
    return Writer;
  }

  async function textsIn(path: string): Promise<string[]> {
    const db = await Database.open({ path, tables: [Note] });
    const texts = [...db.table(Note).selectAll()].map(({ text }) => text);
    expect(db.recovery?.clean).toBe(true);
    expect([...db.check()]).toEqual([]);
    await db.close();
    return texts;
  }

  function writing(isGlobal: boolean, database?: string): DynamicModule {
    const imports = [WorkTableModule.forFeature([Note], database)];
    return { module: moduleOf(imports, [writerOf(Note, database)]), global: isGlobal };
  }

  it.each([
    ['a module', false, 'before', 'after'],
    ['a module', false, 'after', 'before'],
    ['a global module', true, 'before', 'after'],
    ['a global module', true, 'after', 'before'],
  ])('lets %s write in its last hook (global %s), imported %s the database', async (_what, isGlobal, where) => {
    const path = directory();
    const root = WorkTableModule.forRoot({ path });
    const app = await start(where === 'before' ? [writing(isGlobal), root] : [root, writing(isGlobal)]);
    await app.close();
    expect(await textsIn(path)).toEqual(['destroy', 'before', 'shutdown']);
  });

  it('lets a module that is deep below others write, into several databases', async () => {
    const paths = [directory(), directory()] as const;
    const deep = moduleOf([moduleOf([moduleOf([writing(false)], []), writing(true, 'archive')], [])], []);
    const app = await start([
      WorkTableModule.forRoot({ path: paths[0] }),
      WorkTableModule.forRootAsync({ name: 'archive', useFactory: () => ({ path: paths[1] }) }),
      deep,
    ]);
    await app.close();
    for (const path of paths) expect(await textsIn(path)).toEqual(['destroy', 'before', 'shutdown']);
  });

  it('is harmless when repeated', async () => {
    const path = directory();
    const app = await start([WorkTableModule.forRoot({ path }), writing(false)]);
    await Promise.all([app.close(), app.close()]);
    expect(app.get(Database).closed).toBe(true);
  });
});
