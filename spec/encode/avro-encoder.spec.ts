import { isDeepStrictEqual } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import avsc from 'avsc';
import fc from 'fast-check';
import {
  AvroEncoder,
  type AvroPart,
  avscType,
  type ChangeEvent,
  Column,
  ConfluentEncoder,
  Database,
  PrimaryKey,
  SchemaError,
  Table,
} from '../../lib/index.js';
import { canonicalForm, schemaFingerprint } from '../../lib/schema/avro-schema.js';
import { Account, LedgerEntry } from '../support/entities.js';
import { type EventSample, eventSample, expectedAvro } from '../support/event-arbitrary.js';
import { comparable, decodeElsewhere, readFileElsewhere } from '../support/foreign-avro.js';

const RUNS = Number(process.env.EVENTS ?? 200);
const NAME = 'shop.eu';
const NOW = 1_700_000_000_123;
const PARTS: readonly AvroPart[] = ['envelope', 'key', 'row'];

/** Types that icebird reads: no enums, maps or types by name. */
@Table()
class Reading {
  @PrimaryKey('autoincrement') id!: number;
  @Column() sensor!: string;
  @Column('double') value!: number;
  @Column('long') total!: bigint;
  @Column({ type: 'timestamp-millis', nullable: true }) at?: Date | null;
  @Column({ items: 'int' }) samples!: number[];
}

/** Its column's type is named as Debezium names an event's place in its transaction. */
@Table({ name: 'event' })
class EventRow {
  @PrimaryKey() @Column('int') id!: number;
  @Column({ enum: ['first', 'last'] }) block!: 'first' | 'last';
}

class Part {
  @Column() name!: string;
}

@Table({ name: 'event' })
class EventOfRecords {
  @PrimaryKey() @Column('int') id!: number;
  @Column({ type: () => Part, nullable: true }) block?: Part | null;
}

@Table({ name: 'happening' })
class RenamedRow extends EventRow {}

class Inner {
  @Column({ enum: ['a'] }) Value!: 'a';
}

/** Its own types stand where those of its envelope do, for an encoder of the same name. */
@Table({ name: 'outer' })
class Nested {
  @PrimaryKey() @Column('int') id!: number;
  @Column({ type: () => Inner }) outer!: Inner;
}

function eventsOf(work: (db: Database) => void): ChangeEvent[] {
  const db = new Database({ tables: [Account, LedgerEntry, Reading] });
  const events: ChangeEvent[] = [];
  db.on('commit', ({ changes }) => events.push(...changes));
  work(db);
  return events;
}

async function fileOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Every value of a container file, as avsc reads it: it decodes the blocks itself, and longs as bigints through our type hook. */
function readByAvsc(file: Buffer): Promise<{ schema: unknown; codec: string; values: unknown[] }> {
  return new Promise((resolve, reject) => {
    const values: unknown[] = [];
    let head = { schema: undefined as unknown, codec: '' };
    type Done = (error: null, plain: Buffer) => void;
    const codecs = {
      null: (data: Buffer, done: Done) => done(null, data),
      deflate: (data: Buffer, done: Done) => done(null, inflateRawSync(data)),
    };
    const parseHook = (schema: unknown) => avscType(schema as never);
    const decoder = new avsc.streams.BlockDecoder({ codecs, parseHook } as never);
    decoder.on('metadata', (_type: unknown, codec: string, header: { meta: Record<string, Buffer> }) => {
      head = { schema: JSON.parse(String(header.meta['avro.schema'])), codec };
    });
    decoder.on('data', (value: unknown) => values.push(value));
    decoder.on('end', () => resolve({ ...head, values }));
    decoder.on('error', reject);
    decoder.end(file);
  });
}

function assertSame(got: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(comparable(got), comparable(wanted)))
    throw new Error(`${what}: ${fc.stringify(got)} is not ${fc.stringify(wanted)}`);
}

