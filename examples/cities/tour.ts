import type { Explanation, SelectQuery } from '../../lib/index.js';
import { firstDifference } from './oracle.js';
import { COLUMNS, count, heading, type Line, milliseconds, paint, printTable, say } from './show.js';

/** One step of the tour: something that the table and the plain array both answer. */
export interface Step<Answer> {
  readonly title: string;
  /** One line: what is shown. */
  readonly about: string;
  readonly table: () => Answer;
  readonly array: () => unknown;
  /** The tables to print of the answer. */
  readonly show: (answer: Answer) => Line[][];
}

/** A step that asks a query for its rows. */
export interface QueryStep<Row extends object> extends Omit<Step<Row[]>, 'table' | 'array'> {
  readonly table: () => SelectQuery<Row>;
  readonly array: () => readonly object[];
  /** How many rows the table may look at; by default as many as it returns. */
  readonly mayLookAt?: number;
}

/** Prints steps, compares their answers, and counts. */
export class Tour {
  private checks = 0;
  private differences = 0;
  private readonly started = performance.now();

  step<Answer>({ title, about, table, array, show }: Step<Answer>): void {
    this.begin(title, about);
    const answer = table();
    for (const lines of show(answer)) printTable(lines);
    this.compare(answer, array());
  }

  /** A step that prints its call, too, and how long table and array took. */
  timedStep<Answer>({ title, about, table, array, show }: Step<Answer>): void {
    this.begin(title, about);
    printCall(table);
    const answer = timed(table);
    const expected = timed(array);
    for (const lines of show(answer.value)) printTable(lines);
    this.compare(answer.value, expected.value, timesOf(answer, expected));
  }

  /** A step that prints how its query was answered, too: the right rows may have been found the wrong way. */
  query<Row extends object>({ title, about, table, array, show, mayLookAt }: QueryStep<Row>): void {
    this.begin(title, about);
    printCall(table);
    const answer = timed(() => table().execute());
    const expected = timed(array);
    for (const lines of show(answer.value)) printTable(lines);
    const explanation = table().explain();
    printExplanation(explanation);
    this.compare(
      { rows: answer.value, looked: explanation.rowsExamined },
      { rows: expected.value, looked: mayLookAt ?? expected.value.length },
      timesOf(answer, expected),
    );
  }

  private begin(title: string, about: string): void {
    this.checks++;
    heading(`${this.checks}. ${title}`, about);
  }

  private compare(answer: unknown, expected: unknown, times = ''): void {
    const difference = firstDifference(answer, expected);
    if (difference === undefined) {
      say(paint('green', '✓ same as the plain array') + paint('dim', times));
    } else {
      this.differences++;
      say(paint('red', `✗ NOT the same as the plain array: ${difference}`));
    }
  }

  /** Prints the summary. @returns whether every answer was right */
  finish(): boolean {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1);
    const verdict = this.differences === 0 ? 'all equal to the plain array' : `${this.differences} NOT equal to the plain array`;
    say('', paint('bold', `${this.checks} checks, ${verdict}, ${seconds} s`));
    return this.differences === 0;
  }
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

export function timed<T>(work: () => T): Timed<T> {
  const started = performance.now();
  const value = work();
  return { value, ms: performance.now() - started };
}

function timesOf(table: Timed<unknown>, array: Timed<unknown>): string {
  return `   table ${milliseconds(table.ms)}, array ${milliseconds(array.ms)}`;
}

/** Prints what a function returns in the words of its source, so that what is shown is what is run. */
function printCall(work: () => unknown): void {
  const call = String(work)
    .replace('() => ', '')
    .replace(/\s*\n\s*/g, '');
  let line = '  ';
  for (const link of call.split(/(?=\.(?:where|orderBy|limit)\()/)) {
    if (line.length + link.length > COLUMNS) {
      say(paint('cyan', line));
      line = '    ';
    }
    line += link;
  }
  say(paint('cyan', line));
}

function printExplanation({ index, access, range, filter, sort, rowsExamined, rowsReturned }: Explanation): void {
  const rows = `${count(rowsExamined)} looked at, ${count(rowsReturned)} returned`;
  const facts = Object.entries({ index: `${index}, ${access}`, range, filter, sort, rows }).filter(([, fact]) => fact !== '');
  for (const [at, [name, fact]] of facts.entries()) say(`${(at === 0 ? 'explain()' : '').padEnd(11)}${name.padEnd(8)}${fact}`);
}
