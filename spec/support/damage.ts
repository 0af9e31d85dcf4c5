import { CorruptionError, FormatVersionError, SchemaMismatchError } from '../../lib/index.js';
import { type Image, RecordingDisk } from './crash-disk.js';
import { type Recorded, record, recover } from './crash-workload.js';

/**
 * O7: bytes that were changed on the medium give a refusal, the exact state, or, where a torn end cannot be told from
 * damage, an earlier whole state; never other data, another error, a crash or a hang.
 */
export interface Outcomes {
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
export async function tryAll(
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

export function* flips(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << bit);
      yield [`bit ${bit} of byte ${at}`, changed];
    }
  }
}

/** A store as it lies on the disk after a clean close, and one whose process was killed after all was sealed. */
export async function damagedStores(seed: number): Promise<{ name: string; recorded: Recorded; image: Image }[]> {
  const closed = await record(seed, 40);
  const killed = await record(seed + 1, 40);
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