describe('AvroEncoder', () => {
  it('writes envelopes, keys and rows of every type that avsc and icebird read', () => {
    let elsewhere = 0;
    const check = (sample: EventSample) => {
      const avro = new AvroEncoder({ tables: sample.tables, name: NAME, now: () => NOW });
      for (const part of PARTS) {
        const schema = avro.schema(sample.schema.ctor, part);
        const bytes = avro.bytes(sample.event, part);
        const type = avscType(schema); // avsc takes the schema, whatever the values
        if (!sample.forAvsc) continue;
        const wanted = expectedAvro(sample, part, NAME, NOW);
        assertSame(type.fromBuffer(bytes), wanted, `avsc, ${part}`);
        assertSame(decodeElsewhere(bytes, schema), wanted, `icebird, ${part}`);
        elsewhere++;
      }
    };
    fc.assert(fc.property(eventSample, check), { numRuns: RUNS });
    expect(elsewhere).toBeGreaterThan(RUNS);
  });

  it('names its schemas below the given name, with logical types and the envelope’s own fields', () => {
    const avro = new AvroEncoder({ tables: [LedgerEntry], name: 'shop' });
    const row = [
      { name: 'tenant', type: 'string' },
      { name: 'number', type: 'int' },
      { name: 'label', type: ['null', 'string'], default: null },
      { name: 'amount', type: 'double' },
    ];
    const nullable = (name: string, type: unknown) => ({ name, type: ['null', type], default: null });
    expect(avro.schema(LedgerEntry, 'key')).toEqual({
      type: 'record',
      name: 'Key',
      namespace: 'shop.ledger_entry',
      fields: row.slice(0, 2),
    });
    expect(avro.schema(LedgerEntry, 'row')).toEqual({ type: 'record', name: 'ledger_entry', fields: row });
    const { fields, ...rest } = avro.schema(LedgerEntry);
    expect(rest).toEqual({ type: 'record', name: 'Envelope', namespace: 'shop.ledger_entry' });
    expect(fields.slice(0, 2)).toEqual([
      nullable('before', { type: 'record', namespace: 'shop.ledger_entry', name: 'Value', fields: row }),
      nullable('after', 'shop.ledger_entry.Value'),
    ]);
    expect(fields.slice(2).map(({ name }) => name)).toEqual(['source', 'transaction', 'op', 'ts_ms', 'ts_us', 'ts_ns']);
  });

  it('marks single objects with C3 01 and the fingerprint of their schema, little-endian', () => {
    const [event] = eventsOf((db) => db.table(LedgerEntry).insert({ tenant: 't', number: 7, amount: 0.5 })) as [ChangeEvent];
    const avro = new AvroEncoder({ tables: [LedgerEntry], name: 'shop', now: () => NOW });
    for (const part of PARTS) {
      const object = Buffer.from(avro.singleObject(event, part));
      expect([...object.subarray(0, 2)]).toEqual([0xc3, 1]);
      // avsc's own canonical form, so that not ours alone says what the fingerprint is of
      const canonical = JSON.stringify((avscType(avro.schema(LedgerEntry, part)) as unknown as avsc.Type).schema());
      expect(canonicalForm(avro.schema(LedgerEntry, part))).toBe(canonical);
      expect(object.readBigUInt64LE(2)).toBe(schemaFingerprint(canonical));
      expect(object.subarray(10)).toEqual(Buffer.from(avro.bytes(event, part)));
    }
    // by hand: "t", 7, null, 0.5
    expect(Buffer.from(avro.bytes(event, 'row')).toString('hex')).toBe('02740e00000000000000e03f');
  });

  it('encodes a row longer than the room that is kept for most', () => {
    const avro = new AvroEncoder({ tables: [LedgerEntry], name: 'shop' });
    const label = 'é'.repeat(100_000);
    const events = eventsOf((db) => {
      db.table(LedgerEntry).insert({ tenant: 't', number: 1, amount: 1, label });
      db.table(LedgerEntry).insert({ tenant: 't', number: 2, amount: 2 });
    });
    const type = avscType(avro.schema(LedgerEntry, 'row'));
    expect(events.map((event) => type.fromBuffer(avro.bytes(event, 'row')))).toMatchObject([{ label }, { label: null }]);
  });

  it.each(['null', 'deflate'] as const)('writes container files, codec %s, that avsc and icebird read', async (codec) => {
    const events = eventsOf((db) => {
      const readings = db.table(Reading);
      for (let n = 1; n <= 500; n++) {
        const at = n % 3 === 0 ? null : new Date(n * 1e9);
        readings.insert({ sensor: `s${n % 7}`, value: n / 8, total: BigInt(n) << 40n, at, samples: [n, -n] });
        if (n % 5 === 0) readings.delete(n - 1);
        db.table(LedgerEntry).insert({ tenant: 't', number: n, amount: n });
      }
    });
    const avro = new AvroEncoder({ tables: [Reading], name: 'shop', now: () => NOW });
    const ours = events.filter(({ table }) => table === 'reading');
    const file = await fileOf(avro.file(Reading, events, { codec, part: 'row', blockBytes: 1000 }));
    const rows = ours.map(({ before, after }) => ({ ...((after ?? before) as Reading) }));
    const elsewhere = readFileElsewhere(file);
    expect(elsewhere.metadata['avro.schema']).toEqual(avro.schema(Reading, 'row'));
    expect(elsewhere.metadata['avro.codec']).toBe(codec);
    expect(comparable(elsewhere.rows.map((row) => ({ ...row, at: row.at ?? null })))).toEqual(comparable(rows));

    const envelopes = await readByAvsc(await fileOf(avro.file(Reading, events, { codec })));
    expect([envelopes.codec, envelopes.schema]).toEqual([codec, avro.schema(Reading)]);
    const type = avscType(avro.schema(Reading));
    expect(envelopes.values).toEqual(ours.map((event) => type.fromBuffer(avro.bytes(event))));
    const blocks = await fileOf(avro.file(Reading, events, { codec: 'null', part: 'key', blockBytes: 1 }));
    expect((await readByAvsc(blocks)).values).toHaveLength(ours.length);
  });

  it('writes a file without events, and one of whole transactions, and reads no faster than it is read', async () => {
    const avro = new AvroEncoder({ tables: [LedgerEntry], name: 'shop' });
    expect((await readByAvsc(await fileOf(avro.file(LedgerEntry, [])))).values).toEqual([]);
    let taken = 0;
    const [event] = eventsOf((db) => db.table(LedgerEntry).insert({ tenant: 't', number: 7, amount: 0.5 })) as [ChangeEvent];
    async function* commits() {
      for (; taken < 1000; taken++) yield { lsn: event.lsn, txn: 1, at: event.at, changes: [event, event] };
    }
    const file = avro.file(LedgerEntry, commits(), { blockBytes: 100, part: 'row' });
    await file.next(); // the header
    await file.next(); // a block of nine rows
    expect(taken).toBeLessThan(10);
    await file.return(undefined);
    expect(taken).toBeLessThan(10);
  });

  it('refuses a class whose types have names of the envelope’s own, and takes it under another name', () => {
    const schemaId = () => 1;
    for (const entity of [EventRow, EventOfRecords]) {
      expect(() => new AvroEncoder({ tables: [entity], name: 'shop' })).toThrow(SchemaError);
      expect(() => new ConfluentEncoder({ tables: [entity], name: 'shop', schemaId })).toThrow(SchemaError);
    }
    expect(() => new AvroEncoder({ tables: [Nested], name: 'outer' })).toThrow('outer.outer.Value');
    const avro = new AvroEncoder({ tables: [RenamedRow, Nested], name: 'shop' });
    for (const entity of [RenamedRow, Nested]) for (const part of PARTS) avsc.Type.forSchema(avro.schema(entity, part) as never);
  });

  it('refuses options and classes that it cannot take', async () => {
    expect(() => new AvroEncoder({ tables: [LedgerEntry], name: 'a-b' })).toThrow(TypeError);
    const avro = new AvroEncoder({ tables: [LedgerEntry], name: 'shop' });
    expect(() => avro.schema(Account)).toThrow(TypeError);
    expect(() => avro.schema(LedgerEntry, 'value' as never)).toThrow(TypeError);
    await expect(fileOf(avro.file(LedgerEntry, [], { codec: 'snappy' as never }))).rejects.toThrow(TypeError);
    await expect(fileOf(avro.file(LedgerEntry, [], { blockBytes: 0 }))).rejects.toThrow(TypeError);
  });
});
