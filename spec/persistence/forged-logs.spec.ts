import { describe, expect, it } from '@jest/globals';
import { writeInt, writeLongNumber } from '../../lib/bytes/varint.js';
import type { Disk } from '../../lib/disk/disk.js';
import { CorruptionError, Database, LoadMode } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { FrameKind } from '../../lib/persistence/frame.js';
import type { RecordingDisk } from '../support/crash-disk.js';
import { CRASH_TABLES, Right, recover, SMALL } from '../support/crash-workload.js';
import { EPOCH, type ForgedFrame, forge, MANIFEST } from '../support/forged-store.js';

/** A row of `Right`. */
function row(id: number, text: string): Buffer {
  const bytes = Buffer.alloc(20 + text.length);
  const at = writeInt(bytes, writeInt(bytes, 0, id), text.length);
  return bytes.subarray(0, at + bytes.write(text, at));
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(5);
  return Buffer.concat([length.subarray(0, writeInt(length, 0, bytes.length)), bytes]);
}

/** A transaction of one operation, made of its kind, its table and the rest. */
function transaction(kind: number, table: number, ...rest: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(40);
  head[4] = 1;
  let at = writeLongNumber(head, 13, 1);
  at = writeInt(head, at, 1);
  head[at++] = kind;
  at = writeInt(head, at, table);
  const record = Buffer.concat([head.subarray(0, at), ...rest]);
  record.writeUInt32LE(record.length - 4, 0);
  return record;
}

const insert = (id: number, text = 'x') => transaction(1, RIGHT, sized(row(id, text)));
const RIGHT = 2;
const group = (firstLsn: number, payload = insert(firstLsn)): ForgedFrame => ({ payload, firstLsn });

async function refused(disk: Disk, reason: RegExp, file = /\.wal$/): Promise<void> {
  const error = await recover(disk).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CorruptionError);
  expect((error as CorruptionError).reason).toMatch(reason);
  expect((error as CorruptionError).file).toMatch(file);
}

describe('a log that is sound and cannot be', () => {
  it('is read where nothing is wrong with it', async () => {
    const { lsn, state } = await recover(forge([{ frames: [group(1), group(2)] }, { frames: [group(3)] }]));
    expect(lsn).toBe(3);
    expect(state.rows.split('|').length).toBe(3);
  });

  it('is refused where a segment is of a later opening than the manifest knows', async () => {
    await refused(forge([{ frames: [], header: { epoch: EPOCH + 1 } }]), /later opening/);
  });

  it('is refused where it begins behind the checkpoint, or ends before it', async () => {
    await refused(forge([{ frames: [group(5)], header: { firstLsn: 5 } }]), /begins behind/);
    await refused(forge([{ frames: [group(1)] }], { checkpointLsn: 2 }), /ends before the checkpoint/);
  });

  it('is refused where segments do not follow one another', async () => {
    const first = { frames: [group(1)] };
    await refused(forge([first, { frames: [], header: { previousLength: 64 } }]), /does not end as this one says/);
    await refused(forge([first, { frames: [], header: { firstLsn: 7 } }]), /missing between two segments/);
    await refused(forge([{ ...first, behind: Buffer.alloc(8) }, { frames: [] }]), /longer than this one says/);
    await refused(forge([{ ...first, behind: Buffer.alloc(8, 1) }, { frames: [] }]), /within a segment that was whole/);
  });

  it('is refused where transactions are missing, or there twice', async () => {
    await refused(forge([{ frames: [group(1), group(3)] }]), /missing, or there twice/);
    await refused(forge([{ frames: [group(1), group(1)] }]), /missing, or there twice/);
  });

  it('is refused where it was closed elsewhere', async () => {
    const clean = { segment: 1, length: 64, lsn: 0, txn: 0, crc: 0 };
    await refused(forge([{ frames: [group(1)] }], { clean }), /where it was closed/);
    await refused(forge([], { clean }), /where it was closed/);
    expect((await recover(forge([], { clean: { ...clean, segment: 0 } }))).lsn).toBe(0);
  });

  it('is refused where an operation is on no table of the store', async () => {
    await refused(forge([{ frames: [group(1, transaction(1, 77, sized(row(1, 'x'))))] }]), /does not know/);
  });

  it('is refused where the manifest names a checkpoint that can be none', async () => {
    const tables = MANIFEST.tables.map((table) => ({ ...table, checkpoint: { file: '../../etc/passwd', bytes: 1, rows: 1, crc: 1 } }));
    await refused(forge([], { tables }), /no checkpoint of ours/, /MANIFEST$/);
  });

  it('is refused where a file is larger than it can be, before any of it is read', async () => {
    const disk = forge([{ frames: [] }]);
    const large = Object.create(disk, {
      open: {
        value: (path: string, mode: 'read' | 'create') => {
          const file = disk.open(path, mode);
          return path.endsWith('.wal') ? Object.assign(Object.create(file), { size: () => 2 ** 31, path }) : file;
        },
      },
    }) as Disk;
    await refused(large, /more than it can have/);
  });
});

