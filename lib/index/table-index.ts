import { assert } from '../assert.js';
import { elementToUser, type Stored } from '../schema/stored-value.js';
import type { ColumnSchema, IndexKind } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import { switches } from '../switches.js';
import { EVERYTHING, type KeyRange } from './entry-map.js';
import { type Compare, compareKeys, type Key, keyIn } from './key-order.js';
import { orderOf } from './sort-keys.js';

export interface IndexDefinition {
  readonly name: string;
  readonly columns: readonly ColumnSchema[];
  readonly unique: boolean;
  readonly using: IndexKind;
  /** Whether keys with a null never conflict. */
  readonly nullsDistinct: boolean;
}

/** What an index holds, and in how much memory. */
export interface IndexStats {
  /** Whether it is there yet: an index that may repeat keys is built when somebody first asks it, and is empty until then. */
  readonly built: boolean;
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly using: IndexKind;
  readonly keys: number;
  readonly entries: number;
  /** An estimate of the memory held, from a sample of the keys. */
  readonly bytes: number;
}

/**
 * One index: from keys to row ids. `add` and `remove` are each other's inverse, so a write that is refused halfway is
 * undone by calling the other. Rows that share a key are kept in primary-key order.
 *
 * An index that refuses nothing is built when it is first asked, from all rows at once: a table that is filled, or opened,
 * pays for no order that nobody wants, and where one is wanted, sorting rows costs less than finding each its place.
 * Until then it only counts its rows.
 */
export abstract class TableIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly columns: readonly ColumnSchema[];
  /** The columns' positions in the table. */
  readonly positions: readonly number[];
  readonly compare: Compare;
  readonly using: IndexKind;
  /** Whether a unique index has one row a key, whatever the key. */
  protected readonly nullsConflict: boolean;
  protected rows = 0;
  private built: boolean;

  constructor(
    definition: IndexDefinition,
    /** All rows that the index is of, in primary-key order. Without it, the index is built from the beginning. */
    private readonly allRows: (() => Int32Array) | undefined,
  ) {
    this.built = definition.unique || allRows === undefined || !switches.deferredIndexes;
    this.name = definition.name;
    this.unique = definition.unique;
    this.columns = definition.columns;
    this.positions = definition.columns.map((column) => column.position);
    this.compare = compareKeys(definition.columns);
    this.using = definition.using;
    this.nullsConflict = !definition.nullsDistinct || definition.columns.every((column) => !column.nullable);
  }

  /** The key of stored values. */
  keyOf(values: readonly Stored[]): Key {
    return keyIn(values, this.positions);
  }

  /** Whether it can be walked in key order. */
  get isOrdered(): boolean {
    return this.using !== 'hash';
  }

  /** Rows in the index. */
  get entries(): number {
    return this.rows;
  }

  /** Builds it, where that was left until somebody asks. May throw where memory ends: it is as it was then. */
  build(): void {
    if (this.built) return;
    const rows = (this.allRows as () => Int32Array)();
    assert(rows.length === this.rows, 'an index that is not built counts the rows of its table');
    this.rows = 0;
    this.built = true;
    try {
      this.fillEntries(rows);
    } catch (error) {
      this.clearEntries();
      this.built = false;
      throw error;
    } finally {
      this.rows = rows.length;
    }
  }

  /** Adds a row. @returns false where another row has the key in a unique index; nothing has changed then. */
  add(key: Key, row: RowId): boolean {
    if (this.built && !this.addEntry(key, row)) return false;
    this.rows++;
    return true;
  }

  /**
   * Adds all rows to an empty index, at once: to one that is built later, only their number. @param rows in primary-key
   * order, or, where the index knows all rows, in any. @returns false where two have one key of a unique index
   */
  fill(rows: Int32Array): boolean {
    assert(this.rows === 0, 'an index is filled while it is empty');
    if (this.built && !this.fillEntries(this.unique || this.allRows === undefined ? rows : this.allRows())) return false;
    this.rows = rows.length;
    return true;
  }

  /** Whether one row at most may have the key. */
  isExclusive(key: Key): boolean {
    if (!this.unique) return false;
    if (this.nullsConflict) return true;
    return Array.isArray(key) ? !key.includes(null) : key !== null;
  }

  /** Removes a row that is in the index. Cannot fail. */
  remove(key: Key, row: RowId): void {
    if (this.built) this.removeEntry(key, row);
    this.rows--;
  }

  protected abstract addEntry(key: Key, row: RowId): boolean;

  /** Adds rows to an index without any. Those that share a key are in primary-key order, unless it is unique. */
  protected abstract fillEntries(rows: Int32Array): boolean;

  protected abstract removeEntry(key: Key, row: RowId): void;

  protected abstract clearEntries(): void;

  /** The only row of a key, in an index where keys do not repeat. */
  abstract getOne(key: Key): RowId | undefined;

  /** Whether the row stands under the key. */
  abstract holds(key: Key, row: RowId): boolean;

  /** How many rows have the key. */
  abstract countOf(key: Key): number;

  /** As `countOf`: here it is known at once. */
  mostOf(key: Key): number {
    return this.countOf(key);
  }

  /** Visits the rows of a key in primary-key order; `true` ends it. @returns whether it was ended. */
  abstract visit(key: Key, reverse: boolean, visit: (row: RowId) => boolean): boolean;

  /** Visits the rows of a range in key order; those of one key in primary-key order, whatever the direction. */
  abstract scan(range: KeyRange, reverse: boolean, visit: (row: RowId) => boolean): void;

  /** As `scan`, with the key of each row, which costs more where the index holds none. */
  abstract scanKeys(range: KeyRange, reverse: boolean, visit: (row: RowId, key: Key) => boolean): void;

  /** The rows of a unique index in key order: O(n), or, of one that nobody has walked yet, the sort of its keys. */
  rowsInOrder(): Int32Array {
    const rows = new Int32Array(this.rows);
    let count = 0;
    if (this.isSorted) {
      this.scan(EVERYTHING, false, (row) => {
        rows[count++] = row;
        return false;
      });
    } else {
      const keys: Key[] = [];
      for (const { key, row } of this.all()) {
        keys.push(key);
        rows[count++] = row;
      }
      rows.set(orderOf(keys, this.compare).map((place) => rows[place] as number));
    }
    assert(count === rows.length, 'the rows are counted');
    return rows;
  }

  /** Throws where what the index keeps is not where it would look for it. */
  abstract checkStructure(): void;

  /** Whether `all` gives the keys in order: a hash does not, nor does a tree that nobody has walked yet. */
  abstract readonly isSorted: boolean;

  /** Every key with its rows, for checks. */
  abstract all(): Iterable<{ key: Key; row: RowId }>;

  /** Different keys in what is built. */
  protected abstract readonly keys: number;

  /** Memory held, in bytes: an estimate of what is on the JavaScript heap. */
  protected abstract readonly bytes: number;

  stats(): IndexStats {
    const { name, unique, using, built, keys, entries, bytes, columns } = this;
    return { name, columns: columns.map((column) => column.name), unique, using, built, keys, entries, bytes };
  }
}

/** The user's form of an index's key: a compound one as an array. */
export function keyToUser(index: { readonly columns: readonly ColumnSchema[] }, key: Key): unknown {
  if (index.columns.length === 1) return elementToUser(index.columns[0] as ColumnSchema, key);
  return index.columns.map((column, at) => elementToUser(column, (key as Key[])[at]));
}
