import { describe, type TableOptions } from '../lib/schema/description.js';

/**
 * Makes a class the declaration of a table. Its instances are rows; its constructor is never called.
 *
 * @example
 * ```ts
 * @Table({ name: 'account', version: 1 })
 * class Account { @PrimaryKey({ autoincrement: true }) id!: number }
 * ```
 */
export function Table(options: TableOptions = {}) {
  return (target: object): void => {
    describe(target).table = { ...options };
  };
}
