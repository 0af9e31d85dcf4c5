import { GRAIN } from './link.js';

/**
 * A page is tiled by extents, from its first byte to its last. Each begins at a multiple of 16 with a header word, and
 * is a row, free, or the active extent: the one that rows are being appended to.
 *
 *   row     | header | the row's bytes ...                                     | padding to 16 |
 *   free    | header | next free (link) | previous free (link) | ...           | size |
 *   active  | header | ...
 *             u32      u32                u32                                    u32, the last word
 *
 *   header    31                        3   2           1 0
 *             |  row: length of its bytes | prevFree | kind |
 *             |  free, active: size       |
 *
 * The size at a free extent's end and the `prevFree` bit of its neighbour are Knuth's boundary tags ("The Art of
 * Computer Programming", 2.5): freed extents join their neighbours in constant time, without any table of extents.
 * A row of more than a page has a page of its own, of its own size, that holds nothing else.
 */
export interface Page {
  readonly bytes: Buffer;
  /** The same memory as words, for headers. */
  readonly words: Int32Array;
  /** The same memory, for numbers that lie anywhere. */
  readonly view: DataView;
}

export const HEADER_BYTES = 4;
export const KIND_ROW = 0;
export const KIND_FREE = 1;
export const KIND_ACTIVE = 2;
export const KIND_MASK = 3;
export const PREV_FREE = 4;
export const SIZE_SHIFT = 3;

/** Words of a free extent, from its start. */
export const NEXT_WORD = 1;
export const PREVIOUS_WORD = 2;

/** The bytes that a row of `length` bytes takes in its page. */
export function capacityOf(length: number): number {
  return (HEADER_BYTES + length + GRAIN - 1) & -GRAIN;
}

/** Memory outside the JavaScript heap, zeroed. */
export function createPage(sizeBytes: number): Page {
  const memory = new ArrayBuffer(sizeBytes);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory), view: new DataView(memory) };
}
