import { type ColumnOptions, describe, type ScalarName } from '../lib/schema/description.js';
import { propertyName } from './property-name.js';

/**
 * Makes a property a column. The type is one of Avro's names, or comes from the options (`enum`, `items`, `values`,
 * `type: () => Class`), or else from the metadata that the compiler emits.
 *
 * @example
 * ```ts
 * @Column() email!: string;
 * @Column('int') score!: number;
 * @Column({ nullable: true }) note?: string | null;
 * @Column({ items: 'string' }) tags!: string[];
 * ```
 */
export function Column(type?: ScalarName | ColumnOptions, options: ColumnOptions = {}) {
  return (target: object, property: string | symbol): void => {
    const name = propertyName(target, property, '@Column');
    const given = typeof type === 'string' ? { ...options, type } : { ...type };
    describe(target.constructor).columns.set(name, given);
  };
}
