import { PositionLimitError } from '../errors.js';

/**
 * Named positions: how far somebody has come in a feed, stored with the database that he writes to, durably and in order
 * with its transactions. A consumer of this database's feed acknowledges so; a follower of another database remembers so,
 * in the transaction that applies something, up to where it has applied.
 *
 * Names are of a kind each, written before them: `consumer:audit`.
 */
export const MOST_POSITIONS = 1000;
export const MOST_POSITION_NAME_BYTES = 255;

/** What the name of a follower's position begins with. */
export const FOLLOWED = 'follow:';

/** A position that was set, or, where there is none after, forgotten; with what undoes it. */
export interface PositionChange {
  readonly kind: 'position';
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** Whether a name can be stored. */
export function isPositionName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= MOST_POSITION_NAME_BYTES;
}

/** The named positions of a database. */
export class Positions {
  private readonly map = new Map<string, number>();
  private followed = 0;

  get all(): ReadonlyMap<string, number> {
    return this.map;
  }

  /**
   * What setting a position changes; nothing where it is so already.
   * @throws PositionLimitError, TypeError
   */
  change(name: string, after: number | undefined): PositionChange | undefined {
    if (!isPositionName(name)) throw new TypeError(`the name of a position is text of 1 to ${MOST_POSITION_NAME_BYTES} bytes`);
    if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) throw new TypeError('a position is an LSN, from 0 on');
    const before = this.map.get(name);
    if (before === after) return undefined;
    if (before === undefined && this.map.size >= MOST_POSITIONS) throw new PositionLimitError(MOST_POSITIONS);
    return { kind: 'position', name, before, after };
  }

  /** Whether another database is followed. */
  get follows(): boolean {
    return this.followed > 0;
  }

  put(name: string, lsn: number | undefined): void {
    if (name.startsWith(FOLLOWED)) this.followed += Number(lsn !== undefined) - Number(this.map.has(name));
    if (lsn === undefined) this.map.delete(name);
    else this.map.set(name, lsn);
  }
}
