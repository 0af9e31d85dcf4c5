import fc from 'fast-check';
import type { AvroPart, ChangeEvent, EntityClass, Lsn } from '../../lib/index.js';
import type { TableSchema } from '../../lib/schema/table-schema.js';
import { type RowSample, rowSample } from './row-arbitrary.js';
import { schemaOf, tableSpec } from './schema-arbitrary.js';

/** A random event of a random table, and its rows as samples. */
export interface EventSample {
  readonly schema: TableSchema;
  readonly tables: readonly EntityClass[];
  readonly event: ChangeEvent;
  readonly before: RowSample | null;
  readonly after: RowSample | null;
  /** Whether avsc's values can be compared. */
  readonly forAvsc: boolean;
}

const at = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') });
const count = fc.nat({ max: 2 ** 40 });

/** Events of every kind, over tables of every type of column. */
export const eventSample: fc.Arbitrary<EventSample> = tableSpec.chain((spec) => {
  const schema = schemaOf(spec);
  const row = rowSample(schema);
  const kinds = fc.constantFrom<ChangeEvent['kind']>('insert', 'update', 'delete', 'read');
  return fc.tuple(kinds, row, row, at, count, count, fc.boolean()).map(([kind, one, two, time, lsn, seq, expired]) => {
    const before = kind === 'update' || kind === 'delete' ? one : null;
    const after = kind === 'delete' ? null : two;
    const event: ChangeEvent = {
      lsn: lsn as Lsn,
      txn: lsn + 1,
      seq,
      table: schema.name,
      kind,
      key: keyOf(schema, (after ?? before) as RowSample),
      before: before === null ? null : before.got,
      after: after === null ? null : after.got,
      at: time,
      ...(kind === 'delete' && expired ? { expired: true as const } : {}),
      ...(seq % 2 === 0 ? { last: true as const } : {}),
      ...(kind === 'read' && expired ? { snapshot: 'last_in_data_collection' as const } : {}),
    };
    const forAvsc = (before?.forAvsc ?? true) && (after?.forAvsc ?? true);
    return { schema, tables: [schema.ctor], event, before, after, forAvsc };
  });
});

function keyOf(schema: TableSchema, { got }: RowSample): unknown {
  const [position] = schema.key.columns;
  return (got as Record<string, unknown>)[schema.columns[position as number]?.name as string];
}

/** What a part of an event should be to a reader of Avro. `now` is when it was encoded. */
export function expectedAvro({ schema, event, before, after }: EventSample, part: AvroPart, name: string, now: number): unknown {
  const row = (after ?? before) as RowSample;
  if (part === 'row') return row.avro;
  const key = schema.columns[schema.key.columns[0] as number]?.name as string;
  if (part === 'key') return { [key]: row.avro[key] };
  return {
    before: before?.avro ?? null,
    after: after?.avro ?? null,
    source: {
      version: 'worktable',
      connector: 'worktable',
      name,
      ...times(event.at.getTime()),
      snapshot: event.kind === 'read' ? (event.snapshot ?? 'true') : 'false',
      db: name,
      schema: null,
      table: schema.name,
      sequence: JSON.stringify([String(event.lsn), String(event.seq)]),
      txId: BigInt(event.txn),
      lsn: BigInt(event.lsn),
    },
    transaction: null,
    op: { insert: 'c', update: 'u', delete: 'd', read: 'r' }[event.kind],
    ...times(now),
  };
}

function times(ms: number): Record<string, bigint> {
  return { ts_ms: BigInt(ms), ts_us: BigInt(ms) * 1000n, ts_ns: BigInt(ms) * 1_000_000n };
}
