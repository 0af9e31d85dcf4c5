import { describe, type IndexOptions } from '../lib/schema/description.js';
import { propertyName } from './property-name.js';

/**
 * Keeps an index: on a property over that column, on the class over `columns`, most significant first.
 *
 * `'unique'` is short for `{ unique: true }`.
 */
export function Index(options: IndexOptions | 'unique' = {}) {
  const given: IndexOptions = options === 'unique' ? { unique: true } : options;
  return (target: object, property?: string | symbol): void => {
    if (property === undefined) {
      // Decorators of a class run from the last to the first; the order kept is the one that is read.
      describe(target).indexes.unshift({ ...given, property: undefined });
    } else {
      const name = propertyName(target, property, '@Index');
      describe(target.constructor).indexes.push({ ...given, property: name });
    }
  };
}
