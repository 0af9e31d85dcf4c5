import { describe, expect, it } from '@jest/globals';
import { InvariantError, TableFullError } from '../../lib/errors.js';
import { DataPages, type PageStats } from '../../lib/storage/data-pages.js';
import type { Link } from '../../lib/storage/link.js';
import { capacityOf, HEADER_BYTES } from '../../lib/storage/page.js';
import { Random } from '../support/random.js';

const KIB = 1024;
const PAGE_SIZES = [4 * KIB, 64 * KIB];

/** Pages with a model beside them: each row is filled with bytes of its own, and must hold them until it is released. */
class Modelled {
  readonly pages: DataPages;
  readonly rows = new Map<Link, Buffer>();
  private stamp = 0;

  constructor(readonly pageSizeBytes: number) {
    this.pages = new DataPages('sample', pageSizeBytes);
  }

  private fresh(length: number): Buffer {
    const stamp = ++this.stamp;
    return Buffer.alloc(
      length,
      Uint8Array.from({ length: 37 }, (_, at) => (stamp * 31 + at * 7) & 255),
    );
  }

  private write(link: Link, bytes: Buffer): void {
    bytes.copy(this.pages.bufferOf(link), this.pages.positionOf(link));
    this.rows.set(link, bytes);
  }

  allocate(length: number): Link {
    const link = this.pages.allocate(length);
    if (this.rows.has(link)) throw new Error(`link ${link} was given out twice`);
    this.write(link, this.fresh(length));
    return link;
  }

  /** What `RowStore` does: writes at the tail before it knows whether the row stays. */
  appendAtTail(length: number, stays: boolean): Link | undefined {
    const tail = this.pages.tailBuffer();
    if (tail === undefined) return undefined;
    const bytes = this.fresh(length);
    const at = this.pages.tailPosition;
    tail.set(bytes.subarray(0, Math.max(0, tail.length - at)), at);
    if (!stays || at + length > tail.length) return undefined;
    const link = this.pages.claimTail(length);
    expect(this.pages.bufferOf(link)).toBe(tail);
    expect(this.pages.positionOf(link)).toBe(at);
    this.rows.set(link, bytes);
    return link;
  }

  release(link: Link): void {
    this.pages.release(link);
    this.rows.delete(link);
  }

  resize(link: Link, length: number): boolean {
    if (!this.pages.fits(link, length)) return false;
    this.pages.resize(link, length);
    this.write(link, this.fresh(length));
    return true;
  }

  /** Whether every row is as it was written, and the pages think so too. */
  check(): void {
    let used = 0;
    let live = 0;
    for (const [link, bytes] of this.rows) {
      const at = this.pages.positionOf(link);
      const held = this.pages.bufferOf(link).subarray(at, at + bytes.length);
      if (this.pages.lengthOf(link) !== bytes.length || !held.equals(bytes)) throw new Error(`the row at link ${link} has changed`);
      used += capacityOf(bytes.length);
      live += bytes.length;
    }
    const problems = [...this.pages.problems(new Set(this.rows.keys()))];
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const stats = this.pages.stats();
    const counted = { usedBytes: used, liveBytes: live, freeBytes: stats.totalBytes - used };
    for (const [name, bytes] of Object.entries(counted)) {
      if (stats[name as keyof PageStats] !== bytes) throw new Error(`${name} is ${stats[name as keyof PageStats]}, and should be ${bytes}`);
    }
  }
}

/** Mostly short, at times near the size of a page, at times long. */
function randomLength(random: Random, pageSizeBytes: number): number {
  const kind = random.below(100);
  if (kind < 70) return random.below(120);
  if (kind < 90) return random.below(pageSizeBytes / 4);
  if (kind < 96) return pageSizeBytes - 24 + random.below(40);
  return random.below(4 * pageSizeBytes);
}

