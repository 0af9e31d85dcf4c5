import type { PrimaryKeyOptions } from '../lib/schema/description.js';
import { type FieldDecorator, fieldDecorator } from './decorated.js';

/**
 * Makes a property the primary key, or, on several, a part of a composite key in order of declaration. The property is
 * a column by this alone; `@Column(type)` beside it says its type.
 *
 * `'autoincrement'` is short for `{ autoincrement: true }`.
 *
 * @example
 * ```ts
 * import { PrimaryKeyProp } from 'worktable';
 *
 * @Table()
 * class Line {
 *   [PrimaryKeyProp]?: ['order', 'number']; // tells the types, where the key is not `id`
 *   @PrimaryKey() @Column('int') order!: number;
 *   @PrimaryKey() @Column('int') number!: number;
 *   @Column() text!: string;
 * }
 * const lines = new Database({ tables: [Line] }).table(Line);
 * console.log(lines.insert({ order: 7, number: 1, text: 'tea' })); // prints: [ 7, 1 ]
 * ```
 */
export function PrimaryKey(options: PrimaryKeyOptions | 'autoincrement' = {}): FieldDecorator {
  return fieldDecorator('@PrimaryKey', ({ keys, columns }, property) => {
    keys.set(property, options === 'autoincrement' ? { autoincrement: true } : { ...options });
    // A column by this alone, unless @Column says more: here, or on the property of a base class.
    if (!columns.has(property)) columns.set(property, undefined);
  });
}
