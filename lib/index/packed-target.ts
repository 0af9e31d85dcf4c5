import type { RowId } from '../storage/link.js';
import type { KeyAccess } from './entry-map.js';
import type { Compare, Key } from './key-order.js';
import type { KeyWords } from './key-word.js';
import type { RowOrder } from './posting.js';

const BEFORE = 0;
const BEHIND = 1;
const AT_ROW = 2;

/**
 * What a packed tree is searched for: the place before all rows of a key, behind them, or that of one row among them.
 * Entries are ordered by the words of their keys; where words are the same by the keys, which are read from the rows; and
 * where keys are the same by the rows' primary keys.
 *
 * While a row changes, its own bytes may already be others: a row that is looked for is known by its id, and never read.
 */
export class PackedTarget {
  word = 0;
  /** Whether the word is of the key alone. */
  isExact = true;
  /** The row that is looked for, and whether it is known to be there. */
  row = NO_ROW;
  isThere = false;
  /** Whether all entries with the word stand before the place that is looked for, or none; neither where rows decide. */
  allPast = false;
  nonePast = false;
  private key: Key;
  private side = BEFORE;
  private primaryKey: Key;

  constructor(
    private readonly words: KeyWords,
    private readonly compare: Compare,
    private readonly access: KeyAccess,
    private readonly order: RowOrder,
  ) {}

  before(key: Key): this {
    return this.aim(key, BEFORE, NO_ROW, false);
  }

  behind(key: Key): this {
    return this.aim(key, BEHIND, NO_ROW, false);
  }

  /** Where the row belongs; behind it, where it is there. */
  at(key: Key, row: RowId): this {
    return this.aim(key, AT_ROW, row, false);
  }

  /** Behind the row, which is there. */
  behindRow(key: Key, row: RowId): this {
    return this.aim(key, AT_ROW, row, true);
  }

  private aim(key: Key, side: number, row: RowId, isThere: boolean): this {
    this.word = this.words.of(key);
    this.isExact = this.words.isExact;
    this.key = key;
    this.side = side;
    this.row = row;
    this.isThere = isThere;
    this.primaryKey = undefined;
    this.allPast = this.isExact && side === BEHIND;
    this.nonePast = this.isExact && side === BEFORE;
    return this;
  }

  /** Whether an entry with the word stands before the place that is looked for. */
  isPast(row: RowId): boolean {
    if (row === this.row) return true;
    if (!this.isExact) {
      const order = this.compare(this.access.keyOf(row), this.key);
      if (order !== 0) return order < 0;
    }
    if (this.side !== AT_ROW) return this.side === BEHIND;
    const { order } = this;
    this.primaryKey ??= order.keyOf(this.row);
    return order.compare(order.keyOf(row), this.primaryKey) < 0;
  }

  /** Whether the row of an entry with this word has the key. */
  isKeyOf(word: number, row: RowId): boolean {
    return word === this.word && (this.isExact || this.compare(this.access.keyOf(row), this.key) === 0);
  }
}

const NO_ROW = -1 as RowId;