describe.each(PAGE_SIZES)('DataPages of %i bytes', (pageSizeBytes) => {
  it('gives a row of any length its bytes, and takes them back', () => {
    const lengths = [
      ...Array(80).keys(),
      ...Array.from({ length: 60 }, (_, at) => pageSizeBytes - 40 + at),
      2 * pageSizeBytes,
      10 * pageSizeBytes,
    ];
    for (const length of lengths) {
      const modelled = new Modelled(pageSizeBytes);
      const link = modelled.allocate(length);
      modelled.check();
      expect(modelled.pages.lengthOf(link)).toBe(length);
      const long = length + HEADER_BYTES > pageSizeBytes;
      expect(modelled.pages.stats()).toMatchObject({ pages: 1, totalBytes: long ? capacityOf(length) : pageSizeBytes, liveBytes: length });
      modelled.release(link);
      modelled.check();
      expect(modelled.pages.stats()).toMatchObject({ pages: long ? 0 : 1, usedBytes: 0, liveBytes: 0 });
    }
  });

  it('appends rows one after the other, each at a multiple of 16', () => {
    const modelled = new Modelled(pageSizeBytes);
    const offsets = [1, 12, 13, 28, 29].map((length) => modelled.pages.positionOf(modelled.allocate(length)) - HEADER_BYTES);
    expect(offsets).toEqual([0, 16, 32, 64, 96]);
    modelled.check();
  });

  it('joins neighbours in whatever order they are released', () => {
    for (const order of permutations([0, 1, 2, 3, 4])) {
      for (const full of [false, true]) {
        const modelled = new Modelled(pageSizeBytes);
        const links = [10, 30, 50, 70].map((length) => modelled.allocate(length));
        const { freeBytes } = modelled.pages.stats();
        links.push(modelled.allocate(full ? freeBytes - HEADER_BYTES : 90));
        for (const at of order) {
          modelled.release(links[at] as Link);
          modelled.check();
        }
        modelled.allocate(pageSizeBytes - HEADER_BYTES); // the page is one extent again
        expect(modelled.pages.stats()).toMatchObject({ pages: 1, freeBytes: 0 });
        modelled.check();
      }
    }
  });

  it('fills the holes between rows before it takes another page', () => {
    const modelled = new Modelled(pageSizeBytes);
    const rows = pageSizeBytes / 64;
    const links = Array.from({ length: rows }, () => modelled.allocate(60));
    expect(modelled.pages.stats()).toMatchObject({ pages: 1, freeBytes: 0 });
    for (let at = 0; at < rows; at += 2) modelled.release(links[at] as Link);
    modelled.check();
    for (let at = 0; at < rows; at += 2) modelled.allocate(60);
    modelled.check();
    expect(modelled.pages.stats()).toMatchObject({ pages: 1, freeBytes: 0 });
  });

  it('shrinks a row in its place, grows it within its padding, and refuses more', () => {
    const modelled = new Modelled(pageSizeBytes);
    const [row, next] = [modelled.allocate(200), modelled.allocate(10)];
    expect(modelled.resize(row, 201)).toBe(true); // 204 of 208 bytes were in use
    expect(modelled.resize(row, 205)).toBe(false);
    expect(() => modelled.pages.resize(row, 205)).toThrow(InvariantError);
    for (const length of [190, 189, 40, 12, 3, 0]) {
      expect(modelled.resize(row, length)).toBe(true);
      modelled.check();
    }
    modelled.release(next);
    modelled.check();
    const long = modelled.allocate(2 * pageSizeBytes);
    expect(modelled.resize(long, 2 * pageSizeBytes + 12)).toBe(true);
    expect(modelled.resize(long, pageSizeBytes)).toBe(false); // a long row's page is of its own size
    modelled.check();
  });

  it('offers as its tail what reaches to the end of a page, and nothing else', () => {
    const modelled = new Modelled(pageSizeBytes);
    expect(modelled.pages.tailBuffer()).toBeUndefined();
    const first = modelled.allocate(100);
    modelled.allocate(100);
    expect(modelled.appendAtTail(50, false)).toBeUndefined();
    modelled.check();
    expect(modelled.appendAtTail(50, true)).toBeDefined();
    modelled.check();
    expect(modelled.appendAtTail(2 * pageSizeBytes, true)).toBeUndefined();
    modelled.check();
    const rest = modelled.pages.stats().freeBytes;
    modelled.allocate(rest - HEADER_BYTES);
    expect(modelled.pages.tailBuffer()).toBeUndefined();
    modelled.release(first);
    modelled.allocate(90); // in the hole, which ends before a row
    expect(modelled.pages.tailBuffer()).toBeUndefined();
    modelled.check();
  });

  it('keeps every row through thousands of random steps', () => {
    new Random().reported((random) => {
      for (let run = 0; run < 8; run++) {
        const modelled = new Modelled(pageSizeBytes);
        const links: Link[] = [];
        const most = 20 + random.below(pageSizeBytes === 4 * KIB ? 150 : 400);
        for (let step = 0; step < 2_500; step++) {
          randomStep(random, modelled, links, most);
          if (step < 100 || step % 40 === 0) modelled.check();
        }
        while (links.length > 0) modelled.release(links.splice(random.below(links.length), 1)[0] as Link);
        modelled.check();
        expect(modelled.pages.stats()).toMatchObject({ usedBytes: 0, liveBytes: 0 });
      }
    });
  });

  it('is as it was, page for page, when what was added is released and trimmed, whatever came before', () => {
    new Random().reported((random) => {
      for (let run = 0; run < 60; run++) {
        const modelled = new Modelled(pageSizeBytes);
        const links: Link[] = [];
        for (let round = 0; round < 6; round++) {
          for (let step = random.below(120); step > 0; step--) randomStep(random, modelled, links, 80);
          const before = modelled.pages.stats();
          const marks: number[] = [];
          const added: Link[] = [];
          for (let step = random.below(60); step > 0; step--) {
            marks.push(modelled.pages.extent);
            added.push(modelled.allocate(randomLength(random, pageSizeBytes)));
          }
          for (let at = added.length - 1; at >= 0; at--) {
            modelled.release(added[at] as Link);
            modelled.pages.trim(marks[at] as number);
          }
          modelled.check();
          expect(modelled.pages.stats()).toEqual(before);
        }
      }
    });
  });

  it('trims wholly free pages alone, however many are asked for', () => {
    new Random().reported((random) => {
      for (let run = 0; run < 30; run++) {
        const modelled = new Modelled(pageSizeBytes);
        const links: Link[] = [];
        for (let step = random.below(300); step > 0; step--) randomStep(random, modelled, links, 60);
        const inUse = new Set([...modelled.rows.keys()].map((link) => modelled.pages.pageNumberOf(link))).size;
        modelled.pages.trim(0);
        modelled.check();
        expect(modelled.pages.stats().pages).toBe(inUse);
        for (let step = random.below(100); step > 0; step--) randomStep(random, modelled, links, 60);
        modelled.check();
      }
    });
  });

  it('is as it was after a rollback also where a number of a page was free', () => {
    const modelled = new Modelled(pageSizeBytes);
    modelled.allocate(pageSizeBytes - HEADER_BYTES);
    const long = modelled.allocate(2 * pageSizeBytes);
    modelled.allocate(pageSizeBytes - HEADER_BYTES);
    modelled.release(long);
    const before = modelled.pages.stats();
    const mark = modelled.pages.extent;
    modelled.release(modelled.allocate(100)); // on a page of the number that the long row had
    modelled.pages.trim(mark);
    modelled.check();
    expect(modelled.pages.stats()).toEqual(before);
  });

  it('is full when its links can name no other page, and unchanged then', () => {
    const modelled = new Modelled(pageSizeBytes);
    Reflect.set(modelled.pages, 'maxPages', 3); // the real limit is 32 GiB
    const whole = pageSizeBytes - HEADER_BYTES;
    const links = [whole, 3 * pageSizeBytes, 100].map((length) => modelled.allocate(length));
    const before = modelled.pages.stats();
    for (const length of [whole, whole + 1, 5 * pageSizeBytes]) {
      expect(() => modelled.allocate(length)).toThrow(new TableFullError('sample', '3 pages'));
      expect(modelled.pages.stats()).toEqual(before);
      modelled.check();
    }
    modelled.allocate(200);
    modelled.release(links[1] as Link);
    modelled.allocate(whole);
    modelled.check();
  });
});

