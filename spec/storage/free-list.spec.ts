import { describe, expect, it } from '@jest/globals';
import { FreeList } from '../../lib/storage/free-list.js';
import { GRAIN, type Link, NO_LINK } from '../../lib/storage/link.js';
import { createPage, KIND_FREE, NEXT_WORD, type Page, SIZE_SHIFT } from '../../lib/storage/page.js';
import { Random } from '../support/random.js';

const PAGE_BYTES = 2 ** 20;
const SHIFT = Math.log2(PAGE_BYTES / GRAIN);
const LOOKED_AT = 8;

/** A free list over bare pages, with the set of its extents beside it, newest first in each bin. */
class Modelled {
  readonly pages: Page[] = Array.from({ length: 4 }, () => createPage(PAGE_BYTES));
  readonly list = new FreeList(this.pages, SHIFT);
  readonly sizes = new Map<Link, number>();
  readonly bins = new Map<number, Link[]>();

  link(page: number, offset: number): Link {
    return ((page << SHIFT) | (offset / GRAIN)) as Link;
  }

  private bin(size: number): Link[] {
    const bin = Math.floor(Math.log2(size / GRAIN));
    const links = this.bins.get(bin) ?? [];
    this.bins.set(bin, links);
    return links;
  }

  add(link: Link, size: number): void {
    const words = (this.pages[link >>> SHIFT] as Page).words;
    words[((link & ((1 << SHIFT) - 1)) * GRAIN) / 4] = (size << SIZE_SHIFT) | KIND_FREE;
    this.list.add(link, size);
    this.sizes.set(link, size);
    this.bin(size).unshift(link);
  }

  remove(link: Link): void {
    this.list.remove(link);
    const links = this.bin(this.sizes.get(link) as number);
    links.splice(links.indexOf(link), 1);
    this.sizes.delete(link);
  }

  /** The head of the largest bin above the one of `size`; else the first of its own bin's first eight that is large enough. */
  expected(size: number): Link {
    const own = Math.floor(Math.log2(size / GRAIN));
    const above = [...this.bins].filter(([bin, links]) => bin > own && links.length > 0).sort(([a], [b]) => b - a)[0];
    if (above !== undefined) return above[1][0] as Link;
    return (this.bins.get(own) ?? []).slice(0, LOOKED_AT).find((link) => (this.sizes.get(link) as number) >= size) ?? NO_LINK;
  }
}

describe('FreeList', () => {
  it('finds nothing while it is empty', () => {
    const { list } = new Modelled();
    for (const size of [16, 64, PAGE_BYTES]) expect(list.find(size)).toBe(NO_LINK);
    expect([...list]).toEqual([]);
  });

  it('holds extents from the smallest to a whole page of the largest size', () => {
    const modelled = new Modelled();
    for (let size = GRAIN, page = 0; size <= PAGE_BYTES; size *= 2, page = (page + 1) % 4) {
      const link = modelled.link(page, 0);
      modelled.add(link, size);
      expect(modelled.list.find(size)).toBe(link);
      expect(modelled.list.find(size + GRAIN)).toBe(NO_LINK);
      if (size > GRAIN) expect(modelled.list.find(size - GRAIN)).toBe(link);
      modelled.remove(link);
      expect(modelled.list.find(GRAIN)).toBe(NO_LINK);
    }
  });

  it('prefers the largest sort, and tries the first eight of the size’s own', () => {
    const modelled = new Modelled();
    const links = Array.from({ length: 9 }, (_, at) => modelled.link(0, at * 1024));
    modelled.add(links[0] as Link, 1008);
    for (const link of links.slice(1)) modelled.add(link, 512);
    expect(modelled.list.find(513 + 15)).toBe(NO_LINK); // the ninth would do
    modelled.remove(links[8] as Link);
    expect(modelled.list.find(528)).toBe(links[0]);
    const larger = modelled.link(1, 0);
    modelled.add(larger, 4096);
    expect(modelled.list.find(16)).toBe(larger);
    expect(modelled.list.find(4097 + 15)).toBe(NO_LINK);
  });

  it('agrees with a list of lists over random steps', () => {
    new Random().reported((random) => {
      const modelled = new Modelled();
      const slots = Array.from({ length: 4 * 64 }, (_, at) => modelled.link(at >> 6, (at & 63) * (PAGE_BYTES / 64)));
      for (let step = 0; step < 40_000; step++) {
        const link = random.pick(slots);
        if (modelled.sizes.has(link)) modelled.remove(link);
        else modelled.add(link, Math.max(GRAIN, (2 ** random.below(15) + random.below(2 ** random.below(14))) & -GRAIN));
        const size = (1 + random.below(2 ** random.below(13))) * GRAIN;
        if (modelled.list.find(size) !== modelled.expected(size)) throw new Error(`step ${step}: another extent is found for ${size}`);
        if (step % 500 === 0) expect([...modelled.list].sort()).toEqual([...modelled.sizes.keys()].sort());
      }
    });
  });

  it('can be listed even where it is damaged into a ring', () => {
    const modelled = new Modelled();
    const [first, second] = [modelled.link(0, 0), modelled.link(0, 64)];
    modelled.add(first, 64);
    modelled.add(second, 64);
    (modelled.pages[0] as Page).words[NEXT_WORD] = second;
    expect([...modelled.list[Symbol.iterator](5)]).toHaveLength(5);
  });
});
