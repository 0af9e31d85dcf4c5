import { Column, Index, OptionalProps, PrimaryKey, Table } from '../../lib/index.js';

export const STEPS = ['new', 'cooking', 'ready', 'served'] as const;
export type Step = (typeof STEPS)[number];

/** A dish that a guest has ordered, on its way through the kitchen. */
@Table({ name: 'kitchen_order' })
export class Order {
  [OptionalProps]?: 'step' | 'placedAt';

  @PrimaryKey('autoincrement') @Column('int') id!: number;
  @Column() dish!: string;
  @Index() @Column('int') seat!: number;
  @Index() @Column({ enum: STEPS, default: 'new' }) step!: Step;
  @Column({ type: 'timestamp-millis', default: () => new Date() }) placedAt!: Date;
}
