import { refuseMisplaced, type TableOptions } from '../lib/schema/description.js';
import { classDescription, type EntityDecorator, misplaced, type Place } from './decorated.js';

/**
 * Makes a class the declaration of a table. Its instances are rows; its constructor is never called.
 *
 * @example
 * ```ts
 * @Table({ name: 'note', version: 1 })
 * class Note {
 *   @PrimaryKey({ autoincrement: true }) id!: number;
 *   @Column() text!: string;
 * }
 * ```
 */
export function Table(options: TableOptions = {}): EntityDecorator {
  return (target: object, place?: Place): void => {
    const description = classDescription(target, place);
    if (description === undefined) {
      misplaced(target, place, '@Table stands on a member of a class', 'Decorate the class');
    } else {
      refuseMisplaced((target as { name: string }).name, [description]);
      description.table = { ...options };
    }
  };
}
