import { expect, it, jest } from '@jest/globals';

/** A bug put in on purpose: every checksum is the same. The damage specs must show it, or they would show nothing. */
jest.unstable_mockModule('../../lib/bytes/crc32.js', () => ({ crc32: () => 0 }));
const { damagedStores, flips, tryAll } = await import('../support/damage.js');

it('flipped bits show a store without checksums', async () => {
  const [closed] = await damagedStores(1);
  if (closed === undefined) throw new Error('there are two stores');
  await expect(tryAll(closed.recorded, closed.image, (bytes, path) => (path.endsWith('MANIFEST') ? [] : flips(bytes)))).rejects.toThrow(
    /SEED=1/,
  );
});
