import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const FLAGS = ['--expose-gc', '--trace-deopt', '--import', './spec/support/typescript.js'];
/** Rounds of the run, and those after which code is taken to be settled. */
const SETTLED = 8;
/** The call of the run whose code nothing keeps: without it, no trace of the others might tell nothing. */
const CONTROL = 'passing';

/** By call, the functions whose optimized code a collection took away after the code had settled. */
async function takenAway(): Promise<Record<string, string[]>> {
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, 'spec/support/collected-run.ts'], { env, maxBuffer: 2 ** 26 });
  const taken: Record<string, string[]> = {};
  let current: { call: string; round: number } | undefined;
  for (const line of stdout.split('\n')) {
    const [, round, call] = /^round (\d+) of (\w+)$/.exec(line) ?? [];
    if (call !== undefined) {
      current = { call, round: Number(round) };
      taken[call] ??= [];
    } else if (current !== undefined && (current.round >= SETTLED || current.call === CONTROL) && line.includes('weak objects')) {
      taken[current.call]?.push(/<SharedFunctionInfo ?([^>]*)>/.exec(line)?.[1] ?? line);
    }
  }
  return taken;
}

describe('optimized code', () => {
  it('outlives a full collection, though no row, query or event is in use then', async () => {
    const { [CONTROL]: control, ...calls } = await takenAway();
    expect(control).not.toEqual([]);
    expect(Object.keys(calls).length).toBeGreaterThan(10);
    for (const [call, functions] of Object.entries(calls)) expect({ call, functions }).toEqual({ call, functions: [] });
  });
});
