import type { Disk } from '../../lib/disk/disk.js';
import { Database } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import type { FileEngineOptions } from '../../lib/persistence/file-engine-options.js';
import { CRASH_MODES, type CrashMode, type Image, Medium, RecordingDisk } from './crash-disk.js';
import { CRASH_TABLES, Left, type Recorded, recover, SMALL, type State, stateOf } from './crash-workload.js';
import { Random } from './random.js';

export interface CrashTrial {
  readonly options?: Partial<FileEngineOptions>;
  /** Only what a kill loses is lost, and not what a power cut loses. */
  readonly modes?: readonly CrashMode[];
  /** Of the acknowledged transactions, how many must be there in a mode. */
  readonly durable?: (mode: CrashMode, acked: number) => number;
  readonly over?: (disk: RecordingDisk) => Disk;
  /** One image in so many is opened as a whole database, too. */
  readonly wholeOneIn: number;
}

/** What was tried, and what did not hold: `undefined` where all did. */
export interface CrashResult {
  readonly images: number;
  readonly violation: string | undefined;
}

/**
 * Crashes a recorded workload at each change of its disk, in each mode, and looks at what comes back:
 *
 * O1 a state that there was; O2 with all that was acknowledged; O3 of whole transactions (states are taken after each);
 * O4 the same when recovered once more; O5 that can be written and opened again; O8 with sound indexes; O10 that is still
 * there when the machine stops right after it was shown; and all of that where recovery itself is interrupted.
 */
export async function crashEverywhere({ disk, states, acked, issued, seed }: Recorded, trial: CrashTrial): Promise<CrashResult> {
  const { options = {}, modes = CRASH_MODES, durable = (_mode, lsn) => lsn, over = (other) => other, wholeOneIn } = trial;
  const random = new Random(seed + 1);
  const draw = () => random.word() / 2 ** 32;
  const medium = new Medium();
  let images = 0;
  for (let at = 0; at <= disk.history.length; at++) {
    const ack = acked[at] ?? (acked.at(-1) as number);
    const last = issued[at] ?? (issued.at(-1) as number);
    for (const mode of modes) {
      const image = medium.crash(mode, draw);
      const least = durable(mode, ack);
      images++;
      const where = `SEED=${seed} OP=${at} MODE=${mode}`;
      const problem = await look(image, states, least, last, random, () => images++);
      if (problem !== undefined) return { images, violation: `${where}: ${problem}` };
    }
    const op = disk.history[at];
    if (op !== undefined) medium.apply(op);
  }
  return { images, violation: undefined };

  async function look(
    image: Image,
    known: readonly State[],
    least: number,
    most: number,
    rng: Random,
    count: () => void,
  ): Promise<string | undefined> {
    const first = new RecordingDisk(image);
    let shown: { lsn: number; state: State };
    try {
      shown = await recover(over(first), options);
    } catch (error) {
      return `refused: ${(error as Error).message}`;
    }
    const wrong = judge(shown, known, least, most);
    if (wrong !== undefined) return wrong;
    // The power goes right after the state was shown, or while it was being recovered.
    const cuts = [first.history.length, rng.below(first.history.length + 1)];
    const after = new Medium(image);
    let applied = 0;
    for (const cut of cuts.sort((a, b) => a - b)) {
      while (applied < cut) after.apply(first.history[applied++] as never);
      const mode = rng.chance(0.5) ? 'none' : (modes[rng.below(modes.length)] as CrashMode);
      count();
      const again = await tryRecover(new RecordingDisk(after.crash(mode, draw)));
      if (typeof again === 'string') return `after a crash in recovery: ${again}`;
      const isShown = cut === first.history.length;
      const floor = isShown ? shown.lsn : least;
      const nested = judge(again, known, floor, most);
      if (nested !== undefined) return `after a crash ${isShown ? 'behind' : 'in'} recovery (${mode}): ${nested}`;
    }
    return rng.below(wholeOneIn) === 0 ? wholeDatabase(first.image, shown) : undefined;
  }

  async function tryRecover(files: RecordingDisk): Promise<{ lsn: number; state: State } | string> {
    try {
      return await recover(over(files), options);
    } catch (error) {
      return (error as Error).message;
    }
  }

  async function wholeDatabase(image: Image, shown: { lsn: number; state: State }): Promise<string | undefined> {
    const files = new RecordingDisk(image);
    const open = () => Database.open({ engine: new FileEngine(files, { ...SMALL, ...options }), tables: CRASH_TABLES });
    const db = await open();
    if (stateOf(db).rows !== shown.state.rows || db.lsn !== shown.lsn) return 'a second recovery gives another state';
    const [inconsistency] = db.check();
    if (inconsistency !== undefined) return `check: ${inconsistency.table}.${inconsistency.where}: ${inconsistency.problem}`;
    const key = db.table(Left).insert({ tag: 'after', value: 1 });
    if (key <= shown.state.counter) return `key ${key} was given out before`;
    const wanted = stateOf(db).rows;
    await db.close();
    const reopened = await open();
    const got = stateOf(reopened).rows;
    await reopened.close();
    return got === wanted ? undefined : 'what was written after recovery is not there after a reopening';
  }
}

function judge({ lsn, state }: { lsn: number; state: State }, known: readonly State[], least: number, most: number): string | undefined {
  if (lsn < least) return `LSN ${lsn}, and ${least} was acknowledged`;
  if (lsn > most) return `LSN ${lsn}, and ${most} was the last`;
  const wanted = known[lsn] as State;
  if (state.rows !== wanted.rows) return `the rows are not those of LSN ${lsn}`;
  if (state.applied !== wanted.applied) return `the position is ${state.applied}, and ${wanted.applied} was set`;
  return state.counter < wanted.counter ? `the counter is ${state.counter}, and ${wanted.counter} was given out` : undefined;
}
