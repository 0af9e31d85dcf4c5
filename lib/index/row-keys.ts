import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';

const FIRST_CAPACITY = 64;

/**
 * The primary keys of a table that has numbers for keys, by row id: eight bytes a row, off the heap. Indexes keep rows
 * of one value in key order, and compare them here without going to their pages.
 */
export class RowKeys {
  private keys = new Float64Array(FIRST_CAPACITY);

  get(row: RowId): number {
    return this.keys[row] as number;
  }

  /** May throw where memory ends; nothing has changed then. */
  set(row: RowId, key: number): void {
    if (row >= this.keys.length) {
      const larger = new Float64Array(this.keys.length * 2);
      larger.set(this.keys);
      this.keys = larger;
    }
    this.keys[row] = key;
  }

  get bytes(): number {
    return this.keys.byteLength;
  }
}

/** Whether a primary key over these columns is one number. */
export function hasNumberKeys(columns: readonly ColumnSchema[]): boolean {
  const [column] = columns;
  if (columns.length > 1 || column === undefined) return false;
  return column.type.kind === 'int' || (column.type.kind === 'long' && column.type.as === 'number');
}