function randomStep(random: Random, modelled: Modelled, links: Link[], most: number): void {
  const { pageSizeBytes } = modelled;
  const kind = links.length >= most ? 50 + random.below(50) : random.below(100);
  if (kind < 30 || links.length === 0) links.push(modelled.allocate(randomLength(random, pageSizeBytes)));
  else if (kind < 50) {
    const link = modelled.appendAtTail(randomLength(random, pageSizeBytes), random.chance(0.7));
    if (link !== undefined) links.push(link);
  } else if (kind < 80) modelled.release(links.splice(random.below(links.length), 1)[0] as Link);
  else modelled.resize(random.pick(links), randomLength(random, pageSizeBytes));
}

describe('DataPages.problems', () => {
  /** A page of a row, a hole, a row and the active extent. */
  function sound(): { modelled: Modelled; words: Int32Array; live: Set<Link> } {
    const modelled = new Modelled(4 * KIB);
    const first = modelled.allocate(20);
    const hole = modelled.allocate(60);
    modelled.allocate(20);
    modelled.release(hole);
    modelled.check();
    return { modelled, words: modelled.pages.wordsOf(first), live: new Set(modelled.rows.keys()) };
  }

  it.each([
    ['a row that no one holds', (_: Int32Array, live: Set<Link>) => live.delete([...live][0] as Link), /no row id leads to the row at 0/],
    ['a row that is not there', (_: Int32Array, live: Set<Link>) => live.add(77 as Link), /hold 2 rows, the row ids 3/],
    ['a length that leads nowhere', (words: Int32Array) => words.fill(5000 << 3, 0, 1), /the extent at 0 has the impossible size/],
    ['a changed length', (words: Int32Array) => words.fill(21 << 3, 0, 1), /bytes are live/],
    ['a lost mark of free space', (words: Int32Array) => words.fill((words[24] as number) & ~4, 24, 25), /wrong about the one before it/],
    ['a wrong end of free space', (words: Int32Array) => words.fill(48, 23, 24), /a wrong end tag/],
    ['free space that is not listed', (words: Int32Array) => words.fill((64 << 3) | 2, 8, 9), /marked active and is not/],
  ])('finds %s', (_, damage, problem) => {
    const { modelled, words, live } = sound();
    damage(words, live);
    expect([...modelled.pages.problems(live)].join('\n')).toMatch(problem);
  });
});

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((first, at) => permutations(list.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
