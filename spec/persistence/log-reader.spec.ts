import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ByteReader } from '../../lib/bytes/byte-reader.js';
import { crc32 } from '../../lib/bytes/crc32.js';
import { Database, LoadMode, type LogCursor, type LogRetention } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { FRAME_HEADER_BYTES, FrameKind, frameBytes, writeFrameHeader } from '../../lib/persistence/frame.js';
import { LogHistory } from '../../lib/persistence/log-history.js';
import { LogReader } from '../../lib/persistence/log-reader.js';
import { decodeManifest, encodeManifest } from '../../lib/persistence/manifest.js';
import { writeSegmentHeader } from '../../lib/persistence/segment.js';
import { type RecordVisitor, readRecords } from '../../lib/persistence/transaction-record.js';
import { type Image, RecordingDisk } from '../support/crash-disk.js';
import { CRASH_TABLES, Left, Right, SMALL } from '../support/crash-workload.js';
import { Random } from '../support/random.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

interface Opened {
  readonly db: Database;
  readonly engine: FileEngine;
}

const directory = temporaryDirectories();
const NONE: LogRetention = { bytes: 0, ms: 0, afterLsn: undefined, afterBytes: 0 };
let time = 1_800_000_000_000;

async function open(disk: RecordingDisk, retention: LogRetention | undefined): Promise<Opened> {
  const engine = new FileEngine(disk, { ...SMALL, now: () => time });
  const db = await Database.open({ engine, tables: CRASH_TABLES, retention: { bytes: 2 ** 40 } });
  if (retention !== undefined) engine.retain(retention);
  return { db, engine };
}

/** What a cursor gives, a line each transaction. */
async function readAll(cursor: LogCursor, from: number, upTo: number): Promise<string[]> {
  const lines: string[] = [];
  let lsn = from;
  for (;;) {
    const slice = await cursor.next(upTo);
    if (slice === undefined) return lines;
    const { bytes, from: at, to, firstLsn, transactions, source, sourceOffset } = slice;
    const add = (text: string) => {
      lines[lines.length - 1] += text;
    };
    const visitor: RecordVisitor = {
      begin: (transaction) => {
        if (transaction.lsn !== lsn + 1) throw new Error(`${transaction.lsn} after ${lsn}`);
        lsn = transaction.lsn;
        lines.push(`${lsn}`);
      },
      insert: (table, row, first, last) => add(` +${table} ${row.toString('latin1', first, last)}`),
      update: (table, { bytes: row, from: first, to: last }) => add(` =${table} ${row.toString('latin1', first, last)}`),
      delete: (table, row, first, last) => add(` -${table} ${row.toString('latin1', first, last)}`),
      counter: () => undefined,
      position: () => undefined,
    };
    readRecords(new ByteReader(bytes, at, to, source, sourceOffset), firstLsn, transactions, lsn, visitor);
  }
}

function write({ db }: Opened, random: Random): void {
  const right = db.table(Right);
  const many = random.chance(0.1) ? 60 : random.below(3);
  if (random.chance(0.2)) db.table(Left).nextKey();
  db.transaction(() => {
    for (let n = 0; n < many; n++) {
      if (random.chance(0.2)) right.delete(random.below(60));
      else right.upsert({ id: random.below(60), text: 'r'.repeat(random.below(40)) });
    }
  });
}

