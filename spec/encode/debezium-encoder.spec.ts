import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import {
  type ChangeEvent,
  Column,
  type CommitEvent,
  type ConnectSchema,
  Database,
  DebeziumEncoder,
  type DebeziumMessage,
  EventFormatError,
  PrimaryKey,
  SchemaError,
  Table,
  ValidationError,
} from '../../lib/index.js';
import type { ColumnType, Element } from '../../lib/schema/column-type.js';
import { BOUNDARY_SCHEMA, ENVELOPE_SCHEMA } from '../support/debezium-schema.js';
import { Account, LedgerEntry } from '../support/entities.js';
import { type EventSample, eventSample } from '../support/event-arbitrary.js';

const RUNS = Number(process.env.EVENTS ?? 200);
const NOW = 1_700_000_000_123;
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const isEnvelope = ajv.compile(ENVELOPE_SCHEMA);
const isBoundary = ajv.compile(BOUNDARY_SCHEMA);

/** A tree: a class within itself. */
class Branch {
  @Column() name!: string;
  @Column({ type: () => Branch, nullable: true }) next?: Branch | null;
}

@Table()
class Tree {
  @PrimaryKey() @Column('int') id!: number;
  @Column({ type: () => Branch }) root!: Branch;
}

@Table()
class Transaction {
  @PrimaryKey() @Column('int') id!: number;
}

function commitsOf(work: (db: Database) => void): CommitEvent[] {
  const db = new Database({ tables: [Account, LedgerEntry, Tree] });
  const commits: CommitEvent[] = [];
  db.on('commit', (commit) => commits.push(commit));
  work(db);
  return commits;
}

const encoder = (options: Partial<ConstructorParameters<typeof DebeziumEncoder>[0]> = {}) =>
  new DebeziumEncoder({ tables: [Account, LedgerEntry], name: 'shop', now: () => NOW, ...options });

const parsed = ({ topic, key, value }: DebeziumMessage) => ({
  topic,
  key: JSON.parse(key),
  value: value === null ? null : JSON.parse(value),
});

