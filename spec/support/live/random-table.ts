import {
  Column,
  type ColumnOptions,
  type Database,
  type EntityClass,
  ExpiresAt,
  Index,
  PrimaryKey,
  Table,
  type TableManager,
} from '../../../lib/index.js';
import type { Random } from '../random.js';

/** A kind of column: how it is declared, and the few values it takes, so that many rows are alike. */
interface Kind {
  readonly options: ColumnOptions;
  readonly values: readonly unknown[];
  readonly isNumeric?: true;
  readonly isText?: true;
}

const date = (day: number) => new Date(Date.UTC(2026, 0, 1 + day));

const KINDS: readonly Kind[] = [
  { options: { type: 'int' }, values: [0, 1, 2, 3, -4, 2 ** 31 - 1], isNumeric: true },
  {
    options: { type: 'double' },
    values: [0, -0, 0.1, 0.2, 0.3, -0.1, 1e300, -1e300, 1e-300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    isNumeric: true,
  },
  { options: { type: 'double' }, values: [0.1, 0.2, 0.3, 1.1, -2.2, 1e16, -1e16, 7], isNumeric: true },
  { options: { type: 'long', as: 'bigint' }, values: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)], isNumeric: true },
  { options: { type: 'long', as: 'number' }, values: [0, 5, 2 ** 53 - 1, -(2 ** 53 - 1)], isNumeric: true },
  { options: { type: 'decimal', precision: 12, scale: 2 }, values: ['0.00', '1.50', '-2.25', '1000000000.01'], isNumeric: true },
  { options: { type: 'string' }, values: ['', 'a', 'ab', 'abc', 'b', 'é', '🦊'], isText: true },
  { options: { type: 'boolean' }, values: [true, false] },
  { options: { enum: ['low', 'middle', 'high'] }, values: ['high', 'low', 'middle'] },
  { options: { type: 'timestamp-millis' }, values: [date(0), date(1), date(2)] },
  { options: { type: 'date' }, values: [date(0), date(40)] },
  {
    options: { type: 'bytes' },
    values: [Buffer.from([]), Buffer.from([1]), Buffer.from([1, 2]), Buffer.from([255])].map((b) => new Uint8Array(b)),
  },
];

export interface RandomColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly nullable: boolean;
}

export type Row = Record<string, unknown>;

/** Rows whose type nobody knows before the test runs. */
export type AnyTable = TableManager<EntityClass<Row>, Row>;

/** A table that was made at random: its columns, keys, indexes, and whether rows expire. */
export class RandomTable {
  readonly key: readonly RandomColumn[];
  readonly columns: readonly RandomColumn[];
  readonly expires: boolean;
  readonly entity: EntityClass<Row>;

  constructor(
    readonly name: string,
    private readonly random: Random,
    private readonly now: () => number,
  ) {
    class Entity {}
    this.entity = Entity as unknown as EntityClass<Row>;
    const { prototype } = Entity;
    const options = { pageSizeBytes: 4096, name };
    const keys = random.pick([
      [{ type: 'int' as const }],
      [{ type: 'string' as const }],
      [{ type: 'string' as const }, { type: 'int' as const }],
    ]);
    this.key = keys.map((one, at) => {
      const values = one.type === 'int' ? Array.from({ length: 12 }, (_, n) => n) : [...'abcdefghijkl'].slice(0, keys.length > 1 ? 4 : 12);
      return { name: `key${at}`, kind: { options: one, values }, nullable: false };
    });
    for (const { name: property, kind } of this.key) {
      PrimaryKey({ using: random.pick(keys.length === 1 ? ['btree', 'hash', 'packed'] : ['btree', 'packed']) })(prototype, property);
      Column(kind.options)(prototype, property);
    }
    this.columns = Array.from({ length: 2 + random.below(4) }, (_, at) => ({
      name: `column${at}`,
      kind: random.pick(KINDS),
      nullable: random.chance(0.4),
    }));
    for (const { name: property, kind, nullable } of this.columns) {
      Column({ ...kind.options, nullable })(prototype, property);
      if (random.chance(0.4))
        Index({ using: random.pick(['btree', 'btree', 'hash', 'packed']), unique: random.chance(0.15) })(prototype, property);
    }
    const names = this.columns.map((column) => column.name);
    if (random.chance(0.4)) Index({ columns: names.slice(0, 2), name: 'both', using: random.pick(['btree', 'packed']) })(Entity);
    this.expires = random.chance(0.35);
    if (this.expires) {
      Column({ type: 'timestamp-millis', nullable: true })(prototype, 'until');
      ExpiresAt()(prototype, 'until');
    }
    Table(options)(Entity);
  }

  in(db: Database): AnyTable {
    return db.table(this.entity) as unknown as AnyTable;
  }

  value({ kind, nullable }: RandomColumn): unknown {
    return nullable && this.random.chance(0.2) ? null : this.random.pick(kind.values);
  }

  keyValues(): unknown[] {
    return this.key.map((column) => this.value(column));
  }

  row(key: readonly unknown[] = this.keyValues()): Row {
    const row: Row = {};
    for (const [at, { name }] of this.key.entries()) row[name] = key[at];
    for (const column of this.columns) row[column.name] = this.value(column);
    if (this.expires) row.until = this.until();
    return row;
  }

  patch(): Row {
    const row: Row = {};
    for (const column of this.columns) if (this.random.chance(0.4)) row[column.name] = this.value(column);
    if (this.expires && this.random.chance(0.2)) row.until = this.until();
    return row;
  }

  private until(): Date | null {
    return this.random.chance(0.3) ? null : new Date(this.now() + this.random.below(400) - 20);
  }

  /** A key as `select` takes it. */
  keyOf(values: readonly unknown[]): never {
    return (values.length === 1 ? values[0] : values) as never;
  }

  slotOf(row: Row): string {
    return this.key.map(({ name }) => String(row[name])).join('|');
  }
}
