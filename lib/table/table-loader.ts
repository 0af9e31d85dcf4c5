import { CorruptionError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import type { TableIndex } from '../index/table-index.js';
import { type RowVerifier, rowVerifier } from '../schema/row-verifier.js';
import type { RowId } from '../storage/link.js';
import { WordCopier } from '../storage/word-copier.js';
import { readKey } from './key-access.js';
import type { TableCore } from './table-core.js';

/** An update's row after, and of the row before what differs: it shares `prefix` bytes at its beginning, `suffix` at its end. */
export interface UpdateBytes {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly prefix: number;
  readonly suffix: number;
  readonly middleFrom: number;
  readonly middleTo: number;
}

/**
 * Fills a table from what was stored: rows first, then the changes that came after them, found by their primary keys;
 * at last the other indexes, all at once. Nothing else may happen to the table meanwhile.
 *
 * Every row's bytes are verified, and every change must meet the row that it was made of.
 * @throws CorruptionError without a file: with the offset in the bytes that were given
 */
export class TableLoader {
  private readonly verifyBytes: RowVerifier;
  private readonly copier = new WordCopier();

  constructor(private readonly core: TableCore) {
    this.verifyBytes = rowVerifier(core.schema.columns);
  }

  /** A row of the stored state, or one that came later. */
  insert(bytes: Buffer, from: number, to: number): void {
    const { core } = this;
    this.verify(bytes, from, to);
    const key = this.keyIn(bytes, from);
    const row = core.store.addBytes(bytes, from, to - from, this.copier);
    core.rowKeys?.set(row, key as number);
    if (!core.primary.add(key, row)) throw new CorruptionError(undefined, from, `two rows of ${core.name} have one primary key`);
    core.counter.supplied(key);
  }

  update({ bytes, from, to, prefix, suffix, middleFrom, middleTo }: UpdateBytes): void {
    const { core } = this;
    this.verify(bytes, from, to);
    const row = this.find(bytes, from);
    const link = core.store.linkOf(row);
    const stored = core.store.bufferAt(link);
    const at = core.store.positionAt(link);
    const length = prefix + middleTo - middleFrom + suffix;
    const isSame =
      core.store.lengthAt(link) === length &&
      same(bytes, from, stored, at, prefix) &&
      same(bytes, middleFrom, stored, at + prefix, middleTo - middleFrom) &&
      same(bytes, to - suffix, stored, at + length - suffix, suffix);
    if (!isSame) throw new CorruptionError(undefined, from, `an update of a row of ${core.name} that is another one`);
    core.store.replaceBytes(row, bytes, from, to - from, this.copier);
  }

  delete(bytes: Buffer, from: number, to: number): void {
    const { core } = this;
    this.verify(bytes, from, to);
    const row = this.find(bytes, from);
    const link = core.store.linkOf(row);
    if (core.store.lengthAt(link) !== to - from || !same(bytes, from, core.store.bufferAt(link), core.store.positionAt(link), to - from)) {
      throw new CorruptionError(undefined, from, `a delete of a row of ${core.name} that is another one`);
    }
    core.primary.remove(this.keyIn(bytes, from), row);
    core.removeRow(row);
  }

  /** The last key that was given out; of tables that do not count, 0. */
  counter(value: bigint): void {
    const { counter, schema, name } = this.core;
    if (!schema.key.autoincrement ? value !== 0n : !counter.accepts(value)) {
      throw new CorruptionError(undefined, 0, `a counter of ${name} that cannot be`);
    }
    counter.supplied(typeof counter.value === 'bigint' ? value : Number(value));
  }

  private verify(bytes: Buffer, from: number, to: number): void {
    this.verifyBytes(bytes, from, to);
    if (to - from > MOST_ROW_BYTES) throw new CorruptionError(undefined, from, `a row of ${this.core.name} that is larger than any can be`);
  }

  private find(bytes: Buffer, from: number): RowId {
    const row = this.core.primary.getOne(this.keyIn(bytes, from));
    if (row === undefined) throw new CorruptionError(undefined, from, `a change of a row of ${this.core.name} that is not there`);
    return row;
  }

  private keyIn(bytes: Buffer, from: number): Key {
    return readKey(this.core.codec, this.core.primary.positions, bytes, from);
  }

  /**
   * For salvage: leaves out each row whose key in a unique index a row before it has, in primary-key order, and tells how
   * many. Call before `finish`. Cost: as that of building the unique indexes twice.
   */
  leaveOutConflicts(leftOut: (reason: string) => void): void {
    const { core } = this;
    for (const index of core.secondaries) {
      if (!index.unique) continue;
      const keyOf = (row: RowId) => core.keyAt(index, core.store.linkOf(row));
      const kept: RowId[] = [];
      const refused: RowId[] = [];
      for (const row of core.primary.rowsInOrder() as Iterable<number> as Iterable<RowId>)
        (index.add(keyOf(row), row) ? kept : refused).push(row);
      for (const row of kept) index.remove(keyOf(row), row);
      for (const row of refused) {
        core.primary.remove(core.keyAt(core.primary, core.store.linkOf(row)), row);
        core.removeRow(row);
      }
      if (refused.length > 0) leftOut(`rows of ${core.name} whose keys in unique index ${index.name} others have: ${refused.length}`);
    }
  }

  /** Builds the other indexes. @throws CorruptionError where two rows have one key of a unique index */
  finish(): void {
    const { core } = this;
    if (core.secondaries.length === 0) return;
    const rows = core.store.rowIdArray();
    for (const index of core.secondaries) this.build(index, rows);
  }

  private build(index: TableIndex, rows: Int32Array): void {
    if (index.fill(rows)) return;
    throw new CorruptionError(undefined, 0, `two rows of ${this.core.name} have one key in unique index ${index.name}`);
  }
}

function same(a: Buffer, from: number, b: Buffer, at: number, length: number): boolean {
  if (length > LONGEST_COMPARED_HERE) return a.compare(b, at, at + length, from, from + length) === 0;
  for (let n = 0; n < length; n++) if (a[from + n] !== b[at + n]) return false;
  return true;
}

const LONGEST_COMPARED_HERE = 64;
/** What the header of a row's extent can count. */
const MOST_ROW_BYTES = 2 ** 28;
