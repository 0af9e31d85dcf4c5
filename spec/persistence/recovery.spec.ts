import { describe, expect, it } from '@jest/globals';
import { runCommand } from '../../lib/cli/commands.js';
import {
  Column,
  CorruptionError,
  Database,
  FormatVersionError,
  Index,
  LoadMode,
  PrimaryKey,
  SchemaMismatchError,
  Table,
} from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { decodeManifest, encodeManifest } from '../../lib/persistence/manifest.js';
import { type Image, RecordingDisk } from '../support/crash-disk.js';
import { CRASH_TABLES, Left, Right, recover, SMALL } from '../support/crash-workload.js';

const MANIFEST = '/db/MANIFEST';

/** A store of several segments and a checkpoint, closed or not. */
async function build(close = true): Promise<{ image: Image; rows: number }> {
  const disk = new RecordingDisk();
  const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: CRASH_TABLES });
  const fill = async (from: number) => {
    for (let n = from; n < from + 40; n++) {
      db.transaction(() => [db.table(Left).insert({ tag: `t${n}`, value: n }), db.table(Right).insert({ id: n, text: 'x'.repeat(60) })]);
      if (n % 3 === 0) await db.waitForOps();
    }
    await db.waitForOps();
  };
  await fill(0);
  await db.checkpoint();
  await fill(40);
  if (close) await db.close();
  return { image: new Map([...disk.image].map(([path, bytes]) => [path, Buffer.from(bytes)])), rows: 160 };
}

const segmentsOf = (image: Image) => [...image.keys()].filter((path) => path.endsWith('.wal')).sort();
const checkpointsOf = (image: Image) => [...image.keys()].filter((path) => path.endsWith('.wtc')).sort();

/** The image with one file changed, or without it. */
function changed(image: Image, path: string, change: ((bytes: Buffer) => Buffer) | undefined): RecordingDisk {
  const copy = new Map(image);
  if (change === undefined) copy.delete(path);
  else copy.set(path, change(Buffer.from(image.get(path) as Buffer)));
  return new RecordingDisk(copy);
}

/** It is refused with the file's name, and nothing was written. */
async function refused(disk: RecordingDisk, file: string | RegExp, reason: RegExp): Promise<void> {
  const error = await recover(disk).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CorruptionError);
  expect((error as CorruptionError).file).toMatch(file);
  expect((error as CorruptionError).reason).toMatch(reason);
  expect(disk.history).toEqual([]);
}

const flip = (at: number) => (bytes: Buffer) => {
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] as number) ^ 64;
  return bytes;
};

