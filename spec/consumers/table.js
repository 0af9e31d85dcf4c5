import { CONSUMERS } from './matrix.js';

const START = '<!-- consumers: written by npm run test:consumers -->';
const END = '<!-- /consumers -->';

/** The matrix as docs/toolchains.md has it. */
export function table() {
  const rows = Object.entries(CONSUMERS).map(
    ([name, { decorators, modules, infers }]) => `| ${name} | ${decorators} | ${modules} | ${infers ? 'inferred' : 'named'} |`,
  );
  return ['| built with | decorators | modules | types of columns |', '|---|---|---|---|', ...rows].join('\n');
}

/** The page with this table in its place. */
export function withTable(page) {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('docs/toolchains.md has no place for the table');
  return `${before}${START}\n${table()}\n${END}${after}`;
}
