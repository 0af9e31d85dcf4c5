import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

interface Consumer {
  readonly decorators: string;
  readonly program: string;
  readonly files: object;
  readonly commands: readonly (readonly string[])[];
}

const { CONSUMERS } = (await import('./consumers/matrix.js' as string)) as { CONSUMERS: Readonly<Record<string, Consumer>> };
const { withTable } = (await import('./consumers/table.js' as string)) as { withTable: (page: string) => string };
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Readonly<Record<string, Entry | string>>; main: string };
type Entry = { import: Target; 'module-sync': string; require: Target };
type Target = { types: string; default: string };

describe('docs/toolchains.md', () => {
  it('lists what npm run test:consumers runs', () => {
    const page = readFileSync('docs/toolchains.md', 'utf8');
    expect(withTable(page)).toBe(page);
    for (const name of Object.keys(CONSUMERS)) expect(page).toContain(`| ${name} |`);
    expect(Object.keys(CONSUMERS).length).toBeGreaterThan(25);
  });

  it('names consumers that build and run something, with decorators of each kind', () => {
    for (const { program, commands } of Object.values(CONSUMERS)) {
      expect(existsSync(`spec/consumers/${program}`)).toBe(true);
      expect(commands.length).toBeGreaterThan(0);
    }
    expect(new Set(Object.values(CONSUMERS).map(({ decorators }) => decorators))).toEqual(new Set(['legacy', 'standard', 'calls']));
  });
});

describe('exports in package.json', () => {
  const entries = Object.entries(manifest.exports).filter((entry): entry is [string, Entry] => typeof entry[1] !== 'string');

  it.each(entries)('give one worktable to import and require, types to both, and CommonJS to who needs it: %s', (_, entry) => {
    const path = entry.import.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '');
    expect(entry).toEqual({
      import: { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` },
      'module-sync': `./dist/${path}.js`,
      require: { types: `./dist/${path}.d.cts`, default: `./dist/cjs/${path}.js` },
    });
    // The first condition that is met counts: `require` last, or Node would have two worktables.
    expect(Object.keys(entry)).toEqual(['import', 'module-sync', 'require']);
    expect(existsSync(`${path}.ts`)).toBe(true);
  });

  it('are what older resolvers find', () => {
    expect(manifest.main).toBe((manifest.exports['.'] as Entry).require.default);
  });
});
