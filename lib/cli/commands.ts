import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Disk } from '../disk/disk.js';
import { runNow, sync, writeAll } from '../disk/disk-work.js';
import { WorkTableError } from '../errors.js';
import { LOG_DIRECTORY, segmentName } from '../persistence/layout.js';
import { type ReadStore, readStore, surveyed } from './read-store.js';

/** Where a command says things, so that specs can listen. */
export interface Console {
  out(text: string): unknown;
  err(text: string): unknown;
  /** Whether somebody watches: then long work tells how far it is. */
  readonly isWatched: boolean;
}

/** What a command ends with. */
export const ExitCode = { Ok: 0, Damaged: 1, Usage: 2, Failed: 3 } as const;

const USAGE = `worktable: looks at stored databases, and changes nothing in them

  worktable inspect <dir>            what there is: tables, checkpoint, log
  worktable verify <dir>             reads every byte, and lists all damage
  worktable dump <dir>               all rows as JSON, one a line
  worktable salvage <dir> <target>   what can be read, into a new directory, with a report

  --json           facts as JSON, for programs
  --table <name>   of dump and salvage: this table alone

  Integers of 64 bits, and times, are text in JSON: its numbers would lose digits of them.
  Exit codes: 0 well, 1 damage was found, 2 wrong usage, 3 it could not be read at all.
`;

interface Options {
  readonly json: boolean;
  readonly table: string | undefined;
}

/** Runs a command line. @returns its exit code */
export function runCommand(args: readonly string[], disk: Disk, console: Console): number {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    console.err(`${(error as Error).message}\n\n${USAGE}`);
    return ExitCode.Usage;
  }
  const { command = '', directory, target, options } = parsed;
  if (options.help) {
    console.out(USAGE);
    return ExitCode.Ok;
  }
  const needsTarget = command === 'salvage';
  if (!['inspect', 'verify', 'dump', 'salvage'].includes(command) || directory === undefined || needsTarget !== (target !== undefined)) {
    console.err(USAGE);
    return ExitCode.Usage;
  }
  const path = resolve(directory);
  try {
    if (command === 'inspect') return inspect(disk, path, options, console);
    const store = readStore(disk, path, (rows) => console.isWatched && console.err(`\r${rows.toLocaleString('en')} rows read`));
    if (console.isWatched) console.err('\r\x1b[K');
    if (options.table !== undefined && !store.tables.some(({ name }) => name === options.table)) {
      console.err(`there is no table ${options.table}\n`);
      return ExitCode.Usage;
    }
    if (command === 'verify') return verify(store, options, console);
    return command === 'dump' ? dump(store, options, console) : salvage(disk, store, resolve(target as string), options, console);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (!(error instanceof WorkTableError) && code === undefined) throw error;
    if (options.json) console.out(`${JSON.stringify({ error: { code, message } })}\n`);
    else console.err(`${message}\n`);
    return ExitCode.Failed;
  }
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false }, table: { type: 'string' } },
  });
  const [command, directory, target, ...more] = positionals;
  if (more.length > 0) throw new TypeError('too many arguments');
  return { command, directory, target, options: { json: values.json, help: values.help, table: values.table } };
}

function inspect(disk: Disk, path: string, { json }: Options, console: Console): number {
  const { files, manifest } = surveyed(disk, path);
  const sizes = files.segments.map((number) => {
    const file = disk.open(join(path, LOG_DIRECTORY, segmentName(number)), 'read');
    try {
      return { segment: number, bytes: file.size(), needed: number >= manifest.firstSegment };
    } finally {
      file.close();
    }
  });
  const tables = manifest.tables.map(({ id, name, schema, checkpoint }) => ({
    id,
    name,
    version: schema.version,
    columns: schema.avro.fields.length,
    key: schema.key.columns.join(', '),
    indexes: schema.indexes.map((index) => index.name).join(', '),
    'rows at checkpoint': checkpoint?.rows ?? 0,
    'bytes at checkpoint': checkpoint?.bytes ?? 0,
  }));
  const { format, storeId, epoch, checkpointLsn, clean } = manifest;
  const facts = { path, format, storeId, opened: epoch, checkpointLsn, closed: clean === null ? 'no' : `yes, at LSN ${clean.lsn}` };
  if (json) {
    console.out(`${JSON.stringify({ ...facts, closed: clean !== null, tables: manifest.tables, segments: sizes })}\n`);
    return ExitCode.Ok;
  }
  console.out(
    `${Object.entries(facts)
      .map(([name, value]) => `${name.padEnd(14)} ${value}`)
      .join('\n')}\n\n`,
  );
  console.out(`${grid(tables)}\n${grid(sizes.map((size) => ({ ...size, needed: size.needed ? 'yes' : 'no' })))}`);
  return ExitCode.Ok;
}

