/**
 * Where a row's bytes are: page and offset packed into 31 bits, so that V8 keeps it as a small integer.
 *
 *   30             shift          0
 *   |   page number  |  offset/16  |      shift = log2(pageSize / 16)
 *
 * 256 KiB pages leave 17 bits for the page: 32 GiB a table. The row's length stands in front of its bytes.
 */
export type Link = number & { readonly __link: unique symbol };

/** A row's lasting number, whatever page its bytes move to. Indexes hold row ids, never links. */
export type RowId = number & { readonly __rowId: unique symbol };

export const NO_LINK = -1 as Link;

/** Every extent of a page begins at a multiple of this. */
export const GRAIN = 16;
export const LINK_BITS = 31;
