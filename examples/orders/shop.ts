import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Column, Index, type InPlaceQuery, OptionalProps, PrimaryKey, PrimaryKeyProp, Query, Table } from '../../lib/index.js';

/** Found by its sku alone, so that a hash serves better than a tree. Money is in cents. */
@Table()
export class Product {
  [PrimaryKeyProp]?: 'sku';
  @PrimaryKey({ using: 'hash' }) sku!: string;
  @Column('long') price!: bigint;
  @Column('int') stock!: number;

  @Query({ inPlace: ['stock'], by: 'sku' })
  static changeStockBySku: InPlaceQuery<Product, 'stock', 'sku'>;
}

export class Address {
  @Column() street!: string;
  @Column() @Transform(({ value }) => (typeof value === 'string' ? value.toUpperCase() : value)) country!: string;
}

/** What comes from outside as JSON takes its shape by class-transformer's decorators, and is then validated as any row. */
@Table({ name: 'shop_order' })
export class Order {
  [OptionalProps]?: 'status';
  @PrimaryKey('autoincrement') id!: number;

  @Expose({ name: 'customer_email' })
  @Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value), { toClassOnly: true })
  @Index({ using: 'hash' })
  @Column()
  email!: string;

  @Column() placedAt!: Date;
  @Column({ enum: ['open', 'paid'], default: 'open' }) status!: 'open' | 'paid';
  @Type(() => Address) @Column({ type: () => Address }) address!: Address;

  /** Kept, and never shown. */
  @Exclude({ toPlainOnly: true }) @Column('string', { nullable: true }) note?: string | null;
}

/** The key is the order and the place in it: the lines of an order stand beside one another in the primary index. */
@Table()
export class OrderLine {
  [PrimaryKeyProp]?: ['order', 'line'];
  @PrimaryKey() @Column('long') order!: number;
  @PrimaryKey() @Column('int') line!: number;
  @Index() @Column() sku!: string;
  @Column('int') quantity!: number;
  @Column('long') price!: bigint;

  /** No column: it is worked out of two. */
  @Expose({ toPlainOnly: true })
  get total(): bigint {
    return this.price * BigInt(this.quantity);
  }
}
