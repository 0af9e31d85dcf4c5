import { Column, Database, Index, PrimaryKey, Table, type TableManager } from '../../lib/index.js';

@Table()
export class Account {
  @PrimaryKey() @Column('int') id!: number;
  @Column('long') balance!: bigint;
}

@Table()
export class Transfer {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column('int') from!: number;
  @Index() @Column('int') to!: number;
  @Column('long') amount!: bigint;
  @Column() note!: string;
}

const ACCOUNTS = 40;
export const START = 10_000n;
export const TOTAL = START * BigInt(ACCOUNTS);

export interface Bank {
  readonly db: Database;
  readonly accounts: TableManager<typeof Account>;
  readonly transfers: TableManager<typeof Transfer>;
}

/** Small segments and early checkpoints, so that kills meet all that a store does. */
export async function openBank(path: string): Promise<Bank> {
  const db = await Database.open({ path, tables: [Account, Transfer], segmentBytes: 64 * 1024, checkpoint: { logBytes: 256 * 1024 } });
  const accounts = db.table(Account);
  if (accounts.count() === 0) {
    accounts.insertMany(Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: START })));
    await db.waitForOps();
  }
  return { db, accounts, transfers: db.table(Transfer) };
}
