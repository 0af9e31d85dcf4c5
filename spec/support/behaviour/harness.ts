import { afterEach, beforeEach, expect } from '@jest/globals';
import type { Database, EntityClass, TableManager } from '../../../lib/index.js';
import { Account, ENTITIES, LedgerEntry, Reading, Session } from '../entities.js';

/** Opens a database in the mode under test: memory now, disk and reopened stores later. */
export type OpenDatabase = (tables: readonly EntityClass[]) => Database | Promise<Database>;

export interface Fixture {
  db: Database;
  accounts: TableManager<typeof Account>;
  ledger: TableManager<typeof LedgerEntry>;
  sessions: TableManager<typeof Session>;
  readings: TableManager<typeof Reading>;
}

/** Opens a fresh database before each test, and after it asks the store itself whether it is still sound. */
export function useDatabase(open: OpenDatabase): Fixture {
  const fixture = {} as Fixture;
  beforeEach(async () => {
    fixture.db = await open(ENTITIES);
    fixture.accounts = fixture.db.table(Account);
    fixture.ledger = fixture.db.table(LedgerEntry);
    fixture.sessions = fixture.db.table(Session);
    fixture.readings = fixture.db.table(Reading);
  });
  afterEach(async () => {
    expect([...fixture.db.check()]).toEqual([]);
    await fixture.db.close();
  });
  return fixture;
}

/** What an error of ours says that is for programs, without its text. */
export function refusal(work: () => unknown): { code: string; message: string } & Record<string, unknown> {
  try {
    work();
  } catch (error) {
    return { ...(error as object), code: (error as { code: string }).code, message: (error as Error).message } as never;
  }
  throw new Error('it was not refused');
}
