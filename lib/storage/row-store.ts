import { RowTooLargeError } from '../errors.js';
import { skipElement, writeElement } from '../schema/element-codec.js';
import { copyBytes, patchRow } from '../schema/patch-row.js';
import type { Stored } from '../schema/stored-value.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import type { PageStats } from './data-pages.js';
import type { Link, RowId } from './link.js';
import { createPage, HEADER_BYTES, type Page } from './page.js';
import { RowReads } from './row-reads.js';
import type { WordCopier } from './word-copier.js';

/**
 * The rows of a table as bytes: encodes them into pages and finds them by row id.
 *
 * A write has two halves. `stage` encodes a row where it will most likely stay, without claiming the room, so a
 * refusal up to here has nothing to undo; between `stage` and the claim no user code runs. `add`, `moveTo` or
 * `overwrite` then makes it real.
 */
export class RowStore extends RowReads {
  private stagedAtTail = false;
  private stagedLength = 0;
  /** Where in its row the staged column goes; −1 where a whole row is staged. */
  private stagedColumnAt = -1;

  /** Encodes a row. @throws RowTooLargeError */
  stage(values: readonly Stored[]): void {
    const tail = this.pages.tailBuffer();
    if (tail !== undefined) {
      const position = this.pages.tailPosition;
      if (this.fitsTail(this.codec.encode(values, tail, position) - position, tail, position)) return;
    }
    let end = this.codec.encode(values, scratch.bytes, HEADER_BYTES);
    if (end > scratch.bytes.length) {
      growScratch(this.checkedLength(end - HEADER_BYTES));
      end = this.codec.encode(values, scratch.bytes, HEADER_BYTES);
    }
    this.stagedAtTail = false;
    this.stagedColumnAt = -1;
    this.stagedLength = this.checkedLength(end - HEADER_BYTES);
  }

  /** Encodes the row at `link` with some columns replaced; `changed` ascends. @throws RowTooLargeError */
  stagePatch(link: Link, changed: readonly number[], values: readonly Stored[]): void {
    const { codec, schema, pages } = this;
    const source = pages.bufferOf(link);
    const position = pages.positionOf(link);
    const length = pages.lengthOf(link);
    const tail = pages.tailBuffer();
    if (tail !== undefined) {
      const at = pages.tailPosition;
      const end = patchRow(codec, schema, source, position, length, changed, values, tail, at);
      if (this.fitsTail(end - at, tail, at)) return;
    }
    let end = patchRow(codec, schema, source, position, length, changed, values, scratch.bytes, HEADER_BYTES);
    if (end > scratch.bytes.length) {
      growScratch(this.checkedLength(end - HEADER_BYTES));
      end = patchRow(codec, schema, source, position, length, changed, values, scratch.bytes, HEADER_BYTES);
    }
    this.stagedAtTail = false;
    this.stagedColumnAt = -1;
    this.stagedLength = this.checkedLength(end - HEADER_BYTES);
  }

  /**
   * Encodes one column's new value where it takes exactly the bytes of the old one, so that these alone need be
   * written. @returns whether it does; `overwriteColumn` then writes it.
   */
  stageColumn(link: Link, column: number, value: Stored): boolean {
    const field = this.schema.columns[column] as ColumnSchema;
    const buffer = this.pages.bufferOf(link);
    const from = this.codec.locate(column, buffer, this.pages.positionOf(link));
    const length = writeElement(field, value, scratch.bytes, 0);
    if (length > scratch.bytes.length || length !== skipElement(field, buffer, from) - from) return false;
    this.stagedColumnAt = from - this.pages.positionOf(link);
    this.stagedLength = length;
    return true;
  }

  /** Writes the staged column of the row at `link`. Cannot fail. */
  overwriteColumn(link: Link): void {
    this.copyColumn(this.pages.bufferOf(link), this.pages.positionOf(link));
  }

  private copyColumn(target: Buffer, position: number): void {
    copyBytes(scratch.bytes, 0, this.stagedLength, target, position + this.stagedColumnAt);
  }

  /** How long the row at `link` will be when what is staged for it is written over it. */
  overwriteLength(link: Link): number {
    return this.stagedColumnAt < 0 ? this.stagedLength : this.pages.lengthOf(link);
  }

