import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Column, Database, Index, PrimaryKey, statsRows, Table } from '../../lib/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap and outside of it that are in use. */
function memoryInUse(): number {
  for (let n = 0; n < 4; n++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const ROWS = 1_000_000;

@Table()
@Index({ columns: ['country', 'score'] })
class Person {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() email!: string;
  @Index({ using: 'hash', unique: true }) @Column() phone!: string;
  @Index() @Column() country!: string;
  @Index() @Column('int') score!: number;
}

const person = (n: number) => ({
  email: Buffer.from(`person${n}@example.com`).toString(),
  phone: Buffer.from(`+49 ${n * 7919}`).toString(),
  country: `C${n % 150}`,
  score: (n * 7919) % 100_000,
});

describe('stats', () => {
  it(`says within 15% what ${ROWS} rows take of the process's memory`, () => {
    const db = new Database({ tables: [Person] });
    const people = db.table(Person);
    for (let n = 0; n < 1000; n++) people.insert(person(n));
    for (let id = 1; id <= 1000; id++) people.delete(id);
    const before = memoryInUse();
    const counted = people.stats().bytes;
    for (let n = 0; n < ROWS; n++) people.insert(person(n));
    const grown = memoryInUse() - before;
    const said = people.stats().bytes - counted;
    expect(said / grown).toBeGreaterThan(0.85);
    expect(said / grown).toBeLessThan(1.15);
    const lines = statsRows(db.stats());
    expect(lines.at(-1)).toEqual({ part: 'all', rows: ROWS, bytes: people.stats().bytes });
    expect(lines.reduce((sum, { part, bytes }) => sum + (part === 'all' ? 0 : bytes), 0)).toBe(people.stats().bytes);
    expect(lines.map(({ part }) => part)).toContain('person.phone, unique hash');
  }, 120_000);
});
