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
  decodeRow(bytes: Uint8Array): object;
  keyOf(bytes: Uint8Array): unknown;
  indexEvents(before: Uint8Array | undefined, after: Uint8Array | undefined): { primary: IndexEvent[]; secondary: IndexEvent[] };
}

/**
 * One committed change of one row: what goes into the log, and what the …Cdc calls return. Its bytes are the row's own
 * Avro bytes, copied once; rows and index events are made of them when they are asked for.
 *
 * Made within a transaction, it bears the LSN that the transaction will have; where that rolls back, it never was.
 */
export class Operation<Row = object, RowKey = unknown> {
  readonly table: string;
  /** The row's Avro bytes: as they are now, or, of a delete, as they were. */
  readonly bytes: Uint8Array;
  #events: ReturnType<OperationSource['indexEvents']> | undefined;

  /** @internal */
  constructor(
    private readonly source: OperationSource,
    /** What it did to the row. */
    readonly kind: ChangeKind,
    /** The position of its transaction. */
    readonly lsn: Lsn,
    /** The number of its transaction, counted from 1 when transactions begin; rolled-back ones leave gaps. */
    readonly txn: number,
    /** Its place within the transaction, from 0. */
    readonly seq: number,
    /** The row's Avro bytes before; none of an insert. */
    readonly beforeBytes: Uint8Array | undefined,
    /** The row's Avro bytes after; none of a delete. */
    readonly afterBytes: Uint8Array | undefined,
    /** Where the row lies now, or lay. */
    readonly link: LinkInfo,
    /** Whether a row was deleted since its time was over. */
    readonly expired = false,
  ) {
    this.table = source.name;
    this.bytes = (afterBytes ?? beforeBytes) as Uint8Array;
    Object.defineProperty(this, 'source', { enumerable: false });
  }

  /** The primary key; of a composite one, a tuple. */
  get key(): RowKey {
    return this.source.keyOf(this.bytes) as RowKey;
  }

  /** The row before, an instance of its own at each call; `null` for an insert. */
  get before(): Row | null {
    return this.beforeBytes === undefined ? null : (this.source.decodeRow(this.beforeBytes) as Row);
  }

  /** The row after, an instance of its own at each call; `null` for a delete. */
  get after(): Row | null {
    return this.afterBytes === undefined ? null : (this.source.decodeRow(this.afterBytes) as Row);
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
    this.#events ??= this.source.indexEvents(this.beforeBytes, this.afterBytes);
    return this.#events;
  }
}
