import { Database } from '../database.js';
import type { EntityClass } from '../schema/column-type.js';

/** The name of a database that was given none. */
export const DEFAULT_DATABASE = 'default';

/** Which table a token stands for. */
export interface TableOfToken {
  readonly entity: EntityClass;
  readonly database: string;
}

const databaseTokens = new Map<string, symbol>();
// By the class itself: two classes may have one name, and minified ones mostly do.
const tableTokens = new WeakMap<EntityClass, Map<string, symbol>>();
const tablesOfTokens = new WeakMap<symbol, TableOfToken>();

/**
 * What a container knows a database by: the class `Database` for the one without a name, and a symbol for a named one,
 * the same at every call.
 */
export function getDatabaseToken(): typeof Database;
export function getDatabaseToken(database: string | undefined): typeof Database | symbol;
export function getDatabaseToken(database: string = DEFAULT_DATABASE): typeof Database | symbol {
  if (typeof database !== 'string' || database === '') throw new TypeError('a database is named by a string that is not empty');
  if (database === DEFAULT_DATABASE) return Database;
  let token = databaseTokens.get(database);
  if (token === undefined) {
    token = Symbol(`Database ${JSON.stringify(database)}`);
    databaseTokens.set(database, token);
  }
  return token;
}

/**
 * What a container knows the table of a class by: a symbol of this very class and database, the same at every call. It
 * cannot be mistaken for the token of another class, whatever their names.
 *
 * @example
 * ```ts foreign: whole in docs/nestjs.md
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getTableToken(Account)).useValue(fakeAccounts).compile();
 * ```
 */
export function getTableToken(entity: EntityClass, database: string = DEFAULT_DATABASE): symbol {
  assertClass(entity);
  getDatabaseToken(database); // refuses what is no name
  let tokens = tableTokens.get(entity);
  if (tokens === undefined) {
    tokens = new Map();
    tableTokens.set(entity, tokens);
  }
  let token = tokens.get(database);
  if (token === undefined) {
    token = Symbol(`TableManager<${entity.name}>${database === DEFAULT_DATABASE ? '' : ` of database ${JSON.stringify(database)}`}`);
    tokens.set(database, token);
    tablesOfTokens.set(token, Object.freeze({ entity, database }));
  }
  return token;
}

/** Which table a token stands for; `undefined` for anything that `getTableToken` did not make. */
export function tableOfToken(token: unknown): TableOfToken | undefined {
  return typeof token === 'symbol' ? tablesOfTokens.get(token) : undefined;
}

/** @throws TypeError; a class that is `undefined` is mostly one of two files that import each other */
export function assertClass(entity: unknown): asserts entity is EntityClass {
  if (typeof entity === 'function') return;
  const hint = entity === undefined ? ': it is undefined here, as in files that import each other' : '';
  throw new TypeError(`a table is named by its class${hint}`);
}
