import type { AnyFunction, Measurements } from '../measure/measurements.js';
import type { EntityClass } from '../schema/column-type.js';
import { SelectQuery } from './select-query.js';
import type { TableManager } from './table-manager.js';

/** A table's own calls. Those that one of them makes itself are not measured again. */
const CALLS = [
  ...['insert', 'insertMany', 'insertPlain', 'select', 'selectOneBy', 'update', 'updateBy', 'upsert', 'delete', 'count'],
  ...['insertCdc', 'updateCdc', 'upsertCdc', 'deleteCdc', 'reinsertCdc', 'lock', 'lockMany', 'vacuum', 'removeExpired'],
];
/** What ends a query. */
const ENDS = ['execute', 'first', 'count', 'sum', 'avg', 'min', 'max', 'explain'];

type Calls = Record<string, AnyFunction>;

/**
 * Measures a manager's calls: `table.insert`, `table.queries.NAME`, `table.query.execute`. The measured functions are
 * properties of this one manager, so others, and all of them where nothing is measured, run as they are.
 */
export function measureTable(manager: TableManager<EntityClass>, measurements: Measurements): void {
  const { name } = manager;
  let inside = false;
  const outermost = (operation: string, work: AnyFunction): AnyFunction => {
    const once: AnyFunction = function (...args) {
      inside = true;
      try {
        return work.apply(this, args);
      } finally {
        inside = false;
      }
    };
    const measured = measurements.measured(operation, once);
    return function (...args) {
      return inside ? work.apply(this, args) : measured.apply(this, args);
    };
  };
  const calls = manager as unknown as Calls;
  for (const call of CALLS) calls[call] = outermost(`${name}.${call}`, calls[call] as AnyFunction);

  const queries = Object.entries(manager.queries as Calls);
  const measured = queries.map(([query, work]) => [query, outermost(`${name}.queries.${query}`, work)]);
  Object.defineProperty(manager, 'queries', { value: Object.freeze(Object.fromEntries(measured)), enumerable: true });

  const ends = SelectQuery.prototype as unknown as Calls;
  const MeasuredQuery = SelectQuery.variant(
    Object.fromEntries(ENDS.map((end) => [end, outermost(`${name}.query.${end}`, ends[end] as AnyFunction)])),
  );
  manager.useQueries(MeasuredQuery);
}