function assertValid(validate: typeof isEnvelope, value: unknown): void {
  if (!validate(value)) throw new Error(`${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
}

describe('DebeziumEncoder', () => {
  it('frames a transaction, numbers its events, and follows a delete with a tombstone', () => {
    const [commit] = commitsOf((db) => {
      db.transaction(() => {
        const entries = db.table(LedgerEntry);
        entries.insert({ tenant: 't', number: 1, amount: 0.5 });
        db.table(Account).insert({ email: 'a@example.com', country: 'GB', score: 1, plan: 'paid' });
        entries.update({ tenant: 't', number: 1, amount: 1.5, label: null });
        entries.delete(['t', 1]);
      });
    }) as [CommitEvent];
    const ms = commit.at.getTime();
    const messages = encoder().commit(commit).map(parsed);
    const id = '1:1';
    expect(messages.map(({ topic, value }) => [topic, value?.op ?? value?.status ?? null])).toEqual([
      ['shop.transaction', 'BEGIN'],
      ['shop.ledger_entry', 'c'],
      ['shop.account', 'c'],
      ['shop.ledger_entry', 'u'],
      ['shop.ledger_entry', 'd'],
      ['shop.ledger_entry', null],
      ['shop.transaction', 'END'],
    ]);
    const [begin, insert, account, update, remove, tombstone, end] = messages;
    expect(begin).toEqual({
      topic: 'shop.transaction',
      key: { id },
      value: { status: 'BEGIN', id, event_count: null, data_collections: null, ts_ms: ms },
    });
    expect(end?.value).toEqual({
      ...{ status: 'END', id, event_count: 4, ts_ms: ms },
      data_collections: [
        { data_collection: 'shop.ledger_entry', event_count: 3 },
        { data_collection: 'shop.account', event_count: 1 },
      ],
    });
    expect(insert).toEqual({
      topic: 'shop.ledger_entry',
      key: { tenant: 't', number: 1 },
      value: {
        before: null,
        after: { tenant: 't', number: 1, label: null, amount: 0.5 },
        source: {
          ...{ version: 'worktable', connector: 'worktable', name: 'shop', ts_ms: ms, ts_us: ms * 1e3, ts_ns: ms * 1e6 },
          ...{ snapshot: 'false', db: 'shop', schema: null, table: 'ledger_entry', sequence: '["1","0"]', txId: 1, lsn: 1 },
        },
        transaction: { id, total_order: 1, data_collection_order: 1 },
        op: 'c',
        ...{ ts_ms: NOW, ts_us: NOW * 1e3, ts_ns: NOW * 1e6 },
      },
    });
    expect(account?.value.transaction).toEqual({ id, total_order: 2, data_collection_order: 1 });
    expect(update?.value).toMatchObject({ before: insert?.value.after, after: { amount: 1.5 }, transaction: { data_collection_order: 2 } });
    expect(remove?.value).toMatchObject({ before: { amount: 1.5 }, after: null, source: { sequence: '["1","3"]' } });
    expect(tombstone).toEqual({ topic: 'shop.ledger_entry', key: remove?.key, value: null });
    for (const { value } of [insert, account, update, remove] as typeof messages) assertValid(isEnvelope, value);
    for (const { value } of [begin, end] as typeof messages) assertValid(isBoundary, value);
  });

  it('tells of a changed primary key as Debezium does: a delete, a tombstone, a create', () => {
    const [, moved] = commitsOf((db) => {
      const entries = db.table(LedgerEntry);
      entries.insert({ tenant: 't', number: 1, amount: 0.5 });
      db.transaction(() => {
        entries.delete(['t', 1]);
        entries.insert({ tenant: 't', number: 2, amount: 0.5 });
      });
    }) as [CommitEvent, CommitEvent];
    const messages = encoder({ transactions: false }).commit(moved).map(parsed);
    expect(messages.map(({ key, value }) => [key.number, value?.op ?? null, value?.transaction ?? null])).toEqual([
      [1, 'd', null],
      [1, null, null],
      [2, 'c', null],
    ]);
    expect(encoder({ tombstones: false, transactions: false }).commit(moved)).toHaveLength(2);
  });

  it('marks the rows of an image, which belong to no transaction', () => {
    const [commit] = commitsOf((db) => db.table(LedgerEntry).insert({ tenant: 't', number: 1, amount: 0.5 })) as [CommitEvent];
    const [event] = commit.changes as [ChangeEvent];
    const marks = ['first', 'true', 'last_in_data_collection', 'last'] as const;
    const image = {
      ...commit,
      changes: [...marks.map((snapshot) => ({ ...event, kind: 'read' as const, snapshot })), { ...event, kind: 'read' as const }],
    };
    const values = encoder().commit(image).map(parsed);
    expect(values.map(({ value }) => [value.op, value.source.snapshot, value.transaction])).toEqual([
      ...marks.map((mark) => ['r', mark, null]),
      ['r', 'true', null],
    ]);
    for (const { value } of values) assertValid(isEnvelope, value);
  });

  it('writes integers of 64 bits, −0 and what is no number so that all of it is there', () => {
    const commits = commitsOf((db) => {
      db.table(Account).insert({ email: 'é"\\\n', country: 'GB', score: 1, plan: 'paid', balance: -(2n ** 63n) });
      for (const amount of [-0, Number.NaN, Number.NEGATIVE_INFINITY]) {
        db.table(LedgerEntry).insert({ tenant: String(amount), number: 1, amount });
      }
    });
    const [big, ...floats] = commits.map(({ changes }) => encoder().event(changes[0] as ChangeEvent)[0]?.value as string) as [string];
    expect(big).toContain('"balance":-9223372036854775808,');
    expect(big).toContain('"ts_ns":1700000000123000000}');
    expect(JSON.parse(big).after.email).toBe('é"\\\n');
    expect(floats.map((text) => /"amount":([^}]*)}/.exec(text)?.[1])).toEqual(['-0.0', '"NaN"', '"-Infinity"']);
  });

  it('bears schemas of Kafka Connect on request, which its values follow', () => {
    const [commit] = commitsOf((db) =>
      db.table(Account).insert({ email: 'a', country: 'GB', score: 1, plan: 'paid', address: { city: 'x', zip: 1 } }),
    ) as [CommitEvent];
    const [begin, insert, end] = encoder({ schemas: true, tables: [Account] })
      .commit(commit)
      .map(parsed) as unknown as [{ value: Typed }, { key: Typed; value: Typed }, { value: Typed }];
    expect(insert.key.schema).toEqual({
      type: 'struct',
      optional: false,
      name: 'shop.account.Key',
      fields: [{ type: 'int64', optional: false, field: 'id' }],
    });
    const { fields, ...head } = insert.value.schema;
    expect(head).toEqual({ type: 'struct', optional: false, name: 'shop.account.Envelope', version: 2 });
    expect(fields?.map(({ field, type, optional, name }) => [field, type, optional, name])).toEqual([
      ['before', 'struct', true, 'shop.account.Value'],
      ['after', 'struct', true, 'shop.account.Value'],
      ['source', 'struct', false, 'io.debezium.connector.worktable.Source'],
      ['transaction', 'struct', true, 'event.block'],
      ['op', 'string', false, undefined],
      ['ts_ms', 'int64', true, undefined],
      ['ts_us', 'int64', true, undefined],
      ['ts_ns', 'int64', true, undefined],
    ]);
    const columns = new Map(fields?.[1]?.fields?.map((column) => [column.field, column]));
    expect(columns.get('plan')).toEqual({
      ...{ type: 'string', optional: false, field: 'plan', name: 'io.debezium.data.Enum', version: 1 },
      parameters: { allowed: 'free,paid' },
    });
    expect(columns.get('createdAt')).toMatchObject({ type: 'int64', name: 'io.debezium.time.Timestamp' });
    expect(end.value.schema).toMatchObject({ name: 'io.debezium.connector.common.TransactionMetadataValue', version: 1 });
    for (const { schema, payload } of [insert.key, insert.value, end.value, begin.value]) assertFollows(payload, schema, '$');
    expect(() => encoder({ schemas: true, tables: [Tree] })).toThrow(SchemaError);
    expect(encoder({ tables: [Tree] })).toBeInstanceOf(DebeziumEncoder);
  });

  it('writes values of every type that follow their schema, and say what the rows say', () => {
    let withSchemas = 0;
    const check = ({ schema, tables, event, before, after }: EventSample) => {
      const options = { tables, name: 'shop', now: () => NOW };
      for (const decimals of ['precise', 'text'] as const) {
        const [message] = new DebeziumEncoder({ ...options, decimals }).event(event) as [DebeziumMessage];
        const value = JSON.parse(message.value as string);
        assertValid(isEnvelope, value);
        for (const [got, sample] of [
          [value.before, before],
          [value.after, after],
        ]) {
          if (sample === null) expect(got).toBeNull();
          else
            for (const column of schema.columns)
              assertSays(got[column.name], (sample.avro as Record<string, unknown>)[column.name], column, decimals);
        }
        let typed: DebeziumMessage;
        try {
          [typed] = new DebeziumEncoder({ ...options, decimals, schemas: true }).event(event) as [DebeziumMessage];
        } catch (error) {
          if (error instanceof SchemaError) continue; // a class within itself
          throw error;
        }
        for (const text of [typed.key, typed.value as string]) {
          const { schema: connect, payload } = JSON.parse(text) as Typed;
          assertFollows(payload, connect, '$');
        }
        withSchemas++;
      }
    };
    fc.assert(fc.property(eventSample, check), { numRuns: RUNS });
    expect(withSchemas).toBeGreaterThan(RUNS / 2);
  });

  it('keeps the boundaries of transactions off the topic of a table called transaction', () => {
    const db = new Database({ tables: [Transaction] });
    const commits: CommitEvent[] = [];
    db.on('commit', (commit) => commits.push(commit));
    db.table(Transaction).insert({ id: 1 });
    const topics = (options: object) =>
      encoder({ tables: [Transaction], ...options })
        .commit(commits[0] as CommitEvent)
        .map(({ topic }) => topic);
    expect(() => topics({})).toThrow(SchemaError);
    expect(() => topics({ transactionTopic: 'a-b' })).toThrow(TypeError);
    expect(topics({ transactions: false })).toEqual(['shop.transaction']);
    expect(topics({ transactionTopic: 'boundaries' })).toEqual(['shop.boundaries', 'shop.transaction', 'shop.boundaries']);
    expect(() => encoder({ tables: [Account], transactionTopic: 'account' })).toThrow(SchemaError);
  });

  it('refuses names that no type can have, and events of other tables or wrong rows', () => {
    for (const name of ['', 'a-b', '1a', 'a..b', undefined as never]) expect(() => encoder({ name })).toThrow(TypeError);
    const [commit] = commitsOf((db) => db.table(LedgerEntry).insert({ tenant: 't', number: 1, amount: 0.5 })) as [CommitEvent];
    const [event] = commit.changes as [ChangeEvent];
    expect(() => encoder({ tables: [Account] }).event(event)).toThrow(EventFormatError);
    expect(() => encoder().event({ ...event, kind: 'delete' })).toThrow(EventFormatError);
    expect(() => encoder().event({ ...event, after: { tenant: 't', number: 1 } })).toThrow(EventFormatError);
    expect(() => encoder().event({ ...event, after: { tenant: 't', number: 'x', amount: 1, label: null } })).toThrow(ValidationError);
  });
});

interface Typed {
  readonly schema: ConnectSchema;
  readonly payload: unknown;
}

/** What Kafka Connect's own converter would refuse, or read as something else. */
function assertFollows(value: unknown, schema: ConnectSchema, path: string): void {
  const fail = (): never => {
    throw new Error(`${path} is not of its schema: ${JSON.stringify(value)} and ${JSON.stringify(schema)}`);
  };
  if (value === null && schema.optional) return;
  if (value === null || value === undefined) throw fail();
  const checks: Readonly<Record<string, () => boolean>> = {
    boolean: () => typeof value === 'boolean',
    int32: () => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31,
    int64: () => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 63,
    float: () => typeof value === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(value as string),
    double: () => typeof value === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(value as string),
    string: () => typeof value === 'string',
    bytes: () => typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value,
    array: () => Array.isArray(value),
    map: () => typeof value === 'object' && !Array.isArray(value),
    struct: () => typeof value === 'object' && !Array.isArray(value),
  };
  if (checks[schema.type]?.() !== true) fail();
  if (schema.items !== undefined) for (const item of value as unknown[]) assertFollows(item, schema.items, `${path}[]`);
  if (schema.values !== undefined) for (const entry of Object.values(value)) assertFollows(entry, schema.values, `${path}{}`);
  if (schema.fields === undefined) return;
  if (
    !isDeepStrictEqual(
      Object.keys(value),
      schema.fields.map(({ field }) => field),
    )
  ) {
    const plain = schema.fields.every(({ field }) => Object.hasOwn(value, field as string));
    if (!plain || Object.keys(value).length !== schema.fields.length) fail();
  }
  for (const field of schema.fields)
    assertFollows((value as Record<string, unknown>)[field.field as string], field, `${path}.${field.field}`);
}

/** Whether a JSON value says what Avro's would. JavaScript rounds the integers that it parses. */
function assertSays(json: unknown, avro: unknown, element: Element, decimals: 'precise' | 'text'): void {
  const wanted = avro === null ? null : saidBy(avro, element.type, decimals);
  if (!isDeepStrictEqual(json, wanted)) throw new Error(`${fc.stringify(json)} says not what ${fc.stringify(wanted)} does`);
}

function saidBy(avro: unknown, type: ColumnType, decimals: 'precise' | 'text'): unknown {
  const inner = (value: unknown, place: Element) => (value === null ? null : saidBy(value, place.type, decimals));
  switch (type.kind) {
    case 'long':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return Number(avro);
    case 'float':
    case 'double':
      return Number.isFinite(avro) ? avro : String(avro);
    case 'bytes':
      return Buffer.from(avro as Uint8Array).toString('base64');
    case 'decimal':
      return decimals === 'precise' ? Buffer.from(avro as Uint8Array).toString('base64') : decimalText(avro as Uint8Array, type.scale);
    case 'array':
      return (avro as unknown[]).map((item) => inner(item, type.items));
    case 'map':
      return Object.fromEntries(Object.entries(avro as object).map(([key, value]) => [key, inner(value, type.values)]));
    case 'record':
      return Object.fromEntries(type.fields.map((field) => [field.name, inner((avro as Record<string, unknown>)[field.name], field)]));
    default:
      return avro;
  }
}

function decimalText(bytes: Uint8Array, scale: number): string {
  const units = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${units < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}
