import { describe, expect, it } from '@jest/globals';
import { type AvroRecord, avscType, type ChangeEvent, type CommitEvent, ConfluentEncoder, Database } from '../../lib/index.js';
import { LedgerEntry } from '../support/entities.js';
import { comparable, decodeElsewhere } from '../support/foreign-avro.js';

/** A registry, as far as encoders know one. */
class Registry {
  readonly subjects: string[] = [];
  readonly schemas = new Map<number, AvroRecord>();

  id(subject: string, schema: AvroRecord): number {
    this.subjects.push(subject);
    const id = 0x01020300 + this.subjects.length;
    this.schemas.set(id, schema);
    return id;
  }

  /** What a consumer makes of a message's bytes: the schema's name, and the value as two readers have it. */
  read(bytes: Uint8Array): { name: string; value: Record<string, unknown> } {
    const buffer = Buffer.from(bytes);
    expect(buffer[0]).toBe(0);
    const schema = this.schemas.get(buffer.readUInt32BE(1)) as AvroRecord;
    const value = avscType(schema).fromBuffer(buffer.subarray(5)) as Record<string, unknown>;
    expect(comparable(decodeElsewhere(buffer.subarray(5), schema))).toEqual(comparable(value));
    return { name: `${schema.namespace}.${schema.name}`, value };
  }
}

function commits(): CommitEvent[] {
  const db = new Database({ tables: [LedgerEntry] });
  const all: CommitEvent[] = [];
  db.on('commit', (commit) => all.push(commit));
  db.transaction(() => {
    db.table(LedgerEntry).insert({ tenant: 't', number: 1, amount: 0.5 });
    db.table(LedgerEntry).delete(['t', 1]);
  });
  db.table(LedgerEntry).insert({ tenant: 'u', number: 1, amount: 1.5 });
  return all;
}

const options = { tables: [LedgerEntry], name: 'shop', now: () => 1_700_000_000_123 };

describe('ConfluentEncoder', () => {
  it('frames keys and values with the ids that the caller’s registry gives, asked once for each subject', async () => {
    for (const later of [false, true]) {
      const registry = new Registry();
      const schemaId = (subject: string, schema: AvroRecord) => {
        const id = registry.id(subject, schema);
        return later ? Promise.resolve(id) : id;
      };
      const encoder = new ConfluentEncoder({ ...options, schemaId });
      const [first, second] = commits() as [CommitEvent, CommitEvent];
      const messages = [...(await encoder.commit(first)), ...(await encoder.commit(second))];
      expect(messages.map(({ topic }) => topic.slice('shop.'.length))).toEqual([
        ...['transaction', 'ledger_entry', 'ledger_entry', 'ledger_entry', 'transaction'],
        ...['transaction', 'ledger_entry', 'transaction'],
      ]);
      expect(messages[3]?.value).toBeNull();
      const read = messages.map(({ key, value }) => ({ key: registry.read(key), value: value && registry.read(value) }));
      expect(read[1]?.key).toEqual({ name: 'shop.ledger_entry.Key', value: { tenant: 't', number: 1 } });
      expect(read[1]?.value).toMatchObject({
        name: 'shop.ledger_entry.Envelope',
        value: { before: null, after: { amount: 0.5 }, op: 'c', transaction: { id: '1:1', total_order: 1n, data_collection_order: 1n } },
      });
      expect(read[2]?.value?.value).toMatchObject({ before: { amount: 0.5 }, after: null, op: 'd' });
      expect(read[4]?.value).toMatchObject({
        name: 'io.debezium.connector.common.TransactionMetadataValue',
        value: { status: 'END', event_count: 2n, data_collections: [{ data_collection: 'shop.ledger_entry', event_count: 2n }] },
      });
      expect(registry.subjects).toEqual(['transaction', 'ledger_entry'].flatMap((topic) => [`shop.${topic}-key`, `shop.${topic}-value`]));
    }
  });

  it('encodes rows as they are at the call, whatever the caller does with them while the registry is asked', async () => {
    const registry = new Registry();
    const encoder = new ConfluentEncoder({ ...options, schemaId: async (...asked) => registry.id(...asked) });
    const [first] = commits() as [CommitEvent];
    const encoding = encoder.commit(first);
    for (const { before, after } of first.changes) for (const row of [before, after]) if (row !== null) Object.assign(row, { amount: 9 });
    const values = (await encoding).map(({ value }) => value && registry.read(value).value);
    expect(values[1]?.after).toMatchObject({ amount: 0.5 });
    expect(values[2]?.before).toMatchObject({ amount: 0.5 });
  });

  it('asks again after the registry failed, and refuses what is no id', async () => {
    let calls = 0;
    const failing = new ConfluentEncoder({
      ...options,
      schemaId: async () => {
        if (++calls === 1) throw new Error('no registry');
        return calls;
      },
    });
    const [{ changes }] = commits() as [CommitEvent];
    await expect(failing.event(changes[0] as ChangeEvent)).rejects.toThrow('no registry');
    const [message] = await failing.event(changes[0] as ChangeEvent);
    expect([message?.key.subarray(0, 5), message?.value?.subarray(0, 5)].map((head) => [...(head as Uint8Array)])).toEqual([
      [0, 0, 0, 0, 2],
      [0, 0, 0, 0, 3],
    ]);
    for (const id of [-1, 2 ** 32, 1.5, '7' as never]) {
      await expect(new ConfluentEncoder({ ...options, schemaId: () => id }).event(changes[0] as ChangeEvent)).rejects.toThrow(TypeError);
    }
    expect(() => new ConfluentEncoder(options as never)).toThrow(TypeError);
  });
});
