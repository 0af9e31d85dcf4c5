import { GRAIN, type Link, NO_LINK } from './link.js';
import { NEXT_WORD, type Page, PREVIOUS_WORD, SIZE_SHIFT } from './page.js';

const BINS = 17; // extents of 16 bytes to 1 MiB
const LOOKED_AT = 8;

/**
 * The free extents of a table, in bins by the power of two below their size: doubly linked lists that run through the
 * extents themselves, so free space costs no memory of its own. All operations are O(1).
 */
export class FreeList {
  private readonly heads = new Int32Array(BINS).fill(NO_LINK);

  /** @param pages the table's pages; @param shift the bits of a link below its page number. */
  constructor(
    private readonly pages: readonly (Page | undefined)[],
    private readonly shift: number,
  ) {}

  private wordOf(link: Link): number {
    return (link & ((1 << this.shift) - 1)) * (GRAIN / 4);
  }

  private wordsOf(link: Link): Int32Array {
    return (this.pages[link >>> this.shift] as Page).words;
  }

  private sizeOf(link: Link): number {
    return (this.wordsOf(link)[this.wordOf(link)] as number) >>> SIZE_SHIFT;
  }

  add(link: Link, size: number): void {
    const bin = binOf(size);
    const head = this.heads[bin] as Link;
    const words = this.wordsOf(link);
    const word = this.wordOf(link);
    words[word + NEXT_WORD] = head;
    words[word + PREVIOUS_WORD] = NO_LINK;
    if (head !== NO_LINK) this.wordsOf(head)[this.wordOf(head) + PREVIOUS_WORD] = link;
    this.heads[bin] = link;
  }

  remove(link: Link): void {
    const words = this.wordsOf(link);
    const word = this.wordOf(link);
    const next = words[word + NEXT_WORD] as Link;
    const previous = words[word + PREVIOUS_WORD] as Link;
    if (next !== NO_LINK) this.wordsOf(next)[this.wordOf(next) + PREVIOUS_WORD] = previous;
    if (previous !== NO_LINK) this.wordsOf(previous)[this.wordOf(previous) + NEXT_WORD] = next;
    else this.heads[binOf(this.sizeOf(link))] = next;
  }

  /**
   * An extent of at least `size` bytes, the largest sort first: rows that follow can be appended to what is left.
   * Where only the bin of `size` itself is left, its first few are tried.
   */
  find(size: number): Link {
    const own = binOf(size);
    for (let bin = BINS - 1; bin > own; bin--) {
      const head = this.heads[bin] as Link;
      if (head !== NO_LINK) return head;
    }
    let at = this.heads[own] as Link;
    for (let tries = 0; tries < LOOKED_AT && at !== NO_LINK; tries++) {
      if (this.sizeOf(at) >= size) return at;
      at = this.wordsOf(at)[this.wordOf(at) + NEXT_WORD] as Link;
    }
    return NO_LINK;
  }

  /** Every extent in the list, for checks. Stops at `limit`, so a damaged list cannot hold it for ever. */
  *[Symbol.iterator](limit = Number.MAX_SAFE_INTEGER): Generator<Link> {
    let seen = 0;
    for (const head of this.heads) {
      for (let at = head as Link; at !== NO_LINK && seen < limit; seen++) {
        yield at;
        at = this.wordsOf(at)[this.wordOf(at) + NEXT_WORD] as Link;
      }
    }
  }
}

function binOf(size: number): number {
  return 31 - Math.clz32(size / GRAIN);
}
