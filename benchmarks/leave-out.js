import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.js';

/** Leaves ways of being fast out of this process, before a table is made. @param {readonly string[]} names of `switches` */
export async function leaveOut(names) {
  const { switches } = await import('../dist/lib/switches.js');
  for (const name of names) {
    if (switches[name] !== true) throw new Error(`there is no switch called ${name}`);
    switches[name] = false;
  }
}

/** The switches that there are, each with what its comment says of it. @returns {Promise<{ name: string, says: string }[]>} */
export async function listSwitches() {
  const { switches } = await import('../dist/lib/switches.js');
  const source = readFileSync(join(ROOT, 'lib', 'switches.ts'), 'utf8');
  return Object.keys(switches).map((name) => {
    const comment = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*${name}:`).exec(source)?.[1] ?? '';
    return { name, says: comment.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim() };
  });
}
