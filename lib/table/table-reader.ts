import { QueryError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import { keyToUser } from '../index/table-index.js';
import type { EntityClass } from '../schema/column-type.js';
import { literalToStored, plainLiteral, type Stored } from '../schema/stored-value.js';
import { type ColumnSchema, columnNames, type TableSchema } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { createCondition } from './condition.js';
import { toPlain } from './plain.js';
import { isExpired } from './row-expiry.js';
import { SelectQuery } from './select-query.js';
import type { IndexView, TableView } from './table-view.js';
import type { Cell, PrimaryKeyOf, RowOf, ScalarColumnOf } from './types.js';

/** The reads of a table: as it is now, as of a snapshot, or from within an async transaction. Rows are copies. */
export class TableReader<C extends EntityClass, E extends object = RowOf<C>> {
  /** The table's name, as `@Table` gives it. */
  readonly name: string;
  /** The schema's version, as `@Table` gives it. */
  readonly version: number;
  /** What the class describes, checked: columns, key, indexes, queries. */
  readonly schema: TableSchema;
  protected readonly keyColumns: readonly ColumnSchema[];
  /** Unique indexes over one column, by that column's name. */
  private readonly uniqueIndexes: ReadonlyMap<string, UniqueColumn>;
  /** Of keys over one column: what `typeof` says of those that are stored as they are given. */
  private readonly plainKey: string | undefined;
  private readonly expires: boolean;
  /** The query for all rows. */
  private all: SelectQuery<E>;

  /** @internal */
  constructor(private readonly view: TableView) {
    const { schema } = view;
    this.schema = schema;
    this.name = schema.name;
    this.version = schema.version;
    this.keyColumns = view.primary.columns;
    const unique = [view.primary, ...view.secondaries].filter((index) => index.unique && index.columns.length === 1);
    this.uniqueIndexes = new Map(unique.map((index) => [(index.columns[0] as ColumnSchema).name, new UniqueColumn(index)]));
    const [keyColumn, ...others] = this.keyColumns as [ColumnSchema, ...ColumnSchema[]];
    this.plainKey = others.length === 0 ? plainLiteral(keyColumn.type) : undefined;
    this.expires = schema.expires !== undefined;
    this.all = SelectQuery.of(view);
  }

  /** A copy of the row, or `undefined`. */
  select(key: PrimaryKeyOf<E>): E | undefined {
    const isPlain = typeof key === this.plainKey && key === key;
    const row = this.find(isPlain ? key : this.storedKey(key));
    if (row === undefined) return undefined;
    const { store } = this.view;
    if (!isPlain || typeof key === 'number') return store.decode(row) as E;
    return store.decodeKnowing(row, (this.keyColumns[0] as ColumnSchema).position, key as string) as E;
  }

  /** The row with this value in a unique index, or the key. @throws QueryError where the column has none of its own */
  selectOneBy<K extends ScalarColumnOf<E>>(column: K, value: Cell<E, K>): E | undefined {
    const unique = this.uniqueIndexes.get(column);
    if (unique === undefined) throw new QueryError(this.name, column, 'no unique index is over this column alone; use selectBy, or where');
    const { index, isText } = unique;
    const key = isText && typeof value === 'string' ? value : this.literal(unique.column, value);
    this.view.reads?.point(index, key);
    const row = index.getOne(key);
    if (row === undefined || (this.expires && isExpired(this.view, row))) return undefined;
    const { store } = this.view;
    return (isText && key !== null ? store.decodeKnowing(row, unique.column.position, key as string) : store.decode(row)) as E;
  }

  /** A query over an index on this column, or one that begins with it. @throws QueryError where there is none */
  selectBy<K extends ScalarColumnOf<E>>(column: K, value: Cell<E, K>): SelectQuery<E> {
    const condition = createCondition(this.schema, column, '=', value);
    const serves = (index: IndexView) => index.columns[0]?.name === column && (index.columns.length === 1 || index.isOrdered);
    if (![this.view.primary, ...this.view.secondaries].some(serves)) {
      throw new QueryError(this.name, column, 'no index serves this column; add @Index, or use selectAll().where(…)');
    }
    return this.selectAll().and(condition);
  }

  /** A query over all rows, in primary-key order. */
  selectAll(): SelectQuery<E> {
    return this.all;
  }

  /** How many rows there are. */
  count(): number {
    return this.view.cutoff() === undefined ? this.view.count : this.selectAll().count();
  }

  /** A row as a plain object that survives `JSON.stringify`: times in ISO 8601, bigints as text, bytes in base64. */
  toPlain(row: E): Record<string, unknown> {
    return toPlain(this.schema, row);
  }

  /** Queries are of this kind from now on. @internal */
  useQueries(kind: typeof SelectQuery): void {
    this.all = kind.of(this.view);
  }

  /** The row with this key. */
  protected find(key: Key): RowId | undefined {
    const { reads, primary } = this.view;
    reads?.point(primary, key);
    const row = primary.getOne(key);
    return row === undefined || (this.expires && isExpired(this.view, row)) ? undefined : row;
  }

  protected userKey(key: Key): PrimaryKeyOf<E> {
    return keyToUser(this.view.primary, key) as PrimaryKeyOf<E>;
  }

  /** @internal */
  toStoredKey(key: unknown): Key {
    return this.storedKey(key);
  }

  protected storedKey(key: unknown): Key {
    const { keyColumns } = this;
    if (keyColumns.length === 1) return this.literal(keyColumns[0] as ColumnSchema, key);
    if (!Array.isArray(key) || key.length !== keyColumns.length) {
      throw new QueryError(this.name, undefined, `the key is a tuple of (${columnNames(this.schema, this.schema.key.columns).join(', ')})`);
    }
    return keyColumns.map((column, at) => this.literal(column, key[at]));
  }

  protected literal(column: ColumnSchema, value: unknown): Stored {
    if (value === null && column.nullable) return null;
    return literalToStored(column.type, value, (reason) => {
      throw new QueryError(this.name, column.name, reason);
    });
  }
}

/** A unique index over one column. */
class UniqueColumn {
  readonly column: ColumnSchema;
  /** Whether the column holds text, as it was given. */
  readonly isText: boolean;

  constructor(readonly index: IndexView) {
    this.column = index.columns[0] as ColumnSchema;
    this.isText = this.column.type.kind === 'string';
  }
}
