import type { FreeList } from './free-list.js';
import { GRAIN, type Link } from './link.js';
import { capacityOf, KIND_FREE, KIND_MASK, KIND_ROW, type Page, PREV_FREE, SIZE_SHIFT } from './page.js';

/** The inside of `DataPages`. */
export interface PagesInside {
  readonly pages: readonly (Page | undefined)[];
  readonly free: FreeList;
  readonly retiring: ReadonlySet<number>;
  /** Bytes in use by page. */
  readonly used: readonly number[];
  readonly pageSizeBytes: number;
  readonly shift: number;
  readonly usedBytes: number;
  readonly liveBytes: number;
  readonly active: { readonly page: number; readonly start: number; readonly end: number };
}

/** What is found on a walk over the pages. */
interface Seen {
  rows: number;
  used: number;
  bytes: number;
  /** Free extents that the free list must hold. */
  readonly free: Set<Link>;
}

/** Walks every page and the free list, and yields what breaks an invariant. `live` holds the links of all rows. */
export function* pageProblems(inside: PagesInside, live: ReadonlySet<Link>): Generator<string> {
  const { pages, free, pageSizeBytes, usedBytes, liveBytes } = inside;
  const seen: Seen = { rows: 0, used: 0, bytes: 0, free: new Set() };
  for (let number = 0; number < pages.length; number++) {
    const page = pages[number];
    if (page === undefined) continue;
    const before = seen.used;
    if (page.bytes.length > pageSizeBytes) {
      seen.rows++;
      seen.used += page.bytes.length;
      seen.bytes += (page.words[0] as number) >>> SIZE_SHIFT;
      if (!live.has((number << inside.shift) as Link)) yield `page ${number} holds a long row that no row id leads to`;
    } else {
      yield* extentProblems(inside, number, page, live, seen);
    }
    const inPage = seen.used - before;
    if (inPage !== inside.used[number]) yield `page ${number}: ${inPage} bytes are used, ${inside.used[number]} are counted`;
    if (inPage === 0 && inside.retiring.has(number)) yield `page ${number} is empty, and was to go`;
  }
  let listed = 0;
  for (const link of free[Symbol.iterator](seen.free.size + 1)) {
    listed++;
    if (!seen.free.has(link)) yield 'the free list holds an extent that is not free';
  }
  if (listed !== seen.free.size) yield `the free list holds ${listed} extents, the pages ${seen.free.size}`;
  if (seen.rows !== live.size) yield `the pages hold ${seen.rows} rows, the row ids ${live.size}`;
  if (seen.used !== usedBytes) yield `${seen.used} bytes are used, ${usedBytes} are counted`;
  if (seen.bytes !== liveBytes) yield `${seen.bytes} bytes are live, ${liveBytes} are counted`;
}

/** The extents of one page. In a retiring one, free space is neither joined nor listed. */
function* extentProblems(inside: PagesInside, number: number, page: Page, live: ReadonlySet<Link>, seen: Seen): Generator<string> {
  const { pageSizeBytes, shift, active } = inside;
  const retiring = inside.retiring.has(number);
  let wasFree = false;
  for (let offset = 0; offset < pageSizeBytes; ) {
    const header = page.words[offset >> 2] as number;
    const kind = header & KIND_MASK;
    const link = ((number << shift) | (offset / GRAIN)) as Link;
    const size = kind === KIND_ROW ? capacityOf(header >>> SIZE_SHIFT) : header >>> SIZE_SHIFT;
    const end = offset + size;
    if (size <= 0 || size % GRAIN !== 0 || end > pageSizeBytes) {
      yield `page ${number}: the extent at ${offset} has the impossible size ${size}`;
      return;
    }
    if (!retiring && ((header & PREV_FREE) !== 0) !== (wasFree && kind === KIND_ROW)) {
      yield `page ${number}: the extent at ${offset} is wrong about the one before it`;
    }
    if (kind === KIND_ROW) {
      seen.rows++;
      seen.used += size;
      seen.bytes += header >>> SIZE_SHIFT;
      if (!live.has(link)) yield `page ${number}: no row id leads to the row at ${offset}`;
    } else if (retiring) {
      // Whatever is free here goes with the page.
    } else if (kind === KIND_FREE) {
      seen.free.add(link);
      if (page.words[(end >> 2) - 1] !== size) yield `page ${number}: the free extent at ${offset} has a wrong end tag`;
    } else if (number !== active.page || offset !== active.start || end !== active.end) {
      yield `page ${number}: the extent at ${offset} is marked active and is not`;
    }
    if (!retiring && wasFree && kind !== KIND_ROW) yield `page ${number}: free space at ${offset} was not joined`;
    wasFree = kind === KIND_FREE;
    offset = end;
  }
}
