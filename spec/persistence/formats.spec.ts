import { describe, expect, it } from '@jest/globals';
import { ByteReader } from '../../lib/bytes/byte-reader.js';
import { crc32 } from '../../lib/bytes/crc32.js';
import { CorruptionError } from '../../lib/index.js';
import {
  CheckpointEncoder,
  type CheckpointExpectation,
  readAt,
  readCheckpoint,
  type VisitRow,
} from '../../lib/persistence/checkpoint-file.js';
import { checkFrame, FrameKind, MOST_FRAME_BYTES, readFrameHeader, writeFrameHeader } from '../../lib/persistence/frame.js';
import { checkpointName, isCheckpointName, segmentName, segmentNumber } from '../../lib/persistence/layout.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../lib/persistence/manifest.js';
import { newManifest } from '../../lib/persistence/match-tables.js';
import { readSegmentHeader, walkFrames, writeSegmentHeader } from '../../lib/persistence/segment.js';
import { assertSameSchema, type StoredTable } from '../../lib/persistence/stored-table.js';
import { TransactionGroup } from '../../lib/persistence/transaction-group.js';
import { type RecordVisitor, readRecords } from '../../lib/persistence/transaction-record.js';
import { NO_LINK } from '../../lib/storage/link.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { Random } from '../support/random.js';

const STORE = Buffer.alloc(16, 9);
const corrupt = (reason: RegExp) => expect.objectContaining({ code: 'WT_CORRUPTION', reason: expect.stringMatching(reason) });

const SILENT: RecordVisitor = { begin() {}, insert() {}, update() {}, delete() {}, counter() {}, position() {} };

describe('ByteReader', () => {
  const reader = (...bytes: number[]) => new ByteReader(Buffer.from(bytes), 0, bytes.length, 'file', 100);

  it('reads numbers of every length, and says where they cannot be', () => {
    expect(reader(0x01).long()).toBe(-1n);
    expect(reader(...Array<number>(9).fill(0xff), 0x01).long()).toBe(-(2n ** 63n));
    expect(() => reader(...Array<number>(10).fill(0x80), 0x01).long()).toThrow(corrupt(/ten bytes/));
    expect(() => reader(...Array<number>(9).fill(0xff), 0x7f).long()).toThrow(corrupt(/64 bits/));
    expect(() => reader(0x80).long()).toThrow(expect.objectContaining({ file: 'file', offsetBytes: 101 }));
    expect(() => reader(0x01).natural()).toThrow(corrupt(/cannot be/));
    expect(() => reader(...Array<number>(8).fill(0xfe), 0x7f).natural()).toThrow(corrupt(/cannot be/));
    expect(() => reader(0x08, 1, 2).length()).toThrow(corrupt(/beyond/));
    expect(() => reader(1, 2, 3).u32()).toThrow(corrupt(/middle/));
  });
});

describe('names of files', () => {
  it('are understood as they are made, and no others', () => {
    expect(segmentNumber(segmentName(42))).toBe(42);
    expect(isCheckpointName(checkpointName(7, 12_345))).toBe(true);
    for (const name of ['42.wal', '0000000000000001.wal.tmp', 'x0000000000000001.wal']) expect(segmentNumber(name)).toBeUndefined();
    for (const name of ['../../etc/passwd', '0000000000000001-1.wtc']) expect(isCheckpointName(name)).toBe(false);
  });
});

describe('a group', () => {
  it('refuses a transaction that no buffer could hold, and is as it was', () => {
    const group = new TransactionGroup();
    group.addTransaction(1, 1, 0, []);
    const { size, count } = group;
    const logged = { store: { lengthAt: () => 2 ** 31 } };
    expect(() => group.addTransaction(2, 2, 0, [{ kind: 'insert', target: { logged }, oldLink: NO_LINK, newLink: 1 } as never])).toThrow(
      RangeError,
    );
    expect({ size: group.size, count: group.count }).toEqual({ size, count });
  });

  it('does not keep the room of a large one', () => {
    const group = new TransactionGroup();
    const bytes = Buffer.alloc(17 * 1024 * 1024);
    const store = { lengthAt: () => bytes.length, positionAt: () => 0, bufferAt: () => bytes };
    group.addTransaction(1, 1, 0, [{ kind: 'insert', target: { logged: { store, logId: 1 } }, oldLink: NO_LINK, newLink: 1 } as never]);
    expect(group.size).toBeGreaterThan(bytes.length);
    group.clear();
    expect(group.bytes.length).toBeLessThan(2 ** 20);
    expect(group.isEmpty).toBe(true);
  });
});

