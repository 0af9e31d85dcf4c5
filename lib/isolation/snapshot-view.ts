import type { Compare, Key } from '../index/key-order.js';
import { MapIndex } from '../index/map-index.js';
import type { RowCodec } from '../schema/row-codec.js';
import type { Stored } from '../schema/stored-value.js';
import type { TableSchema } from '../schema/table-schema.js';
import { type Link, NO_LINK, type RowId } from '../storage/link.js';
import type { Epoch } from '../storage/row-versions.js';
import type { TableCore } from '../table/table-core.js';
import type { RowsView, TableView } from '../table/table-view.js';
import { type Overlaid, OverlayIndex } from './overlay-index.js';

/** One moment, as far as a table knows it. */
export interface TableMoment {
  readonly epoch: Epoch;
  /** How many rows it had. */
  readonly rows: number;
  /** When it was, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * A table as of the moment when an epoch was opened: what has not changed since is read from the table, the rest from
 * the versions that were kept. Taking one costs nothing; each read first takes in what has changed since the last one.
 */
export class SnapshotView implements TableView, Overlaid, RowsView {
  readonly name: string;
  readonly schema: TableSchema;
  readonly codec: RowCodec;
  readonly primary: OverlayIndex;
  readonly secondaries: readonly OverlayIndex[];
  /** Where rows were that have changed since; `NO_LINK` where there were none. */
  readonly changed = new Map<RowId, Link>();
  readonly comparePrimary: Compare;
  /** The versions in the overlay by each of the table's indexes, the primary one first. */
  protected readonly overlays: readonly MapIndex[];
  private readonly taken: Map<Epoch, number> = new Map();
  protected readonly epoch: Epoch;
  protected rows: number;
  private readonly at: number;
  private seenChanges = -1;
  private seenRetractions: number;
  private ended: Error | undefined;

  constructor(
    protected readonly table: TableCore,
    { epoch, rows, at }: TableMoment,
    /** What holds the moment: it must not be collected as garbage while this can still be read. */
    readonly holder: object,
  ) {
    this.epoch = epoch;
    this.rows = rows;
    this.at = at;
    this.name = table.name;
    this.schema = table.schema;
    this.codec = table.codec;
    this.seenRetractions = table.versions.retractions;
    this.comparePrimary = table.primary.compare;
    const order = { keyOf: (row: RowId) => this.primaryKeyOf(row), compare: this.comparePrimary };
    const bases = [table.primary, ...table.secondaries];
    this.overlays = bases.map(({ name, columns }) => {
      return new MapIndex({ name, columns, unique: false, using: 'btree', nullsDistinct: false }, order);
    });
    const [primary, ...secondaries] = bases.map((base, at) => new OverlayIndex(this, base, this.overlays[at] as MapIndex));
    this.primary = primary as OverlayIndex;
    this.secondaries = secondaries;
  }

  get store(): RowsView {
    return this;
  }

  get count(): number {
    this.assertOpen();
    return this.rows;
  }

  /** Rows that had not expired at the moment stay. */
  cutoff(): number | undefined {
    return this.schema.expires === undefined ? undefined : this.at;
  }

  get isStable(): boolean {
    return true;
  }

  readOnly<T>(reason: string, work: () => T): T {
    return this.table.readOnly(reason, work);
  }

  /** Refuses every later read with this error. */
  end(reason: Error): void {
    this.ended = reason;
    this.forgetVersions();
  }

  protected assertOpen(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  sync(): void {
    this.assertOpen();
    const { versions } = this.table;
    if (this.seenChanges === versions.changes) return;
    if (this.seenRetractions !== versions.retractions) this.rebuild();
    this.seenChanges = versions.changes;
    this.seenRetractions = versions.retractions;
    for (const epoch of versions.since(this.epoch)) {
      const { log, rows } = epoch;
      for (let at = this.taken.get(epoch) ?? 0; at < log.length; at++) {
        const row = log[at] as RowId;
        const link = rows.get(row);
        if (link !== undefined && !this.changed.has(row)) this.take(row, link);
      }
      this.taken.set(epoch, log.length);
    }
  }

  private take(row: RowId, link: Link): void {
    this.changed.set(row, link);
    if (link !== NO_LINK) this.show(row);
  }

  /** A version was taken back, since its transaction was: begins anew. */
  protected rebuild(): void {
    this.forgetVersions();
  }

  private forgetVersions(): void {
    this.changed.clear();
    this.taken.clear();
    for (const overlay of this.overlays) overlay.clear();
  }

  /** Puts a version into the overlay's indexes. */
  protected show(row: RowId): void {
    for (const overlay of this.overlays) overlay.add(this.keyOf(overlay, row), row);
  }

  protected hide(row: RowId): void {
    for (let at = this.overlays.length - 1; at >= 0; at--) {
      const overlay = this.overlays[at] as MapIndex;
      overlay.remove(this.keyOf(overlay, row), row);
    }
  }

  protected keyOf(index: { readonly positions: readonly number[] }, row: RowId): Key {
    const { positions } = index;
    if (positions.length === 1) return this.peek(row, positions[0] as number);
    return positions.map((position) => this.peek(row, position));
  }

  /** `read`, without looking for what has changed. */
  protected peek(row: RowId, column: number): Stored {
    return this.table.store.readAt(this.placeOf(row), column);
  }

  primaryKeyOf(row: RowId): Key {
    return this.keyOf(this.table.primary, row);
  }

  protected placeOf(row: RowId): Link {
    return this.changed.get(row) ?? this.table.store.linkOf(row);
  }

  bufferOf(row: RowId): Buffer {
    this.sync();
    return this.table.store.bufferAt(this.placeOf(row));
  }

  positionOf(row: RowId): number {
    return this.table.store.positionAt(this.placeOf(row));
  }

  read(row: RowId, column: number): Stored {
    this.sync();
    return this.peek(row, column);
  }

  decode(row: RowId): object {
    this.sync();
    return this.table.store.decodeAt(this.placeOf(row));
  }

  decodeKnowing(row: RowId): object {
    return this.decode(row);
  }

  decodeAll(rows: readonly RowId[]): object[] {
    return rows.map((row) => this.decode(row));
  }
}