describe('LogReader', () => {
  it('gives from every position what was committed behind it, while more is written, over segments and reopenings', async () => {
    for (let run = 0; run < 8; run++) {
      const random = new Random();
      const disk = new RecordingDisk();
      disk.isSlow = run % 2 === 0;
      let opened = await open(disk, undefined);
      const readers: { from: number; lines: string[]; cursor: LogCursor }[] = [];
      const catchUp = async () => {
        const durable = opened.db.durableLsn;
        for (const reader of readers) {
          if (random.chance(0.5)) reader.lines.push(...(await readAll(reader.cursor, reader.from + reader.lines.length, durable)));
        }
      };
      for (let step = 0; step < 120; step++) {
        write(opened, random);
        if (random.chance(0.1))
          readers.push({ from: opened.db.durableLsn, lines: [], cursor: opened.engine.readFrom(opened.db.durableLsn) });
        if (random.chance(0.3)) await opened.db.waitForOps();
        if (random.chance(0.1)) await opened.db.checkpoint();
        if (random.chance(0.2)) await catchUp();
        if (random.chance(0.03)) {
          await opened.db.close();
          opened = await open(disk, undefined);
          for (const reader of readers) reader.cursor = opened.engine.readFrom(reader.from + reader.lines.length);
        }
      }
      const { db, engine } = opened;
      const lsn: number = await db.waitForOps();
      expect(engine.oldestLsn).toBe(0);
      const whole = await readAll(engine.readFrom(0), 0, lsn);
      expect([random.seed, whole.length]).toEqual([random.seed, lsn]);
      for (const reader of readers) {
        reader.lines.push(...(await readAll(reader.cursor, reader.from + reader.lines.length, lsn)));
        expect([random.seed, reader.lines]).toEqual([random.seed, whole.slice(reader.from)]);
      }
      for (let from = lsn; from >= 0; from -= 1 + random.below(12))
        expect(await readAll(engine.readFrom(from), from, lsn)).toEqual(whole.slice(from));
      const middle = lsn >> 1;
      const some = engine.readFrom(middle);
      expect(await some.next(middle)).toBeUndefined();
      some.close();
      await db.close();
    }
  });
});

async function fill({ db }: Opened, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    db.table(Right).upsert({ id: n % 50, text: 'x'.repeat(40) });
    if (n % 5 === 0) {
      await db.waitForOps();
      time += 1000;
    }
  }
  await db.waitForOps();
}

const segmentsOf = (disk: { files: ReadonlyMap<string, unknown> }) => [...disk.files.keys()].filter((path) => path.endsWith('.wal')).sort();
const gone = (from: number, oldest: number) => expect.objectContaining({ code: 'WT_OFFSET_TRUNCATED', from, oldest });

describe('what is kept of the log', () => {
  it.each([
    ['nothing', NONE, (oldest: number) => oldest > 170],
    ['its latest bytes', { ...NONE, bytes: 5000 }, (oldest: number) => oldest > 60 && oldest < 160],
    ['the last minutes', { ...NONE, ms: 20_000 }, (oldest: number) => oldest > 60 && oldest < 100],
    ['what is behind a position', { ...NONE, afterLsn: 55, afterBytes: 2 ** 30 }, (oldest: number) => oldest > 20 && oldest <= 55],
    ['not what is behind one too far back', { ...NONE, afterLsn: 55, afterBytes: 5000 }, (oldest: number) => oldest > 60 && oldest < 160],
    ['all of it', { ...NONE, bytes: 2 ** 40 }, (oldest: number) => oldest === 0],
  ] as [string, LogRetention, (oldest: number) => boolean][])('is %s', async (_name, retention, isRight) => {
    const disk = new RecordingDisk();
    let opened = await open(disk, retention);
    await fill(opened, 200);
    await opened.db.checkpoint();
    const { oldestLsn } = opened.engine;
    expect([oldestLsn, isRight(oldestLsn)]).toEqual([oldestLsn, true]);
    expect(await readAll(opened.engine.readFrom(oldestLsn), oldestLsn, 200)).toHaveLength(200 - oldestLsn);
    if (oldestLsn > 0) await expect(opened.engine.readFrom(oldestLsn - 1).next(200)).rejects.toEqual(gone(oldestLsn - 1, oldestLsn));
    await opened.db.close();
    opened = await open(disk, retention);
    // The clock stood still meanwhile; a last segment without anything may have come.
    expect(opened.engine.oldestLsn).toBe(oldestLsn);
    expect((opened.db.stats().store?.keptBytes ?? 0) > 0).toBe(oldestLsn < 170);
    opened.engine.retain(NONE);
    expect(opened.engine.oldestLsn).toBeGreaterThan(170);
    await opened.db.close(); // when what nobody wants has been removed
    expect(segmentsOf(disk).length).toBeLessThan(4);
  });

  it('tells a reader under whom it was let go', async () => {
    const disk = new RecordingDisk();
    const opened = await open(disk, NONE);
    await fill(opened, 50);
    const reader = opened.engine.readFrom(3);
    expect((await reader.next(50))?.firstLsn).toBeLessThan(5);
    await fill(opened, 150);
    await opened.db.checkpoint();
    await expect(readAll(reader, 3, 200)).rejects.toEqual(expect.objectContaining({ code: 'WT_OFFSET_TRUNCATED' }));
    await opened.db.close();
  });
});

