/**
 * Runs modules one after another, each in an empty folder, and writes what each printed, and how it failed:
 * `node run.js list.json results.json`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, inspect } from 'node:util';

const LONGEST_MS = 20_000;
const [list, results] = process.argv.slice(2);
const outcomes = [];
let outcome;
let giveUp;

console.log = (...values) => outcome.printed.push(format(...values));
console.info = console.log;
console.warn = () => undefined;
console.error = () => undefined;

function fail(error) {
  outcome.error ??= error instanceof Error ? (error.stack ?? String(error)) : `it threw ${inspect(error)}`;
}
process.on('uncaughtException', (error) => {
  fail(error);
  giveUp();
});
// Nothing is left that could go on, and the module has not ended.
process.on('beforeExit', () => giveUp());

for (const file of JSON.parse(readFileSync(list, 'utf8'))) {
  outcome = { printed: [] };
  outcomes.push(outcome);
  const folder = mkdtempSync(join(tmpdir(), 'worktable-document-'));
  process.chdir(folder);
  await new Promise((resolve) => {
    const tooLong = setTimeout(() => giveUp(), LONGEST_MS).unref();
    const end = () => {
      clearTimeout(tooLong);
      resolve();
    };
    giveUp = () => {
      outcome.error ??= 'it does not end';
      end();
    };
    import(pathToFileURL(file).href).then(
      () => setImmediate(end),
      (error) => {
        fail(error);
        end();
      },
    );
  });
  process.chdir(tmpdir());
  rmSync(folder, { recursive: true, force: true });
}
writeFileSync(results, JSON.stringify(outcomes));
process.exit(0);