describe('a frame', () => {
  it('is not believed where the zeros behind it are none', () => {
    const bytes = Buffer.alloc(64);
    const header = { length: 5, kind: FrameKind.Group, transactions: 1, firstLsn: 1, promised: 0 };
    const crc = writeFrameHeader(bytes, 0, header, 3, 0);
    expect(checkFrame(bytes, 0, header, 3)).toBe(crc);
    bytes[46] = 1;
    expect(checkFrame(bytes, 0, header, 3)).toBeUndefined();
    expect(checkFrame(bytes.subarray(0, 47), 0, header, 3)).toBeUndefined();
  });

  it('is not believed where its length is beyond the limit, though its checksum is right', () => {
    const bytes = Buffer.alloc(64);
    const header = { length: 8, kind: FrameKind.Group, transactions: 1, firstLsn: 1, promised: 0 };
    writeFrameHeader(bytes, 0, header, 0, 0);
    expect(readFrameHeader(bytes, 0, 0)).toEqual(header);
    expect(readFrameHeader(bytes, 0, 1)).toBeUndefined();
    bytes.writeUInt32LE(MOST_FRAME_BYTES + 1, 4);
    bytes.writeUInt32LE(crc32(bytes, 0, 32), 32);
    expect(readFrameHeader(bytes, 0, 0)).toBeUndefined();
    expect(() => writeFrameHeader(bytes, 0, { ...header, length: MOST_FRAME_BYTES + 1 }, 0, 0)).toThrow(/within its limit/);
  });

  it('of an unknown kind is refused, and skipped from 128 on', () => {
    const { bytes: head, crc } = writeSegmentHeader(STORE, {
      number: 1,
      firstLsn: 1,
      epoch: 1,
      begun: 7,
      previousLength: 0,
      previousCrc: 0,
    });
    const walk = (kind: number) => {
      const frame = Buffer.alloc(48);
      writeFrameHeader(frame, 0, { length: 8, kind, transactions: 0, firstLsn: 1, promised: 0 }, crc, 5);
      const bytes = Buffer.concat([head, frame]);
      const kinds: number[] = [];
      const end = walkFrames(bytes, 'file', readSegmentHeader(bytes, 'file', STORE, 1), 5, (found) => kinds.push(found.kind));
      return { kinds, at: end.at };
    };
    expect(walk(200)).toEqual({ kinds: [], at: 112 });
    expect(walk(FrameKind.Group)).toEqual({ kinds: [1], at: 112 });
    expect(() => walk(9)).toThrow(corrupt(/kind 9/));
    expect(() => walk(0)).toThrow(corrupt(/kind 0/));
  });
});

describe('a segment’s header', () => {
  const { bytes } = writeSegmentHeader(STORE, { number: 3, firstLsn: 9, epoch: 2, begun: 7, previousLength: 77, previousCrc: 5 });
  const forged = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    change(copy);
    copy.writeUInt32LE(crc32(copy, 0, 60), 60);
    return copy;
  };

  it('is refused where it is short, of another version, store or number', () => {
    expect(readSegmentHeader(bytes, 'file', STORE, 3)).toMatchObject({ firstLsn: 9, epoch: 2, begun: 7, previousLength: 77 });
    expect(() => readSegmentHeader(bytes.subarray(0, 63), 'file', STORE, 3)).toThrow(corrupt(/whole header/));
    expect(() =>
      readSegmentHeader(
        forged((copy) => copy.fill(1, 0, 4)),
        'file',
        STORE,
        3,
      ),
    ).toThrow(corrupt(/no segment/));
    expect(() =>
      readSegmentHeader(
        forged((copy) => copy.fill(1, 4, 8)),
        'file',
        STORE,
        3,
      ),
    ).toThrow(corrupt(/version/));
    expect(() => readSegmentHeader(bytes, 'file', Buffer.alloc(16), 3)).toThrow(corrupt(/another store/));
    expect(() => readSegmentHeader(bytes, 'file', STORE, 4)).toThrow(corrupt(/name of another/));
  });
});

