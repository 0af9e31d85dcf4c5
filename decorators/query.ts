import type { QueryOptions } from '../lib/schema/description.js';
import { isStandard, memberDescription, misplaced, nameOf, type Place, type StaticFieldDecorator } from './decorated.js';

/**
 * Declares a query on a static property: it appears as `table.queries.NAME`, typed by the property.
 *
 * @example
 * ```ts
 * import { Query, type UpdateQuery } from 'worktable';
 *
 * @Table()
 * class Customer {
 *   @PrimaryKey('autoincrement') id!: number;
 *   @Index() @Column() country!: string;
 *   @Column() plan!: string;
 *
 *   @Query({ update: ['plan'], by: 'country' })
 *   static setPlanByCountry: UpdateQuery<Customer, 'plan', 'country'>;
 * }
 * const customers = new Database({ tables: [Customer] }).table(Customer);
 * customers.insert({ country: 'FR', plan: 'free' });
 * console.log(customers.queries.setPlanByCountry('FR', { plan: 'paid' })); // prints: 1
 * ```
 */
export function Query(options: QueryOptions): StaticFieldDecorator {
  return (target: object | undefined, place: Place): void => {
    const property = nameOf(place);
    if (typeof property === 'string' && isStaticProperty(target, place)) {
      memberDescription(target, place).queries.set(property, { ...options });
    } else {
      misplaced(target, place, '@Query stands on a property that is not static', 'Declare it as a static property');
    }
  };
}

function isStaticProperty(target: unknown, place: Place): boolean {
  if (!isStandard(place)) return typeof target === 'function';
  return place.kind === 'field' && place.static === true && place.private !== true;
}
