import type { KeyRange } from '../index/entry-map.js';
import type { Compare, Key } from '../index/key-order.js';
import type { TableIndex } from '../index/table-index.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema, IndexKind } from '../schema/table-schema.js';
import type { RowId } from '../storage/link.js';
import type { IndexView } from '../table/table-view.js';

/** What an overlay index needs to know of the view that it belongs to. */
export interface Overlaid {
  /** Takes in what has changed since the last look. */
  sync(): void;
  /** Rows that are not read from the base: they have another version in the overlay, or none. */
  readonly changed: ReadonlyMap<RowId, unknown>;
  readonly count: number;
  primaryKeyOf(row: RowId): Key;
  readonly comparePrimary: Compare;
}

type VisitRow = (row: RowId) => boolean;

/**
 * An index as of another moment: the table's own index without the rows that have changed since, merged with an index of
 * these rows' versions. Costs what the table's index costs, and a comparison for each version in the range.
 */
export class OverlayIndex implements IndexView {
  readonly name: string;
  readonly unique: boolean;
  readonly using: IndexKind;
  readonly columns: readonly ColumnSchema[];
  readonly positions: readonly number[];
  readonly compare: Compare;
  readonly isOrdered: boolean;

  constructor(
    private readonly view: Overlaid,
    private readonly base: TableIndex,
    private readonly overlay: TableIndex,
  ) {
    this.name = base.name;
    this.unique = base.unique;
    this.using = base.using;
    this.columns = base.columns;
    this.positions = base.positions;
    this.compare = base.compare;
    this.isOrdered = base.isOrdered;
  }

  keyOf(values: readonly Stored[]): Key {
    return this.base.keyOf(values);
  }

  get entries(): number {
    return this.view.count;
  }

  private isUnchanged(): boolean {
    this.view.sync();
    return this.view.changed.size === 0 && this.overlay.entries === 0;
  }

  getOne(key: Key): RowId | undefined {
    if (this.isUnchanged()) return this.base.getOne(key);
    let found: RowId | undefined;
    this.visit(key, false, (row) => {
      found = row;
      return true;
    });
    return found;
  }

  countOf(key: Key): number {
    if (this.isUnchanged()) return this.base.countOf(key);
    let rows = 0;
    this.visit(key, false, () => {
      rows++;
      return false;
    });
    return rows;
  }

  mostOf(key: Key): number {
    this.view.sync();
    return this.base.countOf(key) + this.overlay.countOf(key);
  }

  visit(key: Key, reverse: boolean, visit: VisitRow): boolean {
    if (this.isUnchanged()) return this.base.visit(key, reverse, visit);
    const { changed } = this.view;
    if (this.overlay.countOf(key) === 0) return this.base.visit(key, reverse, (row) => !changed.has(row) && visit(row));
    const versions: RowId[] = [];
    this.overlay.visit(key, reverse, (row) => {
      versions.push(row);
      return false;
    });
    const merge = new Merge(versions, visit, this.isBefore(reverse));
    return this.base.visit(key, reverse, (row) => !changed.has(row) && merge.step(row)) || merge.end();
  }

  /** Whether one of two rows with the same key comes first. */
  private isBefore(reverse: boolean): (a: RowId, b: RowId) => boolean {
    const { view } = this;
    return (a, b) => view.comparePrimary(view.primaryKeyOf(a), view.primaryKeyOf(b)) < 0 !== reverse;
  }

  scan(range: KeyRange, reverse: boolean, visit: VisitRow): void {
    if (this.isUnchanged()) {
      this.base.scan(range, reverse, visit);
      return;
    }
    const { changed } = this.view;
    const versions: RowId[] = [];
    const keys: Key[] = [];
    this.overlay.scanKeys(range, reverse, (row, key) => {
      versions.push(row);
      keys.push(key);
      return false;
    });
    if (versions.length === 0) {
      this.base.scan(range, reverse, (row) => !changed.has(row) && visit(row));
      return;
    }
    const sign = reverse ? -1 : 1;
    const tied = this.isBefore(false);
    let current: Key;
    const merge = new Merge(versions, visit, (version, row, at) => {
      const order = this.compare(keys[at], current) * sign;
      return order < 0 || (order === 0 && tied(version, row));
    });
    let ended = false;
    this.base.scanKeys(range, reverse, (row, key) => {
      current = key;
      ended = !changed.has(row) && merge.step(row);
      return ended;
    });
    if (!ended) merge.end();
  }

  *all(): Generator<{ key: Key; row: RowId }> {
    this.view.sync();
    for (const entry of this.base.all()) if (!this.view.changed.has(entry.row)) yield entry;
    yield* this.overlay.all();
  }
}

/** Puts versions, which come sorted, between rows that are visited in the same order. */
class Merge {
  private at = 0;

  constructor(
    private readonly versions: readonly RowId[],
    private readonly visit: VisitRow,
    private readonly isBefore: (version: RowId, row: RowId, at: number) => boolean,
  ) {}

  /** Visits the versions that come before the row, and the row. */
  step(row: RowId): boolean {
    while (this.at < this.versions.length) {
      const version = this.versions[this.at] as RowId;
      if (!this.isBefore(version, row, this.at)) break;
      this.at++;
      if (this.visit(version)) return true;
    }
    return this.visit(row);
  }

  end(): boolean {
    while (this.at < this.versions.length) if (this.visit(this.versions[this.at++] as RowId)) return true;
    return false;
  }
}