describe('a checkpoint', () => {
  const ROWS = [Buffer.from('a'), Buffer.alloc(400_000, 66), Buffer.from('ccc'), Buffer.alloc(900_000, 68), Buffer.from('e')];

  function build(table = 1, lsn = 5, store = STORE): { bytes: Buffer; expected: CheckpointExpectation } {
    const encoder = new CheckpointEncoder();
    const parts = [encoder.header(store, { table, lsn, counter: 12n })];
    for (const row of ROWS) {
      encoder.row(row, 0, row.length);
      if (encoder.isFull) parts.push(Buffer.from(encoder.block()));
    }
    if (!encoder.isEmpty) parts.push(Buffer.from(encoder.block()));
    const { bytes: footer, rows, crc } = encoder.footer();
    const bytes = Buffer.concat([...parts, footer]);
    return { bytes, expected: { table: 1, lsn: 5, bytes: bytes.length, rows, crc } };
  }

  function visit(bytes: Buffer, expected: Partial<CheckpointExpectation>, take: VisitRow): bigint {
    const disk = new RecordingDisk(new Map([['/c', bytes]]));
    return readCheckpoint(disk.open('/c', 'read'), STORE, { ...build().expected, bytes: bytes.length, ...expected }, take);
  }

  function read(bytes: Buffer, expected: Partial<CheckpointExpectation> = {}): { counter: bigint; rows: string[] } {
    const rows: string[] = [];
    const counter = visit(bytes, expected, (block, from, to) => rows.push(block.toString('latin1', from, to)));
    return { counter, rows };
  }

  it('gives back its rows and its counter, a row larger than a block among them', () => {
    expect(read(build().bytes)).toEqual({ counter: 12n, rows: ROWS.map(String) });
  });

  it('names its file, and where the row is in it, when a row is refused; and lets through what is about something else', () => {
    const { bytes } = build();
    const thrown = (error: Error) => () => {
      visit(bytes, {}, (block, from) => {
        if (block[from] === 68) throw error instanceof CorruptionError ? new CorruptionError(error.file, from, error.reason) : error;
      });
    };
    const at = bytes.indexOf(Buffer.alloc(100, 68));
    expect(thrown(new CorruptionError(undefined, 0, 'no row'))).toThrow(
      expect.objectContaining({ file: '/c', offsetBytes: at, reason: 'no row' }),
    );
    expect(thrown(new CorruptionError('/other', 0, 'no row'))).toThrow(expect.objectContaining({ file: '/other' }));
    expect(thrown(new RangeError('no memory'))).toThrow(new RangeError('no memory'));
  });

  it('is refused where anything of it is not what is expected, sound though it be', () => {
    expect(() => read(build(2).bytes)).toThrow(corrupt(/another table/));
    expect(() => read(build(1, 6).bytes)).toThrow(corrupt(/another position/));
    expect(() => read(build(1, 5, Buffer.alloc(16)).bytes)).toThrow(corrupt(/another store/));
    expect(() => read(build().bytes, { bytes: 3 })).toThrow(corrupt(/as many/));
    expect(() => read(Buffer.alloc(20))).toThrow(corrupt(/as many/));
    expect(() => read(build().bytes, { rows: 2 })).toThrow(corrupt(/as many/));
    expect(() => read(build().bytes, { crc: 1 })).toThrow(corrupt(/the manifest means/));
    const newer = Buffer.from(build().bytes);
    newer.writeUInt32LE(9, 4);
    newer.writeUInt32LE(crc32(newer, 0, 52), 52);
    expect(() => read(newer)).toThrow(corrupt(/another version/));
    const long = Buffer.from(build().bytes);
    long.writeUInt32LE(2 ** 31, 56);
    expect(() => read(long)).toThrow(corrupt(/beyond its file/));
    const more = Buffer.from(build().bytes);
    const length = more.readUInt32LE(56);
    more.writeUInt32LE(1, 60); // the block has two rows
    const crc = crc32(more, 68, 72 + length, crc32(more, 56, 64, more.readUInt32LE(52)));
    more.writeUInt32LE(crc, 64);
    expect(() => read(more)).toThrow(corrupt(/more in the block/));
    const short = build().bytes;
    expect(() => read(Buffer.concat([short.subarray(0, short.length - 24), Buffer.alloc(8), short.subarray(-24)]))).toThrow(
      corrupt(/does not fit/),
    );
  });
});

describe('reading a file', () => {
  it('goes on where a read gives less than was asked for, and refuses a file that is shorter than it says', () => {
    const bytes = Buffer.from('abcdef');
    const file = (end: number) => ({
      path: '/a',
      read: (into: Uint8Array, position: number) => (position < end ? bytes.copy(into, 0, position, Math.min(end, position + 4)) : 0),
    });
    expect(readAt(file(6) as never, 0, 6).toString()).toBe('abcdef');
    expect(() => readAt(file(5) as never, 0, 6)).toThrow(expect.objectContaining({ file: '/a', offsetBytes: 5 }));
  });
});

