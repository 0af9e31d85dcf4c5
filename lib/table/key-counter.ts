import { ValidationError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';

/**
 * The autoincrement counter: the last key that was given out or supplied. It only rises, but for a rollback, which
 * puts back the value from before. For tables without one it stays 0.
 */
export class KeyCounter {
  value: number | bigint;
  private readonly column: ColumnSchema;
  private readonly counts: boolean;
  private readonly last: number | bigint;

  constructor(private readonly schema: TableSchema) {
    this.column = schema.columns[schema.key.columns[0] as number] as ColumnSchema;
    this.counts = schema.key.autoincrement;
    const { type } = this.column;
    const wide = type.kind === 'long' && type.as === 'bigint';
    this.value = wide ? 0n : 0;
    this.last = wide ? 2n ** 63n - 1n : type.kind === 'int' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
  }

  /** The key after the last one; the counter stays. @throws ValidationError when the column's keys are used up. */
  peek(): number | bigint {
    const { value } = this;
    if (value >= this.last) throw new ValidationError(this.schema.name, this.column.name, 'the autoincrement keys are used up');
    return typeof value === 'bigint' ? value + 1n : value + 1;
  }

  /** Whether the counter can have this value. */
  accepts(value: bigint): boolean {
    return value >= 0n && value <= BigInt(this.last);
  }

  /** A row with this key was inserted: the counter moves past it. */
  supplied(key: Key): void {
    if (this.counts && (key as number | bigint) > this.value) this.value = key as number | bigint;
  }
}