describe('damage to segments that only readers of the past need', () => {
  async function kept(): Promise<Image> {
    const disk = new RecordingDisk();
    const opened = await open(disk, { ...NONE, bytes: 2 ** 40 });
    await fill(opened, 200);
    await opened.db.checkpoint();
    await opened.db.close();
    return disk.image;
  }

  function changed(image: Image, place: number, change: ((bytes: Buffer) => Buffer) | undefined): RecordingDisk {
    const copy = new Map(image);
    const path = segmentsOf({ files: image })[place] as string;
    if (change === undefined) copy.delete(path);
    else copy.set(path, change(Buffer.from(image.get(path) as Buffer)));
    return new RecordingDisk(copy);
  }

  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at] = (bytes[at] as number) ^ 64;
    return bytes;
  };

  it('never refuses the store: what is behind it is read, what is before it is gone', async () => {
    const image = await kept();
    const disk = changed(image, 3, flip(30));
    const { db, engine } = await open(disk, undefined);
    expect(db.table(Right).count()).toBe(50);
    const { oldestLsn } = engine;
    expect(oldestLsn).toBeGreaterThan(20);
    expect(await readAll(engine.readFrom(oldestLsn), oldestLsn, 200)).toHaveLength(200 - oldestLsn);
    await expect(engine.readFrom(1).next(200)).rejects.toEqual(gone(1, oldestLsn));
    expect(segmentsOf(disk)).toContain('/db/wal/0000000000000001.wal');
    engine.retain(NONE);
    await db.close();
    expect(segmentsOf(disk)).not.toContain('/db/wal/0000000000000001.wal');
  });

  it.each([
    ['a byte of a frame’s header', (bytes: Buffer) => flip(64 + 8)(bytes), /damaged bytes/],
    ['a byte of a payload', flip(64 + 60), /damaged bytes/],
    ['its end cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 8), /ends before its length/],
    ['all of it gone', undefined, /missing/],
  ] as [string, ((bytes: Buffer) => Buffer) | undefined, RegExp][])('is told to who reads it: %s', async (_name, change, reason) => {
    const image = await kept();
    const disk = changed(image, 3, change ?? ((bytes) => bytes));
    const { db, engine } = await open(disk, undefined);
    if (change === undefined) disk.unlink('/db/wal/0000000000000004.wal');
    await expect(readAll(engine.readFrom(0), 0, 200)).rejects.toMatchObject({
      code: 'WT_CORRUPTION',
      file: '/db/wal/0000000000000004.wal',
      reason: expect.stringMatching(reason),
    });
    await db.close();
  });
});

describe('a reader whose segment was let go', () => {
  it('goes on in the oldest that there is, where it had read its own to the end', async () => {
    const disk = new RecordingDisk();
    const { db, engine } = await open(disk, { ...NONE, bytes: 2 ** 40 });
    await fill({ db, engine }, 200);
    await db.checkpoint();
    const { ended } = (engine as unknown as { history: { ended: { firstLsn: number }[] } }).history;
    const [, , third, fourth] = ended.map(({ firstLsn }) => firstLsn - 1) as [number, number, number, number];
    const atEnd = engine.readFrom(third);
    const within = engine.readFrom(third);
    expect(await readAll(atEnd, third, fourth)).toHaveLength(fourth - third);
    const given = await readAll(within, third, third + 1);
    engine.retain({ ...NONE, afterLsn: fourth, afterBytes: 2 ** 40 });
    expect(engine.oldestLsn).toBe(fourth);
    expect(await readAll(atEnd, fourth, 200)).toHaveLength(200 - fourth);
    await expect(within.next(200)).rejects.toEqual(gone(third + given.length, fourth));
    await db.close();
  });
});

