import { assert } from '../assert.js';
import { TableFullError } from '../errors.js';
import { FreeList } from './free-list.js';
import { GRAIN, LINK_BITS, type Link, NO_LINK } from './link.js';
import {
  capacityOf,
  createPage,
  HEADER_BYTES,
  KIND_ACTIVE,
  KIND_FREE,
  KIND_MASK,
  KIND_ROW,
  type Page,
  PREV_FREE,
  SIZE_SHIFT,
} from './page.js';

/** Pages in memory, and what is in them. `liveBytes` are the rows' own; `usedBytes` counts headers and padding too. */
export interface PageStats {
  readonly pages: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly liveBytes: number;
  readonly freeBytes: number;
}

/**
 * Fixed-size pages that hold rows' bytes, off the JavaScript heap.
 *
 * Rows are appended to the active extent, a free extent taken out of the free list. When it is too small it goes back,
 * and the largest free extent, or else a new page, becomes active. Invariants, held by `problems()`: extents tile each
 * page; no two free extents touch, and none touches the active one; the free list holds exactly the free extents.
 */
export class DataPages {
  private readonly pages: (Page | undefined)[] = [];
  private readonly free: FreeList;
  private readonly shift: number;
  private readonly offsetMask: number;
  private readonly maxPages: number;
  private readonly vacantNumbers: number[] = [];
  private activePage = -1;
  private activeStart = 0;
  private activeEnd = 0;
  private totalBytes = 0;
  private usedBytes = 0;
  private liveBytes = 0;

  constructor(
    private readonly table: string,
    readonly pageSizeBytes: number,
  ) {
    this.shift = Math.log2(pageSizeBytes / GRAIN);
    this.offsetMask = (1 << this.shift) - 1;
    this.maxPages = 2 ** (LINK_BITS - this.shift);
    this.free = new FreeList(this.pages, this.shift);
  }

  /** The page of a row; its bytes begin at `positionOf(link)`. */
  bufferOf(link: Link): Buffer {
    return (this.pages[link >>> this.shift] as Page).bytes;
  }

  wordsOf(link: Link): Int32Array {
    return (this.pages[link >>> this.shift] as Page).words;
  }

  positionOf(link: Link): number {
    return (link & this.offsetMask) * GRAIN + HEADER_BYTES;
  }

  lengthOf(link: Link): number {
    return (this.wordsOf(link)[(this.positionOf(link) - HEADER_BYTES) >> 2] as number) >>> SIZE_SHIFT;
  }

  pageNumberOf(link: Link): number {
    return link >>> this.shift;
  }

  /** How many pages there are: a mark for `trim`. */
  get extent(): number {
    return this.pages.length - this.vacantNumbers.length;
  }

  /**
   * Where a row may be written before it is known how long it is: the active extent, if it reaches to its page's end.
   * What does not fit then falls off the page's end, harmlessly. `undefined` where there is none; otherwise the row
   * goes to `tailPosition` of this buffer, and `claimTail` makes it real.
   */
  tailBuffer(): Buffer | undefined {
    if (this.activePage < 0 || this.activeEnd !== this.pageSizeBytes || this.activeStart === this.activeEnd) return undefined;
    return (this.pages[this.activePage] as Page).bytes;
  }

  tailWords(): Int32Array {
    return (this.pages[this.activePage] as Page).words;
  }

  get tailPosition(): number {
    return this.activeStart + HEADER_BYTES;
  }

  claimTail(length: number): Link {
    return this.claim(length, capacityOf(length));
  }

  /** Room for a row of `length` bytes, its header written. @throws TableFullError; nothing has changed then. */
  allocate(length: number): Link {
    const capacity = capacityOf(length);
    if (capacity > this.pageSizeBytes) return this.allocateLong(length, capacity);
    if (this.activePage < 0 || this.activeEnd - this.activeStart < capacity) this.activate(capacity);
    return this.claim(length, capacity);
  }

  private claim(length: number, capacity: number): Link {
    const page = this.pages[this.activePage] as Page;
    const start = this.activeStart;
    assert(start + capacity <= this.activeEnd, 'a claim within the active extent');
    page.words[start >> 2] = (length << SIZE_SHIFT) | KIND_ROW;
    this.setActive(this.activePage, start + capacity, this.activeEnd);
    this.usedBytes += capacity;
    this.liveBytes += length;
    return this.link(this.activePage, start);
  }

  private link(pageNumber: number, offset: number): Link {
    return ((pageNumber << this.shift) | (offset / GRAIN)) as Link;
  }

  private setActive(pageNumber: number, start: number, end: number): void {
    this.activePage = pageNumber;
    this.activeStart = start;
    this.activeEnd = end;
    if (start < end) (this.pages[pageNumber] as Page).words[start >> 2] = ((end - start) << SIZE_SHIFT) | KIND_ACTIVE;
  }

