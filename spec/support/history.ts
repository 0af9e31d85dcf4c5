import type { TableWriter } from '../../lib/index.js';
import { Column, Database, Index, PrimaryKey, Table, TransactionConflictError } from '../../lib/index.js';
import { Random } from './random.js';

@Table({ pageSizeBytes: 4096 })
export class Item {
  @PrimaryKey() @Column('int') id!: number;
  @Index() @Column() group!: string;
  @Column('int') value!: number;
}

type Step =
  | { readonly kind: 'get'; readonly id: number }
  | { readonly kind: 'count'; readonly group: string }
  | { readonly kind: 'sum' }
  | { readonly kind: 'put'; readonly id: number; readonly group: string; readonly value: number }
  | { readonly kind: 'delete'; readonly id: number };

/** What a step answered. */
type Answer = number | string | boolean | null;

/** One committed transaction: its steps, and what each of them answered. */
export interface Committed {
  readonly steps: readonly Step[];
  readonly answers: readonly Answer[];
}

export interface History {
  readonly start: readonly Item[];
  readonly committed: readonly Committed[];
  readonly end: readonly Item[];
  readonly conflicts: number;
}

const KEYS = 4;
const GROUPS = ['red', 'blue'];

const isConflict = (error: unknown) => error instanceof TransactionConflictError;

/** Runs some transactions at once, with a random one going on at each await, and writes down what they saw. */
export async function randomHistory(seed: number, expected: (error: unknown) => boolean = isConflict): Promise<History> {
  const source = new Random(seed);
  const random = () => source.word() / 2 ** 32;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const db = new Database({ tables: [Item] });
  const items = db.table(Item);
  for (let id = 1; id <= KEYS; id++) if (random() < 0.7) items.insert({ id, group: pick(GROUPS), value: id });
  const start = items.selectAll().execute();

  const paused: (() => void)[] = [];
  const pause = () => new Promise<void>((resolve) => void paused.push(resolve));
  const committed: Committed[] = [];
  let conflicts = 0;
  let running = 0;
  const readsOnly = (steps: readonly Step[]) => steps.every((step) => step.kind !== 'put' && step.kind !== 'delete');

  const transact = async (number: number) => {
    running++;
    const onlyReads = random() < 0.2;
    const steps = Array.from({ length: 2 + Math.floor(random() * 3) }, (_, at) => randomStep(random, number * 100 + at, onlyReads));
    await pause();
    try {
      const answers: Answer[] = [];
      await db.transactionAsync(async (tx) => {
        for (const step of steps) {
          answers.push(take(tx.table(Item), step));
          await pause();
        }
      });
      committed.push({ steps, answers });
    } catch (error) {
      if (!expected(error) || readsOnly(steps)) throw error;
      conflicts++;
    } finally {
      running--;
    }
  };
  const done = Promise.all(Array.from({ length: 3 + Math.floor(random() * 3) }, (_, number) => transact(number + 1)));
  while (running > 0) {
    const [resume] = paused.splice(Math.floor(random() * paused.length), 1);
    resume?.();
    await new Promise(setImmediate);
  }
  await done;
  const problems = [...db.check()];
  if (problems.length > 0) throw new Error(`check: ${JSON.stringify(problems)}`);
  return { start, committed, end: items.selectAll().execute(), conflicts };
}

function randomStep(random: () => number, value: number, onlyReads: boolean): Step {
  const id = 1 + Math.floor(random() * KEYS);
  const group = random() < 0.5 ? 'red' : 'blue';
  const dice = random() * (onlyReads ? 0.5 : 1);
  if (dice < 0.25) return { kind: 'get', id };
  if (dice < 0.4) return { kind: 'count', group };
  if (dice < 0.5) return { kind: 'sum' };
  if (dice < 0.88) return { kind: 'put', id, group, value };
  return { kind: 'delete', id };
}

function take(items: TableWriter<typeof Item>, step: Step): Answer {
  switch (step.kind) {
    case 'get': {
      const row = items.select(step.id);
      return row === undefined ? null : `${row.group} ${row.value}`;
    }
    case 'count':
      return items.selectBy('group', step.group).count();
    case 'sum':
      return items.selectAll().sum('value');
    case 'put':
      return items.upsert({ id: step.id, group: step.group, value: step.value }).inserted;
    case 'delete':
      return items.delete(step.id);
  }
}

/** The same step on a plain map. */
function takePlainly(rows: Map<number, Item>, step: Step): Answer {
  switch (step.kind) {
    case 'get': {
      const row = rows.get(step.id);
      return row === undefined ? null : `${row.group} ${row.value}`;
    }
    case 'count':
      return [...rows.values()].filter((row) => row.group === step.group).length;
    case 'sum':
      return [...rows.values()].reduce((sum, row) => sum + row.value, 0);
    case 'put': {
      const inserted = !rows.has(step.id);
      rows.set(step.id, { id: step.id, group: step.group, value: step.value });
      return inserted;
    }
    case 'delete':
      return rows.delete(step.id);
  }
}

/**
 * Whether some order of the transactions, one after the other, gives every answer and the state at the end. All orders
 * are tried, that of the commits first, so a history that fails has no serial order whatever.
 */
export function isSerializable({ start, committed, end }: History): boolean {
  const wanted = JSON.stringify(end);
  const search = (rows: Map<number, Item>, left: readonly Committed[]): boolean => {
    if (left.length === 0) return JSON.stringify([...rows.values()].sort((a, b) => a.id - b.id)) === wanted;
    return left.some((next) => {
      const after = new Map(rows);
      const fits = next.steps.every((step, at) => takePlainly(after, step) === next.answers[at]);
      return (
        fits &&
        search(
          after,
          left.filter((other) => other !== next),
        )
      );
    });
  };
  return search(new Map(start.map((row) => [row.id, row])), committed);
}