describe('recovery', () => {
  it('makes a new store where there is nothing, or only what a first opening left unfinished', async () => {
    expect(await recover(new RecordingDisk())).toMatchObject({ lsn: 0 });
    expect(await recover(new RecordingDisk(new Map([['/db/MANIFEST.tmp', Buffer.from('half')]])))).toMatchObject({ lsn: 0 });
  });

  it('refuses segments or checkpoints without a manifest', async () => {
    await refused(changed((await build()).image, MANIFEST, undefined), MANIFEST, /manifest is missing/);
  });

  it('reads a manifest by either copy, and refuses one of which both are damaged', async () => {
    const { image } = await build();
    expect((await recover(changed(image, MANIFEST, flip(40)))).lsn).toBe(80);
    expect((await recover(changed(image, MANIFEST, flip(4096 + 40)))).lsn).toBe(80);
    await refused(
      changed(image, MANIFEST, (bytes) => flip(40)(flip((bytes.length >> 1) + 40)(bytes))),
      MANIFEST,
      /neither copy/,
    );
  });

  it('refuses a format that is newer, and says so', async () => {
    const { image } = await build();
    const manifest = decodeManifest(image.get(MANIFEST) as Buffer, MANIFEST);
    const disk = changed(image, MANIFEST, () => encodeManifest({ ...manifest, minReader: 99 }));
    await expect(recover(disk)).rejects.toThrow(FormatVersionError);
    expect(disk.history).toEqual([]);
  });

  it('refuses a checkpoint that is missing, damaged, or another’s', async () => {
    const { image } = await build();
    const [first = '', second = ''] = checkpointsOf(image);
    await refused(changed(image, first, undefined), first, /missing/);
    for (const at of [0, 40, 60, 200, -20]) await refused(changed(image, first, flip(at)), first, /damaged/);
    await refused(
      changed(image, first, () => image.get(second) as Buffer),
      first,
      /./,
    );
  });

  it('refuses a log with a segment missing, damaged, cut, or of another number', async () => {
    const { image } = await build();
    const segments = segmentsOf(image);
    expect(segments.length).toBeGreaterThan(2);
    const middle = segments[1] as string;
    await refused(changed(image, middle, undefined), middle, /missing/);
    await refused(changed(image, segments.at(-1) as string, undefined), segments.at(-1) as string, /missing/);
    await refused(changed(image, middle, flip(10)), middle, /./);
    await refused(changed(image, middle, flip(200)), middle, /damaged/);
    await refused(
      changed(image, middle, (bytes) => bytes.subarray(0, bytes.length - 8)),
      /\.wal$/,
      /./,
    );
    await refused(
      changed(image, middle, () => image.get(segments[2] as string) as Buffer),
      middle,
      /another/,
    );
  });

  it('refuses a closed log that does not end where it was closed', async () => {
    const { image } = await build();
    const last = segmentsOf(image).at(-1) as string;
    await refused(
      changed(image, last, (bytes) => Buffer.concat([bytes, Buffer.alloc(8)])),
      last,
      /does not end where/,
    );
    await refused(
      changed(image, last, (bytes) => Buffer.concat([bytes, Buffer.from('garbage!')])),
      last,
      /does not end where/,
    );
  });

  it('keeps a torn end aside, cuts it, and says so', async () => {
    const { image } = await build(false);
    const last = segmentsOf(image).at(-1) as string;
    const disk = changed(image, last, (bytes) => {
      const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
      const at = (end + 7) & -8;
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('half a frame')]);
    });
    const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: CRASH_TABLES });
    const { recovery } = db;
    expect(recovery).toMatchObject({ clean: false, lsn: 80, tornTail: { file: last, bytes: 12 } });
    expect(disk.image.get(recovery?.tornTail?.quarantined as string)?.toString()).toBe('half a frame');
    expect(db.table(Left).count()).toBe(80);
    await db.close();
  });

  it('refuses damage below what a later frame promises', async () => {
    const { image } = await build(false);
    const last = segmentsOf(image).at(-1) as string;
    // Its first frame: those after it say that it was synced.
    const disk = changed(image, last, flip(64 + 60));
    await refused(disk, last, /synced/);
  });

  it('deletes what was left over', async () => {
    const { image } = await build();
    const copy = new Map(image);
    copy.set('/db/wal/0000000000000099.wal.tmp', Buffer.from('x'));
    copy.set('/db/ckpt/0000000000000001-0001.wtc', Buffer.from('x'));
    copy.set('/db/ckpt/0000000000000001-0001.wtc.tmp', Buffer.from('x'));
    copy.set('/db/wal/readme.txt', Buffer.from('not ours'));
    const disk = new RecordingDisk(copy);
    await recover(disk);
    const names = [...disk.files.keys()];
    expect(names.filter((name) => name.endsWith('.tmp') || name.includes('0000000000000001-0001'))).toEqual([]);
    expect(names).toContain('/db/wal/readme.txt');
  });
});

describe('the indexes of a stored table', () => {
  it('are built from its rows, and two rows with one unique key are refused before anything is written', async () => {
    // A store that some other writer made: the same class but for the unique index.
    @Table({ name: 'left' })
    class Loose {
      @PrimaryKey('autoincrement') id!: number;
      @Index() @Column() tag!: string;
    }
    @Table({ name: 'left' })
    class Strict {
      @PrimaryKey('autoincrement') id!: number;
      @Index('unique') @Column() tag!: string;
    }
    const disk = new RecordingDisk();
    const db = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Loose] });
    for (const tag of ['a', 'b', 'a']) db.table(Loose).insert({ tag });
    await db.close();
    const manifest = decodeManifest(disk.image.get(MANIFEST) as Buffer, MANIFEST);
    const tables = manifest.tables.map((table) => ({
      ...table,
      schema: { ...table.schema, indexes: table.schema.indexes.map((index) => ({ ...index, unique: true, nullsDistinct: true })) },
    }));
    const forged = changed(disk.image, MANIFEST, () => encodeManifest({ ...manifest, tables }));
    const opening = Database.open({ engine: new FileEngine(forged, SMALL), tables: [Strict] });
    await expect(opening).rejects.toMatchObject({ code: 'WT_CORRUPTION', reason: 'two rows of left have one key in unique index tag' });
    expect(forged.history).toEqual([]);
    // Salvage leaves out what cannot be beside the others, and tells of it; the commands count it as damage.
    const engine = new FileEngine(forged, { ...SMALL, mode: 'salvage' });
    const salvaged = await Database.open({ engine, tables: [Strict], loadMode: LoadMode.Salvage });
    const reason = 'rows of left whose keys in unique index tag others have: 1';
    expect(salvaged.recovery?.damage).toEqual([{ file: '/db', offsetBytes: 0, reason }]);
    expect(
      salvaged
        .table(Strict)
        .selectAll()
        .execute()
        .map(({ id, tag }) => [id, tag]),
    ).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(salvaged.table(Strict).selectOneBy('tag', 'a')?.id).toBe(1);
    expect([...salvaged.check()]).toEqual([]);
    await salvaged.close();
    const said: string[] = [];
    const console = { out: (text: string) => said.push(text), err: (text: string) => said.push(text), isWatched: false };
    expect(runCommand(['verify', '/db'], forged, console)).toBe(1);
    expect(runCommand(['dump', '/db'], forged, console)).toBe(1);
    expect(said.filter((text) => text.includes(reason)).length).toBe(2);
    expect(forged.history).toEqual([]);
  });
});

