import type { ChangeEvent } from '../cdc/change-event.js';
import { EventFormatError } from '../errors.js';
import { buildSchemas } from '../schema/build-schema.js';
import type { EntityClass, Field, RecordType } from '../schema/column-type.js';
import { createCodec } from '../schema/create-codec.js';
import type { RowCodec } from '../schema/row-codec.js';
import { type Stored, toUser } from '../schema/stored-value.js';
import type { ColumnSchema, TableSchema } from '../schema/table-schema.js';

/** A table, as far as its events are concerned: what their rows and keys are made of. */
export class EventTable {
  /** A row, as a type like any other. */
  readonly row: RecordType;
  /** The columns of the key, in its order. */
  readonly key: readonly ColumnSchema[];
  private readonly codec: RowCodec;

  constructor(
    readonly schema: TableSchema,
    namespace: string,
  ) {
    const { columns, ctor } = schema;
    this.row = { kind: 'record', avroName: { namespace, name: 'Value' }, ctor, fields: columns };
    this.key = schema.key.columns.map((position) => columns[position] as ColumnSchema);
    this.codec = createCodec(schema);
  }

  get name(): string {
    return this.schema.name;
  }

  /** A whole row in its stored form. Nothing is filled in. @throws ValidationError naming the first wrong column */
  stored(row: object): Stored[] {
    for (const { name } of this.schema.columns) {
      if ((row as Record<string, unknown>)[name] === undefined) throw new EventFormatError(`a row of ${this.name} without its ${name}`);
    }
    const values: Stored[] = [];
    this.codec.collect(row, values, 'replace');
    return values;
  }

  /** A row of these values, an instance of the table's class. */
  instance(values: readonly Stored[]): object {
    return toUser(this.row, values) as object;
  }

  /** The key within a row's values. */
  keyOf(values: readonly Stored[]): Stored[] {
    return this.schema.key.columns.map((position) => values[position]);
  }

  /** The key in the user's form: a value, or a tuple. */
  userKey(values: readonly Stored[]): unknown {
    const parts = this.key.map(({ type, position }) => toUser(type, values[position]));
    return parts.length === 1 ? parts[0] : parts;
  }
}

/** The tables whose events are encoded or read. */
export class EventTables {
  readonly all: readonly EventTable[];
  private readonly byName: ReadonlyMap<string, EventTable>;

  /** `namespace` is where a table's own types stand: `namespace.table.Value`. @throws SchemaError */
  constructor(classes: readonly EntityClass[], namespace = '') {
    if (!Array.isArray(classes)) throw new TypeError('tables is an array of classes');
    this.all = buildSchemas(classes).map((schema) => new EventTable(schema, namespaceOf(namespace, schema.name)));
    this.byName = new Map(this.all.map((table) => [table.name, table]));
  }

  /** @throws EventFormatError for a table that is not among these */
  of(name: unknown): EventTable {
    const table = this.byName.get(name as string);
    if (table === undefined) throw new EventFormatError('an event of a table that is not among the tables given');
    return table;
  }

  /** @throws TypeError for a class that is not among these */
  ofClass(entity: EntityClass): EventTable {
    const table = this.all.find(({ schema }) => schema.ctor === entity);
    if (table === undefined) throw new TypeError('the class is not among the tables given');
    return table;
  }
}

function namespaceOf(namespace: string, table: string): string {
  return namespace === '' ? table : `${namespace}.${table}`;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** A name that Avro's and Kafka Connect's types can stand below. */
export function checkedName(name: unknown): string {
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('name is letters, digits and _, with points between them');
  return name;
}

/** An event's rows, validated, in their stored form. One of the two is always there. */
export interface EventRows {
  readonly table: EventTable;
  readonly before: Stored[] | null;
  readonly after: Stored[] | null;
  /** The row after, or of a delete the row before. */
  readonly row: Stored[];
}

/** @throws EventFormatError where the rows are not those of an event of this kind; ValidationError */
export function rowsOf(tables: EventTables, event: ChangeEvent): EventRows {
  const table = tables.of(event.table);
  const before = storedOrNull(table, event.before);
  const after = storedOrNull(table, event.after);
  const has = ROWS.get(event.kind);
  if (has === undefined) throw new EventFormatError('an event of no known kind');
  if ((before !== null) !== has.before || (after !== null) !== has.after) {
    throw new EventFormatError(`an event of kind ${event.kind} with a row too many, or too few`);
  }
  return { table, before, after, row: (after ?? before) as Stored[] };
}

const ROWS: ReadonlyMap<unknown, { readonly before: boolean; readonly after: boolean }> = new Map([
  ['insert', { before: false, after: true }],
  ['update', { before: true, after: true }],
  ['delete', { before: true, after: false }],
  ['read', { before: false, after: true }],
]);

function storedOrNull(table: EventTable, row: unknown): Stored[] | null {
  if (row === null) return null;
  if (typeof row !== 'object' || row === undefined) throw new EventFormatError(`a row of ${table.name} that is no object`);
  return table.stored(row as object);
}

/** A field of a record that is no class's. */
export function field(name: string, type: Field['type'], nullable = false): Field {
  return { name, type, nullable, default: undefined };
}
