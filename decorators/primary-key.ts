import { describe, type PrimaryKeyOptions } from '../lib/schema/description.js';
import { propertyName } from './property-name.js';

/**
 * Makes a property the primary key, or, on several, a part of a composite key in order of declaration. The property is
 * a column by this alone; `@Column(type)` beside it says its type.
 *
 * `'autoincrement'` is short for `{ autoincrement: true }`.
 */
export function PrimaryKey(options: PrimaryKeyOptions | 'autoincrement' = {}) {
  return (target: object, property: string | symbol): void => {
    const name = propertyName(target, property, '@PrimaryKey');
    const description = describe(target.constructor);
    description.keys.set(name, options === 'autoincrement' ? { autoincrement: true } : { ...options });
    // A column by this alone, unless @Column says more: here, or on the property of a base class.
    if (!description.columns.has(name)) description.columns.set(name, undefined);
  };
}