describe('a manifest', () => {
  it('is refused where no copy of it can be whole', () => {
    const sound = encodeManifest(newManifest());
    const forged = (change: (bytes: Buffer, at: number) => void) => {
      const bytes = Buffer.from(sound);
      for (const at of [0, bytes.length >> 1]) change(bytes, at);
      return bytes;
    };
    const wrong = [
      Buffer.alloc(0),
      sound.subarray(0, 19),
      forged((bytes, at) => bytes.writeUInt32LE(7, at)),
      forged((bytes, at) => bytes.writeUInt32LE(bytes.length, at + 4)),
      forged((bytes, at) => bytes.writeUInt32LE(2 ** 31, at + 12)),
      forged((bytes, at) => bytes.writeUInt32LE(9, at + 16)),
    ];
    for (const bytes of wrong) expect(() => decodeManifest(bytes, 'MANIFEST')).toThrow(corrupt(/neither copy/));
  });
});

describe('a manifest’s body', () => {
  const manifest = newManifest();
  const read = (value: unknown) => decodeManifest(encodeManifest(value as Manifest), 'MANIFEST');
  const table = { id: 1, name: 't', schema: { version: 1 }, checkpoint: null };

  it('is read as it was written', () => {
    expect(read(manifest)).toEqual(manifest);
    expect(read({ ...manifest, tables: [table] }).tables).toEqual([table]);
    expect(read({ ...manifest, positions: [['__proto__', 7]] }).positions).toEqual([['__proto__', 7]]);
    expect(read({ ...manifest, more: 'for later readers' })).toMatchObject({ storeId: manifest.storeId });
  });

  it('is refused where it is sound, and not as it should be', () => {
    const wrong: unknown[] = [
      ...[
        { storeId: 7 },
        { storeId: 'short' },
        { epoch: -1 },
        { checkpointLsn: 0.5 },
        { clean: 5 },
        { clean: { segment: 1 } },
        { tables: 'none' },
      ],
      ...[
        { tables: [7] },
        { tables: [{ ...table, id: 'x' }] },
        { tables: [{ ...table, name: 1 }] },
        { tables: [{ ...table, schema: [] }] },
      ],
      ...[
        { tables: [{ ...table, checkpoint: 1 }] },
        { tables: [{ ...table, checkpoint: { file: 1 } }] },
        { tables: [{ ...table, checkpoint: { file: '', rows: -1 } }] },
        { positions: undefined },
        { positions: [['a', -1]] },
        { positions: [['', 1]] },
        { positions: [['a', 1, 2]] },
        { positions: ['a'] },
        { positions: Array.from({ length: 1001 }, (_, n) => [`p${n}`, n]) },
      ],
    ].map((part) => ({ ...manifest, ...part }));
    for (const value of wrong) expect(() => read(value)).toThrow(corrupt(/not as it should be/));
  });

  it('is refused where its body is no JSON, or no object', () => {
    for (const body of ['{', '5', 'null']) {
      const bytes = encodeManifest(manifest);
      bytes.writeUInt32LE(body.length, 4);
      bytes.write(body, 20);
      bytes.writeUInt32LE(crc32(bytes, 20, 20 + body.length, crc32(bytes, 0, 16)), 16);
      expect(() => decodeManifest(bytes, 'MANIFEST')).toThrow(corrupt(/not as it should be/));
    }
  });
});

describe('stored schemas', () => {
  const stored = (schema: object): StoredTable => ({
    name: 't',
    schema: { version: 1, avro: { fields: [] }, key: { columns: [] }, ...schema } as never,
  });

  it('of forged manifests are compared without falling over them', () => {
    expect(() => assertSameSchema(stored({ avro: {} }), stored({ version: 2 }))).toThrow(
      expect.objectContaining({ code: 'WT_SCHEMA_MISMATCH' }),
    );
    expect(() => assertSameSchema(stored({}), stored({}))).not.toThrow();
  });
});

describe('records', () => {
  it('that may be anything give a CorruptionError, or are read: never anything else, and soon', () => {
    const random = new Random();
    for (let n = 0; n < 200_000; n++) {
      const bytes = Buffer.from(Array.from({ length: random.below(60) }, () => (random.chance(0.5) ? random.below(9) : random.below(256))));
      // Half of them have a length that is right, so that more is looked at.
      if (bytes.length > 5 && random.chance(0.8)) bytes.writeUInt32LE(bytes.length - 4, 0);
      try {
        readRecords(new ByteReader(bytes, 0, bytes.length, 'file'), 1, random.below(3), random.below(2), SILENT);
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw new Error(`SEED=${random.seed} RUN=${n}: ${String(error)}`);
      }
    }
  });
});
