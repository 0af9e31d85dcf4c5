import { copyBytes } from '../schema/patch-row.js';
import type { KnownText, RowCodec } from '../schema/row-codec.js';
import type { Stored } from '../schema/stored-value.js';
import type { TableSchema } from '../schema/table-schema.js';
import { switches } from '../switches.js';
import { DataPages } from './data-pages.js';
import type { Link, RowId } from './link.js';
import { RowIds } from './row-ids.js';

/** Rows whose memory is asked for at once: a few kilobytes, which the nearest cache holds. */
const FETCHED_AHEAD = 64;
const CACHE_LINE_WORDS = 16;
/** The links of these rows. One array for all tables: nothing but a codec runs while it is in use, and no code of a user's. */
const LINKS = new Int32Array(FETCHED_AHEAD);

/** The rows of a table, as far as they are read: by row id, or by link where they are known to be at one. */
export class RowReads {
  protected readonly pages: DataPages;
  protected readonly ids: RowIds;
  private readonly fetchesAhead = switches.fetchAhead;
  private readonly usesKnownText = switches.knownText;
  /** Kept, so that no compiler takes the reads for needless. */
  protected touched = 0;

  constructor(
    protected readonly schema: TableSchema,
    readonly codec: RowCodec,
  ) {
    this.pages = new DataPages(schema.name, schema.pageSizeBytes);
    this.ids = new RowIds(schema.name);
  }

  get count(): number {
    return this.ids.count;
  }

  /** The rows, to be walked without an index. */
  get byId(): this {
    return this;
  }

  get idExtent(): number {
    return this.ids.extent;
  }

  get idBytes(): number {
    return this.ids.bytes;
  }

  bufferAt(link: Link): Buffer {
    return this.pages.bufferOf(link);
  }

  positionAt(link: Link): number {
    return this.pages.positionOf(link);
  }

  lengthAt(link: Link): number {
    return this.pages.lengthOf(link);
  }

  linkOf(row: RowId): Link {
    return this.ids.linkOf(row);
  }

  bufferOf(row: RowId): Buffer {
    return this.pages.bufferOf(this.ids.linkOf(row));
  }

  viewOf(row: RowId): DataView {
    return this.pages.viewOf(this.ids.linkOf(row));
  }

  positionOf(row: RowId): number {
    return this.pages.positionOf(this.ids.linkOf(row));
  }

  /** An instance of the table's class. */
  decode(row: RowId): object {
    return this.decodeAt(this.ids.linkOf(row));
  }

  decodeAt(link: Link): object {
    const { pages } = this;
    return this.codec.decode(pages.bufferOf(link), pages.positionOf(link), pages.viewOf(link));
  }

  /** As `decode`, for a row of which it is known which text a column has, that is not null. */
  decodeKnowing(row: RowId, column: number, text: string): object {
    if (!this.usesKnownText) return this.decode(row);
    const { pages } = this;
    const link = this.ids.linkOf(row);
    return this.codec.decoder(column)(pages.bufferOf(link), pages.positionOf(link), pages.viewOf(link), text);
  }

  /** Many rows, in their order: the memory of several is asked for before the first of them is read, and so arrives together. */
  decodeAll(rows: readonly RowId[], known?: KnownText): object[] {
    const { ids, pages } = this;
    const decode = this.codec.decoder(this.usesKnownText ? known?.column : undefined);
    const decoded = new Array<object>(rows.length);
    for (let from = 0; from < rows.length; from += FETCHED_AHEAD) {
      const to = Math.min(from + FETCHED_AHEAD, rows.length);
      for (let at = from; at < to; at++) LINKS[at - from] = ids.linkOf(rows[at] as RowId);
      if (this.fetchesAhead) this.fetch(to - from);
      for (let at = from; at < to; at++) {
        const link = LINKS[at - from] as Link;
        decoded[at] = decode(pages.bufferOf(link), pages.positionOf(link), pages.viewOf(link), known?.text);
      }
    }
    return decoded;
  }

  /** Touches the rows' bytes, the first two lines of a cache of each: no read waits for another here. */
  private fetch(count: number): void {
    const { pages } = this;
    let touched = 0;
    for (let at = 0; at < count; at++) {
      const link = LINKS[at] as Link;
      const words = pages.wordsOf(link);
      const word = pages.positionOf(link) >> 2;
      touched ^= (words[word] as number) ^ (words[Math.min(word + CACHE_LINE_WORDS, words.length - 1)] as number);
    }
    this.touched = touched;
  }

  /** How many rows pass a test of their bytes. No index is walked: rows come in the order of their ids. */
  countWhere(test: (buffer: Buffer, position: number) => boolean): number {
    const { ids, pages } = this;
    let rows = 0;
    for (let row = 0 as RowId; row < ids.extent; row++) {
      const link = ids.linkOf(row);
      if (link >= 0 && test(pages.bufferOf(link), pages.positionOf(link))) rows++;
    }
    return rows;
  }

  read(row: RowId, column: number): Stored {
    return this.readAt(this.ids.linkOf(row), column);
  }

  readAt(link: Link, column: number): Stored {
    return this.codec.read(column, this.pages.bufferOf(link), this.pages.positionOf(link));
  }

  /** A copy of the bytes at `link`, in memory that Node shares among small buffers. */
  bytesAt(link: Link): Buffer {
    const position = this.pages.positionOf(link);
    const length = this.pages.lengthOf(link);
    const copy = Buffer.allocUnsafe(length);
    copyBytes(this.pages.bufferOf(link), position, position + length, copy, 0);
    return copy;
  }

  placeOf(link: Link): { page: number; offset: number; length: number } {
    return { page: this.pages.pageNumberOf(link), offset: this.pages.positionOf(link), length: this.pages.lengthOf(link) };
  }

  isAlive(row: RowId): boolean {
    return this.ids.isAlive(row);
  }

  get rowIds(): Iterable<RowId> {
    return this.ids;
  }

  rowIdArray(): Int32Array {
    return this.ids.toArray();
  }
}