function verify(store: ReadStore, { json }: Options, console: Console): number {
  const { tables, end, damage, manifest } = store;
  const rows = tables.map(({ name, count }) => ({ table: name, rows: count }));
  const facts = { lsn: end.lsn, transactions: end.transactions, closed: manifest.clean !== null, tornBytes: end.tornBytes };
  if (json) console.out(`${JSON.stringify({ ...facts, tables: rows, damage })}\n`);
  else {
    console.out(`${grid(rows)}\n${end.transactions} transactions in the log, up to LSN ${end.lsn}\n`);
    if (end.tornBytes > 0) console.out(`a torn end of ${end.tornBytes} bytes, as a crash leaves it: the next opening keeps it aside\n`);
    for (const { file, offsetBytes, reason } of damage) console.out(`DAMAGED  ${file} at ${offsetBytes}: ${reason}\n`);
    if (damage.length === 0) console.out('sound\n');
  }
  return damage.length === 0 ? ExitCode.Ok : ExitCode.Damaged;
}

function dump({ tables, damage }: ReadStore, { table }: Options, console: Console): number {
  for (const { file, offsetBytes, reason } of damage) console.err(`DAMAGED  ${file} at ${offsetBytes}: ${reason}\n`);
  if (damage.length > 0) {
    console.err('nothing is dumped of a damaged store; salvage writes what can be read\n');
    return ExitCode.Damaged;
  }
  for (const rows of tables) {
    if (table !== undefined && rows.name !== table) continue;
    for (const row of rows.asJson()) console.out(`${JSON.stringify({ table: rows.name, row })}\n`);
  }
  return ExitCode.Ok;
}

const LINES_A_WRITE = 2000;

function salvage(disk: Disk, store: ReadStore, target: string, { table, json }: Options, console: Console): number {
  if (disk.list(target).length > 0) {
    console.err(`${target} is not empty\n`);
    return ExitCode.Usage;
  }
  disk.makeDirectory(target);
  const write = (name: string, parts: Iterable<string>): void => {
    const file = disk.open(join(target, name), 'create');
    let position = 0;
    try {
      for (const part of parts) {
        const bytes = Buffer.from(part);
        runNow(disk, writeAll(file, bytes, position));
        position += bytes.length;
      }
      runNow(disk, sync(file));
    } finally {
      file.close();
    }
  };
  const chosen = store.tables.filter(({ name }) => table === undefined || name === table);
  for (const rows of chosen) write(`${rows.name}.jsonl`, inParts(rows.asJson()));
  const report = { lsn: store.end.lsn, tables: chosen.map(({ name, count }) => ({ table: name, rows: count })), damage: store.damage };
  write('report.json', [`${JSON.stringify(report, undefined, 2)}\n`]);
  if (json) console.out(`${JSON.stringify(report)}\n`);
  else {
    console.out(grid(report.tables));
    for (const { file, offsetBytes, reason } of store.damage) console.out(`damaged  ${file} from ${offsetBytes}: ${reason}\n`);
  }
  return store.damage.length === 0 ? ExitCode.Ok : ExitCode.Damaged;
}

function* inParts(rows: Iterable<object>): Generator<string> {
  let lines: string[] = [];
  for (const row of rows) {
    lines.push(`${JSON.stringify(row)}\n`);
    if (lines.length === LINES_A_WRITE) {
      yield lines.join('');
      lines = [];
    }
  }
  yield lines.join('');
}

/** Lines with their columns one under the other. */
function grid(lines: readonly Record<string, string | number>[]): string {
  const [first] = lines;
  if (first === undefined) return '';
  const names = Object.keys(first);
  const cells = lines.map((line) =>
    names.map((name) => (typeof line[name] === 'number' ? (line[name] as number).toLocaleString('en') : String(line[name]))),
  );
  const widths = names.map((name, at) => Math.max(name.length, ...cells.map((row) => (row[at] as string).length)));
  const pad = (row: readonly string[], of: Record<string, unknown>) =>
    row
      .map((cell, at) =>
        typeof of[names[at] as string] === 'number' ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number),
      )
      .join('  ')
      .trimEnd();
  return `${[pad(names, first), ...cells.map((row) => pad(row, first))].join('\n')}\n`;
}
