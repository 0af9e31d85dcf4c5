/**
 * Fills a table and empties it again, ten times, with a vacuum after each, and prints what the process holds: it must
 * come back to what it was after the first round, within 10%.
 *
 *     node --expose-gc benchmarks/rounds.js [rows]
 */
import { Dataset } from './dataset.js';
import { openUsing } from './stores/worktable.js';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 10;
const WITHIN = 1.1;
const MIB = 2 ** 20;

function memoryInUse() {
  for (let n = 0; n < 4; n++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const data = new Dataset(ROWS);
const { accounts, db } = openUsing('hash');
const start = memoryInUse();
const lines = [];
for (let round = 1; round <= ROUNDS; round++) {
  const first = accounts.nextKey() + 1;
  for (let n = 0; n < ROWS; n++) accounts.insert(data.row(n));
  const full = memoryInUse() - start;
  for (let key = first; key < first + ROWS; key++) accounts.delete(key);
  await accounts.vacuum();
  const empty = memoryInUse() - start;
  lines.push({
    round,
    'full, MiB': Math.round(full / MIB),
    'empty, MiB': Math.round(empty / MIB),
    pages: accounts.stats().pages,
    full,
    empty,
  });
}
console.table(lines, ['round', 'full, MiB', 'empty, MiB', 'pages']);
const problems = [...db.check()];
const worst = (column) => Math.max(...lines.map((line) => line[column])) / lines[0][column];
console.log(
  `the fullest round takes ${worst('full').toFixed(2)} of the first, the emptiest ${worst('empty').toFixed(2)}; check: ${problems.length}`,
);
if (problems.length > 0 || worst('full') > WITHIN || worst('empty') > WITHIN) process.exitCode = 1;
