import { describe, expect, it } from '@jest/globals';
import { CorruptionError, FormatVersionError, SchemaMismatchError } from '../../lib/index.js';
import { type Image, RecordingDisk } from '../support/crash-disk.js';
import { type Recorded, record, recover } from '../support/crash-workload.js';
import { Random } from '../support/random.js';

/**
 * O7: bytes that were changed on the medium give a refusal, the exact state, or, where a torn end cannot be told from
 * damage, an earlier whole state; never other data, another error, a crash or a hang.
 */
interface Outcomes {
  exact: number;
  refused: number;
  earlier: number;
}

async function judge(recorded: Recorded, image: Image, outcomes: Outcomes, where: () => string): Promise<void> {
  let found: Awaited<ReturnType<typeof recover>>;
  try {
    found = await recover(new RecordingDisk(image));
  } catch (error) {
    if (error instanceof CorruptionError || error instanceof FormatVersionError || error instanceof SchemaMismatchError) {
      outcomes.refused++;
      return;
    }
    throw new Error(`SEED=${recorded.seed} ${where()}: ${String((error as Error).stack)}`);
  }
  const { states, seed } = recorded;
  if (found.state.rows !== states[found.lsn]?.rows) throw new Error(`SEED=${seed} ${where()}: other rows than those of LSN ${found.lsn}`);
  if (found.lsn === states.length - 1) outcomes.exact++;
  else outcomes.earlier++;
}

/** Each file with one change, as `make` gives them. */
async function tryAll(
  recorded: Recorded,
  image: Image,
  make: (bytes: Buffer, path: string) => Iterable<[label: string, changed: Buffer | undefined]>,
): Promise<Outcomes> {
  const outcomes = { exact: 0, refused: 0, earlier: 0 };
  for (const [path, bytes] of image) {
    for (const [label, changed] of make(bytes, path)) {
      const damaged = new Map(image);
      if (changed === undefined) damaged.delete(path);
      else damaged.set(path, changed);
      await judge(recorded, damaged, outcomes, () => `${path} ${label}`);
    }
  }
  return outcomes;
}

function* flips(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << bit);
      yield [`bit ${bit} of byte ${at}`, changed];
    }
  }
}

function* truncations(bytes: Buffer): Generator<[string, Buffer]> {
  for (let length = 0; length < bytes.length; length++) yield [`cut to ${length}`, bytes.subarray(0, length)];
}

function* zeroed(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; at += 64) {
    const changed = Buffer.from(bytes);
    changed.fill(0, at, Math.min(bytes.length, at + 512));
    if (!changed.equals(bytes)) yield [`zeros from ${at}`, changed];
  }
}

const random = new Random();

/** A store as it lies on the disk after a clean close, and one whose process was killed after all was sealed. */
async function stores(): Promise<{ name: string; recorded: Recorded; image: Image }[]> {
  const closed = await record(random.seed, 40);
  const killed = await record(random.seed + 1, 40);
  const lastManifest = killed.disk.history.findLastIndex((op) => op.kind === 'rename' && op.to.endsWith('MANIFEST'));
  const open = new RecordingDisk();
  // Everything but the last manifest, which says that the store was closed.
  const { history } = killed.disk;
  const replayed = new Map<number, Buffer>();
  const names = new Map<string, number>();
  history.forEach((op, at) => {
    if (at === lastManifest) return;
    if (op.kind === 'create') names.set(op.path, op.inode);
    if (op.kind === 'rename') {
      names.delete(op.from);
      names.set(op.to, op.inode);
    }
    if (op.kind === 'unlink') names.delete(op.path);
    if (op.kind === 'write') {
      const before = replayed.get(op.inode) ?? Buffer.alloc(0);
      const after = Buffer.alloc(Math.max(before.length, op.position + op.bytes.length));
      before.copy(after);
      op.bytes.copy(after, op.position);
      replayed.set(op.inode, after);
    }
    if (op.kind === 'truncate') replayed.set(op.inode, (replayed.get(op.inode) as Buffer).subarray(0, op.length));
  });
  for (const [path, inode] of names) {
    if (!path.endsWith('MANIFEST.tmp')) open.files.set(path, { inode, bytes: replayed.get(inode) ?? Buffer.alloc(0) });
  }
  return [
    { name: 'that was closed', recorded: closed, image: closed.disk.image },
    { name: 'that was sealed and not closed', recorded: killed, image: open.image },
  ];
}

describe('damaged bytes', () => {
  it('are never read as other data: every bit of every file', async () => {
    for (const { name, recorded, image } of await stores()) {
      const outcomes = await tryAll(recorded, image, flips);
      const { exact, refused, earlier } = outcomes;
      expect(refused).toBeGreaterThan(1000);
      expect(exact + refused + earlier).toBe([...image.values()].reduce((sum, { length }) => sum + length * 8, 0));
      // What was sealed is promised: a flip never takes it back. Only the seal itself can be lost.
      expect({ name, earlier }).toEqual({ name, earlier: 0 });
    }
  }, 600_000);

  it('are never read as other data: every truncation, and zeroed sectors', async () => {
    for (const { name, recorded, image } of await stores()) {
      const cut = await tryAll(recorded, image, truncations);
      const zero = await tryAll(recorded, image, zeroed);
      expect(cut.refused).toBeGreaterThan(100);
      if (name === 'that was closed') expect({ cut: cut.earlier, zero: zero.earlier }).toEqual({ cut: 0, zero: 0 });
    }
  }, 600_000);

  it('are never read as other data: files that are missing, swapped, doubled, or of another store', async () => {
    for (const { name, recorded, image } of await stores()) {
      const other = (await record(random.seed + 2, 40)).disk.image;
      const paths = [...image.keys()];
      const outcomes = await tryAll(recorded, image, function* (bytes, path) {
        yield ['missing', undefined];
        for (const another of paths) if (another !== path) yield [`replaced by ${another}`, image.get(another) as Buffer];
        for (const [foreign, content] of other) yield [`replaced by ${foreign} of another store`, content];
        yield ['doubled', Buffer.concat([bytes, bytes])];
        for (let n = 0; n < 40; n++) {
          const from = random.below(bytes.length);
          const to = random.below(bytes.length);
          const length = random.below(Math.min(200, bytes.length - Math.max(from, to)) + 1);
          const spliced = Buffer.from(bytes);
          bytes.copy(spliced, to, from, from + length);
          if (!spliced.equals(bytes)) yield [`${length} bytes from ${from} over ${to}`, spliced];
        }
      });
      expect(outcomes.refused).toBeGreaterThan(50);
      if (name === 'that was closed') expect(outcomes.earlier).toBe(0);
    }
  });

  it('are refused as bytes of no store at all, whatever they are', async () => {
    const { recorded, image } = (await stores())[0] as Awaited<ReturnType<typeof stores>>[0];
    const outcomes = await tryAll(recorded, image, function* (bytes) {
      for (let n = 0; n < 300; n++) {
        const noise = Buffer.from(Array.from({ length: random.below(bytes.length * 2) + 1 }, () => random.below(256)));
        yield [`noise ${n}`, noise];
      }
    });
    expect(outcomes.earlier + outcomes.exact).toBe(0);
  });
});