  /** Makes an extent of at least `size` bytes the active one. */
  private activate(size: number): void {
    const found = this.free.find(size);
    const fresh = found === NO_LINK ? this.addPage(this.pageSizeBytes) : -1;
    this.retireActive();
    if (found === NO_LINK) {
      this.setActive(fresh, 0, this.pageSizeBytes);
      return;
    }
    const offset = (found & this.offsetMask) * GRAIN;
    const pageNumber = found >>> this.shift;
    const end = offset + this.takeFree(pageNumber, offset);
    this.setActive(pageNumber, offset, end);
  }

  private retireActive(): void {
    const { activePage, activeStart, activeEnd } = this;
    this.activePage = -1;
    this.activeStart = 0;
    this.activeEnd = 0;
    if (activePage >= 0 && activeStart < activeEnd) this.putFree(activePage, activeStart, activeEnd - activeStart);
  }

  private addPage(sizeBytes: number): number {
    const number = this.vacantNumbers.length > 0 ? (this.vacantNumbers[this.vacantNumbers.length - 1] as number) : this.pages.length;
    if (number >= this.maxPages) throw new TableFullError(this.table, `${this.maxPages} pages`);
    const page = createPage(sizeBytes); // may throw where memory ends: before anything has changed
    if (number === this.pages.length) this.pages.push(page);
    else {
      this.pages[number] = page;
      this.vacantNumbers.pop();
    }
    this.totalBytes += sizeBytes;
    return number;
  }

  private dropPage(number: number): void {
    this.totalBytes -= (this.pages[number] as Page).bytes.length;
    this.pages[number] = undefined;
    this.vacantNumbers.push(number);
  }

  private allocateLong(length: number, capacity: number): Link {
    const number = this.addPage(capacity);
    (this.pages[number] as Page).words[0] = (length << SIZE_SHIFT) | KIND_ROW;
    this.usedBytes += capacity;
    this.liveBytes += length;
    return this.link(number, 0);
  }

  /** Gives a row's extent back. Cannot fail. */
  release(link: Link): void {
    const length = this.lengthOf(link);
    const capacity = capacityOf(length);
    this.usedBytes -= capacity;
    this.liveBytes -= length;
    const pageNumber = link >>> this.shift;
    if (capacity > this.pageSizeBytes) this.dropPage(pageNumber);
    else this.joinFree(pageNumber, (link & this.offsetMask) * GRAIN, capacity);
  }

  /** Whether a row of `length` bytes can stand where the row at `link` stands. A long row's page never shrinks. */
  fits(link: Link, length: number): boolean {
    const left = capacityOf(this.lengthOf(link)) - capacityOf(length);
    return left === 0 || (left > 0 && capacityOf(this.lengthOf(link)) <= this.pageSizeBytes);
  }

  /** Changes the length of the row at `link`, for which `fits` holds, and frees what is left over. Cannot fail. */
  resize(link: Link, length: number): void {
    assert(this.fits(link, length), 'a resize within the extent');
    const old = this.lengthOf(link);
    const capacity = capacityOf(length);
    const left = capacityOf(old) - capacity;
    const offset = (link & this.offsetMask) * GRAIN;
    const words = this.wordsOf(link);
    words[offset >> 2] = (length << SIZE_SHIFT) | ((words[offset >> 2] as number) & PREV_FREE) | KIND_ROW;
    this.liveBytes += length - old;
    if (left > 0) {
      this.usedBytes -= left;
      words[(offset + capacity) >> 2] = 0; // what was the row's data is a header now, of an extent behind a row
      this.joinFree(link >>> this.shift, offset + capacity, left);
    }
  }

  /** Frees `[offset, offset + size)`, joined with whatever is free beside it. The word at `offset` is its header. */
  private joinFree(pageNumber: number, offset: number, size: number): void {
    const { words } = this.pages[pageNumber] as Page;
    let end = offset + size;
    if (((words[offset >> 2] as number) & PREV_FREE) !== 0) {
      offset -= words[(offset >> 2) - 1] as number;
      this.takeFree(pageNumber, offset);
    }
    const active = pageNumber === this.activePage && this.activeStart < this.activeEnd;
    const behindActive = active && this.activeEnd === offset;
    const beforeActive = active && this.activeStart === end;
    if (!beforeActive && end < this.pageSizeBytes && ((words[end >> 2] as number) & KIND_MASK) === KIND_FREE) {
      end += this.takeFree(pageNumber, end);
    }
    if (behindActive) this.setActive(pageNumber, this.activeStart, end);
    else if (beforeActive) this.setActive(pageNumber, offset, this.activeEnd);
    else this.putFree(pageNumber, offset, end - offset);
  }

