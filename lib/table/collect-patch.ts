import { ValidationError } from '../errors.js';
import type { Refuse } from '../schema/stored-value.js';
import { elementToStored, type Stored } from '../schema/stored-value.js';
import type { WritableTable } from './table-view.js';

/** The columns that a partial row names, ascending; their stored forms go into `values`. @throws ValidationError */
export function collectPatch(core: WritableTable, partial: object, values: Stored[]): number[] {
  const { columnsByName, key } = core.schema;
  const changed: number[] = [];
  for (const name of Object.keys(partial)) {
    const column = columnsByName.get(name);
    if (column === undefined) throw new ValidationError(core.name, name, 'no such column');
    const refuse = core.refusals[column.position] as Refuse;
    if (key.columns.includes(column.position)) refuse('a part of the primary key, which no update changes');
    const value = (partial as Record<string, unknown>)[name];
    if (value === undefined) refuse('undefined; leave the column out, or give null where it is nullable');
    values[column.position] = elementToStored(column, value, refuse);
    changed.push(column.position);
  }
  return changed.length > 1 ? changed.sort((a, b) => a - b) : changed;
}
