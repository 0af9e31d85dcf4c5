import type { ChangeEvent } from '../cdc/change-event.js';
import { ChangeMismatchError, DuplicateKeyError, EventFormatError, UniqueViolationError } from '../errors.js';
import type { Key } from '../index/key-order.js';
import type { Stored } from '../schema/stored-value.js';
import type { RowId } from '../storage/link.js';
import type { TableCore } from '../table/table-core.js';
import type { Change } from '../transaction/change.js';

/**
 * A table that goes through what another one went through. Nothing is made here: no key, no default, no time; what the
 * events say is done, if it fits. Each call is a step of an open transaction.
 */
export class FollowedTable {
  /** Every column that is not of the key. */
  private readonly others: readonly number[];

  constructor(private readonly core: TableCore) {
    const { columns, key } = core.schema;
    this.others = columns.map(({ position }) => position).filter((position) => !key.columns.includes(position));
  }

  /** @throws ChangeMismatchError where the change does not fit the table; EventFormatError, ValidationError */
  apply(event: ChangeEvent): void {
    const { core } = this;
    if (core.expiry === undefined) this.applyNow(event);
    else core.expiry.atStandstill(() => this.applyNow(event));
  }

  private applyNow(event: ChangeEvent): void {
    const { core } = this;
    switch (event.kind) {
      case 'insert':
        core.journal.record(this.fitting(event, () => core.insert(this.values(event.after), true) as Change));
        break;
      case 'update': {
        const row = this.find(event);
        const after = this.values(event.after);
        if (core.primary.compare(core.primary.keyOf(after), core.primaryKeyOf(row)) !== 0) throw this.mismatch(event, 'it changes the key');
        const change = this.fitting(event, () => core.update(row, this.others, after, true));
        if (change !== undefined) core.journal.record(change);
        break;
      }
      case 'delete':
        core.journal.record(core.delete(this.find(event), event.expired === true));
        break;
      default:
        throw new EventFormatError('an event of no known kind, or a row of an image among changes');
    }
  }

  /** The row that an event changes, exactly as it was before. */
  private find(event: ChangeEvent): RowId {
    const { primary } = this.core;
    const before = this.values(event.before);
    const row = primary.getOne(primary.keyOf(before));
    if (row === undefined) throw this.mismatch(event, 'its row is not there');
    if (!this.isSame(before, row)) throw this.mismatch(event, 'its row is another one here');
    return row;
  }

  private isSame(values: Stored[], row: RowId): boolean {
    this.core.store.stage(values);
    return this.core.store.stagedEquals(this.core.store.linkOf(row));
  }

  /** A whole row's stored form. */
  values(row: object | null): Stored[] {
    const { codec, schema, name } = this.core;
    if (typeof row !== 'object' || row === null) throw new EventFormatError(`an event of ${name} without a row`);
    for (const column of schema.columns) {
      // Nothing is filled in: not even a time to live.
      if ((row as Record<string, unknown>)[column.name] === undefined)
        throw new EventFormatError(`a row of ${name} without its ${column.name}`);
    }
    const values: Stored[] = [];
    codec.collect(row, values, 'replace');
    return values;
  }

  private fitting<T>(event: ChangeEvent, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof DuplicateKeyError || error instanceof UniqueViolationError)
        throw this.mismatch(event, 'its row cannot be there', error);
      throw error;
    }
  }

  private mismatch({ lsn, seq, key }: ChangeEvent, reason: string, cause?: unknown): ChangeMismatchError {
    return new ChangeMismatchError(this.core.name, key, lsn, seq, reason, cause);
  }

  /** Keys up to this one were given out there. @throws EventFormatError where the table has no such key */
  passKeys(last: bigint): void {
    const { counter, name, schema } = this.core;
    if (typeof last !== 'bigint' || !schema.key.autoincrement || !counter.accepts(last)) {
      throw new EventFormatError(`a counter that ${name} cannot have`);
    }
    this.core.passKeys(typeof counter.value === 'bigint' ? last : Number(last));
  }

  /** Makes these the table's rows: those that are there already stay, all others go first. */
  replaceRows(rows: readonly Stored[][], lsn: number): void {
    const { core } = this;
    if (core.expiry === undefined) this.replaceNow(rows, lsn);
    else core.expiry.atStandstill(() => this.replaceNow(rows, lsn));
  }

  private replaceNow(rows: readonly Stored[][], lsn: number): void {
    const { core } = this;
    const staying = new Set<RowId>();
    const coming: Stored[][] = [];
    for (const values of rows) {
      const row = core.primary.getOne(core.primary.keyOf(values) as Key);
      if (row !== undefined && this.isSame(values, row)) staying.add(row);
      else coming.push(values);
    }
    for (const row of [...core.store.rowIds]) if (!staying.has(row)) core.journal.record(core.delete(row));
    for (const values of coming) {
      const key = core.primary.keyOf(values);
      core.journal.record(this.fitting({ lsn, seq: 0, key } as unknown as ChangeEvent, () => core.insert(values, true) as Change));
    }
  }

  get isEmpty(): boolean {
    return this.core.count === 0;
  }

  get name(): string {
    return this.core.name;
  }
}
