import type { KeyAccess } from './entry-map.js';
import { MapIndex } from './map-index.js';
import { PackedIndex } from './packed-index.js';
import type { RowOrder } from './posting.js';
import type { IndexDefinition, TableIndex } from './table-index.js';

/**
 * An index of the kind that its definition asks for.
 * @param access how the keys of rows are found
 * @param allRows all rows that it is of, in primary-key order; without it, the index is built from the beginning
 */
export function createIndex(definition: IndexDefinition, order: RowOrder, access: KeyAccess, allRows?: () => Int32Array): TableIndex {
  const Index = definition.using === 'packed' ? PackedIndex : MapIndex;
  return new Index(definition, order, access, allRows);
}
