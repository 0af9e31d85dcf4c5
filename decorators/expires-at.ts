import { type FieldDecorator, fieldDecorator } from './decorated.js';

/**
 * Says when a row expires: from that time on no read gives it, and it is removed. The property is a column of type
 * `timestamp-millis`, nullable if it is declared so, and then a row with null never expires. An index over it is made.
 *
 * With `@Table({ ttlMs })`, a row that is inserted or replaced without it expires so many milliseconds later.
 *
 * @example
 * ```ts
 * import { ExpiresAt } from 'worktable';
 *
 * @Table()
 * class Invitation {
 *   @PrimaryKey('autoincrement') id!: number;
 *   @ExpiresAt() expiresAt!: Date;
 * }
 * ```
 */
export function ExpiresAt(): FieldDecorator {
  return fieldDecorator('@ExpiresAt', ({ expires }, property) => {
    expires.add(property);
  });
}
