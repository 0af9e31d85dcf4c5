import { type FactoryProvider, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Database } from '../database.js';
import { InjectionError } from '../errors.js';
import { getDatabaseToken, tableOfToken } from '../inject/tokens.js';
import type { EntityClass } from '../schema/column-type.js';
import type { WorkTableModuleOptions } from './options.js';

/** What a host is told: the options of its module, the database's name and its static list of tables among them. */
export const HOST_OPTIONS = Symbol('WorkTableModuleOptions');
export type HostOptions = WorkTableModuleOptions & { readonly name: string; readonly tables: readonly EntityClass[] };

/**
 * Opens a database of an application, and closes it when everything else has ended. A database that a test put in its
 * place was not opened here, and is not closed either.
 */
export class DatabaseHost implements OnApplicationShutdown {
  private readonly logger: Logger;
  private opened: Database | undefined;

  constructor(
    private readonly options: HostOptions,
    private readonly modules: ModulesContainer,
  ) {
    this.logger = new Logger(options.name === 'default' ? 'WorkTable' : `WorkTable ${options.name}`);
    // Hooks of shutting down run in the order of distance. Global modules share the largest one, and any of them may
    // still write in its own: a database comes behind them.
    for (const module of modules.values()) if (module.providers.has(DatabaseHost)) module.distance = Number.POSITIVE_INFINITY;
  }

  async open(): Promise<Database> {
    const { name, ...options } = this.options;
    const token = getDatabaseToken(name);
    const hosts = [...this.modules.values()].filter(({ providers }) => providers.has(DatabaseHost) && providers.has(token));
    if (hosts.length > 1) {
      throw new InjectionError(`two databases are called ${JSON.stringify(name)}: give forRoot({ name }) to all but one of them`);
    }
    const db = await Database.open({ ...options, tables: [...new Set([...options.tables, ...this.requiredTables()])] });
    this.opened = db;
    this.report(db);
    return db;
  }

  /**
   * The classes whose tables of this database are provided anywhere in this application: by `forFeature`, or by
   * `table(Class)` among a module's providers. Read from the application, not from a list that all of a process share:
   * what another test of the same process imported is none of its tables.
   */
  private requiredTables(): EntityClass[] {
    return [...this.modules.values()].flatMap(({ providers }) =>
      [...providers.keys()].flatMap((token) => {
        const table = tableOfToken(token);
        return table?.database === this.options.name ? [table.entity] : [];
      }),
    );
  }

  private report(db: Database): void {
    const { logger } = this;
    const { recovery } = db;
    const rows = db.tables.reduce((sum, table) => sum + table.count(), 0);
    const found = recovery === undefined ? 'in memory' : `${rows} rows, read in ${recovery.durationMs.toFixed(0)} ms`;
    logger.log(`Database opened: ${db.tables.length} tables, ${found}`);
    db.on('fatal', (error) => logger.error(error.message, error.stack));
    db.on('full', (error) => logger.error(error.message));
    db.on('room', () => logger.log('There is room on the disk again'));
    db.on('checkpointError', (error) => logger.error(`A checkpoint did not succeed: ${String(error)}`));
    db.on('listenerError', (error, event) => logger.error(`A listener to '${event}' failed: ${String(error)}`, stackOf(error)));
  }

  async onApplicationShutdown(): Promise<void> {
    const db = this.opened;
    if (db === undefined) return;
    try {
      await db.close();
      this.logger.log('Database closed');
    } catch (error) {
      this.logger.error('The database was not closed: what was not acknowledged as durable may be lost', stackOf(error));
      throw error;
    }
  }
}

/** Made by a factory: this source is compiled with decorators of either kind, and those of parameters are of one. */
export const DATABASE_HOST: FactoryProvider<DatabaseHost> = {
  provide: DatabaseHost,
  inject: [HOST_OPTIONS, ModulesContainer],
  useFactory: (options: HostOptions, modules: ModulesContainer) => new DatabaseHost(options, modules),
};

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
