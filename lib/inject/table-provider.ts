import type { Database } from '../database.js';
import { InjectionError } from '../errors.js';
import type { EntityClass } from '../schema/column-type.js';
import type { TableManager } from '../table/table-manager.js';
import { DEFAULT_DATABASE, getDatabaseToken, getTableToken } from './tokens.js';

/** A table, as containers take it: each reads of it what it knows. */
export interface TableProvider<C extends EntityClass> {
  /** `getTableToken(Class, database)`: what the table is registered and injected by. */
  readonly token: symbol;
  /** The token once more, as NestJS calls it. */
  readonly provide: symbol;
  /** What `useFactory` is called with, as NestJS is told. */
  readonly inject: [typeof Database | symbol];
  /**
   * Gives the table of a database, or of what a container hands to factories: tsyringe's container, InversifyJS's
   * context, TypeDI's container, Awilix's cradle.
   *
   * @throws InjectionError where there is no database; SchemaError where it has no such table
   */
  readonly useFactory: (source: object) => TableManager<C>;
}

/**
 * The table of a class, for a container: its token, and the factory that finds the database in the container and gives
 * its table. Containers are asked for `getDatabaseToken(database)`, which is the class `Database` where it has no name;
 * an object, such as Awilix's cradle, for its property `database`, or the named database's token.
 *
 * @example
 * ```ts foreign: whole in docs/containers.md
 * const accounts = table(Account);
 * container.register(accounts.token, accounts);                            // tsyringe
 * container.bind(accounts.token).toDynamicValue(accounts.useFactory);      // InversifyJS
 * Container.set({ id: ACCOUNTS, factory: accounts.useFactory });           // TypeDI, with a Token of yours
 * container.register({ accounts: asFunction(accounts.useFactory) });       // Awilix
 * ```
 */
export function table<C extends EntityClass>(entity: C, database: string = DEFAULT_DATABASE): TableProvider<C> {
  const token = getTableToken(entity, database);
  const inject: [typeof Database | symbol] = [getDatabaseToken(database)];
  const useFactory = (source: object) => databaseIn(source, database).table(entity);
  return Object.freeze({ token, provide: token, inject, useFactory });
}

function databaseIn(source: object, name: string): Database {
  const token = getDatabaseToken(name);
  const found = typeof source === 'object' && source !== null ? lookUp(source, token) : undefined;
  if (isDatabase(found)) return found;
  if (found instanceof Promise) {
    throw new InjectionError('the database is still being opened: await Database.open, and register what it gives');
  }
  const argument = name === DEFAULT_DATABASE ? '' : JSON.stringify(name);
  throw new InjectionError(`there is no database: register what Database.open gives under getDatabaseToken(${argument})`);
}

function lookUp(source: object, token: typeof Database | symbol): unknown {
  if (isDatabase(source)) return source;
  if (has(source, 'resolve')) return source.resolve(token);
  if (has(source, 'get')) return source.get(token);
  return (source as Record<PropertyKey, unknown>)[typeof token === 'symbol' ? token : 'database'];
}

/** Asks with `in` first: Awilix's cradle throws where a name is read that it does not know. */
function has<N extends string>(source: object, method: N): source is Record<N, (token: unknown) => unknown> {
  return method in source && typeof (source as Record<N, unknown>)[method] === 'function';
}

/** By what it can do: a test may put something else in a database's place. */
function isDatabase(value: unknown): value is Database {
  return typeof value === 'object' && value !== null && has(value, 'table');
}
