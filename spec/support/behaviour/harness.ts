import { afterEach, beforeEach, expect } from '@jest/globals';
import type { Database, EntityClass, TableManager } from '../../../lib/index.js';
import { Account, ENTITIES, LedgerEntry, Reading, Session } from '../entities.js';

/** Opens a database in the mode under test. */
export interface OpenDatabase {
  (tables: readonly EntityClass[]): Database | Promise<Database>;
  /** Opens what was closed last once more, where it is stored. */
  again?(tables: readonly EntityClass[]): Promise<Database>;
}

/** Everything that a database holds and that must still be there after a reopening. */
function contentOf(db: Database): unknown {
  return { lsn: db.lsn, tables: db.tables.map((table) => [table.name, table.selectAll().execute()]) };
}

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
    const { db } = fixture;
    expect([...db.check()]).toEqual([]);
    const content = contentOf(db);
    await db.close();
    if (open.again === undefined) return;
    const again = await open.again(ENTITIES);
    expect(contentOf(again)).toEqual(content);
    expect([...again.check()]).toEqual([]);
    await again.close();
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
