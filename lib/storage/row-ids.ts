import { TableFullError } from '../errors.js';
import type { Link, RowId } from './link.js';

const FIRST_CAPACITY = 64;
const MOST_ROWS = 2 ** 30;
const END = -1;

/**
 * From a row's lasting id to the link where its bytes are now: one array of words. Ids of deleted rows form a chain
 * through their own entries (`-2 − next`), so they cost nothing either.
 */
export class RowIds {
  private links = new Int32Array(FIRST_CAPACITY);
  private used = 0;
  private vacant = END;
  private alive = 0;

  constructor(private readonly table: string) {}

  get count(): number {
    return this.alive;
  }

  /** Ids are below this. */
  get extent(): number {
    return this.used;
  }

  linkOf(row: RowId): Link {
    return this.links[row] as Link;
  }

  isAlive(row: RowId): boolean {
    return row >= 0 && row < this.used && (this.links[row] as number) >= 0;
  }

  /** @throws TableFullError; nothing has changed then. */
  add(link: Link): RowId {
    let row = this.vacant;
    if (row !== END) {
      this.vacant = -2 - (this.links[row] as number);
    } else {
      if (this.used === this.links.length) this.grow();
      row = this.used++;
    }
    this.links[row] = link;
    this.alive++;
    return row as RowId;
  }

  private grow(): void {
    if (this.used >= MOST_ROWS) throw new TableFullError(this.table, `${MOST_ROWS} rows`);
    const larger = new Int32Array(this.links.length * 2);
    larger.set(this.links);
    this.links = larger;
  }

  move(row: RowId, link: Link): void {
    this.links[row] = link;
  }

  remove(row: RowId): void {
    this.links[row] = -2 - this.vacant;
    this.vacant = row;
    this.alive--;
  }

  get bytes(): number {
    return this.links.byteLength;
  }

  /** All ids, ascending. */
  toArray(): Int32Array {
    const rows = new Int32Array(this.alive);
    for (let row = 0, count = 0; row < this.used; row++) if ((this.links[row] as number) >= 0) rows[count++] = row;
    return rows;
  }

  *[Symbol.iterator](): Generator<RowId> {
    for (let row = 0; row < this.used; row++) if ((this.links[row] as number) >= 0) yield row as RowId;
  }
}
