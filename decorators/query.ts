import { SchemaError } from '../lib/errors.js';
import { describe, type QueryOptions } from '../lib/schema/description.js';

/**
 * Declares a query on a static property: it appears as `table.queries.NAME`, typed by the property.
 *
 * @example
 * ```ts
 * @Query({ update: ['plan'], by: 'country' })
 * static setPlanByCountry: UpdateQuery<Account, 'plan', 'country'>;
 * ```
 */
export function Query(options: QueryOptions) {
  return (target: object, property: string | symbol): void => {
    const onClass = typeof target === 'function';
    const owner = onClass ? target : (target.constructor as { name: string });
    if (!onClass || typeof property !== 'string') {
      throw new SchemaError(
        owner.name,
        String(property),
        '@Query stands on a property that is not static',
        'Declare it as a static property',
      );
    }
    describe(target).queries.set(property, { ...options });
  };
}
