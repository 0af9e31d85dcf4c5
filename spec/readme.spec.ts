import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const readme = readFileSync('README.md', 'utf8');

/** The first block of code in the README. */
function firstBlock(): string {
  return (/```ts\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? '').trim();
}

describe('README', () => {
  it('opens with the example that runs in the tests, of 20 lines at most', () => {
    const source = readFileSync('examples/readme.ts', 'utf8');
    const example = /\/\/ readme:start\n([\s\S]*?)\/\/ readme:end/.exec(source)?.[1] ?? '';
    expect(firstBlock()).toBe(example.replace("'../lib/index.js'", "'worktable'").trim());
    expect(firstBlock().split('\n').length).toBeLessThanOrEqual(20);
  });

  it('leads to documents that exist', () => {
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)/g)].map((match) => match[1] as string);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect(readFileSync(link, 'utf8').length).toBeGreaterThan(100);
  });
});
