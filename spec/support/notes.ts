import { Column, Index, PrimaryKey, Table } from '../../lib/index.js';

/** Two small tables, for containers to give. */
@Table()
export class Note {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() text!: string;
}

@Table()
export class Visit {
  @PrimaryKey('autoincrement') id!: number;
  @Index() @Column() page!: string;
}
