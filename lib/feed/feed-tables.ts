import { CorruptionError, SchemaError } from '../errors.js';
import { keyToUser } from '../index/table-index.js';
import type { EntityClass } from '../schema/column-type.js';
import { verifyRow } from '../schema/verify.js';
import { readKey } from '../table/key-access.js';
import type { TableCore } from '../table/table-core.js';

/** The tables of a database, as a feed meets them in the log: by their numbers, those that it is to give and the others. */
export class FeedTables {
  private readonly byId = new Map<number, FeedTable>();

  /** @throws SchemaError for a class that is not of this database */
  constructor(cores: ReadonlyMap<EntityClass, TableCore>, wanted: readonly EntityClass[] | undefined) {
    for (const entity of wanted ?? []) {
      if (cores.has(entity)) continue;
      const name = typeof entity === 'function' ? entity.name : String(entity);
      throw new SchemaError(name, undefined, 'the class is not among the tables of this database', 'Name it in new Database({ tables })');
    }
    for (const [entity, core] of cores) this.byId.set(core.logId, new FeedTable(core, wanted === undefined || wanted.includes(entity)));
  }

  /** @throws CorruptionError */
  get(id: number): FeedTable {
    const table = this.byId.get(id);
    if (table === undefined) throw new CorruptionError(undefined, 0, 'an operation on a table that the database does not know');
    return table;
  }

  get all(): FeedTable[] {
    return [...this.byId.values()];
  }
}

export class FeedTable {
  readonly name: string;

  constructor(
    readonly core: TableCore,
    readonly isWanted: boolean,
  ) {
    this.name = core.name;
  }

  /** The row and the key in bytes that may be anything. @throws CorruptionError */
  read(bytes: Buffer, from: number, to: number): { readonly row: object; readonly key: unknown } {
    verifyRow(this.core.schema.columns, bytes, from, to);
    return this.decode(bytes, from);
  }

  /** As `read`, of bytes that are known to be a row. */
  decode(bytes: Buffer, from: number): { readonly row: object; readonly key: unknown } {
    const { codec, primary } = this.core;
    return { row: codec.decode(bytes, from), key: keyToUser(primary, readKey(codec, primary.positions, bytes, from)) };
  }
}
