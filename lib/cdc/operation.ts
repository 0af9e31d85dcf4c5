import { keepClassOf } from '../kept.js';

/** A position in the order of committed transactions: 1 for the first, without gaps. */
export type Lsn = number & { readonly __lsn: unique symbol };

/** What a change did to its row. */
export type ChangeKind = 'insert' | 'update' | 'delete';

/** Where a row's bytes are: `offset` and `length` in bytes, `offset` from the page's start. */
export interface LinkInfo {
  readonly page: number;
  readonly offset: number;
  readonly length: number;
}

/** One entry that came into an index or left it. Keys are in the user's form; a compound key is an array. */
export interface IndexEvent {
  readonly index: string;
  readonly kind: 'insert' | 'remove';
  readonly key: unknown;
}

/** What an operation needs of its table. */
export interface OperationSource {
  readonly name: string;
  decodeRow(bytes: Buffer): object;
  keyOf(bytes: Buffer): unknown;
  indexEvents(before: Buffer | undefined, after: Buffer | undefined): { primary: IndexEvent[]; secondary: IndexEvent[] };
}

/**
 * One committed change of one row: what goes into the log, and what the …Cdc calls return. Its bytes are the row's own
 * Avro bytes, copied once; rows and index events are made of them when they are asked for.
 *
 * Made within a transaction, it bears the LSN that the transaction will have; where that rolls back, it never was.
 */
export class Operation<Row = object, RowKey = unknown> {
  readonly table: string;
  readonly #source: OperationSource;
  /** The row's bytes before and after. */
  readonly #before: Buffer | undefined;
  readonly #after: Buffer | undefined;
  #events: ReturnType<OperationSource['indexEvents']> | undefined;

  /** @internal */
  constructor(
    source: OperationSource,
    /** What it did to the row. */
    readonly kind: ChangeKind,
    /** The position of its transaction. */
    readonly lsn: Lsn,
    /** The number of its transaction, counted from 1 when transactions begin; rolled-back ones leave gaps. */
    readonly txn: number,
    /** Its place within the transaction, from 0. */
    readonly seq: number,
    before: Buffer | undefined,
    after: Buffer | undefined,
    /** Where the row lies now, or lay. */
    readonly link: LinkInfo,
    /** Whether a row was deleted since its time was over. */
    readonly expired = false,
  ) {
    this.table = source.name;
    this.#source = source;
    this.#before = before;
    this.#after = after;
  }

  /** The row's Avro bytes: as they are now, or, of a delete, as they were. A copy at each call. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.row);
  }

  /** The row's Avro bytes before; none of an insert. A copy at each call. */
  get beforeBytes(): Uint8Array | undefined {
    return this.#before && new Uint8Array(this.#before);
  }

  /** The row's Avro bytes after; none of a delete. A copy at each call. */
  get afterBytes(): Uint8Array | undefined {
    return this.#after && new Uint8Array(this.#after);
  }

  private get row(): Buffer {
    return (this.#after ?? this.#before) as Buffer;
  }

  /** The primary key; of a composite one, a tuple. */
  get key(): RowKey {
    return this.#source.keyOf(this.row) as RowKey;
  }

  /** The row before, an instance of its own at each call; `null` for an insert. */
  get before(): Row | null {
    return this.#before === undefined ? null : (this.#source.decodeRow(this.#before) as Row);
  }

  /** The row after, an instance of its own at each call; `null` for a delete. */
  get after(): Row | null {
    return this.#after === undefined ? null : (this.#source.decodeRow(this.#after) as Row);
  }

  /** What the primary index went through. An update changes nothing there. */
  get primaryEvents(): readonly IndexEvent[] {
    return this.indexEvents().primary;
  }

  /** What the secondary indexes went through, in declaration order; a value that stayed is not among them. */
  get secondaryEvents(): readonly IndexEvent[] {
    return this.indexEvents().secondary;
  }

  private indexEvents(): ReturnType<OperationSource['indexEvents']> {
    this.#events ??= this.#source.indexEvents(this.#before, this.#after);
    return this.#events;
  }
}

keepClassOf(
  new Operation({ name: '' } as OperationSource, 'insert', 0 as Lsn, 0, 0, undefined, undefined, { page: 0, offset: 0, length: 0 }),
);
