import { hashOf, type Key } from '../index/key-order.js';
import type { TableIndex } from '../index/table-index.js';
import type { Link } from '../storage/link.js';
import { type Condition, createMatcher, type Matcher } from '../table/condition.js';
import type { TableCore } from '../table/table-core.js';
import type { IndexView } from '../table/table-view.js';

interface Points {
  readonly index: TableIndex;
  readonly hash: ((key: Key) => Key) | undefined;
  readonly keys: Set<Key>;
}

/**
 * What a transaction has read of a table: keys that it looked up, whether they were there or not, and the conditions of
 * its queries. Functions in `where`, `limit` and order are left out, so the set may be larger than what was read, which
 * is safe; a row that appears later and meets the conditions belongs to it, so there are no phantoms.
 */
export class ReadSet {
  private readonly points = new Map<string, Points>();
  private readonly queries: Matcher[][] = [];
  private everything = false;

  constructor(private readonly table: TableCore) {}

  point(index: IndexView, key: Key): void {
    let points = this.points.get(index.name);
    if (points === undefined) {
      const base = [this.table.primary, ...this.table.secondaries].find(({ name }) => name === index.name) as TableIndex;
      points = { index: base, hash: hashOf(base.columns), keys: new Set() };
      this.points.set(index.name, points);
    }
    points.keys.add(points.hash === undefined ? key : points.hash(key));
  }

  where(conditions: readonly Condition[]): void {
    if (conditions.length === 0) this.everything = true;
    else this.queries.push(conditions.map((condition) => createMatcher(condition, this.table.codec)));
  }

  get isEmpty(): boolean {
    return !this.everything && this.points.size === 0 && this.queries.length === 0;
  }

  /** Whether the row version at `link` is one that was read, or would have been. */
  includes(link: Link): boolean {
    if (this.everything) return true;
    for (const { index, hash, keys } of this.points.values()) {
      const key = this.table.keyAt(index, link);
      if (keys.has(hash === undefined ? key : hash(key))) return true;
    }
    const buffer = this.table.store.bufferAt(link);
    const position = this.table.store.positionAt(link);
    return this.queries.some((matchers) => matchers.every((matches) => matches(buffer, position)));
  }
}
