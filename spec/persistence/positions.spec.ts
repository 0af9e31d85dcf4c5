import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Database, PrimaryKey, Table } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { journalOf, SMALL } from '../support/crash-workload.js';
import { Random } from '../support/random.js';

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

describe('a named position', () => {
  const NAMES = ['consumer:a', 'consumer:ü', 'applied:__proto__', 'x'.repeat(255)];

  it('is there after a reopening as it was set last, whatever checkpoints and transactions came between', async () => {
    const random = new Random();
    const disk = new RecordingDisk();
    const model = new Map<string, number>();
    let db = await open(disk);
    for (let step = 0; step < 1500; step++) {
      const name = NAMES[random.below(NAMES.length)] as string;
      const lsn = random.chance(0.2) ? undefined : random.chance(0.1) ? Number.MAX_SAFE_INTEGER - random.below(9) : random.below(1000);
      const set = () => {
        journalOf(db).setPosition(name, lsn);
        if (lsn === undefined) model.delete(name);
        else model.set(name, lsn);
      };
      switch (random.below(12)) {
        case 0:
          db.transaction(() => [db.table(Ticket).insert({}), set()]);
          break;
        case 1: {
          const before = new Map(model);
          const failing = () => db.transaction(() => [set(), db.table(Ticket).insert({}), journalOf(db).setPosition('p', 1), fail()]);
          expect(failing).toThrow('undone');
          model.clear();
          for (const [key, value] of before) model.set(key, value);
          break;
        }
        case 2:
          if (random.chance(0.3)) await db.checkpoint();
          break;
        case 3:
          if (random.chance(0.3)) {
            await db.close();
            db = await open(disk);
          }
          break;
        default:
          set();
      }
      expect([random.seed, new Map(journalOf(db).positions)]).toEqual([random.seed, model]);
    }
    await db.close();
  });

  it('is set while a checkpoint is made, and there after it, though its segment ended meanwhile', async () => {
    const disk = new RecordingDisk();
    const release = holdCheckpoints(disk);
    const db = await open(disk);
    db.table(Ticket).insert({});
    const checkpoint = db.checkpoint();
    await setImmediate();
    journalOf(db).setPosition('consumer:a', 1);
    await fillSegments(db, 2);
    release();
    await checkpoint;
    await db.close();
    const again = await open(disk);
    expect(journalOf(again).positions.get('consumer:a')).toBe(1);
    await again.close();
  });

  it('has a name of 1 to 255 bytes of text, and there are a thousand at most', async () => {
    const disk = new RecordingDisk();
    const db = await open(disk);
    const journal = journalOf(db);
    for (const name of ['', 'x'.repeat(256), 'ü'.repeat(128), '\ud800', 5]) {
      expect(() => journal.setPosition(name as string, 1)).toThrow(TypeError);
    }
    for (const lsn of [-1, 0.5, Number.NaN, '1']) expect(() => journal.setPosition('a', lsn as number)).toThrow(TypeError);
    for (let n = 0; n < 1000; n++) journal.setPosition(`consumer:${n}`, n);
    expect(() => journal.setPosition('one more', 1)).toThrow(expect.objectContaining({ code: 'WT_POSITION_LIMIT' }));
    journal.setPosition('consumer:5', undefined);
    journal.setPosition('one more', 1);
    await db.close();
    const again = await open(disk);
    expect(journalOf(again).positions).toEqual(journal.positions);
    await again.close();
    expect(() => journalOf(again).setPosition('a', 1)).toThrow(expect.objectContaining({ code: 'WT_CLOSED' }));
  });

  it('can be forgotten for another one where there are a thousand, and the store opens', async () => {
    const disk = new RecordingDisk();
    const db = await open(disk);
    const { positions } = journalOf(db);
    for (let n = 0; n < 1000; n++) journalOf(db).setPosition(`consumer:${n}`, n);
    journalOf(db).setPosition('consumer:5', undefined);
    journalOf(db).setPosition('consumer:another', 1);
    await db.checkpoint(); // has this one; the log behind it begins with the one that was forgotten
    await db.close();
    const again = await open(disk);
    expect(new Map(journalOf(again).positions)).toEqual(new Map(positions));
    await again.close();
  });

  it('is kept in memory where there is no store', () => {
    const db = new Database({ tables: [Ticket] });
    journalOf(db).setPosition('consumer:a', 5);
    expect([...journalOf(db).positions]).toEqual([['consumer:a', 5]]);
    expect(db.lsn).toBe(0);
  });
});

function fail(): never {
  throw new Error('undone');
}

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
