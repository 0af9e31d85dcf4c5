/**
 * JSON schemas of what Debezium's documentation says of its messages ("Change events", "Transaction metadata"), written
 * from that alone. Rows are any objects: their columns are the table's.
 */
const row = { type: ['object', 'null'] };
const integer = { type: 'integer', minimum: 0 };

const times = { ts_ms: integer, ts_us: integer, ts_ns: integer };

const source = {
  type: 'object',
  required: ['version', 'connector', 'name', 'ts_ms', 'ts_us', 'ts_ns', 'snapshot', 'db', 'schema', 'table', 'sequence'],
  properties: {
    version: { type: 'string', minLength: 1 },
    connector: { const: 'worktable' },
    name: { type: 'string', minLength: 1 },
    ...times,
    snapshot: { enum: ['true', 'first', 'first_in_data_collection', 'last_in_data_collection', 'last', 'false', 'incremental'] },
    db: { type: 'string' },
    schema: { type: ['string', 'null'] },
    table: { type: 'string', minLength: 1 },
    sequence: { type: 'string', pattern: '^\\[("\\d+"|null),"\\d+"\\]$' },
    txId: integer,
    lsn: integer,
  },
  additionalProperties: false,
};

const transaction = {
  type: ['object', 'null'],
  required: ['id', 'total_order', 'data_collection_order'],
  properties: {
    id: { type: 'string' },
    total_order: { type: 'integer', minimum: 1 },
    data_collection_order: { type: 'integer', minimum: 1 },
  },
  additionalProperties: false,
};

/** Which rows an operation has. */
const rowsBy = [
  { properties: { op: { enum: ['c', 'r'] }, before: { type: 'null' }, after: { type: 'object' } } },
  { properties: { op: { const: 'u' }, before: { type: 'object' }, after: { type: 'object' } } },
  { properties: { op: { const: 'd' }, before: { type: 'object' }, after: { type: 'null' } } },
];

export const ENVELOPE_SCHEMA = {
  type: 'object',
  required: ['before', 'after', 'source', 'transaction', 'op', 'ts_ms', 'ts_us', 'ts_ns'],
  properties: { before: row, after: row, source, transaction, op: { enum: ['c', 'u', 'd', 'r'] }, ...times },
  additionalProperties: false,
  oneOf: rowsBy,
};

export const BOUNDARY_SCHEMA = {
  type: 'object',
  required: ['status', 'id', 'event_count', 'data_collections', 'ts_ms'],
  properties: {
    status: { enum: ['BEGIN', 'END'] },
    id: { type: 'string', minLength: 1 },
    event_count: { type: ['integer', 'null'], minimum: 0 },
    data_collections: {
      type: ['array', 'null'],
      items: {
        type: 'object',
        required: ['data_collection', 'event_count'],
        properties: { data_collection: { type: 'string' }, event_count: { type: 'integer', minimum: 1 } },
        additionalProperties: false,
      },
    },
    ts_ms: integer,
  },
  additionalProperties: false,
};