  /** Copies the row at `link` as it will be then. @returns the position behind it */
  copyOverwrite(link: Link, target: Buffer, to: number): number {
    if (this.stagedColumnAt < 0) {
      const { bytes, position } = this.staged();
      return copyBytes(bytes, position, position + this.stagedLength, target, to);
    }
    const from = this.pages.positionOf(link);
    const end = copyBytes(this.pages.bufferOf(link), from, from + this.pages.lengthOf(link), target, to);
    this.copyColumn(target, to);
    return end;
  }

  private fitsTail(length: number, tail: Buffer, position: number): boolean {
    if (position + length > tail.length) return false;
    this.stagedLength = this.checkedLength(length);
    this.stagedAtTail = true;
    this.stagedColumnAt = -1;
    return true;
  }

  private checkedLength(length: number): number {
    const { maxRowBytes, name } = this.schema;
    if (length > maxRowBytes) throw new RowTooLargeError(name, length, maxRowBytes);
    return length;
  }

  /** Whether the staged row has the bytes of the row at `link`. */
  stagedEquals(link: Link): boolean {
    const { bytes, position } = this.staged();
    if (this.pages.lengthOf(link) !== this.stagedLength) return false;
    const at = this.pages.positionOf(link);
    return bytes.compare(this.pages.bufferOf(link), at, at + this.stagedLength, position, position + this.stagedLength) === 0;
  }

  /** Whether the rows at two links have the same bytes. */
  equalBytes(a: Link, b: Link): boolean {
    const length = this.pages.lengthOf(a);
    if (this.pages.lengthOf(b) !== length) return false;
    const from = this.pages.positionOf(a);
    const to = this.pages.positionOf(b);
    return this.pages.bufferOf(a).compare(this.pages.bufferOf(b), to, to + length, from, from + length) === 0;
  }

  private staged(): { bytes: Buffer; position: number } {
    if (!this.stagedAtTail) return { bytes: scratch.bytes, position: HEADER_BYTES };
    return { bytes: this.pages.tailBuffer() as Buffer, position: this.pages.tailPosition };
  }

  /** Claims room for the staged row. @throws TableFullError; nothing has changed then. */
  private claim(): Link {
    if (this.stagedAtTail) return this.pages.claimTail(this.stagedLength);
    const link = this.pages.allocate(this.stagedLength);
    copyWords(scratch.words, 1, this.pages.wordsOf(link), this.pages.positionOf(link) >> 2, this.stagedLength);
    if (scratch.bytes.length > LARGEST_KEPT) scratch = createPage(FIRST_SCRATCH);
    return link;
  }

  /** Makes the staged row a new one. @throws TableFullError; nothing has changed then. */
  add(): RowId {
    return this.addAt(this.claim());
  }

  /** A new row at a place that was claimed for it. @throws as `RowIds.add`; the place is given back then. */
  private addAt(link: Link): RowId {
    try {
      return this.ids.add(link);
    } catch (error) {
      this.pages.release(link);
      throw error;
    }
  }

  /** Moves a row to a place that was claimed for it. @throws as `RowIds.move`; the place is given back then. */
  private moveTo(row: RowId, link: Link): void {
    try {
      this.ids.move(row, link);
    } catch (error) {
      this.pages.release(link);
      throw error;
    }
  }

  /** Makes a row of bytes that are known to be one. @throws TableFullError; nothing has changed then. */
  addBytes(source: Buffer, from: number, length: number, copier: WordCopier): RowId {
    return this.addAt(this.placeBytes(source, from, length, copier));
  }

  /** Gives a row, of which nobody keeps an older version, the bytes of another one. */
  replaceBytes(row: RowId, source: Buffer, from: number, length: number, copier: WordCopier): void {
    const old = this.ids.linkOf(row);
    this.moveTo(row, this.placeBytes(source, from, length, copier));
    this.pages.release(old);
  }

  private placeBytes(source: Buffer, from: number, length: number, copier: WordCopier): Link {
    const link = this.pages.allocate(length);
    if (length > LONGEST_BY_WORDS) source.copy(this.pages.bufferOf(link), this.pages.positionOf(link), from, from + length);
    else copier.copy(source, from, length, this.pages.wordsOf(link), this.pages.positionOf(link) >> 2);
    return link;
  }

