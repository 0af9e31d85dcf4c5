import { join } from 'node:path';
import type { Disk } from '../disk/disk.js';
import { readAt } from './checkpoint-file.js';
import { LOG_DIRECTORY, segmentName } from './layout.js';
import type { EndedSegment } from './log-history.js';
import type { Manifest } from './manifest.js';
import type { StoreFiles } from './recovery.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment.js';

/**
 * The segments before those that are needed, which are there for readers of the past: as many as follow one another and
 * have sound headers. Their frames are checked when they are read; what is wrong with them never refuses the store.
 */
export function keptSegments(disk: Disk, path: string, manifest: Manifest, { segments }: StoreFiles): EndedSegment[] {
  const storeId = Buffer.from(manifest.storeId, 'hex');
  const kept: EndedSegment[] = [];
  const headerOf = (number: number): SegmentHeader => {
    const name = join(path, LOG_DIRECTORY, segmentName(number));
    const file = disk.open(name, 'read');
    try {
      return readSegmentHeader(readAt(file, 0, SEGMENT_HEADER_BYTES), name, storeId, number);
    } finally {
      file.close();
    }
  };
  if (!segments.includes(manifest.firstSegment - 1)) return kept;
  try {
    let next = headerOf(manifest.firstSegment);
    for (let number = manifest.firstSegment - 1; segments.includes(number); number--) {
      const header = headerOf(number);
      if (header.firstLsn > next.firstLsn) break;
      kept.unshift({ number, firstLsn: header.firstLsn, begun: header.begun, bytes: next.previousLength, coveredBy: next.firstLsn - 1 });
      next = header;
    }
  } catch {} // as far as it was read; who wants what is before is told that it is gone
  return kept;
}
