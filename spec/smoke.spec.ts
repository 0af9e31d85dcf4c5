import { expect, it } from '@jest/globals';
import { Column, Database, Index, PrimaryKey, Table } from '../lib/index.js';

@Table()
class Thing {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() name!: string;
}
it('works', () => {
  const db = new Database({ tables: [Thing] });
  expect(db.table(Thing).insert({ name: 'a' })).toBe(1);
});
