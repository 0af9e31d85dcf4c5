import { isDeepStrictEqual } from 'node:util';
import { SchemaError } from '../errors.js';
import { avroSchemaOf, canonicalForm, isPrimitive, schemaFingerprint } from './avro-schema.js';
import { buildColumns, IDENTIFIER, RESERVED } from './build-columns.js';
import { type EntityClass, isScalar } from './column-type.js';
import { type ClassDescription, type IndexOptions, inheritedDescription, type QueryOptions } from './description.js';
import {
  type ColumnSchema,
  type ExpirySchema,
  INDEX_KINDS,
  type IndexKind,
  type IndexSchema,
  type KeySchema,
  PRIMARY,
  type QuerySchema,
  type TableSchema,
} from './table-schema.js';

/** The column that `ttlMs` makes in a class that has none for it. */
const IMPLIED_EXPIRY = 'expiresAt';
const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const KIB = 1024;
const DEFAULT_PAGE = 256 * KIB;
const DEFAULT_ROW = 64 * KIB * KIB;
const LARGEST_ROW = 128 * KIB * KIB;

/** By class, the schema that was built of it last. */
const schemas = new WeakMap<EntityClass, TableSchema>();

/**
 * Turns a decorated class into its table's schema. Everything that can be wrong with a class is refused here, once,
 * before any row exists. As long as a class says the same, its schema is the same object: what is made for one table of
 * the class, code above all, serves the next.
 *
 * @throws SchemaError naming class, property, cause and fix.
 */
export function buildSchema(ctor: EntityClass): TableSchema {
  const built = readSchema(ctor);
  const known = schemas.get(ctor);
  if (known !== undefined && isDeepStrictEqual(built, known)) return known;
  schemas.set(ctor, built);
  return built;
}

function readSchema(ctor: EntityClass): TableSchema {
  if (typeof ctor !== 'function') throw new TypeError('a table is declared by a class');
  const className = ctor.name === '' ? '(anonymous class)' : ctor.name;
  const described = inheritedDescription(ctor);
  if (described.table === undefined) throw new SchemaError(className, undefined, 'the class has no @Table', 'Decorate it with @Table()');
  const name = described.table.name ?? snakeCase(ctor.name);
  if (!TABLE_NAME.test(name)) {
    throw new SchemaError(className, undefined, 'the table has no usable name', 'Give @Table({ name }) up to 63 letters, digits and _');
  }
  if (isPrimitive(name)) {
    throw new SchemaError(className, undefined, `Avro has a type of this name, ${name}`, 'Name the table otherwise: @Table({ name })');
  }
  const expires = describeExpiry(className, described);
  const columns = buildColumns(ctor, className, name, described);
  const context = new Context(className, columns, described);
  const key = context.key();
  const indexes = context.indexes(key);
  const avro = avroSchemaOf(name, columns);
  const canonical = canonicalForm(avro);
  return Object.freeze({
    name,
    version: positive(className, 'version', described.table.version ?? 1),
    className,
    ctor,
    columns,
    columnsByName: new Map(columns.map((column) => [column.name, column])),
    key,
    indexes,
    queries: context.queries(key),
    expires: expires === undefined ? undefined : context.expiry(expires, key, indexes),
    pageSizeBytes: pageSize(className, described.table.pageSizeBytes ?? DEFAULT_PAGE),
    maxRowBytes: rowLimit(className, described.table.maxRowBytes ?? DEFAULT_ROW),
    avro,
    canonicalForm: canonical,
    fingerprint: schemaFingerprint(canonical),
  });
}

/** `buildSchema` for all tables of a database: their names must differ, whatever their case. */
export function buildSchemas(classes: readonly EntityClass[]): TableSchema[] {
  const byName = new Map<string, TableSchema>();
  return classes.map((ctor) => {
    const schema = buildSchema(ctor);
    const other = byName.get(schema.name.toLowerCase());
    if (other !== undefined) {
      const cause = `its table ${schema.name} has the name of ${other.className}'s`;
      throw new SchemaError(schema.className, undefined, cause, 'Name one of them otherwise: @Table({ name })');
    }
    byName.set(schema.name.toLowerCase(), schema);
    return schema;
  });
}