describe('a transaction in parts', () => {
  const whole = insert(1, 'in parts');
  const [head, middle, tail] = [whole.subarray(0, 11), whole.subarray(11, 17), whole.subarray(17)];
  const parts: ForgedFrame[] = [
    { kind: FrameKind.Part, payload: head, firstLsn: 1 },
    { kind: FrameKind.Part, payload: middle, firstLsn: 1 },
  ];
  const last: ForgedFrame = { kind: FrameKind.Last, payload: tail, firstLsn: 1 };

  it('is read as one, also with a seal behind it', async () => {
    const seal = { kind: FrameKind.Seal, payload: Buffer.alloc(0), firstLsn: 2, transactions: 0 };
    const { lsn, state } = await recover(forge([{ frames: [...parts, last, seal, group(2)] }]));
    expect(lsn).toBe(2);
    expect(state.rows).toContain('in parts');
  });

  it('without an end is a torn end of the last segment, and damage anywhere else', async () => {
    const disk = forge([{ frames: [group(1, insert(7)), ...parts.map((part) => ({ ...part, firstLsn: 2 }))] }]);
    expect((await recover(disk)).lsn).toBe(1);
    expect([...disk.image.keys()].some((path) => path.includes('quarantine'))).toBe(true);
    await refused(forge([{ frames: parts }, { frames: [group(1)] }]), /no end/);
    await refused(forge([{ frames: [...parts, group(1)] }]), /no end/);
  });
});

describe('a log that meets other rows than those it was made of', () => {
  const open = (disk: Disk) => Database.open({ engine: new FileEngine(disk, SMALL), tables: CRASH_TABLES });
  const number = (value: number) => {
    const bytes = Buffer.alloc(5);
    return bytes.subarray(0, writeInt(bytes, 0, value));
  };
  /** To a row whose bytes share `prefix` and `suffix` with those before, which have `middle` between. */
  const update = (after: Buffer, prefix: number, suffix: number, middle: Buffer) =>
    transaction(2, RIGHT, sized(after), number(prefix), number(suffix), sized(middle));

  it('is refused, with the file and the place', async () => {
    const changed = row(1, 'ab');
    const wrong: [Buffer, RegExp][] = [
      [insert(1), /one primary key/],
      [transaction(3, RIGHT, sized(row(2, 'x'))), /not there/],
      [transaction(3, RIGHT, sized(row(1, 'y'))), /another one/],
      [update(row(2, 'x'), 0, 0, row(2, 'x')), /not there/],
      [update(changed, 2, 1, Buffer.from('z')), /another one/],
      [update(changed, 9, 0, Buffer.alloc(0)), /shares more/],
      [transaction(5, 1, Buffer.from([1])), /cannot be/],
      [transaction(1, RIGHT, sized(Buffer.from([2, 200]))), /./],
    ];
    for (const [record, reason] of wrong) {
      const disk = forge([{ frames: [group(1, insert(1, 'x')), group(2, record)] }]);
      const error = await open(disk).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: 'WT_CORRUPTION', reason: expect.stringMatching(reason), file: '/db/wal/0000000000000001.wal' });
      expect(disk.history).toEqual([]);
    }
    const db = await open(forge([{ frames: [group(1, insert(1, 'x')), group(2, update(changed, 0, 0, row(1, 'x')))] }]));
    expect(db.table(Right).select(1)?.text).toBe('ab');
    await db.close();
  });

  it('is refused where it has more named positions than there can be', async () => {
    const named = (name: string) => Buffer.concat([Buffer.from([6]), sized(Buffer.from(name)), Buffer.from([2])]);
    const aside = (count: number) => {
      const record = Buffer.concat([Buffer.alloc(5), number(count), ...Array.from({ length: count }, (_, n) => named(`p${n}`))]);
      record.writeUInt32LE(record.length - 4, 0);
      record[4] = 2;
      return { payload: record, firstLsn: 1, transactions: 0 };
    };
    await (await open(forge([{ frames: [aside(1000)] }]))).close();
    await expect(open(forge([{ frames: [aside(1001)] }]))).rejects.toMatchObject({ reason: expect.stringMatching(/more named positions/) });
    const engine = new FileEngine(forge([{ frames: [aside(1001)] }]), { ...SMALL, mode: 'salvage' });
    const salvaged = await Database.open({ engine, tables: CRASH_TABLES, loadMode: LoadMode.Salvage });
    expect(salvaged.recovery?.damage).toMatchObject([{ reason: expect.stringMatching(/more named positions/) }]);
    await salvaged.close();
  });

  it('is read up to there in salvage, with all that is wrong reported', async () => {
    const disk = forge([{ frames: [group(1), group(2, insert(1))] }], { checkpointLsn: 5 });
    const engine = new FileEngine(disk, { ...SMALL, mode: 'salvage' });
    const db = await Database.open({ engine, tables: CRASH_TABLES, loadMode: LoadMode.Salvage });
    // Both are before the checkpoint, which is where the log should lead to.
    expect(db.recovery?.damage).toMatchObject([{ reason: expect.stringMatching(/ends before/) }]);
    await db.close();
    const torn = forge([{ frames: [group(1)], behind: Buffer.alloc(16, 1) }, { frames: [] }], { checkpointLsn: 5 });
    const other = new FileEngine(torn, { ...SMALL, mode: 'salvage' });
    const salvaged = await Database.open({ engine: other, tables: CRASH_TABLES, loadMode: LoadMode.Salvage });
    expect(salvaged.recovery?.damage).toMatchObject([
      { reason: expect.stringMatching(/within a segment/) },
      { reason: expect.stringMatching(/ends before/), offsetBytes: 0 },
    ]);
    await salvaged.close();
  });

  it('is read in salvage up to a segment that is missing', async () => {
    const disk = forge([{ frames: [group(1)] }, { frames: [group(2)] }, { frames: [group(3)] }]);
    disk.files.delete('/db/wal/0000000000000002.wal');
    const engine = new FileEngine(disk, { ...SMALL, mode: 'salvage' });
    const db = await Database.open({ engine, tables: CRASH_TABLES, loadMode: LoadMode.Salvage });
    expect(db.table(Right).count()).toBe(1);
    expect(db.recovery?.damage).toMatchObject([{ file: '/db/wal/0000000000000002.wal', reason: expect.stringMatching(/missing/) }]);
    await db.close();
  });
});

