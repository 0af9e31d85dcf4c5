import { cursor } from '../bytes/varint.js';
import type { Disk } from '../disk/disk.js';
import { CorruptionError } from '../errors.js';
import type { Manifest, ManifestTable } from '../persistence/manifest.js';
import type { Damage, RecoveryTarget } from '../persistence/persistence-engine.js';
import { type LogEnd, loadCheckpoints, neededSegments, replayLog, type StoreFiles, surveyStore } from '../persistence/recovery.js';
import type { StoredIndex } from '../persistence/stored-table.js';
import type { Field } from '../schema/column-type.js';
import { readElement, skipElement } from '../schema/element-codec.js';
import { elementToUser } from '../schema/stored-value.js';
import { verifyRow } from '../schema/verify.js';
import { jsonOf } from '../table/plain.js';
import type { UpdateBytes } from '../table/table-loader.js';
import { columnsOfStored } from './stored-columns.js';

/** A store as it was read: without its classes, so without indexes. */
export interface ReadStore {
  readonly manifest: Manifest;
  readonly files: StoreFiles;
  readonly end: LogEnd;
  readonly tables: readonly StoredRows[];
  readonly damage: readonly Damage[];
}

/** @throws CorruptionError where there is no manifest that can be read; FormatVersionError */
export function surveyed(disk: Disk, path: string): { files: StoreFiles; manifest: Manifest } {
  const files = surveyStore(disk, path);
  if (files.manifest === undefined) throw new CorruptionError(path, 0, 'there is no store');
  return { files, manifest: files.manifest };
}

/** Reads and verifies all of a store; what cannot be read is left out and listed. Memory: that of its rows' bytes. */
export function readStore(disk: Disk, path: string, progress: (rows: number) => void): ReadStore {
  const { files, manifest } = surveyed(disk, path);
  const damage: Damage[] = [];
  const note = (found: Damage) => damage.push(found);
  const tables = manifest.tables.map((table) => new StoredRows(table));
  const target = targetOf(tables, progress);
  const numbers = neededSegments(files, path, note);
  loadCheckpoints(disk, path, manifest, target, note);
  const end = replayLog(disk, path, manifest, numbers, target, note);
  for (const table of tables) for (const reason of table.conflicts()) note({ file: path, offsetBytes: 0, reason });
  return { manifest, files, end, tables, damage };
}

/** Of a union of null and a type, which a nullable column is. */
const NULL_BRANCH = 0;
const ROWS_A_WORD = 50_000;

function targetOf(tables: readonly StoredRows[], progress: (rows: number) => void): RecoveryTarget {
  let rows = 0;
  const at = (table: number): StoredRows => {
    if (++rows % ROWS_A_WORD === 0) progress(rows);
    return tables[table] as StoredRows;
  };
  return {
    row: (table, bytes, from, to) => at(table).insert(bytes, from, to),
    end: () => undefined,
    begin: () => undefined,
    insert: (table, bytes, from, to) => at(table).insert(bytes, from, to),
    update: (table, update) => at(table).update(update),
    delete: (table, bytes, from, to) => at(table).delete(bytes, from, to),
    counter: () => undefined,
    position: () => undefined,
  };
}

/** The rows of a stored table by their primary keys' bytes. */
export class StoredRows {
  readonly name: string;
  readonly columns: readonly Field[];
  private readonly isKey: readonly boolean[];
  private readonly unique: readonly StoredIndex[];
  private readonly rows = new Map<string, Buffer>();

  constructor({ name, schema }: ManifestTable) {
    this.name = name;
    this.columns = columnsOfStored(schema.avro.fields);
    this.unique = schema.indexes.filter(({ unique }) => unique);
    this.isKey = this.columns.map((column) => schema.key.columns.includes(column.name));
  }

  get count(): number {
    return this.rows.size;
  }

  private keyOf(bytes: Buffer, from: number): string {
    let key = '';
    let at = from;
    this.columns.forEach((column, place) => {
      const end = skipElement(column, bytes, at);
      if (this.isKey[place]) key += `${end - at}:${bytes.toString('latin1', at, end)}`;
      at = end;
    });
    return key;
  }

  insert(bytes: Buffer, from: number, to: number): void {
    verifyRow(this.columns, bytes, from, to);
    const key = this.keyOf(bytes, from);
    if (this.rows.has(key)) throw new CorruptionError(undefined, from, `two rows of ${this.name} have one primary key`);
    this.rows.set(key, Buffer.from(bytes.subarray(from, to)));
  }

  update({ bytes, from, to, prefix, suffix, middleFrom, middleTo }: UpdateBytes): void {
    verifyRow(this.columns, bytes, from, to);
    const before = [bytes.subarray(from, from + prefix), bytes.subarray(middleFrom, middleTo), bytes.subarray(to - suffix, to)];
    this.meets(bytes, from, Buffer.concat(before));
    this.rows.set(this.keyOf(bytes, from), Buffer.from(bytes.subarray(from, to)));
  }

  delete(bytes: Buffer, from: number, to: number): void {
    verifyRow(this.columns, bytes, from, to);
    this.meets(bytes, from, bytes.subarray(from, to));
    this.rows.delete(this.keyOf(bytes, from));
  }

  private meets(bytes: Buffer, from: number, before: Buffer): void {
    if (this.rows.get(this.keyOf(bytes, from))?.equals(before)) return;
    throw new CorruptionError(undefined, from, `a change of a row of ${this.name} that is another one, or is not there`);
  }

  /** What unique indexes would refuse. */
  *conflicts(): Generator<string> {
    for (const { name, columns, nullsDistinct } of this.unique) {
      const keys = new Set<string>();
      let conflicts = 0;
      for (const bytes of this.rows.values()) {
        const key = this.keyIn(bytes, columns, nullsDistinct);
        if (key === undefined) continue;
        if (keys.has(key)) conflicts++;
        keys.add(key);
      }
      if (conflicts > 0) yield `rows of ${this.name} whose keys in unique index ${name} others have: ${conflicts}`;
    }
  }

  /** A text that equal keys alone share; nothing for one that is like no other, since it has a null. */
  private keyIn(bytes: Buffer, names: readonly string[], nullsDistinct: boolean): string | undefined {
    const parts = new Map<string, string>();
    let at = 0;
    for (const column of this.columns) {
      const end = skipElement(column, bytes, at);
      if (names.includes(column.name)) {
        if (nullsDistinct && column.nullable && bytes[at] === NULL_BRANCH) return undefined;
        // Of floats, 0 and -0 are one key, and so is every NaN.
        const { kind } = column.type;
        const isFloat = kind === 'float' || kind === 'double';
        parts.set(column.name, isFloat ? String(readElement(column, bytes, at)) : `${end - at}:${bytes.toString('latin1', at, end)}`);
      }
      at = end;
    }
    return [...parts.values()].join(',');
  }

  /** Each row as JSON has it. */
  *asJson(): Generator<Record<string, unknown>> {
    for (const bytes of this.rows.values()) {
      const row: Record<string, unknown> = {};
      let at = 0;
      for (const column of this.columns) {
        row[column.name] = jsonOf(elementToUser(column, readElement(column, bytes, at)));
        at = cursor.position;
      }
      yield row;
    }
  }
}
