import type { EntityClass } from '../schema/column-type.js';
import type { TableCore } from '../table/table-core.js';
import type { Journal } from '../transaction/journal.js';
import { Moment, Snapshot } from './snapshot.js';

/** The snapshots of a database, and what is kept for them and for async transactions. */
export interface SnapshotStats {
  readonly open: number;
  /** Snapshots that were never disposed, and found by the garbage collector. */
  readonly forgotten: number;
  /** Old versions of rows. */
  readonly versions: number;
  /** Their bytes, which lie in the tables' pages. */
  readonly bytes: number;
}

/**
 * The snapshots of a database that have not been disposed. One that its user forgot is found when it is collected as
 * garbage, and then gives back what was kept for it.
 */
export class Snapshots {
  private readonly moments = new Set<Moment>();
  private forgottenCount = 0;
  private readonly registry = new FinalizationRegistry<Moment>((moment) => {
    this.forgottenCount++;
    this.drop(moment);
  });

  constructor(
    private readonly cores: ReadonlyMap<EntityClass, TableCore>,
    private readonly journal: Journal,
  ) {}

  take(): Snapshot {
    const moment = new Moment(this.cores.values(), this.journal);
    const { registry } = this;
    // The moment is what the registry holds on to: it must not lead back to the snapshot.
    const snapshot: Snapshot = new Snapshot(this.cores, moment, this.journal.lsn, () => {
      registry.unregister(moment);
      this.moments.delete(moment);
    });
    this.moments.add(moment);
    registry.register(snapshot, moment, moment);
    return snapshot;
  }

  private drop(moment: Moment): void {
    moment.release();
    this.moments.delete(moment);
  }

  stats(): SnapshotStats {
    let versions = 0;
    let bytes = 0;
    for (const core of this.cores.values()) {
      const kept = core.versions.stats();
      versions += kept.versions;
      bytes += kept.bytes;
    }
    return { open: this.moments.size, forgotten: this.forgottenCount, versions, bytes };
  }
}