  private putFree(pageNumber: number, offset: number, size: number): void {
    const { words } = this.pages[pageNumber] as Page;
    const end = offset + size;
    words[offset >> 2] = (size << SIZE_SHIFT) | KIND_FREE;
    words[(end >> 2) - 1] = size;
    if (end < this.pageSizeBytes) words[end >> 2] = (words[end >> 2] as number) | PREV_FREE;
    this.free.add(this.link(pageNumber, offset), size);
  }

  /** Takes the free extent at `offset` out of the list. @returns its size. */
  private takeFree(pageNumber: number, offset: number): number {
    const { words } = this.pages[pageNumber] as Page;
    this.free.remove(this.link(pageNumber, offset));
    const size = (words[offset >> 2] as number) >>> SIZE_SHIFT;
    const end = offset + size;
    if (end < this.pageSizeBytes) words[end >> 2] = (words[end >> 2] as number) & ~PREV_FREE;
    return size;
  }

  /** Drops wholly free pages, down to `extent` of them: what a rollback does with pages that it added. */
  trim(extent: number): void {
    while (this.extent > extent) {
      const number = this.takeWholePage();
      if (number < 0) return;
      this.dropPage(number);
    }
  }

  /** Takes a wholly free page out of the free space. @returns its number, or −1 where there is none. */
  private takeWholePage(): number {
    const { activePage } = this;
    if (activePage >= 0 && this.activeEnd - this.activeStart === this.pageSizeBytes) {
      this.activePage = -1;
      this.activeStart = 0;
      this.activeEnd = 0;
      return activePage;
    }
    const found = this.free.find(this.pageSizeBytes);
    if (found === NO_LINK) return -1;
    this.takeFree(found >>> this.shift, 0);
    return found >>> this.shift;
  }

  stats(): PageStats {
    return {
      pages: this.extent,
      totalBytes: this.totalBytes,
      usedBytes: this.usedBytes,
      liveBytes: this.liveBytes,
      freeBytes: this.totalBytes - this.usedBytes,
    };
  }

  /**
   * Walks every page and the free list, and yields what breaks an invariant. `live` holds the links of all rows.
   */
  *problems(live: ReadonlySet<Link>): Generator<string> {
    const freeExtents = new Set<Link>();
    let rows = 0;
    let used = 0;
    let liveBytes = 0;
    for (let number = 0; number < this.pages.length; number++) {
      const page = this.pages[number];
      if (page === undefined) continue;
      if (page.bytes.length > this.pageSizeBytes) {
        rows++;
        used += page.bytes.length;
        liveBytes += this.lengthOf(this.link(number, 0));
        if (!live.has(this.link(number, 0))) yield `page ${number} holds a long row that no row id leads to`;
        continue;
      }
      let wasFree = false;
      for (let offset = 0; offset < this.pageSizeBytes; ) {
        const header = page.words[offset >> 2] as number;
        const kind = header & KIND_MASK;
        const link = this.link(number, offset);
        const size = kind === KIND_ROW ? capacityOf(header >>> SIZE_SHIFT) : header >>> SIZE_SHIFT;
        const end = offset + size;
        if (size <= 0 || size % GRAIN !== 0 || end > this.pageSizeBytes) {
          yield `page ${number}: the extent at ${offset} has the impossible size ${size}`;
          break;
        }
        if (((header & PREV_FREE) !== 0) !== (wasFree && kind === KIND_ROW)) {
          yield `page ${number}: the extent at ${offset} is wrong about the one before it`;
        }
        if (kind === KIND_ROW) {
          rows++;
          used += size;
          liveBytes += header >>> SIZE_SHIFT;
          if (!live.has(link)) yield `page ${number}: no row id leads to the row at ${offset}`;
        } else if (kind === KIND_FREE) {
          freeExtents.add(link);
          if (page.words[(end >> 2) - 1] !== size) yield `page ${number}: the free extent at ${offset} has a wrong end tag`;
        } else if (number !== this.activePage || offset !== this.activeStart || end !== this.activeEnd) {
          yield `page ${number}: the extent at ${offset} is marked active and is not`;
        }
        if (wasFree && kind !== KIND_ROW) yield `page ${number}: free space at ${offset} was not joined`;
        wasFree = kind === KIND_FREE;
        offset = end;
      }
    }
    let listed = 0;
    for (const link of this.free[Symbol.iterator](freeExtents.size + 1)) {
      listed++;
      if (!freeExtents.has(link)) yield `the free list holds an extent that is not free`;
    }
    if (listed !== freeExtents.size) yield `the free list holds ${listed} extents, the pages ${freeExtents.size}`;
    if (rows !== live.size) yield `the pages hold ${rows} rows, the row ids ${live.size}`;
    if (used !== this.usedBytes) yield `${used} bytes are used, ${this.usedBytes} are counted`;
    if (liveBytes !== this.liveBytes) yield `${liveBytes} bytes are live, ${this.liveBytes} are counted`;
  }
}
