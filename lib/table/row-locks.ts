import { RowLockedError } from '../errors.js';
import { hashOf, type Key } from '../index/key-order.js';
import { type Hold, type LockedColumns, LockMap, type LockOptions } from '../lock/lock-map.js';
import type { ColumnSchema } from '../schema/table-schema.js';

/** The locks on a table's rows, by primary key, and who is writing just now. */
export class RowLocks {
  readonly map: LockMap;
  private readonly hash: ((key: Key) => Key) | undefined;
  /** The locks whose holder is writing. */
  private acting: ReadonlySet<Hold> | undefined;

  constructor(
    private readonly table: string,
    keyColumns: readonly ColumnSchema[],
    private readonly keyToUser: (key: Key) => unknown,
  ) {
    this.map = new LockMap(table);
    this.hash = hashOf(keyColumns);
  }

  /** Whether anything is locked: a write asks this first, and no more where nothing is. */
  get any(): boolean {
    return this.map.size > 0;
  }

  slot(key: Key): unknown {
    return this.hash === undefined ? key : this.hash(key);
  }

  /** Whether somebody holds the row, or columns of it. */
  isHeld(key: Key): boolean {
    return this.map.isHeldByOther(this.slot(key), undefined, undefined);
  }

  /** @throws RowLockedError where somebody else holds the row, or one of these columns of it */
  assertFree(key: Key, columns: LockedColumns): void {
    if (this.map.isHeldByOther(this.slot(key), columns, this.acting)) throw new RowLockedError(this.table, this.keyToUser(key));
  }

  /** Runs synchronous work whose writes these locks do not refuse. */
  runAsHolder<T>(holds: ReadonlySet<Hold>, work: () => T): T {
    const outer = this.acting;
    this.acting = outer === undefined ? holds : new Set([...outer, ...holds]);
    try {
      return work();
    } finally {
      this.acting = outer;
    }
  }

  /** Locks the whole row, if that is free now. */
  tryAcquire(key: Key): Hold | undefined {
    return this.map.tryAcquire(this.slot(key), undefined);
  }

  /** Locks the keys one after the other, all or none. They come in key order, so that no two requests wait for each other. */
  async acquire(keys: readonly Key[], columns: LockedColumns, options: LockOptions | undefined): Promise<Hold[]> {
    const holds: Hold[] = [];
    try {
      for (const slot of new Set(keys.map((key) => this.slot(key)))) holds.push(await this.map.acquire(slot, columns, options));
    } catch (error) {
      for (const hold of holds) this.map.release(hold);
      throw error;
    }
    return holds;
  }
}
