import { TransactionError } from '../errors.js';
import type { Hold, LockMap } from './lock-map.js';

/** Runs synchronous work in which the holder's own locks do not stand in its way. */
export type RunAsHolder = <T>(holds: ReadonlySet<Hold>, work: () => T) => T;

/** The writes of a table, as a guard passes them on. */
export interface GuardedTable<Key, Row, Whole, Partial> {
  insert(row: Row): Key;
  update(row: Whole): void;
  updateBy(key: Key, partial: Partial): void;
  upsert(row: Row): { key: Key; inserted: boolean };
  delete(key: Key): boolean;
}

/**
 * Locks that are held, of one row or of several. While they are, others' writes to these columns are refused with
 * `RowLockedError`, and the holder writes through the guard. Leaving the scope of a `using` declaration frees them, by
 * an exception too.
 *
 * @example
 * ```ts
 * using guard = await accounts.lock(1);
 * const rate = await Promise.resolve(3n); // others cannot write the row meanwhile
 * guard.updateBy(1, { balance: 100n * rate });
 * ```
 */
export class LockGuard<Key, Row, Whole, Partial> implements GuardedTable<Key, Row, Whole, Partial> {
  private readonly holds: ReadonlySet<Hold>;
  private held = true;

  /** @internal */
  constructor(
    private readonly table: GuardedTable<Key, Row, Whole, Partial>,
    private readonly locks: LockMap,
    holds: readonly Hold[],
    private readonly runAsHolder: RunAsHolder,
  ) {
    this.holds = new Set(holds);
  }

  /** Whether the locks are still held. */
  get isHeld(): boolean {
    return this.held;
  }

  /** Runs synchronous work, declared queries and transactions among it, as the holder. @throws TransactionError after `unlock` */
  write<T>(work: () => T): T {
    if (!this.held) throw new TransactionError('the lock was released; take it again to write through its guard');
    return this.runAsHolder(this.holds, work);
  }

  /** The table's `insert`, as the holder. @throws as that does; TransactionError after `unlock` */
  insert(row: Row): Key {
    return this.write(() => this.table.insert(row));
  }

  /** The table's `update`, as the holder. @throws as that does; TransactionError after `unlock` */
  update(row: Whole): void {
    this.write(() => this.table.update(row));
  }

  /** The table's `updateBy`, as the holder. @throws as that does; TransactionError after `unlock` */
  updateBy(key: Key, partial: Partial): void {
    this.write(() => this.table.updateBy(key, partial));
  }

  /** The table's `upsert`, as the holder. @throws as that does; TransactionError after `unlock` */
  upsert(row: Row): { key: Key; inserted: boolean } {
    return this.write(() => this.table.upsert(row));
  }

  /** The table's `delete`, as the holder. @throws as that does; TransactionError after `unlock` */
  delete(key: Key): boolean {
    return this.write(() => this.table.delete(key));
  }

  /** Frees the locks. Harmless when repeated. */
  unlock(): void {
    if (!this.held) return;
    this.held = false;
    for (const hold of this.holds) this.locks.release(hold);
  }

  /** `using guard = …` frees the locks when its scope is left. */
  [Symbol.dispose](): void {
    this.unlock();
  }
}
