import { styleText } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { Table as Grid } from 'console-table-printer';

/** A terminal that understands control characters; into a pipe or a file goes plain text. */
const onTerminal = process.stdout.isTTY === true && process.env.TERM !== 'dumb';
const coloured = onTerminal && process.stdout.hasColors();

/** What fits beside one another on any terminal. */
export const COLUMNS = 80;

/** One row of a printed table: what stands under each heading. */
export type Line = Record<string, string | number>;

export function heading(title: string, about: string): void {
  say('', paint('bold', title), about);
}

/** Prints lines as a table: numbers to the right, text to the left, the widest column broken where all are too wide. */
export function printTable(lines: readonly Line[]): void {
  const names = Object.keys(lines[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...lines.map((line) => cellText(line[name]).length)));
  const widest = widths.indexOf(Math.max(...widths));
  const excess = Math.max(0, widths.reduce((sum, width) => sum + width + 3, 1) - COLUMNS);
  const columns = names.map((name, at) => {
    const isNumeric = lines.every((line) => typeof line[name] === 'number' || line[name] === '');
    const maxLen = (widths[at] as number) - (at === widest ? excess : 0);
    return { name, alignment: isNumeric ? ('right' as const) : ('left' as const), maxLen };
  });
  const grid = new Grid({ columns, shouldDisableColors: true });
  for (const line of lines) grid.addRow(Object.fromEntries(names.map((name) => [name, cellText(line[name])])));
  say(grid.render());
}

function cellText(cell: string | number = ''): string {
  return typeof cell === 'number' ? count(cell) : cell;
}

export interface Progress {
  update(done: number): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a line for each quarter. */
export function showProgress(what: string, total: number): Progress {
  if (!onTerminal) return new ProgressLines(what, total);
  const format = `${what} {bar} {percentage} %, {value} of {total}`;
  const formatValue = (value: number) => count(value);
  const bar = new SingleBar({ format, formatValue, stream: process.stdout, barsize: 30 }, Presets.shades_classic);
  bar.start(total, 0);
  return bar;
}

class ProgressLines implements Progress {
  private quarters = 0;

  constructor(
    private readonly what: string,
    private readonly total: number,
  ) {}

  update(done: number): void {
    const quarters = Math.floor((done * 4) / this.total);
    if (quarters > this.quarters) say(`${this.what} ${quarters * 25} %, ${count(done)} of ${count(this.total)}`);
    this.quarters = quarters;
  }

  stop(): void {}
}

/** A number with its thousands set apart. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return coloured && text !== '' ? styleText(style, text) : text;
}

export function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

// `npm start | head` closes the pipe before the tour ends, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