/** Adds what expiry needs to the description: its column, and an index over it. @returns the column's name, where rows expire */
function describeExpiry(className: string, described: ClassDescription): string | undefined {
  const { columns, expires, indexes } = described;
  const ttlMs = described.table?.ttlMs;
  if (ttlMs !== undefined) positive(className, 'ttlMs', ttlMs);
  if (expires.size > 1) {
    throw new SchemaError(className, [...expires][1], 'a second @ExpiresAt', 'A row expires once: decorate one property');
  }
  if (ttlMs === undefined && expires.size === 0) return undefined;
  const [name = IMPLIED_EXPIRY] = expires;
  if (expires.size === 0 && columns.has(name)) {
    throw new SchemaError(
      className,
      name,
      'ttlMs needs a column of this name',
      'Decorate it with @ExpiresAt() if it says when a row expires',
    );
  }
  if (!columns.has(name)) columns.set(name, { type: 'timestamp-millis', as: 'date' });
  const indexed = indexes.some(({ property, columns: over }) => property === name || (over?.length === 1 && over[0] === name));
  if (!indexed) indexes.push({ property: name });
  return name;
}

/** `AccountHolder` → `account_holder`, `HTTPServer` → `http_server`. */
function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
}

function positive(className: string, option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new SchemaError(className, undefined, `@Table's ${option} is no positive integer`, 'Give 1, 2, 3 …');
}

function pageSize(className: string, bytes: number): number {
  const powerOfTwo = Number.isSafeInteger(bytes) && Number.isInteger(Math.log2(bytes));
  if (powerOfTwo && bytes >= 4 * KIB && bytes <= KIB * KIB) return bytes;
  throw new SchemaError(className, undefined, 'pageSizeBytes is out of range', 'Give a power of two from 4096 to 1048576');
}

function rowLimit(className: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes <= LARGEST_ROW) return bytes;
  throw new SchemaError(className, undefined, 'maxRowBytes is out of range', `Give 1 to ${LARGEST_ROW}`);
}

/** Keys, indexes and queries, which all name columns. */
class Context {
  private readonly positions: ReadonlyMap<string, ColumnSchema>;

  constructor(
    private readonly className: string,
    columns: readonly ColumnSchema[],
    private readonly described: ClassDescription,
  ) {
    this.positions = new Map(columns.map((column) => [column.name, column]));
  }

  private refuse(property: string | undefined, cause: string, fix: string): never {
    throw new SchemaError(this.className, property, cause, fix);
  }

  private column(name: string, property: string | undefined, role: string): ColumnSchema {
    const column = this.positions.get(name);
    if (column !== undefined) return column;
    return this.refuse(
      property ?? name,
      `${role} names ${JSON.stringify(name)}, which is no column`,
      'Decorate that property with @Column()',
    );
  }

  private ordered(name: string, property: string | undefined, role: string): ColumnSchema {
    const column = this.column(name, property, role);
    if (isScalar(column.type)) return column;
    return this.refuse(name, `${role} needs an ordered type, and this column is of type ${column.type.kind}`, 'Use a scalar column');
  }

  key(): KeySchema {
    const entries = [...this.described.keys];
    if (entries.length === 0) this.refuse(undefined, 'the table has no primary key', 'Decorate a property with @PrimaryKey()');
    const columns = entries.map(([name]) => {
      const column = this.ordered(name, name, 'the primary key');
      if (column.nullable) this.refuse(name, 'a primary key cannot be null', 'Remove nullable');
      return column;
    });
    const autoincrement = entries.some(([, options]) => options.autoincrement === true);
    const generating = entries.find(([, options]) => options.generate !== undefined);
    const first = columns[0] as ColumnSchema;
    if ((autoincrement || generating !== undefined) && entries.length > 1) {
      this.refuse(first.name, 'a composite key cannot be generated', 'Set its parts yourself, or use a single key');
    }
    if (autoincrement && generating !== undefined) {
      this.refuse(first.name, 'autoincrement and generate both make the key', 'Keep one of them');
    }
    if (autoincrement && first.type.kind !== 'int' && first.type.kind !== 'long') {
      this.refuse(
        first.name,
        `autoincrement counts integers, and the column is of type ${first.type.kind}`,
        "Use @Column('int') or @Column('long')",
      );
    }
    const using = this.kindOfIndex(
      first.name,
      entries.map(([, options]) => options.using).find((kind) => kind !== undefined),
    );
    const generate = generating?.[1].generate;
    return Object.freeze({ columns: positionsOf(columns), using, autoincrement, generate });
  }

  private kindOfIndex(property: string | undefined, using: IndexKind = 'btree'): IndexKind {
    if (INDEX_KINDS.includes(using)) return using;
    return this.refuse(property, 'an index is made with an unknown structure', "Use 'btree', 'hash' or 'packed'");
  }

