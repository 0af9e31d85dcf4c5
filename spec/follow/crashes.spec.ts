import { describe, expect, it } from '@jest/globals';
import { type CommitEvent, Database, PlainEvents } from '../../lib/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import { CRASH_MODES, Medium, RecordingDisk } from '../support/crash-disk.js';
import { CRASH_TABLES, coresOf, Left, Right, SMALL } from '../support/crash-workload.js';
import { Random } from '../support/random.js';

const RUNS = Number(process.env.FOLLOW_RUNS ?? 30);
const STEPS = 120;
const SOURCE = 'leader';
const FEEDS = ['commits', 'changes'] as const;

/** All rows' bytes, and the counter. */
function contents(db: Database): string {
  const tables = coresOf(db).map(({ store }) => {
    return [...store.rowIds].map((row) => Buffer.from(store.bytesAt(store.linkOf(row))).toString('latin1')).sort();
  });
  return JSON.stringify([tables, Number(coresOf(db)[0]?.counterValue)]);
}

/** A stored database on a machine that may stop at any moment, as `crash-disk` does. */
class Machine {
  private disk = new RecordingDisk();
  private medium = new Medium();
  db!: Database;
  crashes = 0;

  constructor(private readonly random: Random) {}

  async open(): Promise<void> {
    this.disk.isSlow = this.random.chance(0.5);
    const engine = new FileEngine(this.disk, SMALL);
    this.db = await Database.open({ engine, tables: CRASH_TABLES, queueBytes: this.random.chance(0.5) ? 400 : 8192 });
  }

  /** The machine stops with what was written, and may be anything of what was not synced; then it starts again. */
  async crash(): Promise<void> {
    for (const op of this.disk.history) this.medium.apply(op);
    const image = this.medium.crash(this.random.pick(CRASH_MODES), () => this.random.word() / 2 ** 32);
    this.disk = new RecordingDisk(image);
    this.medium = new Medium(image);
    this.crashes++;
    await this.open();
    const [inconsistency] = this.db.check();
    if (inconsistency !== undefined) throw new Error(`check: ${inconsistency.table}.${inconsistency.where}: ${inconsistency.problem}`);
  }

  async reopen(): Promise<void> {
    await this.db.close();
    await this.open();
  }
}

function fail(what: string): never {
  throw new Error(what);
}

/** A leader that writes, and a follower that is given what is durable there; each stops whenever it likes. */
class Pair {
  readonly leader: Machine;
  readonly follower: Machine;
  /** The state after each transaction of the leader's. */
  private readonly states: string[] = [];
  /** How often the follower began anew with an image. */
  images = 0;
  private readonly plain = new PlainEvents({ tables: CRASH_TABLES });
  /** What the follower has promised to keep. */
  private promised = 0;

  constructor(private readonly random: Random) {
    this.leader = new Machine(random);
    this.follower = new Machine(random);
  }

  async begin(): Promise<void> {
    await this.leader.open();
    await this.follower.open();
    this.states[0] = contents(this.leader.db);
    this.listen();
  }

  private listen(): void {
    const { db } = this.leader;
    db.on('commit', (commit) => {
      this.states[commit.lsn] = contents(db);
    });
  }

  async step(): Promise<void> {
    const { random, leader, follower } = this;
    switch (random.below(12)) {
      case 0:
        await leader.crash();
        if (contents(leader.db) !== this.states[leader.db.lsn]) fail('the leader came back in no state that it had');
        this.listen();
        break;
      case 1:
        await follower.crash();
        this.assertFollowed('after a crash');
        if (follower.db.appliedLsn(SOURCE) < this.promised)
          fail(`${this.promised} was promised, and ${follower.db.appliedLsn(SOURCE)} is there`);
        break;
      case 2:
        if (random.chance(0.5)) await follower.db.checkpoint();
        else await follower.reopen();
        break;
      case 3:
        if (random.chance(0.5)) await leader.db.waitForOps();
        else await leader.db.checkpoint();
        break;
      case 4:
      case 5:
      case 6:
        await this.follow(random.chance(0.5) ? 3 : 100);
        break;
      default:
        for (let n = random.below(4); n >= 0; n--) this.write(leader.db);
    }
  }

