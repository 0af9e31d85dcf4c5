import type { ChangeEvent, CommitEvent } from '../cdc/change-event.js';
import type { RecordType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { type EventRows, type EventTable, field } from './event-tables.js';

/**
 * Debezium's envelope, version 2, as a type like that of any column: JSON, its schema, Avro and its schema are all made
 * from this one description. Names and fields are those of Debezium's connectors.
 */
const LONG = { kind: 'long', as: 'number' } as const;
const WIDE = { kind: 'long', as: 'bigint' } as const;
const TEXT = { kind: 'string' } as const;

function record(namespace: string, name: string, fields: RecordType['fields']): RecordType {
  return { kind: 'record', avroName: { namespace, name }, ctor: Object, fields };
}

const SOURCE = record('io.debezium.connector.worktable', 'Source', [
  field('version', TEXT),
  field('connector', TEXT),
  field('name', TEXT),
  field('ts_ms', LONG),
  field('ts_us', LONG),
  field('ts_ns', WIDE),
  field('snapshot', TEXT),
  field('db', TEXT),
  field('schema', TEXT, true),
  field('table', TEXT),
  field('sequence', TEXT),
  field('txId', LONG),
  field('lsn', LONG),
]);

/** An event's place in its transaction: its number among all, and among those of its table, from 1. */
const TRANSACTION = record('event', 'block', [field('id', TEXT), field('total_order', LONG), field('data_collection_order', LONG)]);

const COLLECTION = record('event', 'collection', [field('data_collection', TEXT), field('event_count', LONG)]);

/** The envelope of a table's events. */
export function envelopeType({ row }: EventTable): RecordType {
  return record(row.avroName.namespace, 'Envelope', [
    field('before', row, true),
    field('after', row, true),
    field('source', SOURCE),
    field('transaction', TRANSACTION, true),
    field('op', TEXT),
    field('ts_ms', LONG, true),
    field('ts_us', LONG, true),
    field('ts_ns', WIDE, true),
  ]);
}

/** The key of a table's events: an object, also of a key of one column. */
export function keyType({ row, key }: EventTable): RecordType {
  return record(row.avroName.namespace, 'Key', key);
}

const METADATA = 'io.debezium.connector.common';

export const BOUNDARY_KEY: RecordType = record(METADATA, 'TransactionMetadataKey', [field('id', TEXT)]);

/** Where a transaction begins, and where it ends. */
export const BOUNDARY: RecordType = record(METADATA, 'TransactionMetadataValue', [
  field('status', TEXT),
  field('id', TEXT),
  field('event_count', LONG, true),
  field('data_collections', { kind: 'array', items: { type: COLLECTION, nullable: false } }, true),
  field('ts_ms', LONG),
]);

/** What stays the same in every envelope. */
export interface SourceNames {
  readonly version: string;
  readonly name: string;
  readonly database: string;
}

/** An event's place in its transaction. */
export interface Place {
  readonly id: string;
  readonly inAll: number;
  readonly inTable: number;
}

const OPS = { insert: 'c', update: 'u', delete: 'd', read: 'r' } as const;

/** The stored form of an event's envelope. `nowMs` is when it was made. */
export function envelopeOf(event: ChangeEvent, rows: EventRows, names: SourceNames, place: Place | null, nowMs: number): Stored[] {
  const { lsn, seq, txn } = event;
  const source = [
    ...[names.version, 'worktable', names.name],
    ...times(event.at.getTime()),
    ...[snapshotMark(event), names.database, null, rows.table.name],
    ...[`["${lsn}","${seq}"]`, txn, lsn],
  ];
  const transaction = place === null ? null : [place.id, place.inAll, place.inTable];
  return [rows.before, rows.after, source, transaction, OPS[event.kind], ...times(nowMs)];
}

/** In milliseconds, microseconds, and nanoseconds. */
function times(ms: number): [number, number, bigint] {
  return [ms, ms * 1000, BigInt(ms) * 1_000_000n];
}

function snapshotMark(event: ChangeEvent): string {
  return event.kind === 'read' ? (event.snapshot ?? 'true') : 'false';
}

/** A transaction's name in its events: its number, and its position. */
export function transactionId({ txn, lsn }: Pick<CommitEvent, 'txn' | 'lsn'>): string {
  return `${txn}:${lsn}`;
}

export function boundaryBegin(id: string, atMs: number): Stored[] {
  return ['BEGIN', id, null, null, atMs];
}

/** `counts`: how many events each data collection had, in the order in which they first came. */
export function boundaryEnd(id: string, atMs: number, counts: ReadonlyMap<string, number>): Stored[] {
  let total = 0;
  for (const count of counts.values()) total += count;
  return ['END', id, total, [...counts].map(([collection, count]) => [collection, count]), atMs];
}
