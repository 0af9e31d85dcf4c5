import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Hold, LockMap } from '../../lib/lock/lock-map.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('LockMap', () => {
  it('never lets conflicting holders be, serves everybody, and ends empty, however requests come, wait and give up', async () => {
    const columns = fc.constantFrom<ReadonlySet<number> | undefined>(undefined, new Set([0]), new Set([1]), new Set([0, 2]), new Set());
    const request = fc.record({
      key: fc.constantFrom('a', 'b'),
      columns,
      turns: fc.nat({ max: 3 }),
      gives: fc.constantFrom('no', 'no', 'no', 'abort'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 30, size: 'max' }), async (requests) => {
        const locks = new LockMap('t');
        const held = new Set<Hold>();
        let served = 0;
        const conflicts = (hold: Hold) =>
          [...held].some(
            (other) =>
              other.key === hold.key &&
              (other.columns === undefined || hold.columns === undefined || [...other.columns].some((column) => hold.columns?.has(column))),
          );
        await Promise.all(
          requests.map(async ({ key, columns: wanted, turns, gives }) => {
            const controller = new AbortController();
            if (gives === 'abort') setImmediate(() => controller.abort(new Error('given up')));
            let hold: Hold;
            try {
              hold = await locks.acquire(key, wanted, { signal: controller.signal });
            } catch (error) {
              expect((error as Error).message).toBe('given up');
              served++;
              return;
            }
            expect(conflicts(hold)).toBe(false);
            held.add(hold);
            expect(locks.isHeldByOther(key, wanted, new Set([hold]))).toBe(false);
            for (let n = 0; n < turns; n++) await turn();
            held.delete(hold);
            locks.release(hold);
            locks.release(hold);
            served++;
          }),
        );
        expect([served, locks.size, locks.stats()]).toEqual([requests.length, 0, { held: 0, waiting: 0 }]);
      }),
      { numRuns: 200 },
    );
  });
});