  private write(db: Database): void {
    const { random } = this;
    const left = db.table(Left);
    const right = db.table(Right);
    db.transaction(() => {
      for (let n = random.below(3); n >= 0; n--) {
        const id = 1 + random.below(30);
        if (random.chance(0.3)) left.delete(id);
        else if (random.chance(0.4)) right.upsert({ id, text: 'r'.repeat(random.below(50)) });
        else if (random.chance(0.2)) right.delete(id);
        else left.insert({ tag: `${random.word()}`, value: n });
      }
    });
  }

  /** Gives the follower what is durable at the leader, at times again what it has, at times as events one by one. */
  async follow(most: number): Promise<void> {
    const { random, follower, leader } = this;
    const from = Math.max(0, follower.db.appliedLsn(SOURCE) - random.below(4));
    const to = Math.min(leader.db.durableLsn, from + most);
    const { db } = leader;
    if (from < db.oldestLsn) {
      await follower.db.apply(db.commits({ from: 'snapshot', to: db.durableLsn }), { source: SOURCE, tables: CRASH_TABLES });
      this.images++;
    } else if (to > from) {
      const given = random.chance(0.3) ? this.piped(db.commits({ from, to })) : db[random.pick(FEEDS)]({ from, to });
      await follower.db.apply(given, { source: SOURCE });
    }
    this.assertFollowed('after applying');
    if (random.chance(0.5)) {
      await follower.db.waitForOps();
      this.promised = follower.db.appliedLsn(SOURCE);
    }
  }

  private async *piped(commits: AsyncIterable<CommitEvent>): AsyncGenerator<CommitEvent> {
    for await (const commit of commits) yield this.plain.readCommit(JSON.parse(JSON.stringify(this.plain.commit(commit))));
  }

  private assertFollowed(when: string): void {
    const { db } = this.follower;
    const lsn = db.appliedLsn(SOURCE);
    if (lsn > this.leader.db.durableLsn) fail(`${when}: the follower is at ${lsn}, ahead of what is durable`);
    if (contents(db) !== this.states[lsn]) fail(`${when}: the follower is not as the leader was at ${lsn}`);
  }

  async end(): Promise<number> {
    await this.leader.db.waitForOps();
    await this.follow(Number.MAX_SAFE_INTEGER);
    if (contents(this.follower.db) !== contents(this.leader.db)) fail('they end in two states');
    await this.follower.reopen();
    if (contents(this.follower.db) !== contents(this.leader.db)) fail('the follower came back in another state');
    const lsn = this.leader.db.lsn;
    await this.leader.db.close();
    await this.follower.db.close();
    return lsn;
  }
}

describe('a database that follows another one', () => {
  it(`ends equal to it, through random crashes of both, ${RUNS} times`, async () => {
    const tally = { transactions: 0, images: 0, leaderCrashes: 0, followerCrashes: 0 };
    for (let run = 0; run < RUNS; run++) {
      const random = new Random();
      const pair = new Pair(random);
      try {
        await pair.begin();
        for (let step = 0; step < STEPS; step++) await pair.step();
        tally.transactions += await pair.end();
      } catch (error) {
        throw new Error(`SEED=${random.seed}: ${(error as Error).message}`, { cause: error });
      }
      tally.images += pair.images;
      tally.leaderCrashes += pair.leader.crashes;
      tally.followerCrashes += pair.follower.crashes;
    }
    expect(tally.transactions).toBeGreaterThan(RUNS * 20);
    expect(tally.images).toBeGreaterThan(0);
    expect(Math.min(tally.leaderCrashes, tally.followerCrashes)).toBeGreaterThan(RUNS);
  });
});
