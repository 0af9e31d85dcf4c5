import { switches } from '../switches.js';
import type { ColumnSchema } from './table-schema.js';

export type RowClass = new (...values: unknown[]) => object;

const FRACTION = 0.5;
const LARGE = 2 ** 40;

/**
 * A row of a table that nobody gets. V8 keeps a hidden class as long as there is an object of it, and drops with it all
 * code that was optimized for such objects. Rows come and go: without this one, a full collection that finds none in use
 * had the decoder, and whatever reads rows, interpreted and optimized anew.
 */
export class KeptRow {
  /** By column: whether `enlarge` was told of it. */
  readonly large: boolean[];
  /** Held, not read. */
  protected row: object | undefined;

  constructor(
    private readonly Row: RowClass,
    private readonly columns: readonly ColumnSchema[],
  ) {
    this.large = columns.map(() => false);
    this.row = this.make();
  }

  /** Tells that rows have a number in this column that V8 does not hold as a small integer: their hidden class is another from now on. */
  enlarge(position: number): void {
    this.large[position] = true;
    this.row = this.make();
  }

  private make(): object | undefined {
    if (!switches.keptRow) return undefined;
    return new this.Row(...this.columns.map((column) => sampleOf(column, this.large[column.position] as boolean)));
  }
}

/** Whether a column's property may be a small integer in one row, and a larger one in the next. */
export function mayGrow({ type, nullable }: ColumnSchema): boolean {
  return !nullable && 'as' in type && type.as === 'number';
}

/** A value that V8 represents as it does the column's. Whatever is no number is an object to it, and null is. */
function sampleOf(column: ColumnSchema, large: boolean): unknown {
  if (column.nullable) return null;
  if (mayGrow(column)) return large ? LARGE : 0;
  switch (column.type.kind) {
    case 'int':
      return 0;
    case 'float':
    case 'double':
      return FRACTION;
    default:
      return null;
  }
}
