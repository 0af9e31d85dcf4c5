import { describe, expect, it } from '@jest/globals';
import { runCommand } from '../../lib/cli/commands.js';
import { Column, Database, Index, PrimaryKey, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { decodeManifest, encodeManifest } from '../../lib/persistence/manifest.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { SMALL } from '../support/crash-workload.js';

class Point {
  @Column() x!: number;
  @Column({ type: () => Point, nullable: true }) next!: Point | null;
}

@Table()
@Index({ columns: ['kind', 'when'] })
class Thing {
  @PrimaryKey() @Column('uuid') id!: string;
  @Column({ enum: ['a', 'b'] }) kind!: 'a' | 'b';
  @Column('timestamp-millis') when!: Date;
  @Column('long') big!: bigint;
  @Column({ items: 'string' }) tags!: string[];
  @Column({ values: 'int' }) counts!: Record<string, number>;
  @Column({ type: () => Point }) point!: Point;
  @Column('decimal', { precision: 10, scale: 2 }) price!: string;
  @Column() bytes!: Uint8Array;
}

@Table()
class Plain {
  @PrimaryKey('autoincrement') id!: number;
  @Column() text!: string;
}

const THING = {
  id: '00000000-0000-4000-8000-000000000001',
  kind: 'b' as const,
  when: new Date(86_400_000),
  big: 2n ** 60n,
  tags: ['x', 'y'],
  counts: { one: 1 },
  point: { x: 1, next: { x: 2, next: null } },
  price: '12.50',
  bytes: new Uint8Array([1, 2, 3]),
};

async function build(): Promise<RecordingDisk> {
  const disk = new RecordingDisk();
  const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Thing, Plain] });
  db.table(Thing).insert(THING);
  for (let n = 0; n < 30; n++) db.table(Plain).insert({ text: `number ${n}` });
  await db.checkpoint();
  db.table(Plain).updateBy(1, { text: 'changed' });
  db.table(Plain).delete(2);
  for (let n = 0; n < 30; n++) {
    db.table(Plain).insert({ text: `later ${n}` });
    await db.waitForOps();
  }
  await db.close();
  return disk;
}

function run(disk: RecordingDisk, ...args: string[]) {
  const said = { out: [] as string[], err: [] as string[] };
  const before = disk.history.length;
  const code = runCommand(args, disk, { out: (text) => said.out.push(text), err: (text) => said.err.push(text), isWatched: false });
  const [out, err] = [said.out.join(''), said.err.join('')];
  return { code, out, err, changed: disk.history.length - before };
}

const linesOf = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('worktable inspect', () => {
  it('tells what there is, for people and for programs', async () => {
    const disk = await build();
    const human = run(disk, 'inspect', '/db');
    expect(human).toMatchObject({ code: 0, err: '', changed: 0 });
    expect(human.out).toMatch(/closed +yes, at LSN 63/);
    expect(human.out).toMatch(/thing.+uuid|thing +1 +9 +id/s);
    const { checkpointLsn, closed, tables, segments } = JSON.parse(run(disk, 'inspect', '/db', '--json').out);
    expect({ checkpointLsn, closed }).toEqual({ checkpointLsn: 31, closed: true });
    expect(tables.map((table: { name: string }) => table.name)).toEqual(['thing', 'plain']);
    expect(segments.length).toBeGreaterThan(0);
  });
});

describe('worktable verify', () => {
  it('says that a sound store is sound, and changes nothing', async () => {
    const disk = await build();
    const { code, out, changed } = run(disk, 'verify', '/db', '--json');
    expect({ code, changed }).toEqual({ code: 0, changed: 0 });
    expect(JSON.parse(out)).toMatchObject({
      lsn: 63,
      tables: [
        { table: 'thing', rows: 1 },
        { table: 'plain', rows: 59 },
      ],
      damage: [],
    });
    expect(run(disk, 'verify', '/db').out).toMatch(/sound\n$/);
  });

  it('lists damage with file and place, and ends with 1', async () => {
    const disk = await build();
    const [path, file] = [...disk.files].find(([name]) => name.endsWith('.wtc')) as [string, { bytes: Buffer }];
    file.bytes[100] = (file.bytes[100] as number) ^ 1;
    const { code, out } = run(disk, 'verify', '/db');
    expect(code).toBe(1);
    expect(out).toMatch(new RegExp(`DAMAGED  ${path} at \\d+: `));
  });
});

