import { crc32 } from '../../lib/bytes/crc32.js';
import { FrameKind, frameBytes, writeFrameHeader } from '../../lib/persistence/frame.js';
import { segmentName } from '../../lib/persistence/layout.js';
import { encodeManifest, type Manifest } from '../../lib/persistence/manifest.js';
import { newManifest } from '../../lib/persistence/match-tables.js';
import { writeSegmentHeader } from '../../lib/persistence/segment.js';
import { storedTable } from '../../lib/persistence/stored-table.js';
import { buildSchemas } from '../../lib/schema/build-schema.js';
import { RecordingDisk } from './crash-disk.js';
import { CRASH_TABLES } from './crash-workload.js';

const STORE = Buffer.alloc(16, 9);
const STORE_SEED = crc32(STORE, 0, STORE.length);
export const EPOCH = 3;
export const MANIFEST: Manifest = {
  ...newManifest(),
  storeId: STORE.toString('hex'),
  epoch: EPOCH,
  tables: buildSchemas(CRASH_TABLES).map((schema, place) => ({ ...storedTable(schema), id: place + 1, checkpoint: null })),
};

export interface ForgedFrame {
  readonly kind?: number;
  readonly payload: Buffer;
  readonly firstLsn: number;
  readonly transactions?: number;
}

export interface ForgedSegment {
  readonly frames: readonly ForgedFrame[];
  /** What is other than in a log that follows. */
  readonly header?: {
    readonly number?: number;
    readonly firstLsn?: number;
    readonly epoch?: number;
    readonly previousLength?: number;
    readonly previousCrc?: number;
  };
  readonly behind?: Buffer;
}

/** A store whose checksums are all right, whatever is in it: as a bug, or somebody, would make it. */
export function forge(segments: readonly ForgedSegment[], manifest: Partial<Manifest> = {}): RecordingDisk {
  const image = new Map([['/db/MANIFEST', encodeManifest({ ...MANIFEST, lastSegment: segments.length, ...manifest })]]);
  let previous = { previousLength: 0, previousCrc: 0 };
  let lsn = 0;
  segments.forEach(({ frames, header, behind = Buffer.alloc(0) }, at) => {
    const number = at + 1;
    const first = { number, firstLsn: lsn + 1, epoch: EPOCH, begun: 0, ...previous, ...header };
    const { bytes, crc } = writeSegmentHeader(STORE, first);
    const parts = [bytes];
    let seed = crc;
    for (const { kind = FrameKind.Group, payload, firstLsn, transactions = kind === FrameKind.Part ? 0 : 1 } of frames) {
      const frame = Buffer.alloc(frameBytes(payload.length));
      payload.copy(frame, 40);
      seed = writeFrameHeader(frame, 0, { length: payload.length, kind, transactions, firstLsn, promised: 0 }, seed, STORE_SEED);
      parts.push(frame);
      lsn = Math.max(lsn, firstLsn + transactions - 1);
    }
    const whole = Buffer.concat(parts);
    previous = { previousLength: whole.length, previousCrc: seed };
    image.set(`/db/wal/${segmentName(number)}`, Buffer.concat([whole, behind]));
  });
  return new RecordingDisk(image);
}
