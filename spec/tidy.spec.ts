import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as worktable from '../lib/index.js';

const ROOT = process.cwd();

/** The floors of the house, lowest first. A file imports from a lower floor, or from its own folder. */
const FLOORS: readonly (readonly string[])[] = [
  ['lib/errors.ts'],
  ['lib/assert.ts', 'lib/kept.ts'],
  ['lib/switches.ts'],
  ['lib/bytes'],
  ['lib/disk'],
  ['lib/measure'],
  ['lib/schema'],
  ['lib/storage'],
  ['lib/index'],
  ['lib/lock'],
  ['lib/cdc'],
  ['lib/encode'],
  ['lib/transaction'],
  ['lib/live'],
  ['lib/table'],
  ['lib/follow'],
  ['lib/isolation'],
  ['lib/persistence'],
  ['lib/feed'],
  ['lib/database.ts'],
  ['lib/stats-rows.ts'],
  ['lib/cli'],
  ['decorators'],
  ['lib/index.ts'],
  ['lib/inject'],
  ['lib/nestjs'],
];

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

/** The project's own files that a file imports, type imports and re-exports counted. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => match[1] as string);
  return specifiers.map((specifier) => relative(ROOT, resolve(ROOT, dirname(file), specifier)).replace(/\.js$/, '.ts'));
}

function floorOf(file: string): number {
  return FLOORS.findIndex((places) => places.some((place) => file === place || file.startsWith(`${place}/`)));
}

const files = [...sourcesBelow('lib'), ...sourcesBelow('decorators')];
const imports = new Map(files.map((file) => [file, importsOf(file)]));

describe('the house', () => {
  it('gives every file a floor, and every import leads down or stays in its folder', () => {
    const wrong: string[] = [];
    for (const [file, targets] of imports) {
      if (floorOf(file) < 0) wrong.push(`${file} stands on no floor`);
      for (const target of targets) {
        if (!imports.has(target)) wrong.push(`${file} imports ${target}, which is not there`);
        else if (dirname(file) !== dirname(target) || dirname(file) === 'lib') {
          if (floorOf(target) >= floorOf(file)) wrong.push(`${file} imports upwards: ${target}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(files.length).toBeGreaterThan(40);
  });

  it('has no import cycles, types counted', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const target of imports.get(file) ?? []) walk(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps node:fs out of everything but lib/disk, and decorators out of lib', () => {
    const wrong = files.filter((file) => /from 'node:fs/.test(readFileSync(join(ROOT, file), 'utf8')) && !file.startsWith('lib/disk/'));
    expect(wrong).toEqual([]);
    const upward = [...imports].filter(
      ([file, targets]) => file !== 'lib/index.ts' && file.startsWith('lib') && targets.some((t) => t.startsWith('decorators')),
    );
    expect(upward).toEqual([]);
  });

  it('keeps files under 300 lines and names them in kebab case', () => {
    const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > LONGEST_FILE);
    expect(long).toEqual([]);
    expect(files.filter((file) => !/^[a-z0-9/]+(-[a-z0-9]+)*\.ts$/.test(file.replaceAll(/\/[a-z0-9-]+(?=\/)/g, '')))).toEqual([]);
  });

  it('has no stray files at the top', () => {
    const allowed = new Set([
      ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'jest.config.js', 'biome.json', '.gitignore'],
      ...['lib', 'decorators', 'examples', 'spec', 'benchmarks', 'docs', '.ci', '.git', 'README.md', 'CHANGELOG.md', 'LICENSE'],
      ...['node_modules', 'dist', 'coverage'],
    ]);
    expect(readdirSync(ROOT).filter((name) => !allowed.has(name))).toEqual([]);
  });
});

/** The one file that is longer is the list of a manager's public calls with their documentation. */
const LONGEST_FILE = 400;

describe('the public names', () => {
  it('are these', () => {
    expect(Object.keys(worktable).sort()).toEqual(
      [
        ...[
          'Table',
          'PrimaryKey',
          'Column',
          'Index',
          'Query',
          'ExpiresAt',
          'Measured',
          'Measurements',
          'measurements',
          'statsRows',
          'OptionalProps',
          'PrimaryKeyProp',
        ],
        ...[
          'Database',
          'TableManager',
          'SelectQuery',
          'GroupedQuery',
          'LiveQuery',
          'LiveValue',
          'LiveGroups',
          'Operation',
          'LockGuard',
          'avscType',
          'TableReader',
          'TableWriter',
          'Snapshot',
          'Feed',
          'Consumer',
          'AsyncTransaction',
          'PlainEvents',
          'DebeziumEncoder',
          'AvroEncoder',
          'ConfluentEncoder',
        ],
        ...[
          'WorkTableError',
          'SchemaError',
          'ValidationError',
          'DuplicateKeyError',
          'UniqueViolationError',
          'NotFoundError',
          'StaleRowError',
        ],
        ...[
          'QueryError',
          'TransactionError',
          'TransactionConflictError',
          'TransactionTimeoutError',
          'TransactionAbortedError',
          'RowLockedError',
          'LockTimeoutError',
          'DatabaseLockedError',
          'DiskFullError',
          'FormatVersionError',
          'PersistenceFailedError',
          'OffsetAheadError',
          'OffsetTruncatedError',
          'PositionLimitError',
          'QueueFullError',
          'ReadOnlyError',
          'SchemaMismatchError',
          'LoadMode',
          'RowTooLargeError',
          'TableFullError',
          'CorruptionError',
          'ClosedError',
          'EventFormatError',
          'PositionGapError',
          'ChangeMismatchError',
          'InjectionError',
          'InvariantError',
        ],
      ].sort(),
    );
  });

  it('are exported one by one', () => {
    expect(readFileSync(join(ROOT, 'lib/index.ts'), 'utf8')).not.toMatch(/export \*/);
  });
});

describe('error codes', () => {
  const source = readFileSync(join(ROOT, 'lib/errors.ts'), 'utf8');
  const classes = [...source.matchAll(/export class (\w+) extends WorkTableError \{[^}]*?readonly code = '(\w+)'/g)].map((m) => [
    m[1],
    m[2],
  ]);

  it('are documented, each with its class, cause and fix, and no other', () => {
    const documented = [
      ...readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(/^\| `(WT_\w+)` \| `(\w+)` \| [^|]{20,} \| [^|]{10,} \|$/gm),
    ];
    expect(documented.map((m) => [m[2], m[1]]).sort()).toEqual([...classes].sort());
    expect(classes.length).toBeGreaterThan(10);
  });

  it('are stable names, each used once, of classes that are exported', () => {
    const codes = classes.map(([, code]) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [name] of classes) expect(worktable).toHaveProperty(name as string);
  });
});
