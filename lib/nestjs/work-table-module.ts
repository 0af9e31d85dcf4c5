import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import type { Database } from '../database.js';
import { InjectionError, SchemaError } from '../errors.js';
import { table } from '../inject/table-provider.js';
import { assertClass, DEFAULT_DATABASE, getDatabaseToken } from '../inject/tokens.js';
import type { EntityClass } from '../schema/column-type.js';
import { DATABASE_HOST, DatabaseHost, HOST_OPTIONS, type HostOptions } from './database-host.js';
import { HEALTH_INDICATOR, WorkTableHealthIndicator } from './health-indicator.js';
import type { WorkTableModuleAsyncOptions, WorkTableModuleOptions, WorkTableOptions, WorkTableOptionsFactory } from './options.js';

/**
 * Databases in a NestJS application: opened before its first request, closed, with everything stored and synced, after
 * its last hook of shutting down.
 *
 * `forRoot` or `forRootAsync` stand once for each database, in the root module. `forFeature` stands in each module that
 * injects tables.
 *
 * @example
 * ```ts foreign: whole in docs/nestjs.md
 * @Module({ imports: [WorkTableModule.forRoot({ path: './data' }), AccountsModule] })
 * class AppModule {}
 *
 * @Module({ imports: [WorkTableModule.forFeature([Account])], providers: [AccountsService] })
 * class AccountsModule {}
 *
 * @Injectable()
 * class AccountsService {
 *   constructor(@InjectTable(Account) private readonly accounts: TableManager<typeof Account>) {}
 * }
 * ```
 */
// biome-ignore lint/complexity/noStaticOnlyClass: NestJS's modules are classes
export class WorkTableModule {
  /**
   * Opens a database with the application. The tables that are named here can be injected everywhere, and so can the
   * database, as `Database` or by `@InjectDatabase(name)`.
   */
  static forRoot(options: WorkTableModuleOptions = {}): DynamicModule {
    if (typeof options !== 'object' || options === null) throw new TypeError('forRoot takes options, as { path, name }');
    const { name, tables } = options;
    return rootModule(name, tables, [], (known) => ({ provide: HOST_OPTIONS, useValue: { ...options, ...known } }));
  }

  /**
   * As `forRoot`, with options that other providers make: `useFactory`, called with what `inject` names; or
   * `createWorkTableOptions` of a class, of its own (`useClass`) or one that is there already (`useExisting`).
   *
   * @example
   * ```ts foreign: whole in docs/nestjs.md
   * WorkTableModule.forRootAsync({ inject: [ConfigService], useFactory: (config) => ({ path: config.getOrThrow('DATA') }) })
   * ```
   */
  static forRootAsync(options: WorkTableModuleAsyncOptions): DynamicModule {
    const { name, tables, imports, useFactory, useClass, useExisting, inject } = options;
    const ways = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
    if (ways.length !== 1) throw new TypeError('forRootAsync takes one of useFactory, useClass and useExisting');
    const {
      module,
      providers = [],
      ...rest
    } = rootModule(name, tables, imports, (known) =>
      useFactory === undefined
        ? {
            provide: HOST_OPTIONS,
            inject: [(useClass ?? useExisting) as NonNullable<typeof useExisting>],
            useFactory: async (factory: WorkTableOptionsFactory) => merged(await factory.createWorkTableOptions(), known),
          }
        : {
            provide: HOST_OPTIONS,
            inject: inject ?? [],
            useFactory: async (...injected: unknown[]) => merged(await useFactory(...injected), known),
          },
    );
    return { module, providers: useClass === undefined ? providers : [...providers, useClass], ...rest };
  }

  /**
   * The tables of these classes, for the providers of the module that imports this. The database has them by that: they
   * need not be named in `forRoot`, whose database, or the one that is named here, they belong to.
   */
  static forFeature(entities: readonly EntityClass[], database: string = DEFAULT_DATABASE): DynamicModule {
    if (!Array.isArray(entities)) throw new TypeError('forFeature takes an array of classes: forFeature([Account])');
    return { module: WorkTableModule, ...tablesOf(entities, database) };
  }
}

Module({})(WorkTableModule);

type Known = Pick<HostOptions, 'name' | 'tables'>;

function rootModule(
  name: string = DEFAULT_DATABASE,
  tables: readonly EntityClass[] = [],
  imports: DynamicModule['imports'],
  options: (known: Known) => Provider,
): DynamicModule {
  const token = getDatabaseToken(name);
  const { providers, exports } = tablesOf(tables, name);
  return {
    module: WorkTableModule,
    global: true,
    imports: imports ?? [],
    providers: [
      options({ name, tables }),
      DATABASE_HOST,
      { provide: token, inject: [DatabaseHost], useFactory: (host: DatabaseHost) => host.open() },
      HEALTH_INDICATOR,
      ...providers,
    ],
    exports: [token, WorkTableHealthIndicator, ...exports],
  };
}

function tablesOf(entities: readonly EntityClass[], database: string) {
  for (const entity of entities) assertClass(entity);
  const providers = [...new Set(entities)].map((entity) => {
    const { provide, inject, useFactory } = table(entity, database);
    return { provide, inject, useFactory: (db: Database) => explained(() => useFactory(db)) };
  });
  return { providers, exports: providers.map(({ provide }) => provide) };
}

function merged(made: WorkTableOptions & { readonly name?: unknown }, { name, tables }: Known): HostOptions {
  if (typeof made !== 'object' || made === null) throw new TypeError('forRootAsync: the factory gives options, as { path }');
  if (made.name !== undefined && made.name !== name) {
    throw new InjectionError('forRootAsync: the name stands beside the factory, not in what it gives; forRootAsync({ name, … })');
  }
  return { ...made, name, tables: [...tables, ...(made.tables ?? [])] };
}

/** A class that a database lacks though a module asked for it: the database was opened before, or is another one. */
function explained<T>(give: () => T): T {
  try {
    return give();
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const when = 'It was opened before this module was loaded, or was given in place of the one of forRoot';
    throw new InjectionError(`${error.className} is not among the tables of this database. ${when}: name the class in its tables.`, {
      cause: error,
    });
  }
}