describe('LogReader, over bytes that were made to be wrong', () => {
  const STORE = Buffer.alloc(16, 9);
  const SEED = crc32(STORE, 0, 16);

  interface Made {
    readonly kind: number;
    readonly firstLsn: number;
    readonly transactions: number;
    readonly payload?: string;
  }

  /** A segment of these frames. */
  function segment(number: number, firstLsn: number, frames: readonly Made[], previous = { length: 0, crc: 0 }) {
    const header = { number, firstLsn, epoch: 1, begun: 0, previousLength: previous.length, previousCrc: previous.crc };
    const parts = [writeSegmentHeader(STORE, header).bytes];
    let { crc } = writeSegmentHeader(STORE, header);
    for (const { kind, firstLsn: lsn, transactions, payload = '' } of frames) {
      const bytes = Buffer.alloc(frameBytes(payload.length));
      bytes.write(payload, FRAME_HEADER_BYTES);
      crc = writeFrameHeader(bytes, 0, { kind, firstLsn: lsn, transactions, length: payload.length, promised: 0 }, crc, SEED);
      parts.push(bytes);
    }
    const bytes = Buffer.concat(parts);
    return { bytes, length: bytes.length, crc, firstLsn };
  }

  function reader(...made: ReturnType<typeof segment>[]) {
    const history = new LogHistory();
    const files = new Map(made.map(({ bytes }, at) => [`/wal/000000000000000${at + 1}.wal`, bytes]));
    const ended = made.map(({ length, firstLsn }, at) => ({ number: at + 1, firstLsn, begun: 0, bytes: length, coveredBy: 0 }));
    history.restore(ended, 1);
    const disk = new RecordingDisk(files);
    return { disk, history, reads: new LogReader({ disk, directory: '/wal', storeId: STORE, storeSeed: SEED }, history, 0) };
  }

  const corrupt = (reason: RegExp) => expect.objectContaining({ code: 'WT_CORRUPTION', reason: expect.stringMatching(reason) });
  const group = (firstLsn: number, transactions = 1): Made => ({ kind: FrameKind.Group, firstLsn, transactions, payload: 'abc' });
  const part = (firstLsn: number): Made => ({ kind: FrameKind.Part, firstLsn, transactions: 0, payload: 'ab' });

  it('reads what is right, and skips what it may', async () => {
    const first = segment(1, 1, [group(1), { kind: 200, firstLsn: 0, transactions: 0 }, group(2, 0), part(2), part(2)]);
    const whole = segment(1, 1, [
      group(1),
      { kind: 200, firstLsn: 0, transactions: 0 },
      group(2, 0),
      part(2),
      { ...part(2), kind: FrameKind.Last, transactions: 2 },
    ]);
    const { reads } = reader(whole, segment(2, 4, [{ kind: FrameKind.Seal, firstLsn: 4, transactions: 0 }, group(4)], whole));
    expect(await reads.next(4)).toMatchObject({ firstLsn: 1, transactions: 1 });
    expect(await reads.next(4)).toMatchObject({ firstLsn: 2, transactions: 2, bytes: Buffer.from('abab') });
    expect(await reads.next(4)).toMatchObject({ firstLsn: 4 });
    expect(await reads.next(4)).toBeUndefined();
    const cut = reader(first, segment(2, 2, [group(2)], first)).reads;
    await cut.next(2);
    await expect(cut.next(2)).rejects.toEqual(corrupt(/does not end as/));
  });

  it('refuses what is not as it should be', async () => {
    const refused = async (reason: RegExp, ...made: ReturnType<typeof segment>[]) => {
      const { reads } = reader(...made);
      await expect(readToEnd(reads)).rejects.toEqual(corrupt(reason));
    };
    const readToEnd = async (reads: LogReader) => {
      for (let n = 0; n < 9; n++) await reads.next(9);
    };
    await refused(/kind 9/, segment(1, 1, [{ kind: 9, firstLsn: 1, transactions: 1 }]));
    await refused(/missing, or there twice/, segment(1, 1, [group(1), group(3)]));
    await refused(/missing, or there twice/, segment(1, 1, [part(1), group(1)]));
    const first = segment(1, 1, [group(1)]);
    await refused(/does not end as/, first, segment(2, 2, [group(2)], { length: first.length, crc: 1 }));
    await refused(/does not end as/, first, segment(2, 2, [group(2)], { length: 1, crc: first.crc }));
    await refused(/does not end as/, first, segment(2, 3, [group(3)], first));
    const short = segment(1, 1, [group(1)]);
    await refused(/beyond its segment/, { ...short, length: short.length - 8 });
    await refused(/beyond its segment/, { ...short, length: 70 });
  });

  it('tells apart a file that is missing, one that was let go meanwhile, and one that cannot be opened', async () => {
    const first = segment(1, 1, [group(1)]);
    const made = [first, segment(2, 2, [group(2)], first)] as const;
    const failing = (code: string, before: (history: LogHistory) => void = () => undefined) => {
      const { disk, history, reads } = reader(...made);
      disk.open = () => {
        before(history);
        throw Object.assign(new Error(code), { code });
      };
      return reads.next(2);
    };
    await expect(failing('ENOENT')).rejects.toEqual(corrupt(/is missing/));
    await expect(failing('EACCES')).rejects.toMatchObject({ code: 'EACCES' });
    const letGo = (history: LogHistory) => {
      history.checkpointed(2);
      history.goOn(() => ({ number: 3, firstLsn: 3, begun: 0, bytes: 64 }));
      expect(history.trim(NONE, 0)).toBe(2);
    };
    await expect(failing('ENOENT', letGo)).rejects.toEqual(gone(0, 1));
    // It had read its segment to the end, and the next one is gone, too.
    const { history, reads } = reader(first);
    await reads.next(1);
    history.checkpointed(2);
    history.goOn(() => ({ number: 7, firstLsn: 9, begun: 0, bytes: 64 }));
    history.trim(NONE, 0);
    await expect(reads.next(9)).rejects.toEqual(gone(1, 8));
  });

  it('finds no segment before one whose positions come later', async () => {
    const disk = new RecordingDisk();
    const opened = await open(disk, { ...NONE, bytes: 2 ** 40 });
    await fill(opened, 200);
    await opened.db.checkpoint();
    await opened.db.close();
    const image = new Map(disk.image);
    const path = '/db/wal/0000000000000002.wal';
    const bytes = Buffer.from(image.get(path) as Buffer);
    bytes.writeUInt32LE(1_000_000, 32);
    bytes.writeUInt32LE(crc32(bytes, 0, 60), 60);
    const again = await open(new RecordingDisk(image.set(path, bytes)), undefined);
    expect(again.engine.oldestLsn).toBeGreaterThan(20);
    await again.db.close();
  });

  it('of more names than there can be makes no store', async () => {
    const disk = new RecordingDisk();
    const { db } = await open(disk, NONE);
    (db as unknown as { journal: { setPosition(name: string, lsn: number): void } }).journal.setPosition('one more', 1);
    await db.close();
    const path = '/db/MANIFEST';
    const manifest = decodeManifest(disk.image.get(path) as Buffer, path);
    const positions = Array.from({ length: 1000 }, (_, n) => [`p${n}`, n] as const);
    const forged = new RecordingDisk(new Map(disk.image).set(path, encodeManifest({ ...manifest, positions })));
    await expect(open(forged, undefined)).rejects.toEqual(corrupt(/more named positions/));
  });
});

describe('a damaged log', () => {
  it('that is read all the same gives what there is of it, and then says so', async () => {
    const path = directory();
    const options = { path, tables: CRASH_TABLES, segmentBytes: 4096, retention: { bytes: 2 ** 40 } };
    const db = await Database.open(options);
    for (let n = 0; n < 60; n++) {
      db.table(Right).insert({ id: n, text: 'x'.repeat(500) });
      await db.waitForOps();
    }
    await db.close();
    for (const [number, first] of [
      [4, 1],
      [1, 0],
    ] as const) {
      const file = join(path, 'wal', `${number}`.padStart(16, '0').concat('.wal'));
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      writeFileSync(file, bytes);
      const salvaged = await Database.open({ ...options, loadMode: LoadMode.Salvage });
      expect(salvaged.lsn).toBeGreaterThan(1);
      const given: number[] = [];
      const read = async () => {
        for await (const { lsn } of salvaged.changes({ from: 0 })) given.push(lsn);
      };
      await expect(read()).rejects.toMatchObject({ code: 'WT_CORRUPTION' });
      expect([given[0] ?? 0, given.at(-1) ?? 0]).toEqual([first, given.length]);
      await salvaged.close();
    }
  });
});
