import { Column, Index, type InPlaceQuery, PrimaryKey, PrimaryKeyProp, Query, Table } from '../../lib/index.js';

export type Side = 'buy' | 'sell';

/** An order that waits in the book. Prices are in cents; the index over them is the book itself. */
@Table({ name: 'resting_order' })
@Index({ name: 'priority', columns: ['side', 'price', 'time'] })
export class Order {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column() trader!: string;
  @Column({ enum: ['buy', 'sell'] }) side!: Side;
  @Column('int') price!: number;
  @Column('int') quantity!: number;
  @Column() time!: Date;
}

/** What was bought and sold. Both orders' numbers stay here, whatever becomes of the orders. */
@Table()
export class Trade {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column('long') buyOrder!: number;
  @Index() @Column('long') sellOrder!: number;
  @Column('int') price!: number;
  @Column('int') quantity!: number;
  @Column() time!: Date;
}

/** What a trader may spend: what resting orders would take is set aside when they come, and given back when they go. */
@Table()
export class Trader {
  [PrimaryKeyProp]?: 'name';
  @PrimaryKey({ using: 'hash' }) name!: string;
  @Column('long') cash!: bigint;
  @Column('int') shares!: number;

  @Query({ inPlace: ['cash', 'shares'], by: 'name' })
  static settleByName: InPlaceQuery<Trader, ['cash', 'shares'], 'name'>;
}
