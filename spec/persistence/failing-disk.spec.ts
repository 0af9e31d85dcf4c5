import { describe, expect, it } from '@jest/globals';
import { CODES, NO_ROOM, runFailing } from '../support/failing-run.js';
import { Random } from '../support/random.js';

describe('a disk that fails', () => {
  it('loses nothing that was acknowledged, and is believed no more: at each call, once and for ever, with each error', async () => {
    const { seed } = new Random();
    const seen = new Map<string, number>();
    for (let workload = 0; workload < 2; workload++) {
      const { ops } = await runFailing(seed + workload, undefined);
      for (let at = 0; at < ops; at++) {
        for (const code of CODES) {
          for (const forever of [false, true]) {
            const { problem, ended } = await Promise.race([
              runFailing(seed + workload, { at, code, forever }),
              hang(`SEED=${seed + workload} OP=${at} MODE=${code} ${forever ? 'forever' : 'once'}`),
            ]);
            if (problem !== undefined)
              throw new Error(`SEED=${seed + workload} OP=${at} MODE=${code} ${forever ? 'forever' : 'once'}: ${problem}`);
            seen.set(
              `${NO_ROOM.has(code) ? 'no room' : 'broken'} ${ended}`,
              (seen.get(`${NO_ROOM.has(code) ? 'no room' : 'broken'} ${ended}`) ?? 0) + 1,
            );
          }
        }
      }
    }
    // All ways in which it can end were met.
    for (const way of ['broken failed', 'no room well', 'no room full', 'no room failed', 'broken not opened'])
      expect([way, seen.get(way) ?? 0]).not.toEqual([way, 0]);
  }, 600_000);
});

/** No run takes a second: after so long, on however slow a machine, nothing will come. */
const HANG_MS = 60_000;

function hang(where: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`${where}: it hangs`)), HANG_MS).unref();
  });
}
