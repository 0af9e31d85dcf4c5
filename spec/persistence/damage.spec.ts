import { describe, expect, it } from '@jest/globals';
import { record } from '../support/crash-workload.js';
import { damagedStores, flips, tryAll } from '../support/damage.js';
import { Random } from '../support/random.js';

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
const stores = () => damagedStores(random.seed);

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
      // At the least each file that is missing; how many splices matter depends on what the workload left.
      expect(outcomes.refused).toBeGreaterThanOrEqual(paths.length - 1);
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
