import { assert } from '../assert.js';
import type { LogRetention } from './persistence-engine.js';

/** A segment that is whole. */
export interface EndedSegment {
  readonly number: number;
  /** The first transaction that can be in it. */
  readonly firstLsn: number;
  /** When it was begun, in seconds since 1970. */
  readonly begun: number;
  readonly bytes: number;
  /** A checkpoint at this position, or a later one, has everything that is in it. */
  readonly coveredBy: number;
}

/** The segment that is being written. */
export interface LiveSegment {
  readonly number: number;
  readonly firstLsn: number;
  readonly begun: number;
  /** Up to here its bytes will not change any more. */
  readonly bytes: number;
}

/** How far a segment can be read. */
export interface SegmentExtent {
  readonly bytes: number;
  readonly isEnded: boolean;
}

/**
 * The segments that there are, in order and without gaps: first those that only readers of the past need, then those that
 * recovery needs, then the live one.
 */
export class LogHistory {
  private readonly ended: EndedSegment[] = [];
  private firstNeeded = 0;
  private live: () => LiveSegment | undefined = () => undefined;

  /** What recovery found. `firstNeeded` is the number of the first segment that it read. */
  restore(segments: readonly EndedSegment[], firstNeeded: number): void {
    this.ended.push(...segments);
    this.firstNeeded = firstNeeded;
  }

  /** From now on a segment is being written. */
  goOn(live: () => LiveSegment): void {
    this.live = live;
  }

  /** The last segment had nothing in it, and is begun anew. */
  dropLast(): void {
    this.ended.pop();
  }

  add(segment: EndedSegment): void {
    this.ended.push(segment);
  }

  /** The ended segments that recovery needs. */
  get needed(): readonly EndedSegment[] {
    return this.ended.filter(({ number }) => number >= this.firstNeeded);
  }

  /** Bytes of segments that only readers of the past need. */
  get keptBytes(): number {
    return this.ended.reduce((sum, { number, bytes }) => (number < this.firstNeeded ? sum + bytes : sum), 0);
  }

  /** Behind this position everything can be read. */
  get oldestLsn(): number {
    return ((this.ended[0] ?? this.live())?.firstLsn ?? 1) - 1;
  }

  /** The segment in which a transaction is, or will be; nothing where it is not there any more. */
  find(lsn: number): number | undefined {
    const live = this.live();
    if (live !== undefined && live.firstLsn <= lsn) return live.number;
    return this.ended.findLast(({ firstLsn }) => firstLsn <= lsn)?.number;
  }

  /** How far a segment can be read; nothing where it is not there. */
  extent(number: number): SegmentExtent | undefined {
    const live = this.live();
    if (live?.number === number) return { bytes: live.bytes, isEnded: false };
    const first = this.ended[0]?.number ?? 0;
    const segment = this.ended[number - first];
    return segment === undefined ? undefined : { bytes: segment.bytes, isEnded: true };
  }

  /** A checkpoint was made, after which recovery needs nothing before this segment. */
  checkpointed(firstNeeded: number): void {
    this.firstNeeded = firstNeeded;
  }

  /** Lets go of what neither recovery nor retention wants. @returns the number below which no segment is wanted, if any */
  trim(retention: LogRetention, nowMs: number): number | undefined {
    const live = this.live();
    assert(live !== undefined, 'only who writes lets go');
    let newer = live.bytes;
    let next: { readonly firstLsn: number; readonly begun: number } = live;
    for (let at = this.ended.length - 1; at >= 0; at--) {
      const segment = this.ended[at] as EndedSegment;
      if (segment.number < this.firstNeeded && !isWanted(segment, next, newer, retention, nowMs)) {
        this.ended.splice(0, at + 1);
        return segment.number + 1;
      }
      newer += segment.bytes;
      next = segment;
    }
    return undefined;
  }
}

/** `next` is the segment after it, `newer` the bytes of all after it. */
function isWanted(
  { bytes }: EndedSegment,
  next: { readonly firstLsn: number; readonly begun: number },
  newer: number,
  retention: LogRetention,
  nowMs: number,
): boolean {
  if (newer < retention.bytes) return true;
  if (retention.ms > 0 && (next.begun + 1) * 1000 > nowMs - retention.ms) return true;
  const { afterLsn } = retention;
  return afterLsn !== undefined && next.firstLsn - 1 > afterLsn && newer + bytes <= retention.afterBytes;
}
