/**
 * The code of a page of documentation. A block begins with three backquotes, `ts` or `js`, and how it is meant:
 *
 * | info string | |
 * |---|---|
 * | `ts` | a program of its own |
 * | `ts setup` | what every later program of the page begins with |
 * | `ts standard` | a program of its own, without the setup, compiled with standard decorators |
 * | `ts continue` | goes on from the block before it |
 * | `ts compile-only: reason` | is type-checked, and not run |
 * | `ts foreign: whose` | is another library's code, or a place to fill in: neither is checked |
 *
 * What a program prints is told by comments, in the order of printing, all of it: `// prints: text`. White space counts
 * as one space, `…` stands for anything, and lines that begin with `//` and three spaces go on from the one before.
 */
export interface Program {
  /** `docs/queries.md`. */
  readonly page: string;
  /** Of the first line of its own code, from 1. */
  readonly line: number;
  readonly language: 'ts' | 'js';
  readonly decorators: 'legacy' | 'standard';
  readonly runs: boolean;
  /** Every line stands where it stands in the page, so that whoever names a line names the page's. */
  readonly source: string;
}

type Mode = '' | 'setup' | 'standard' | 'continue' | 'compile-only' | 'foreign';

interface Block {
  readonly line: number;
  readonly language: 'ts' | 'js';
  readonly mode: Mode;
  readonly lines: readonly string[];
}

/** @throws Error with page and line for a block whose info string says nothing known */
export function programsOf(page: string, text: string): Program[] {
  const programs: (Omit<Program, 'page' | 'source'> & { blocks: Block[] })[] = [];
  let setup: Block | undefined;
  for (const block of blocksOf(page, text)) {
    const last = programs.at(-1);
    if (block.mode === 'foreign') continue;
    if (block.mode === 'continue') {
      if (last === undefined || last.language !== block.language)
        throw new Error(`${page}:${block.line}: there is nothing to continue from`);
      last.blocks.push(block);
    } else {
      const decorators = block.mode === 'standard' ? 'standard' : 'legacy';
      const blocks = setup?.language === block.language && decorators === 'legacy' ? [setup, block] : [block];
      programs.push({ line: block.line, language: block.language, decorators, runs: block.mode !== 'compile-only', blocks });
      if (block.mode === 'setup') setup = block;
    }
  }
  return programs.map(({ blocks, ...program }) => ({ page, ...program, source: sourceOf(blocks) }));
}

/** What comments say that a program prints, in order. */
export function announced(source: string): string[] {
  const found: string[] = [];
  let open = false;
  for (const line of source.split('\n')) {
    const first = /\/\/ prints: (.*)$/.exec(line)?.[1];
    const more: string | undefined = open ? /^\s*\/\/ {3}(.*)$/.exec(line)?.[1] : undefined;
    if (first !== undefined) found.push(first);
    else if (more !== undefined) found.push(`${found.pop()} ${more}`);
    open = first !== undefined || more !== undefined;
  }
  return found.map(squeeze);
}

/** Where what was printed first differs from what was announced; `undefined` where it does not. */
export function unlike(expected: readonly string[], printed: readonly string[]): string | undefined {
  for (let at = 0; at < Math.max(expected.length, printed.length); at++) {
    const text = expected[at];
    const output = squeeze(printed[at] ?? '');
    if (text === undefined) return `prints what no comment tells: // prints: ${output}`;
    if (at >= printed.length) return `does not print: ${text}`;
    if (!matches(text, output)) return `prints: ${output}\n  and not: ${text}`;
  }
  return undefined;
}

function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^( *)```(\w+)? ?(.*)$/.exec(lines[at] as string);
    if (fence === null) continue;
    const [, indent = '', language = '', info = ''] = fence;
    const start = at + 1;
    do at++;
    while (at < lines.length && !/^ *```$/.test(lines[at] as string));
    if (at === lines.length) throw new Error(`${page}:${start}: the block does not end`);
    if (language !== 'ts' && language !== 'js') {
      if (/^(typescript|javascript|tsx|jsx|mts|mjs|cts|cjs)$/i.test(language)) throw new Error(`${page}:${start}: call it ts or js`);
      continue;
    }
    const code = lines.slice(start, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({ line: start + 1, language, mode: modeOf(info, `${page}:${start}`), lines: code });
  }
  return blocks;
}

function modeOf(info: string, place: string): Mode {
  const [, mode, reason = ''] = /^([\w-]*):? *(.*)$/.exec(info.trim()) ?? [];
  switch (mode) {
    case '':
    case 'setup':
    case 'standard':
    case 'continue':
      if (reason === '') return mode;
      break;
    case 'compile-only':
    case 'foreign':
      if (reason.length >= 5) return mode;
      throw new Error(`${place}: say why: ${mode}: …`);
  }
  throw new Error(`${place}: '${info}' is none of setup, standard, continue, compile-only: reason, foreign: whose`);
}

function sourceOf(blocks: readonly Block[]): string {
  const lines: string[] = [];
  for (const block of blocks) {
    block.lines.forEach((line, at) => {
      lines[block.line - 1 + at] = line;
    });
  }
  return `${Array.from(lines, (line) => line ?? '').join('\n')}\nexport {};\n`;
}

function squeeze(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function matches(expected: string, output: string): boolean {
  const parts = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(output);
}
