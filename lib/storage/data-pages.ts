import { assert } from '../assert.js';
import { TableFullError } from '../errors.js';
import { pageProblems } from './check-pages.js';
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
  /** The share of the pages that is free, from 0 to 1. */
  readonly fragmentation: number;
}

/** A page is worth emptying with this share of it in use, or less. */
const SPARSE = 0.75;
/** Bytes at a page's end that no row is written into before its length is known; of small pages, a sixteenth. */
const LEAST_TAIL = 4096;
/** Of free space, the share that rows from elsewhere are taken to fit into. */
const WELL_FITTING = 0.9;

/**
 * Fixed-size pages that hold rows' bytes, off the JavaScript heap.
 *
 * Rows are appended to the active extent, a free extent taken out of the free list. When it is too small it goes back,
 * and the largest free extent, or else a new page, becomes active. Invariants, held by `problems()`: extents tile each
 * page; no two free extents touch, and none touches the active one; the free list holds exactly the free extents; in a
 * retiring page extents tile it, and that is all.
 */
export class DataPages {
  private readonly pages: (Page | undefined)[] = [];
  private readonly free: FreeList;
  private readonly shift: number;
  private readonly leastTail: number;
  private readonly offsetMask: number;
  private readonly maxPages: number;
  private readonly vacantNumbers: number[] = [];
  /** Bytes that rows take in each page, with headers and padding. */
  private readonly used: number[] = [];
  /** Pages that take no more rows, and go when their last row does. Their free space is in no list. */
  private readonly retiring = new Set<number>();
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
    this.leastTail = Math.min(LEAST_TAIL, pageSizeBytes / 16);
    this.offsetMask = (1 << this.shift) - 1;
    this.maxPages = 2 ** (LINK_BITS - this.shift);
    this.free = new FreeList(this.pages, this.shift);
  }

  /** The page of a row; its bytes begin at `positionOf(link)`. */
  bufferOf(link: Link): Buffer {
    return (this.pages[link >>> this.shift] as Page).bytes;
  }

  viewOf(link: Link): DataView {
    return (this.pages[link >>> this.shift] as Page).view;
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
   * Where a row may be written before it is known how long it is: the active extent, if it reaches to its page's end and
   * is long enough for most rows. What does not fit then falls off the page's end, harmlessly, but engines make slower
   * code for writes that ever did. `undefined` where there is none; otherwise the row goes to `tailPosition` of this
   * buffer, and `claimTail` makes it real.
   */
  tailBuffer(): Buffer | undefined {
    if (this.activePage < 0 || this.activeEnd !== this.pageSizeBytes || this.activeEnd - this.activeStart < this.leastTail)
      return undefined;
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
    this.count(this.activePage, capacity, length);
    return this.link(this.activePage, start);
  }

  private count(pageNumber: number, capacity: number, length: number): void {
    (this.used[pageNumber] as number) += capacity;
    this.usedBytes += capacity;
    this.liveBytes += length;
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
    if (number === this.pages.length) {
      this.pages.push(page);
      this.used.push(0);
    } else {
      this.pages[number] = page;
      this.vacantNumbers.pop();
    }
    this.totalBytes += sizeBytes;
    return number;
  }

  private dropPage(number: number): void {
    this.totalBytes -= (this.pages[number] as Page).bytes.length;
    this.pages[number] = undefined;
    this.used[number] = 0;
    this.retiring.delete(number);
    this.vacantNumbers.push(number);
  }

  private allocateLong(length: number, capacity: number): Link {
    const number = this.addPage(capacity);
    (this.pages[number] as Page).words[0] = (length << SIZE_SHIFT) | KIND_ROW;
    this.count(number, capacity, length);
    return this.link(number, 0);
  }

  /** Gives a row's extent back. Cannot fail. */
  release(link: Link): void {
    const length = this.lengthOf(link);
    const capacity = capacityOf(length);
    const pageNumber = link >>> this.shift;
    this.count(pageNumber, -capacity, -length);
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
    this.count(link >>> this.shift, -left, length - old);
    if (left > 0) {
      words[(offset + capacity) >> 2] = 0; // what was the row's data is a header now, of an extent behind a row
      this.joinFree(link >>> this.shift, offset + capacity, left);
    }
  }

  /** Frees `[offset, offset + size)`, joined with whatever is free beside it. The word at `offset` is its header. */
  private joinFree(pageNumber: number, offset: number, size: number): void {
    const { words } = this.pages[pageNumber] as Page;
    if (this.retiring.size > 0 && this.retiring.has(pageNumber)) {
      words[offset >> 2] = (size << SIZE_SHIFT) | KIND_FREE;
      if (this.used[pageNumber] === 0) this.dropPage(pageNumber);
      return;
    }
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

  /**
   * Drops pages that are free, and chooses sparse ones to be emptied: those with the fewest bytes in use, as long as what
   * is in them fits well into the free space of the others. @returns their numbers, for `retire`
   */
  sparsePages(): number[] {
    this.trim(0);
    const { used, pageSizeBytes: size } = this;
    const candidates: number[] = [];
    let room = 0;
    for (let number = 0; number < this.pages.length; number++) {
      if (this.pages[number]?.bytes.length !== size || this.retiring.has(number)) continue;
      room += size - (used[number] as number);
      if ((used[number] as number) <= size * SPARSE) candidates.push(number);
    }
    candidates.sort((a, b) => (used[a] as number) - (used[b] as number));
    let moved = 0;
    const last = candidates.findIndex((number) => {
      const bytes = used[number] as number;
      room -= size - bytes;
      moved += bytes;
      return moved > room * WELL_FITTING;
    });
    return last < 0 ? candidates : candidates.slice(0, last);
  }

  /** Lets a page that `sparsePages` chose take no more rows; it goes with its last one. What it became meanwhile decides. */
  retire(number: number): void {
    const chosen = this.pages[number]?.bytes.length === this.pageSizeBytes && !this.retiring.has(number);
    if (!chosen || (this.used[number] as number) > this.pageSizeBytes * SPARSE) return;
    if (number === this.activePage) this.retireActive();
    const { words } = this.pages[number] as Page;
    for (let offset = 0; offset < this.pageSizeBytes; ) {
      const header = words[offset >> 2] as number;
      const isRow = (header & KIND_MASK) === KIND_ROW;
      if (!isRow) this.takeFree(number, offset);
      offset += isRow ? capacityOf(header >>> SIZE_SHIFT) : header >>> SIZE_SHIFT;
    }
    this.retiring.add(number);
    if (this.used[number] === 0) this.dropPage(number);
  }

  /** Whether the row at `link` stands in a page that is to be emptied. */
  isRetiring(link: Link): boolean {
    return this.retiring.has(link >>> this.shift);
  }

  /** Pages that are to be emptied. */
  get retiringPages(): number {
    return this.retiring.size;
  }

  stats(): PageStats {
    return {
      pages: this.extent,
      totalBytes: this.totalBytes,
      usedBytes: this.usedBytes,
      liveBytes: this.liveBytes,
      freeBytes: this.totalBytes - this.usedBytes,
      fragmentation: this.totalBytes === 0 ? 0 : 1 - this.usedBytes / this.totalBytes,
    };
  }

  /** Walks every page and the free list, and yields what breaks an invariant. `live` holds the links of all rows. */
  problems(live: ReadonlySet<Link>): Generator<string> {
    const { pages, free, retiring, used, pageSizeBytes, shift, usedBytes, liveBytes } = this;
    const active = { page: this.activePage, start: this.activeStart, end: this.activeEnd };
    return pageProblems({ pages, free, retiring, used, pageSizeBytes, shift, usedBytes, liveBytes, active }, live);
  }
}
