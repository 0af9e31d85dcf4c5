/** Runs every example in a process of its own, and fails where one of them does. `npm test` ends with this. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const EXAMPLES = {
  cities: './cities/main.js',
  readme: './readme.js',
  orders: './orders/main.js',
  transfers: './transfers/main.js',
  'order book': './order-book/main.js',
  sessions: './sessions/main.js',
  nest: './nest/main.js',
  killed: './killed/main.js',
  follow: './follow/main.js',
};
const TIMEOUT_MS = 300_000;

for (const [name, file] of Object.entries(EXAMPLES)) {
  const started = performance.now();
  const script = fileURLToPath(new URL(file, import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: TIMEOUT_MS });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`✓ ${name.padEnd(10)} ${seconds.padStart(5)} s`);
    if (stderr !== '') console.error(stderr);
  } else {
    console.log(`✗ ${name.padEnd(10)} ${seconds.padStart(5)} s  ended with ${signal ?? `code ${status}`}\n${stdout}${stderr}`);
    process.exitCode = 1;
  }
}
