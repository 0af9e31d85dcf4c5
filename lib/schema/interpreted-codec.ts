import { cursor } from '../bytes/varint.js';
import { ColumnCollector } from './column-collector.js';
import { readElement, skipElement, writeElement } from './element-codec.js';
import type { CollectMode, Decode, RowCodec } from './row-codec.js';
import { elementToUser, type Stored } from './stored-value.js';
import type { ColumnSchema, TableSchema } from './table-schema.js';

/** The codec that walks the schema: it defines what the compiled one does, and runs where code generation is forbidden. */
export class InterpretedCodec implements RowCodec {
  readonly compiled = false;
  private readonly columns: readonly ColumnSchema[];
  private readonly known: ReadonlySet<string>;
  private readonly collector: ColumnCollector;
  private readonly prototype: object;

  constructor(schema: TableSchema) {
    this.columns = schema.columns;
    this.known = new Set(schema.columns.map((column) => column.name));
    this.collector = new ColumnCollector(schema);
    this.prototype = schema.ctor.prototype as object;
  }

  collect(row: object, values: Stored[], mode: CollectMode): void {
    this.collector.requireObject(row);
    for (const property in row) if (!this.known.has(property)) this.collector.unknown(row, property);
    for (const { name, position } of this.columns) {
      values[position] = this.collector.column(position, (row as Record<string, unknown>)[name], mode);
    }
  }

  encode(values: readonly Stored[], buffer: Buffer, position: number): number {
    for (const column of this.columns) position = writeElement(column, values[column.position], buffer, position);
    return position;
  }

  decode(buffer: Buffer, position: number): object {
    const row = Object.create(this.prototype) as Record<string, unknown>;
    for (const column of this.columns) {
      row[column.name] = elementToUser(column, readElement(column, buffer, position));
      position = cursor.position;
    }
    return row;
  }

  decoder(): Decode {
    return (buffer, position) => this.decode(buffer, position);
  }

  read(column: number, buffer: Buffer, position: number): Stored {
    return readElement(this.columns[column] as ColumnSchema, buffer, this.locate(column, buffer, position));
  }

  locate(column: number, buffer: Buffer, position: number): number {
    for (let at = 0; at < column; at++) position = skipElement(this.columns[at] as ColumnSchema, buffer, position);
    return position;
  }
}
