import type { RowId } from '../storage/link.js';

const FIRST_WORDS = 16;

/** A set of row ids: a bit for each row that the table has, or had. */
export class RowSet {
  private words = new Uint32Array(FIRST_WORDS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  has(row: RowId): boolean {
    return (((this.words[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 1;
  }

  add(row: RowId): void {
    if (this.has(row)) return;
    const word = row >>> 5;
    if (word >= this.words.length) {
      const larger = new Uint32Array(Math.max(this.words.length * 2, word + 1));
      larger.set(this.words);
      this.words = larger;
    }
    (this.words[word] as number) |= 1 << (row & 31);
    this.count++;
  }

  delete(row: RowId): void {
    if (!this.has(row)) return;
    (this.words[row >>> 5] as number) &= ~(1 << (row & 31));
    this.count--;
  }
}