describe('what unique indexes would refuse', () => {
  @Table()
  class Loose {
    @PrimaryKey('autoincrement') id!: number;
    @Index() @Column('double', { nullable: true }) ratio!: number | null;
    @Index() @Column('string', { nullable: true }) name!: string | null;
  }

  it('is damage, as each index means it: nulls, and floats that are one key', async () => {
    const rows: [number | null, string | null][] = [
      [0, 'a'],
      [-0, 'b'],
      [Number.NaN, 'c'],
      [Number.NaN, 'ab'],
      [1, null],
      [2, null],
      [null, 'd'],
      [null, 'e'],
    ];
    for (const [nullsDistinct, ratio, name] of [
      [true, 2, 0],
      [false, 3, 1],
    ] as const) {
      const disk = new RecordingDisk();
      const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Loose] });
      for (const row of rows) db.table(Loose).insert({ ratio: row[0], name: row[1] });
      await db.close();
      expect(run(disk, 'verify', '/db').code).toBe(0);
      const manifest = decodeManifest(disk.image.get('/db/MANIFEST') as Buffer, 'MANIFEST');
      const tables = manifest.tables.map((table) => ({
        ...table,
        schema: { ...table.schema, indexes: table.schema.indexes.map((index) => ({ ...index, unique: true, nullsDistinct })) },
      }));
      const file = disk.files.get('/db/MANIFEST') as { bytes: Buffer };
      file.bytes = encodeManifest({ ...manifest, tables });
      const { code, out } = run(disk, 'verify', '/db', '--json');
      const reasons = JSON.parse(out).damage.map(({ reason }: { reason: string }) => reason);
      const wanted = [
        `rows of loose whose keys in unique index ratio others have: ${ratio}`,
        `rows of loose whose keys in unique index name others have: ${name}`,
      ];
      expect({ code, reasons }).toEqual({ code: 1, reasons: name === 0 ? wanted.slice(0, 1) : wanted });
    }
  });
});

describe('worktable dump', () => {
  it('gives every row as JSON, without the classes', async () => {
    const { code, out } = run(await build(), 'dump', '/db');
    const lines = linesOf(out);
    expect(code).toBe(0);
    expect(lines.length).toBe(60);
    expect(lines.find(({ table }) => table === 'thing').row).toEqual({
      ...THING,
      when: String(THING.when.getTime()),
      big: String(THING.big),
      bytes: 'AQID',
    });
    expect(lines.filter(({ row }) => row.id === '1' || row.id === '2')).toEqual([{ table: 'plain', row: { id: '1', text: 'changed' } }]);
  });

  it('gives one table where it is asked for, and refuses one that is not there', async () => {
    const disk = await build();
    expect(linesOf(run(disk, 'dump', '/db', '--table', 'plain').out).length).toBe(59);
    expect(run(disk, 'dump', '/db', '--table', 'none')).toMatchObject({ code: 2, out: '' });
  });

  it('dumps nothing of a damaged store', async () => {
    const disk = await build();
    const [, file] = [...disk.files].find(([name]) => name.endsWith('.wal')) as [string, { bytes: Buffer }];
    file.bytes[file.bytes.length - 50] = (file.bytes[file.bytes.length - 50] as number) ^ 1;
    expect(run(disk, 'dump', '/db')).toMatchObject({ code: 1, out: '' });
  });
});

describe('worktable salvage', () => {
  it('writes what can be read into a new directory, with a report of the rest', async () => {
    const disk = await build();
    const [path, file] = [...disk.files].filter(([name]) => name.endsWith('.wal')).at(-1) as [string, { bytes: Buffer }];
    file.bytes[file.bytes.length - 50] = (file.bytes[file.bytes.length - 50] as number) ^ 1;
    const before = new Map(disk.image);
    expect(run(disk, 'salvage', '/db', '/out').code).toBe(1);
    for (const [name, bytes] of before) expect(disk.image.get(name)).toEqual(bytes);
    const report = JSON.parse(String(disk.image.get('/out/report.json')));
    expect(report.damage[0]).toMatchObject({ file: path });
    const rows = linesOf(String(disk.image.get('/out/plain.jsonl')));
    expect(rows.length).toBe(report.tables[1].rows);
    expect(rows.length).toBeGreaterThan(29);
    expect(run(disk, 'salvage', '/db', '/out').code).toBe(2);
  });
});

describe('worktable', () => {
  it('tells how it is used, and refuses what makes no sense', async () => {
    const disk = await build();
    expect(run(disk, '--help')).toMatchObject({ code: 0, out: expect.stringMatching(/inspect <dir>/) });
    for (const args of [[], ['inspect'], ['frobnicate', '/db'], ['verify', '/db', '/more'], ['verify', '--what']]) {
      expect(run(disk, ...args)).toMatchObject({ code: 2, out: '' });
    }
    expect(run(disk, 'verify', '/nowhere')).toMatchObject({ code: 3, err: expect.stringMatching(/there is no store/) });
    expect(JSON.parse(run(disk, 'verify', '/nowhere', '--json').out)).toMatchObject({ error: { code: 'WT_CORRUPTION' } });
  });
});
