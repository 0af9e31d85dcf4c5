import { ValidationError } from '../errors.js';
import { elementToStored, type Stored } from '../schema/stored-value.js';
import type { TableSchema } from '../schema/table-schema.js';

/** The columns that a partial row names, ascending; their stored forms go into `values`. @throws ValidationError */
export function collectPatch(schema: TableSchema, partial: object, values: Stored[]): number[] {
  const changed: number[] = [];
  for (const name of Object.keys(partial)) {
    const refuse = (reason: string): never => {
      throw new ValidationError(schema.name, name, reason);
    };
    const column = schema.columns.find((candidate) => candidate.name === name);
    if (column === undefined) return refuse('no such column');
    if (schema.key.columns.includes(column.position)) refuse('a part of the primary key, which no update changes');
    const value = (partial as Record<string, unknown>)[name];
    if (value === undefined) refuse('undefined; leave the column out, or give null where it is nullable');
    values[column.position] = elementToStored(column, value, refuse);
    changed.push(column.position);
  }
  return changed.sort((a, b) => a - b);
}
