import { assert } from '../assert.js';
import { type Link, NO_LINK, type RowId } from './link.js';

/** The versions of rows that were replaced, or not there yet, since one moment and before the next that is read as of. */
export class Epoch {
  readers = 1;
  /** Where a row was at that moment, for rows that changed since; `NO_LINK` where there was none. */
  readonly rows = new Map<RowId, Link>();
  /** The rows of `rows`, in the order in which they came, for readers that keep up with them. */
  readonly log: RowId[] = [];
}

/**
 * Old versions of a table's rows, kept for snapshots: of each row the one that was current when the newest snapshot was
 * taken. A version goes into the newest epoch alone, so a write costs the same however many snapshots are open; a reader
 * of an older one looks through the epochs from its own on, and takes the first that knows the row.
 *
 * When an epoch loses its last reader, what older ones need of it moves to the one before, and the rest is released.
 * Invariant: a kept link is in exactly one epoch, and no row is at it.
 */
export class RowVersions {
  private readonly epochs: Epoch[] = [];
  private bytes = 0;
  private links = 0;
  private changeCount = 0;
  private retractionCount = 0;

  constructor(
    private readonly release: (link: Link) => void,
    private readonly lengthOf: (link: Link) => number,
  ) {}

  /** Whether anybody reads as of a moment. */
  get isKept(): boolean {
    return this.epochs.length > 0;
  }

  /** Rises with every change, so that readers see that there is something new. */
  get changes(): number {
    return this.changeCount;
  }

  /** Rises when a version is taken back. */
  get retractions(): number {
    return this.retractionCount;
  }

  /** Begins to read as of now. O(1). */
  open(): Epoch {
    const newest = this.epochs.at(-1);
    if (newest !== undefined && newest.rows.size === 0) {
      newest.readers++;
      return newest;
    }
    const epoch = new Epoch();
    this.epochs.push(epoch);
    return epoch;
  }

  /** Ends what `open` began. Not to be called while a transaction is open, which may have to take versions back. */
  close(epoch: Epoch): void {
    if (--epoch.readers > 0) return;
    const at = this.epochs.indexOf(epoch);
    assert(at >= 0, 'an epoch is closed once by each of its readers');
    this.epochs.splice(at, 1);
    const older = this.epochs[at - 1];
    for (const [row, link] of epoch.rows) {
      if (older === undefined || older.rows.has(row)) {
        this.drop(link);
      } else {
        older.rows.set(row, link);
        older.log.push(row);
      }
    }
    // Readers that have looked into it may remember it for as long as they live.
    epoch.rows.clear();
    epoch.log.length = 0;
    this.changeCount++;
  }

  private drop(link: Link): void {
    if (link === NO_LINK) return;
    this.bytes -= this.lengthOf(link);
    this.links--;
    this.release(link);
  }

  /** Tells of a row that is about to be at another link. @returns whether `link` is kept: then it is not to be released. */
  note(row: RowId, link: Link): boolean {
    const newest = this.epochs.at(-1);
    if (newest === undefined || newest.rows.has(row)) return false;
    newest.rows.set(row, link);
    newest.log.push(row);
    this.changeCount++;
    if (link !== NO_LINK) {
      this.bytes += this.lengthOf(link);
      this.links++;
    }
    return true;
  }

  /** Undoes the latest `note`: the row is at `link` again. Readers that know of it begin anew. */
  retract(row: RowId, link: Link): void {
    const newest = this.epochs.at(-1);
    assert(newest?.rows.get(row) === link, 'a version that is taken back was kept in the newest epoch');
    newest.rows.delete(row);
    assert(newest.log.pop() === row, 'versions are taken back in the reverse of their order');
    this.changeCount++;
    this.retractionCount++;
    if (link !== NO_LINK) {
      this.bytes -= this.lengthOf(link);
      this.links--;
    }
  }

  /** The epochs from one on, the oldest first. */
  since(epoch: Epoch): readonly Epoch[] {
    const at = this.epochs.indexOf(epoch);
    assert(at >= 0, 'an epoch that is read is open');
    return at === 0 ? this.epochs : this.epochs.slice(at);
  }

  /** The places that are kept and are no row's. */
  *kept(): Generator<Link> {
    for (const epoch of this.epochs) for (const link of epoch.rows.values()) if (link !== NO_LINK) yield link;
  }

  /** Versions kept, and the bytes of their rows. */
  stats(): { versions: number; bytes: number } {
    return { versions: this.links, bytes: this.bytes };
  }
}
