/** Compiled and never run, by every compiler under both kinds of decorators. A line under `@ts-expect-error` must not compile. */
import {
  Column,
  Database,
  ExpiresAt,
  Index,
  Measured,
  PrimaryKey,
  PrimaryKeyProp,
  Query,
  Table,
  type TableManager,
  type UpdateQuery,
} from 'worktable';

@Table({ name: 'product' })
@Index({ columns: ['name', 'amount'] })
class Product {
  [PrimaryKeyProp]?: 'sku';

  @PrimaryKey() @Column('string') sku!: string;
  @Index('unique') @Column('string') name!: string;
  @Column('int') amount!: number;
  @Column({ type: () => Product, nullable: true }) part?: Product | null;
  @ExpiresAt() @Column({ type: 'timestamp-millis', nullable: true }) until?: Date | null;
  @Query({ update: ['amount'], by: 'sku' }) static setAmount: UpdateQuery<Product, 'amount', 'sku'>;

  @Measured() total(price: number): number {
    return price * this.amount;
  }
  @Measured('all') static async all(): Promise<number> {
    return 1;
  }
}

class Wrong {
  // @ts-expect-error a table is a class
  @Table() name!: string;
}

// @ts-expect-error a column is a property
@Column('int')
class NoColumn {}

const db = new Database({ tables: [Product] });
const products: TableManager<typeof Product> = db.table(Product);
const sku: string = products.insert({ sku: 'a', name: 'b', amount: 1 });
const total: number | undefined = products.select(sku)?.total(2);
const changed: number = products.queries.setAmount('a', { amount: 2 });
// @ts-expect-error a wrong type
products.insert({ sku: 'a', name: 'b', amount: '1' });
// @ts-expect-error a missing column
products.insert({ sku: 'a', amount: 1 });
// @ts-expect-error a key of another type
products.select(1);
products.on('change', ({ kind, after }) => [kind, after?.name.length]);

export async function uses(): Promise<unknown> {
  const stored = await Database.open({ path: 'data', tables: [Product], durability: { relaxed: { intervalMs: 5 } } });
  const guard = await stored.table(Product).lock('a');
  guard[Symbol.dispose]();
  await stored.close();
  return [total, changed, Wrong, NoColumn];
}