describe('what is kept of a log for readers of the past', () => {
  const first = { frames: [group(1), group(2)] };
  const second = { frames: [group(3)] };
  const kept = { firstSegment: 2, checkpointLsn: 2 };

  /** Opens for reading, and reads all that is kept. @returns what the reader met */
  async function read(disk: RecordingDisk, from = 0): Promise<{ lsns: number[]; oldest: number; error: unknown }> {
    const engine = new FileEngine(disk, { ...SMALL, mode: 'read' });
    const db = await Database.open({ engine, tables: CRASH_TABLES, readOnly: true });
    const lsns: number[] = [];
    const cursor = engine.readFrom(from);
    let error: unknown;
    try {
      for (let slice = await cursor.next(db.lsn); slice !== undefined; slice = await cursor.next(db.lsn)) lsns.push(slice.firstLsn);
    } catch (thrown) {
      error = thrown;
    }
    await db.close();
    return { lsns, oldest: engine.oldestLsn, error };
  }

  it('is read where it is sound, and begins where it does not follow', async () => {
    expect(await read(forge([first, second], kept))).toEqual({ lsns: [1, 2, 3], oldest: 0, error: undefined });
    const later = forge(
      [
        { ...first, header: { firstLsn: 9 } },
        { ...second, header: { firstLsn: 3 } },
      ],
      kept,
    );
    expect(await read(later, 2)).toMatchObject({ lsns: [3], oldest: 2 });
    expect(await read(forge([]))).toEqual({ lsns: [], oldest: 0, error: undefined });
  });

  it('never refuses the store, and is refused itself where it cannot be', async () => {
    const seal = (kind: number): ForgedFrame => ({ kind, payload: Buffer.alloc(8), firstLsn: 3, transactions: 0 });
    const wrong: [RecordingDisk, RegExp][] = [
      [forge([first, { ...second, header: { previousCrc: 5 } }], kept), /does not end as this one says/],
      [forge([{ frames: [...first.frames, { ...seal(FrameKind.Part) }] }, second], kept), /does not end as this one says/],
      [forge([first, { ...second, header: { previousLength: 72 } }], kept), /beyond its segment/],
      [forge([{ frames: [...first.frames, seal(9)] }, second], kept), /kind 9/],
      [forge([{ frames: [group(1), group(1)] }, { ...second, header: { firstLsn: 3 } }], kept), /missing, or there twice/],
      [forge([{ frames: [seal(FrameKind.Part), group(1)] }, { ...second, header: { firstLsn: 3 } }], kept), /missing, or there twice/],
    ];
    for (const [disk, reason] of wrong) {
      const { error } = await read(disk);
      expect(error).toMatchObject({ code: 'WT_CORRUPTION', reason: expect.stringMatching(reason), file: expect.stringMatching(/\.wal$/) });
    }
  });

  it('gives the errors of the system, and skips frames that may be skipped', async () => {
    const disk = forge(
      [{ frames: [...first.frames, { kind: 200, payload: Buffer.alloc(8), firstLsn: 3, transactions: 0 }] }, second],
      kept,
    );
    expect((await read(disk)).lsns).toEqual([1, 2, 3]);
    const engine = new FileEngine(disk, { ...SMALL, mode: 'read' });
    const db = await Database.open({ engine, tables: CRASH_TABLES, readOnly: true });
    disk.open = () => {
      throw Object.assign(new Error('not ours'), { code: 'EACCES' });
    };
    await expect(engine.readFrom(0).next(3)).rejects.toMatchObject({ code: 'EACCES' });
    await db.close();
  });
});
