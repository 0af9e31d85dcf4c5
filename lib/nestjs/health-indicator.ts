import type { FactoryProvider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Database } from '../database.js';
import { getDatabaseToken } from '../inject/tokens.js';

/** What a health check is about. */
export interface HealthCheckOptions {
  /** Which database; the one without a name by default. */
  readonly database?: string;
  /** How long what is committed may take to become durable, in milliseconds; 1000 by default. */
  readonly timeoutMs?: number;
}

/** What `@nestjs/terminus` takes, under the key that was asked for. */
export type WorkTableHealth<Key extends string = string> = Record<
  Key,
  {
    readonly status: 'up' | 'down';
    /** The last commit, and the last one that is durable. */
    readonly lsn: number;
    readonly durableLsn: number;
    /** Bytes of committed transactions that wait to be stored; of a stored database. */
    readonly queuedBytes?: number;
    /** Why it is down. */
    readonly message?: string;
  }
>;

/**
 * Tells whether a database can take writes and make them durable. Never rejects: what is wrong stands in its answer.
 *
 * @example
 * ```ts foreign: whole in docs/nestjs.md
 * @Get('health') @HealthCheck()
 * health() { return this.health.check([() => this.workTable.check('accounts')]); }   // with @nestjs/terminus
 * ```
 */
export class WorkTableHealthIndicator {
  constructor(private readonly container: ModuleRef) {}

  /**
   * `down` where the database is closed, its store has failed, or what was committed when it was asked is not durable
   * within `timeoutMs`, as on a full disk or one that hangs. Cost: nothing where nothing waits to be stored.
   */
  async check<Key extends string = 'worktable'>(
    key: Key = 'worktable' as Key,
    { database, timeoutMs = 1000 }: HealthCheckOptions = {},
  ): Promise<WorkTableHealth<Key>> {
    const db = this.container.get<Database>(getDatabaseToken(database), { strict: false });
    const message = db.closed ? 'the database is closed' : await durableWithin(db, timeoutMs);
    const queuedBytes = db.stats().store?.queuedBytes;
    const facts = { lsn: db.lsn, durableLsn: db.durableLsn, ...(queuedBytes === undefined ? {} : { queuedBytes }) };
    const health: WorkTableHealth[string] = {
      status: message === undefined ? 'up' : 'down',
      ...facts,
      ...(message === undefined ? {} : { message }),
    };
    return { [key]: health } as WorkTableHealth<Key>;
  }
}

export const HEALTH_INDICATOR: FactoryProvider<WorkTableHealthIndicator> = {
  provide: WorkTableHealthIndicator,
  inject: [ModuleRef],
  useFactory: (container: ModuleRef) => new WorkTableHealthIndicator(container),
};

/** What is wrong, if anything is. */
async function durableWithin(db: Database, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`what was committed is not durable after ${timeoutMs} ms`), timeoutMs);
  });
  try {
    return await Promise.race([db.waitForOps().then(() => undefined), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
