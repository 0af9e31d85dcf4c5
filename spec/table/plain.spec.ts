import { describe, expect, it } from '@jest/globals';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Column, Database, OptionalProps, PrimaryKey, Table, ValidationError } from '../../lib/index.js';

class Money {
  @Column('long') cents!: bigint;
  @Column() currency!: string;
}

@Table()
class Invoice {
  [OptionalProps]?: 'secret';
  @PrimaryKey('autoincrement') id!: number;
  @Expose({ name: 'customer_name' }) @Column() customer!: string;
  @Exclude({ toPlainOnly: true }) @Column({ type: 'string', default: 'none' }) secret!: string;
  @Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value), { toClassOnly: true })
  @Column()
  email!: string;
  @Type(() => Money) @Column({ type: () => Money }) total!: Money;
  @Column('timestamp-millis') due!: Date;
  @Column('bytes') scan!: Uint8Array;
  @Column('long') serial!: bigint;
  @Column({ type: 'decimal', precision: 9, scale: 2 }) rate!: string;
  @Column('double') weight!: number;
  @Column({ values: 'long', as: 'map' }) counts!: Map<string, number>;
  @Column({ items: { type: 'timestamp-millis' } }) paid!: Date[];
}

const json = () => ({
  customer_name: 'Ada',
  email: '  ADA@Example.com ',
  total: { cents: '9007199254740993', currency: 'EUR' },
  due: '2026-03-01T00:00:00.000Z',
  scan: 'AQID',
  serial: '-9223372036854775808',
  rate: '12.50',
  weight: 'Infinity',
  counts: { a: 1, b: 2 },
  paid: ['2026-01-01T00:00:00.000Z'],
});

function open() {
  const db = new Database({ tables: [Invoice] });
  return { db, invoices: db.table(Invoice) };
}

describe('TableManager.insertPlain', () => {
  it("reads JSON by class-transformer's decorators and by the columns' types", () => {
    const { invoices } = open();
    const given = json();
    const id = invoices.insertPlain(given);
    expect(given).toEqual(json());
    const row = invoices.select(id) as Invoice;
    expect(row).toBeInstanceOf(Invoice);
    expect({ ...row, total: { ...row.total } }).toEqual({
      id: 1,
      customer: 'Ada',
      secret: 'none',
      email: 'ada@example.com',
      total: { cents: 9007199254740993n, currency: 'EUR' },
      due: new Date('2026-03-01T00:00:00.000Z'),
      scan: Uint8Array.of(1, 2, 3),
      serial: -(2n ** 63n),
      rate: '12.50',
      weight: Number.POSITIVE_INFINITY,
      counts: new Map([
        ['a', 1],
        ['b', 2],
      ]),
      paid: [new Date('2026-01-01T00:00:00.000Z')],
    });
    expect(row.total).toBeInstanceOf(Money);
  });

  it('takes back what toPlain and JSON.stringify made, but for what @Exclude keeps out', () => {
    const { invoices } = open();
    const first = invoices.select(invoices.insertPlain(json())) as Invoice;
    const plain = JSON.parse(JSON.stringify(invoices.toPlain(first)));
    expect(plain).toMatchObject({ customer_name: 'Ada', serial: '-9223372036854775808', scan: 'AQID', weight: 'Infinity' });
    expect(plain).not.toHaveProperty('secret');
    const second = invoices.select(invoices.insertPlain({ ...plain, id: 7 })) as Invoice;
    expect({ ...second }).toEqual({ ...first, id: 7 });
  });

  it('validates as any insert does', () => {
    const { invoices, db } = open();
    for (const [column, value] of [
      ['serial', 'x'],
      ['serial', 2 ** 53],
      ['serial', 0.5],
      ['due', 'tomorrow'],
      ['due', 5],
      ['scan', '???'],
      ['rate', '1.234'],
      ['weight', '12'],
      ['total', { cents: '1', currency: 'EUR', extra: 1 }],
      ['total', null],
      ['unknown', 1],
    ] as const) {
      let error: unknown;
      try {
        invoices.insertPlain({ ...json(), [column]: value });
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(ValidationError);
      expect((error as ValidationError).column).toBe(column);
    }
    const cyclic: Record<string, unknown> = { cents: '1' };
    Object.assign(cyclic, { currency: cyclic, again: [cyclic, cyclic] });
    expect(() => invoices.insertPlain({ ...json(), total: cyclic })).toThrow(ValidationError);
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`);
    expect(() => invoices.insertPlain({ ...json(), paid: deep })).toThrow(ValidationError);
    expect(() => invoices.insertPlain(null as never)).toThrow(TypeError);
    expect(() => invoices.insertPlain([] as never)).toThrow(TypeError);
    expect(invoices.count()).toBe(0);
    expect([...db.check()]).toEqual([]);
  });

  it('never touches a prototype, whatever the JSON says', () => {
    const { invoices } = open();
    const attacks = [
      '{"__proto__":{"polluted":1}}',
      '{"constructor":{"prototype":{"polluted":1}}}',
      '{"total":{"__proto__":{"polluted":1},"cents":"1","currency":"EUR"}}',
      '{"counts":{"__proto__":1}}',
      '{"prototype":{"polluted":1}}',
    ];
    for (const attack of attacks) {
      const parsed = JSON.parse(attack) as object;
      const body = Object.assign(json(), {});
      for (const key of Object.keys(parsed)) {
        Object.defineProperty(body, key, {
          value: (parsed as Record<string, unknown>)[key],
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      try {
        invoices.insertPlain(body);
      } catch (error) {
        expect(error).toBeInstanceOf(ValidationError);
      }
      expect({}).not.toHaveProperty('polluted');
      expect(Invoice.prototype).not.toHaveProperty('polluted');
      expect(Object.getPrototypeOf(Invoice.prototype)).toBe(Object.prototype);
    }
  });
});