  indexes(key: KeySchema): readonly IndexSchema[] {
    const names = new Set([PRIMARY]);
    const sets = new Map([[key.columns.join(), PRIMARY]]);
    return Object.freeze(
      this.described.indexes.map((options) => {
        const columns = this.indexColumns(options);
        const list = columns.map((column) => column.name).join(', ');
        const name = options.name ?? columns.map((column) => column.name).join('_');
        if (!TABLE_NAME.test(name)) this.refuse(options.property, 'an index has no usable name', 'Use letters, digits and _');
        if (names.has(name)) this.refuse(options.property, `two indexes have the name ${name}`, 'Name one otherwise: @Index({ name })');
        const same = sets.get(positionsOf(columns).join());
        if (same !== undefined) this.refuse(options.property, `index ${name} is over (${list}), as ${same} is`, 'Remove one of them');
        names.add(name);
        sets.set(positionsOf(columns).join(), name);
        return Object.freeze({
          name,
          columns: positionsOf(columns),
          unique: options.unique === true,
          using: this.kindOfIndex(options.property, options.using),
          nullsDistinct: options.nullsDistinct !== false,
        });
      }),
    );
  }

  private indexColumns(options: IndexOptions & { property: string | undefined }): ColumnSchema[] {
    const { property, columns } = options;
    if (property !== undefined && columns !== undefined) {
      this.refuse(property, '@Index on a property takes no columns', 'Put an index over several columns on the class');
    }
    const names = property !== undefined ? [property] : columns;
    if (!Array.isArray(names) || names.length === 0) {
      return this.refuse(undefined, '@Index on the class names no columns', "Give @Index({ columns: ['a', 'b'] })");
    }
    if (new Set(names).size !== names.length) this.refuse(property, 'an index names a column twice', 'Name each column once');
    return names.map((name) => this.ordered(name, property, 'an index'));
  }

  expiry(name: string, key: KeySchema, indexes: readonly IndexSchema[]): ExpirySchema {
    const column = this.column(name, name, '@ExpiresAt');
    if (column.type.kind !== 'timestamp-millis') {
      this.refuse(name, `@ExpiresAt stands on a column of type ${column.type.kind}`, "Use @Column('timestamp-millis')");
    }
    if (key.columns.includes(column.position)) this.refuse(name, '@ExpiresAt stands on the primary key', 'Give it a column of its own');
    const index = indexes.find(({ columns }) => columns.join() === `${column.position}`);
    if (index?.using === 'hash') this.refuse(name, 'the index over the @ExpiresAt column is a hash', "Make it a 'btree', or remove it");
    const ttlMs = this.described.table?.ttlMs;
    return Object.freeze({ column: column.position, index: (index as IndexSchema).name, ttlMs });
  }

  queries(key: KeySchema): readonly QuerySchema[] {
    return Object.freeze([...this.described.queries].map(([name, options]) => this.query(name, options, key)));
  }

  private query(name: string, options: QueryOptions, key: KeySchema): QuerySchema {
    if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
      this.refuse(name, '@Query stands on a name that is no plain identifier, or is reserved by JavaScript', 'Rename the property');
    }
    const kinds = [options.update && 'update', options.delete === true && 'delete', options.inPlace && 'inPlace'].filter(Boolean);
    if (kinds.length !== 1) this.refuse(name, '@Query takes exactly one of update, delete and inPlace', 'Declare one query for each');
    const kind = kinds[0] as QuerySchema['kind'];
    const by = (Array.isArray(options.by) ? options.by : [options.by]) as string[];
    if (options.by === undefined || by.length === 0) {
      this.refuse(name, '@Query does not say which column selects its rows', "Give by: 'column'");
    }
    const set = (options.update ?? options.inPlace ?? []) as readonly string[];
    if (kind !== 'delete' && (!Array.isArray(set) || set.length === 0))
      this.refuse(name, '@Query names no columns to write', 'Name one at least');
    if (new Set(set).size !== set.length || new Set(by).size !== by.length)
      this.refuse(name, '@Query names a column twice', 'Name each once');
    const written = set.map((column) => this.column(column, name, '@Query'));
    const keyed = written.find((column) => key.columns.includes(column.position));
    if (keyed !== undefined)
      this.refuse(name, `@Query writes ${keyed.name}, a part of the primary key`, 'Delete the row and insert another');
    return Object.freeze({
      name,
      kind,
      set: Object.freeze(written.map((column) => column.position).sort((a, b) => a - b)),
      by: positionsOf(by.map((column) => this.ordered(column, name, '@Query'))),
    });
  }
}

function positionsOf(columns: readonly ColumnSchema[]): readonly number[] {
  return Object.freeze(columns.map((column) => column.position));
}
