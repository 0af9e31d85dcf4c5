import { LockTimeoutError } from '../errors.js';

/** What stands for a row's key in the map: a value that a `Map` compares rightly. */
export type LockKey = unknown;

/** The columns that a lock covers, by position; `undefined` is the whole row. */
export type LockedColumns = ReadonlySet<number> | undefined;

/** How long a request for a lock waits. */
export interface LockOptions {
  /** How long to wait, in milliseconds. Without it, for as long as it takes. */
  readonly timeoutMs?: number;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal;
}

/** A lock that is held. Its identity is what tells one holder from another. */
export interface Hold {
  readonly key: LockKey;
  readonly columns: LockedColumns;
}

interface Waiter {
  readonly hold: Hold;
  readonly grant: () => void;
}

interface RowLock {
  readonly holders: Set<Hold>;
  readonly waiters: Waiter[];
}

/**
 * The locks of a table, by row and column: holders of different columns of one row run together, and a lock of the
 * whole row excludes all. Requests are served in the order in which they came: one that has to wait is not overtaken by
 * a later one that conflicts with it, so nobody starves. A row's entry goes with its last holder and waiter.
 */
export class LockMap {
  private readonly rows = new Map<LockKey, RowLock>();

  constructor(private readonly table: string) {}

  /** Rows that are held or waited for. */
  get size(): number {
    return this.rows.size;
  }

  /** Locks held, and requests that wait. */
  stats(): { held: number; waiting: number } {
    let held = 0;
    let waiting = 0;
    for (const row of this.rows.values()) {
      held += row.holders.size;
      waiting += row.waiters.length;
    }
    return { held, waiting };
  }

  /**
   * Whether somebody but `own` holds one of these columns of the row. Who asks only while `size` is not 0 pays nothing
   * while nothing is locked.
   */
  isHeldByOther(key: LockKey, columns: LockedColumns, own: ReadonlySet<Hold> | undefined): boolean {
    const row = this.rows.get(key);
    if (row === undefined) return false;
    for (const holder of row.holders) if (!own?.has(holder) && overlap(holder.columns, columns)) return true;
    return false;
  }

  /** @throws LockTimeoutError after `timeoutMs`; the signal's reason when it aborts. Nothing is left behind then */
  acquire(key: LockKey, columns: LockedColumns, options: LockOptions = {}): Promise<Hold> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const hold: Hold = { key, columns };
    let row = this.rows.get(key);
    if (row === undefined) {
      row = { holders: new Set(), waiters: [] };
      this.rows.set(key, row);
    }
    if (isFree(row, hold, row.waiters.length)) {
      row.holders.add(hold);
      return Promise.resolve(hold);
    }
    return this.wait(row, hold, options);
  }

  /** A lock that is free now, or nothing. It overtakes nobody who waits. */
  tryAcquire(key: LockKey, columns: LockedColumns): Hold | undefined {
    const row = this.rows.get(key);
    const hold: Hold = { key, columns };
    if (row === undefined) this.rows.set(key, { holders: new Set([hold]), waiters: [] });
    else if (isFree(row, hold, row.waiters.length)) row.holders.add(hold);
    else return undefined;
    return hold;
  }

  private wait(row: RowLock, hold: Hold, { timeoutMs, signal }: LockOptions): Promise<Hold> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        hold,
        grant: () => {
          settle();
          resolve(hold);
        },
      };
      const giveUp = (reason: unknown) => {
        settle();
        row.waiters.splice(row.waiters.indexOf(waiter), 1);
        this.serve(hold.key, row);
        reject(reason);
      };
      const onAbort = () => giveUp(signal?.reason);
      row.waiters.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined) timer = setTimeout(() => giveUp(new LockTimeoutError(this.table, timeoutMs)), timeoutMs);
    });
  }

  /** Ends a hold; harmless when repeated. */
  release(hold: Hold): void {
    const row = this.rows.get(hold.key);
    if (row?.holders.delete(hold)) this.serve(hold.key, row);
  }

  /** Grants what has become free, in order, and drops the entry with its last user. */
  private serve(key: LockKey, row: RowLock): void {
    for (let at = 0; at < row.waiters.length; ) {
      const waiter = row.waiters[at] as Waiter;
      if (!isFree(row, waiter.hold, at)) {
        at++;
        continue;
      }
      row.waiters.splice(at, 1);
      row.holders.add(waiter.hold);
      waiter.grant();
    }
    if (row.holders.size === 0 && row.waiters.length === 0) this.rows.delete(key);
  }
}

/** Whether nothing that is held, and nothing that has waited for longer, stands in the way. */
function isFree(row: RowLock, hold: Hold, earlier: number): boolean {
  for (const holder of row.holders) if (overlap(holder.columns, hold.columns)) return false;
  for (let at = 0; at < earlier; at++) if (overlap((row.waiters[at] as Waiter).hold.columns, hold.columns)) return false;
  return true;
}

function overlap(a: LockedColumns, b: LockedColumns): boolean {
  if (a === undefined || b === undefined) return true;
  for (const column of a) if (b.has(column)) return true;
  return false;
}
