import { TableFullError } from '../errors.js';
import { switches } from '../switches.js';
import { type Link, NO_LINK, type RowId } from './link.js';

const FIRST_CAPACITY = 64;
const MOST_ROWS = 2 ** 30;
const GROUP_BITS = 4;
const GROUP_ROWS = 1 << GROUP_BITS;
const IN_GROUP = GROUP_ROWS - 1;
/** As a step: the row is not alive. All others lead to a row. */
const DEAD = 255;
const NO_LINKS = new Int32Array(0);

/**
 * From a row's lasting id to the link where its bytes are now, by groups of 16 ids. Rows that were inserted one after the
 * other stand so in the pages, so of a group it is enough to know one link, and how many grains each row is behind it:
 *
 *   bases   i32 a group   from 0: the link that steps are counted from; else −1 − number of a loose group
 *   steps   u8 a row      0 to 254, or 255 for a row that is not alive
 *   loose   i32 a row     of groups with a row that is elsewhere, its links, or −1
 *
 * That is 1¼ bytes a row, of which caches hold three times as many as of whole links. A group stays loose until no row is
 * left at all: so a row can always go back to where it was, without memory being asked for.
 */
export class RowIds {
  private bases = new Int32Array(FIRST_CAPACITY >> GROUP_BITS);
  private steps = new Uint8Array(FIRST_CAPACITY);
  private loose = NO_LINKS;
  private looseGroups = 0;
  private used = 0;
  /** Ids of rows that are not alive, to be given out again. */
  private readonly vacant: RowId[] = [];
  private readonly tight = switches.tightIds;

  constructor(private readonly table: string) {}

  get count(): number {
    return this.used - this.vacant.length;
  }

  /** Ids are below this. */
  get extent(): number {
    return this.used;
  }

  /** `NO_LINK` for a row that is not alive. @param row below `extent` */
  linkOf(row: RowId): Link {
    const base = this.bases[row >> GROUP_BITS] as number;
    if (base < 0) return this.loose[looseAt(base, row)] as Link;
    const step = this.steps[row] as number;
    return step === DEAD ? NO_LINK : ((base + step) as Link);
  }

  isAlive(row: RowId): boolean {
    return row >= 0 && row < this.used && this.linkOf(row) >= 0;
  }

  /** @throws TableFullError, or RangeError where memory ends; nothing has changed then. */
  add(link: Link): RowId {
    const again = this.vacant.at(-1);
    if (again !== undefined) {
      this.move(again, link);
      this.vacant.pop();
      return again;
    }
    const row = this.used as RowId;
    if (row === this.steps.length) this.grow();
    if ((row & IN_GROUP) === 0) this.begin(row >> GROUP_BITS, link);
    this.move(row, link);
    this.used++;
    return row;
  }

  /** The first row of a group is to be at `link`; one that was loose before stays so. */
  private begin(group: number, link: Link): void {
    if ((this.bases[group] as number) < 0) return;
    this.bases[group] = this.tight ? link : this.loosened(group << GROUP_BITS);
  }

  private grow(): void {
    if (this.used >= MOST_ROWS) throw new TableFullError(this.table, `${MOST_ROWS} rows`);
    const bases = new Int32Array(this.bases.length * 2);
    const steps = new Uint8Array(this.steps.length * 2);
    bases.set(this.bases);
    steps.set(this.steps);
    this.bases = bases;
    this.steps = steps;
  }

  /** @throws RangeError where memory ends, and nothing has changed then; never where the row has been at `link` before. */
  move(row: RowId, link: Link): void {
    const group = row >> GROUP_BITS;
    let base = this.bases[group] as number;
    if (base >= 0) {
      const step = link - base;
      if (step >= 0 && step < DEAD) {
        this.steps[row] = step;
        return;
      }
      base = this.loosened(row);
      this.bases[group] = base;
    }
    this.loose[looseAt(base, row)] = link;
  }

  /** Writes down the links of a row's group. @returns its base from now on. @throws RangeError where memory ends */
  private loosened(row: number): number {
    const from = this.looseGroups * GROUP_ROWS;
    if (from === this.loose.length) {
      const larger = new Int32Array(Math.max(FIRST_CAPACITY, from * 2));
      larger.set(this.loose);
      this.loose = larger;
    }
    const first = row & ~IN_GROUP;
    for (let at = 0; at < GROUP_ROWS; at++) this.loose[from + at] = first + at < this.used ? this.linkOf((first + at) as RowId) : NO_LINK;
    return -1 - this.looseGroups++;
  }

  /** Cannot fail. Of rows that were added last, and are removed in the reverse of their order, nothing is left. */
  remove(row: RowId): void {
    const base = this.bases[row >> GROUP_BITS] as number;
    if (base < 0) this.loose[looseAt(base, row)] = NO_LINK;
    else this.steps[row] = DEAD;
    if (row === this.used - 1) this.used--;
    else this.vacant.push(row);
    if (this.vacant.length === this.used) this.clear();
  }

  /** Begins anew, where no row is left: the next ones may stand one behind the other again. */
  private clear(): void {
    this.vacant.length = 0;
    this.used = 0;
    this.looseGroups = 0;
    if (this.steps.length === FIRST_CAPACITY) {
      this.bases.fill(0);
      return;
    }
    this.bases = new Int32Array(FIRST_CAPACITY >> GROUP_BITS); // so small that it is within the heap
    this.steps = new Uint8Array(FIRST_CAPACITY);
    this.loose = NO_LINKS;
  }

  get bytes(): number {
    return this.bases.byteLength + this.steps.byteLength + this.loose.byteLength + this.vacant.length * 8;
  }

  /** All ids, ascending. */
  toArray(): Int32Array {
    const rows = new Int32Array(this.count);
    for (let row = 0 as RowId, count = 0; row < this.used; row++) if (this.linkOf(row) >= 0) rows[count++] = row;
    return rows;
  }

  *[Symbol.iterator](): Generator<RowId> {
    for (let row = 0 as RowId; row < this.used; row++) if (this.linkOf(row) >= 0) yield row;
  }
}

/** Where a loose group, by its base, has the link of a row. */
function looseAt(base: number, row: number): number {
  return ((-1 - base) << GROUP_BITS) | (row & IN_GROUP);
}