describe('LoadMode.Salvage', () => {
  it('reads what can be read, reports the rest, writes nothing and lets nobody write', async () => {
    const { image } = await build();
    const middle = segmentsOf(image)[1] as string;
    const disk = changed(image, middle, flip(300));
    const engine = () => new FileEngine(disk, { ...SMALL, mode: 'salvage' });
    const db = await Database.open({ engine: engine(), tables: CRASH_TABLES, loadMode: LoadMode.Salvage });
    const { recovery } = db;
    expect(recovery?.damage[0]).toMatchObject({ file: middle, reason: expect.stringMatching(/damaged/) });
    expect(db.table(Left).count()).toBeGreaterThanOrEqual(40);
    expect(db.table(Left).count()).toBeLessThan(80);
    // One moment: transactions from the first on, each whole over both tables, and none from behind the damage.
    const rights = db.table(Right).selectAll().execute();
    expect(rights.map(({ id }) => id)).toEqual(Array.from({ length: db.table(Left).count() }, (_, n) => n));
    expect([...db.check()]).toEqual([]);
    expect(() => db.table(Left).insert({ tag: 'no', value: 1 })).toThrow(expect.objectContaining({ code: 'WT_READ_ONLY' }));
    await expect(db.checkpoint()).rejects.toMatchObject({ code: 'WT_READ_ONLY' });
    await db.close();
    expect(disk.history).toEqual([]);
  });
});

describe('a stored schema', () => {
  it('is compared on opening, and another one refused with what differs', async () => {
    const { image } = await build();
    @Table({ name: 'left' })
    class Other {
      @PrimaryKey('autoincrement') id!: number;
      @Index() @Column() tag!: string;
      @Column('long') value!: bigint;
      @Column('string', { nullable: true }) more!: string | null;
    }
    const disk = new RecordingDisk(image);
    const open = (tables: readonly (typeof Left | typeof Right | typeof Other)[]) =>
      Database.open({ engine: new FileEngine(disk, SMALL), tables });
    await expect(open([Other, Right])).rejects.toThrow(SchemaMismatchError);
    await expect(open([Other, Right])).rejects.toMatchObject({
      table: 'left',
      differences: [expect.stringContaining('column value'), expect.stringContaining('column more'), expect.stringContaining('index tag')],
    });
    await expect(open([Left])).rejects.toMatchObject({ table: 'right' });
    expect(disk.history).toEqual([]);
  });

  it('takes tables in another order, and new ones beside them', async () => {
    const { image } = await build();
    @Table()
    class Fresh {
      @PrimaryKey('autoincrement') id!: number;
    }
    const disk = new RecordingDisk(image);
    const first = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Fresh, Right, Left] });
    expect([first.table(Left).count(), first.table(Right).count(), first.table(Fresh).count()]).toEqual([80, 80, 0]);
    first.transaction(() => [first.table(Fresh).insert({}), first.table(Left).insert({ tag: 'new', value: 1 })]);
    await first.close();
    const second = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Left, Fresh, Right] });
    expect([second.table(Left).count(), second.table(Fresh).count()]).toEqual([81, 1]);
    expect([...second.check()]).toEqual([]);
    await second.close();
  });
});
