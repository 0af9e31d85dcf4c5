import { ValidationError } from '../errors.js';
import type { CollectMode } from './row-codec.js';
import { absentField, elementToStored, type Refuse, type Stored } from './stored-value.js';
import type { ColumnSchema, TableSchema } from './table-schema.js';

/** What both codecs do where a value needs more than a glance. */
export class ColumnCollector {
  /** For each column, what refuses a value of it. */
  readonly refusals: readonly Refuse[];

  constructor(private readonly schema: TableSchema) {
    this.refusals = schema.columns.map((column) => (reason: string) => {
      throw new ValidationError(schema.name, column.name, reason);
    });
  }

  /** The stored form of one column's value as the user gave it, `undefined` included. */
  column(position: number, value: unknown, mode: CollectMode): Stored {
    const column = this.schema.columns[position] as ColumnSchema;
    const refuse = this.refusals[position] as Refuse;
    if (value !== undefined) return elementToStored(column, value, refuse);
    const { expires } = this.schema;
    if (expires?.column === position && expires.ttlMs !== undefined) return Date.now() + expires.ttlMs;
    if (mode === 'insert') return this.isGenerated(position) ? undefined : absentField(column, refuse);
    return column.nullable ? null : refuse('missing; the whole row is written');
  }

  private isGenerated(position: number): boolean {
    const key = this.schema.key;
    return (key.autoincrement || key.generate !== undefined) && key.columns[0] === position;
  }

  /** Refuses an own enumerable property that is no column, unless the row is an instance of the table's own class. */
  unknown(row: object, property: string): void {
    if (row instanceof this.schema.ctor || !Object.hasOwn(row, property)) return;
    if (!this.schema.columnsByName.has(property)) throw new ValidationError(this.schema.name, property, 'no such column');
  }

  requireObject(row: unknown): void {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new TypeError(`${this.schema.name}: a row is an object`);
    }
  }
}
