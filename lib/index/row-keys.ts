import type { ColumnSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';

const BLOCK_SHIFT = 10;
const BLOCK_ROWS = 1 << BLOCK_SHIFT;
const BLOCK_MASK = BLOCK_ROWS - 1;

/**
 * The primary keys of a table that has numbers for keys, by row id, off the heap. Indexes keep rows of one value in key
 * order, and compare them here without going to their pages.
 *
 * Kept in blocks, so that growing copies nothing. A block whose rows have the keys that a counter gives a table that
 * nothing was deleted from, row 0 key 1, row 1 key 2, is not kept at all; others take eight bytes a row.
 */
export class RowKeys {
  private readonly blocks: (Block | undefined)[] = [];

  get(row: RowId): number {
    const block = this.blocks[row >>> BLOCK_SHIFT];
    return block === undefined ? row + 1 : (block.keys[row & BLOCK_MASK] as number);
  }

  /** May throw where memory ends; nothing has changed then. */
  set(row: RowId, key: number): void {
    const at = row >>> BLOCK_SHIFT;
    let block = this.blocks[at];
    if (block === undefined) {
      if (key === row + 1) return;
      block = new Block(at * BLOCK_ROWS + 1);
      while (this.blocks.length < at) this.blocks.push(undefined);
      this.blocks[at] = block;
    }
    const before = block.keys[row & BLOCK_MASK] as number;
    block.others += Number(key !== row + 1) - Number(before !== row + 1);
    block.keys[row & BLOCK_MASK] = key;
    if (block.others === 0) this.blocks[at] = undefined;
  }

  /** Of a row that is there no more. */
  forget(row: RowId): void {
    this.set(row, row + 1);
  }

  get bytes(): number {
    return this.blocks.reduce((bytes, block) => bytes + (block?.keys.byteLength ?? 0), 0);
  }
}

class Block {
  readonly keys = new Float64Array(BLOCK_ROWS);
  /** How many of them are not the counter's. */
  others = 0;

  /** @param first the key that a counter gives to the first row */
  constructor(first: number) {
    for (let n = 0; n < BLOCK_ROWS; n++) this.keys[n] = first + n;
  }
}

/** Whether a primary key over these columns is one number. */
export function hasNumberKeys(columns: readonly ColumnSchema[]): boolean {
  const [column] = columns;
  if (columns.length > 1 || column === undefined) return false;
  return column.type.kind === 'int' || (column.type.kind === 'long' && column.type.as === 'number');
}
