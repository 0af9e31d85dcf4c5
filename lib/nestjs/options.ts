import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { OpenOptions } from '../database.js';
import type { EntityClass } from '../schema/column-type.js';

/** How a database of an application is opened: what `Database.open` takes, and with no `path`, in memory alone. */
export interface WorkTableOptions extends Omit<OpenOptions, 'tables'> {
  /**
   * Its classes. Those of `forFeature`, wherever in the application, are added by themselves: they need not stand here.
   * A store refuses to open without the class of each table in it, so that programs which share a store do best to share
   * one list of its classes and give it here.
   */
  readonly tables?: readonly EntityClass[];
}

/** What `forRoot` takes: how a database is opened, and what it is called. */
export interface WorkTableModuleOptions extends WorkTableOptions {
  /** What this database is told apart by, in an application that has several. */
  readonly name?: string;
}

/** A provider that makes the options: for `useClass` and `useExisting`. */
export interface WorkTableOptionsFactory {
  createWorkTableOptions(): WorkTableOptions | Promise<WorkTableOptions>;
}

/** Options that are made by other providers: by one of `useFactory`, `useClass` and `useExisting`. */
export interface WorkTableModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** As in `forRoot`. It stands here, and not in what the factory gives: tokens must be known before it runs. */
  readonly name?: string;
  /** Classes whose tables can be injected everywhere, as those of `forRoot({ tables })`. */
  readonly tables?: readonly EntityClass[];
  // biome-ignore lint/suspicious/noExplicitAny: whatever `inject` names
  readonly useFactory?: (...injected: any[]) => WorkTableOptions | Promise<WorkTableOptions>;
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useClass?: Type<WorkTableOptionsFactory>;
  readonly useExisting?: InjectionToken<WorkTableOptionsFactory>;
}
