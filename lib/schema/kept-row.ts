import { switches } from '../switches.js';
import type { ColumnSchema } from './table-schema.js';

export type RowClass = new (...values: unknown[]) => object;

const FRACTION = 0.5;
const LARGE = 2 ** 40;

/**
 * A row that nobody gets, so that V8 keeps the rows' hidden class, as `keepClassOf` tells, and with it the decoder and
 * whatever else is optimized for them.
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

  /** Tells that a row has a number of more than 32 bits in this column: V8 gives rows another hidden class from now on. */
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
