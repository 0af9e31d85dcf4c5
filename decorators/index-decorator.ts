import type { IndexOptions } from '../lib/schema/description.js';
import { classDescription, type EntityDecorator, type FieldDecorator, fieldDecorator, type Place } from './decorated.js';

/**
 * Keeps an index: on a property over that column, on the class over `columns`, most significant first.
 *
 * `'unique'` is short for `{ unique: true }`.
 *
 * @example
 * ```ts
 * @Table()
 * @Index({ columns: ['country', 'score'] })
 * class Player {
 *   @PrimaryKey('autoincrement') id!: number;
 *   @Index('unique') @Column() name!: string;
 *   @Column() country!: string;
 *   @Column('int') score!: number;
 * }
 * ```
 */
export function Index(options: IndexOptions | 'unique' = {}): EntityDecorator & FieldDecorator {
  const given: IndexOptions = options === 'unique' ? { unique: true } : options;
  const ofField = fieldDecorator('@Index', ({ indexes }, property) => {
    indexes.push({ ...given, property });
  });
  return (target: object | undefined, place?: Place): void => {
    const description = classDescription(target, place);
    // Decorators of a class run from the last to the first; the order kept is the one that is read.
    if (description !== undefined) description.indexes.unshift({ ...given, property: undefined });
    else ofField(target as object, place as string);
  };
}