  /** Undoes `add`, or ends a row. Cannot fail. */
  remove(row: RowId): void {
    const link = this.ids.linkOf(row);
    this.ids.remove(row);
    this.pages.release(link);
  }

  /** Whether the staged row can stand where the row at `link` stands. */
  stagedFits(link: Link): boolean {
    return this.pages.fits(link, this.stagedLength);
  }

  /** Puts the staged bytes, for which `stagedFits` holds, in the row's place. Cannot fail. */
  overwrite(row: RowId): void {
    const { pages, stagedLength: length } = this;
    const link = this.ids.linkOf(row);
    const words = this.stagedAtTail ? pages.tailWords() : scratch.words;
    const from = this.stagedAtTail ? pages.tailPosition >> 2 : 1;
    // Copied before the resize: room that it frees may join the active extent, in which the staged row lies.
    copyWords(words, from, pages.wordsOf(link), pages.positionOf(link) >> 2, length);
    pages.resize(link, length);
  }

  /** Gives the row the staged bytes in a new place, and leaves the old place as it is. @returns the old link. */
  replace(row: RowId): Link {
    const old = this.ids.linkOf(row);
    this.moveTo(row, this.claim());
    return old;
  }

  /** Undoes `replace`: the row is at `link` again. Cannot fail. */
  restore(row: RowId, link: Link): void {
    const replaced = this.ids.linkOf(row);
    this.ids.move(row, link);
    this.pages.release(replaced);
  }

  /** Ends a place that `replace` left. Cannot fail. */
  release(link: Link): void {
    this.pages.release(link);
  }

  /** Ends a row whose bytes stay, for those who read an older version. Cannot fail. */
  forget(row: RowId): void {
    this.ids.remove(row);
  }

  /** A mark for `trimTo`. */
  get pageExtent(): number {
    return this.pages.extent;
  }

  trimTo(extent: number): void {
    this.pages.trim(extent);
  }

  /** Drops free pages, and chooses sparse ones to be emptied. */
  sparsePages(): number[] {
    return this.pages.sparsePages();
  }

  retirePage(number: number): void {
    this.pages.retire(number);
  }

  get retiringPages(): number {
    return this.pages.retiringPages;
  }

  /**
   * Moves the row, if it stands in a page that is to be emptied, to another page. Nobody may hold its link: no
   * transaction is open. @returns whether it moved. @throws TableFullError; nothing has changed then
   */
  evacuate(row: RowId): boolean {
    const { pages, ids } = this;
    if (!ids.isAlive(row)) return false;
    const from = ids.linkOf(row);
    if (!pages.isRetiring(from)) return false;
    const length = pages.lengthOf(from);
    const to = pages.allocate(length);
    copyWords(pages.wordsOf(from), pages.positionOf(from) >> 2, pages.wordsOf(to), pages.positionOf(to) >> 2, length);
    this.moveTo(row, to);
    pages.release(from);
    return true;
  }

  stats(): PageStats {
    return this.pages.stats();
  }

  /** Every disagreement between row ids, pages and free space; `kept` are places that an open transaction still holds. */
  problems(kept: Iterable<Link> = []): Iterable<string> {
    const live = new Set<Link>(kept);
    for (const row of this.ids) live.add(this.ids.linkOf(row));
    return this.pages.problems(live);
  }
}

const FIRST_SCRATCH = 128 * 1024;
const LARGEST_KEPT = 1024 * 1024;
const LONGEST_BY_WORDS = 512;

/** One for all tables: nothing runs between staging a row and claiming its room. */
let scratch: Page = createPage(FIRST_SCRATCH);

function growScratch(length: number): void {
  scratch = createPage((length + HEADER_BYTES + 15) & -16);
}

/** Both ends begin at a word; a row's extent is a whole number of words, so the last one may be copied whole. */
function copyWords(source: Int32Array, from: number, target: Int32Array, to: number, length: number): void {
  const words = (length + 3) >> 2;
  if (words > 64) target.set(source.subarray(from, from + words), to);
  else for (let at = 0; at < words; at++) target[to + at] = source[from + at] as number;
}
