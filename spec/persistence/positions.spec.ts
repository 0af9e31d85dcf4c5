import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Database, PrimaryKey, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { SMALL } from '../support/crash-workload.js';

@Table()
class Ticket {
  @PrimaryKey('autoincrement') id!: number;
}

@Table()
class Invoice {
  @PrimaryKey('autoincrement') id!: number;
}

const open = (disk: RecordingDisk) => Database.open({ engine: new FileEngine(disk, SMALL), tables: [Ticket, Invoice] });

describe('keys that are handed out while a checkpoint is made', () => {
  it('are not handed out again, though the segment that tells of them ended meanwhile', async () => {
    const disk = new RecordingDisk();
    const release = holdCheckpoints(disk);
    const db = await open(disk);
    db.table(Ticket).insert({});
    const checkpoint = db.checkpoint();
    await setImmediate();
    // The image is taken; what is handed out now is in the log alone.
    const key = db.table(Invoice).nextKey();
    await fillSegments(db, 2);
    release();
    await checkpoint;
    await db.close();
    const again = await open(disk);
    expect(again.table(Invoice).nextKey()).toBe(key + 1);
    await again.close();
  });
});

/** Lets no checkpoint be synced. @returns what ends that */
function holdCheckpoints(disk: RecordingDisk): () => void {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const plain = disk.open.bind(disk);
  disk.open = (path, mode) => {
    const file = plain(path, mode);
    if (path.endsWith('.wtc.tmp')) file.syncLater = () => gate.then(() => file.sync());
    return file;
  };
  return release;
}

/** Ends some segments of the log without a transaction. */
async function fillSegments(db: Database, count: number): Promise<void> {
  const before = db.stats().store?.segments as number;
  while ((db.stats().store?.segments as number) < before + count) {
    for (let n = 0; n < 20; n++) db.table(Ticket).nextKey();
    await db.waitForOps();
  }
}
