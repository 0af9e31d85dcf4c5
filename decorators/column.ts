import type { ColumnOptions, ScalarName } from '../lib/schema/description.js';
import { type FieldDecorator, fieldDecorator } from './decorated.js';

/**
 * Makes a property a column. The type is one of Avro's names, or comes from the options (`enum`, `items`, `values`,
 * `type: () => Class`), or else from the metadata that the compiler emits, which standard decorators have none of.
 *
 * @example
 * ```ts
 * @Table()
 * class Note {
 *   @PrimaryKey('autoincrement') id!: number;
 *   @Column() text!: string;
 *   @Column('int') score!: number;
 *   @Column({ nullable: true }) author?: string | null;
 *   @Column({ items: 'string' }) tags!: string[];
 * }
 * ```
 */
export function Column(type?: ScalarName | ColumnOptions, options: ColumnOptions = {}): FieldDecorator {
  const given = typeof type === 'string' ? { ...options, type } : { ...type };
  return fieldDecorator('@Column', ({ columns }, property) => {
    columns.set(property, given);
  });
}
