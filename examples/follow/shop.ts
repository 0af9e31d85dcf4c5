import { Column, Database, PlainEvents, PrimaryKey, PrimaryKeyProp, Table } from '../../lib/index.js';

@Table()
export class Product {
  @PrimaryKey('autoincrement') id!: number;
  @Column() title!: string;
  @Column('long') cents!: bigint;
}

/** The search index: which products have a word in their titles. */
@Table()
export class Posting {
  [PrimaryKeyProp]?: ['word', 'product'];

  @PrimaryKey() @Column('string') word!: string;
  @PrimaryKey() @Column('int') product!: number;
}

/** How far the search index has come, in the same store, and so in the same transactions. */
@Table()
export class Progress {
  [PrimaryKeyProp]?: 'of';

  @PrimaryKey() @Column('string') of!: string;
  @Column('long') lsn!: number;
}

export const plain = new PlainEvents({ tables: [Product] });

/** Where everything is. Node listens on a path of a file, or, on Windows, of a pipe. */
export function placesIn(folder: string) {
  const socket = process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll(/[^A-Za-z0-9]/g, '-')}` : `${folder}/feed`;
  return { socket, shop: `${folder}/shop`, audit: `${folder}/audit.log`, search: `${folder}/search`, copy: `${folder}/copy` };
}

/** Small segments and early checkpoints, so that kills meet all that a store does. */
export async function openShop(path: string): Promise<Database> {
  const db = await Database.open({ path, tables: [Product], segmentBytes: 32 * 1024, checkpoint: { logBytes: 128 * 1024 } });
  for (const name of ['audit', 'search']) db.consumer(name, { from: 0 }); // before anything is written, so that all is kept for them
  return db;
}

export const openSearch = (path: string) => Database.open({ path, tables: [Posting, Progress] });
export const openCopy = (path: string) => Database.open({ path, tables: [Product] });

export function wordsOf(product: Product | null): string[] {
  return product === null ? [] : [...new Set(product.title.split(' '))];
}
