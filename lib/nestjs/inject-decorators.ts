import { Inject } from '@nestjs/common';
import { getDatabaseToken, getTableToken } from '../inject/tokens.js';
import type { EntityClass } from '../schema/column-type.js';

/**
 * Injects the table of a class, into a constructor's parameter or a property: a `TableManager<typeof Class>`.
 *
 * @example
 * ```ts foreign: whole in docs/nestjs.md
 * constructor(@InjectTable(Account) private readonly accounts: TableManager<typeof Account>) {}
 * ```
 */
export function InjectTable(entity: EntityClass, database?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getTableToken(entity, database));
}

/** Injects a `Database`. The one without a name is injected by its type alone, too. */
export function InjectDatabase(database?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getDatabaseToken(database));
}
