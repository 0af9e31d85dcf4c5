import { type Compare, compareValues, type Key } from '../index/key-order.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';
import type { Link, RowId } from '../storage/link.js';
import type { RowStore } from '../storage/row-store.js';
import type { ChangeTarget } from '../transaction/change.js';

/** A table, as far as a live query needs it. */
export interface LiveSource extends ChangeTarget {
  readonly name: string;
  readonly schema: TableSchema;
  readonly codec: RowCodec;
  readonly store: RowStore;
  readonly primary: { readonly columns: readonly ColumnSchema[]; readonly positions: readonly number[] };
  /** How rows expire, where they do. */
  readonly expiry: { expiredBetween(after: number, until: number): RowId[] } | undefined;
}

/** What one transaction did to one row, from its first change to its last. */
export interface NetChange {
  readonly row: RowId;
  /** Where the row's bytes were; `NO_LINK` where there was no row. */
  readonly before: Link;
  /** Where they are; `NO_LINK` where there is no row any more, or its time is over. */
  after: Link;
}

/** Whether a row's bytes meet a condition. */
export type MatchesBytes = (buffer: Buffer, position: number) => boolean;

export interface LiveOrder {
  readonly column: ColumnSchema;
  readonly descending: boolean;
}

/** Which rows a live query is about. */
export interface LiveFilter {
  readonly matchers: readonly MatchesBytes[];
  readonly predicates: readonly ((row: never) => boolean)[];
  /** A column that has one value in all of its rows: changes of rows with other values need not be looked at. */
  readonly route: { readonly column: ColumnSchema; readonly value: Stored } | undefined;
}

/** An order whose last columns tell all rows apart, and the part of it that is asked for. */
export interface LiveWindow {
  readonly order: readonly LiveOrder[];
  readonly offset: number;
  readonly limit: number;
}

/** Where rows are while a transaction is taken in: as they were before it, or as they are. */
export class RowPlaces {
  private before: ReadonlyMap<RowId, Link> | undefined;

  constructor(private readonly source: LiveSource) {}

  showBefore(before: ReadonlyMap<RowId, Link>): void {
    this.before = before;
  }

  showNow(): void {
    this.before = undefined;
  }

  linkOf(row: RowId): Link {
    return this.before?.get(row) ?? this.source.store.linkOf(row);
  }
}

/** A key over the columns of an order, and how it compares with rows in their places. */
export class RowOrdering {
  private readonly columns: readonly number[];
  private readonly compares: readonly Compare[];

  constructor(
    private readonly source: LiveSource,
    private readonly places: RowPlaces,
    terms: readonly LiveOrder[],
  ) {
    this.columns = terms.map(({ column }) => column.position);
    this.compares = terms.map(({ column, descending }) => {
      const compare = compareValues(column.type, column.nullable);
      return descending ? (a, b) => compare(b, a) : compare;
    });
  }

  keyAt(link: Link): Key[] {
    return this.keyIn(this.source.store.bufferAt(link), this.source.store.positionAt(link));
  }

  keyIn(buffer: Buffer, position: number): Key[] {
    return this.columns.map((column) => this.source.codec.read(column, buffer, position));
  }

  readonly compareToRow = (key: readonly Key[], row: RowId): number => {
    const { store, codec } = this.source;
    const link = this.places.linkOf(row);
    const buffer = store.bufferAt(link);
    const position = store.positionAt(link);
    for (let at = 0; at < this.columns.length; at++) {
      const order = (this.compares[at] as Compare)(key[at], codec.read(this.columns[at] as number, buffer, position));
      if (order !== 0) return order;
    }
    return 0;
  };

  readonly compareKeys = (a: readonly Key[], b: readonly Key[]): number => {
    for (let at = 0; at < this.columns.length; at++) {
      const order = (this.compares[at] as Compare)(a[at], b[at]);
      if (order !== 0) return order;
    }
    return 0;
  };
}
