/**
 * A web server whose sessions live in a table on disk: they go on for as long as they are used, survive a restart, and
 * expire. Browsers are played by `fetch` with a cookie each.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSessionServer } from './server.js';
import { Session } from './session.js';
import { digestOf, SessionStore } from './session-store.js';

const MINUTE_MS = 60_000;
const path = mkdtempSync(join(tmpdir(), 'worktable-sessions-'));

/** A server over the store in `path`, and what its visitors can do. */
async function start() {
  const store = await SessionStore.open({ path, lifeMs: 30 * MINUTE_MS, sweepMs: 20 });
  const server = createSessionServer(store);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const visit = async (method: string, page: string, token?: string) => {
    const headers = { Connection: 'close', ...(token === undefined ? {} : { Cookie: `theme=dark; session=${token}` }) };
    const response = await fetch(address + page, { method, headers });
    const cookie = response.headers.get('set-cookie')?.match(/session=([^;]*)/)?.[1];
    return { status: response.status, body: (await response.json()) as Record<string, unknown>, cookie };
  };
  const stop = async () => {
    await new Promise((closed) => server.close(closed));
    await store.close();
  };
  return { store, sessions: store.db.table(Session), visit, stop };
}

async function logIn(visit: Awaited<ReturnType<typeof start>>['visit'], user: string): Promise<string> {
  const { cookie } = await visit('POST', `/login?user=${user}`);
  assert.ok(cookie);
  return cookie;
}

try {
  let server = await start();
  assert.equal((await server.visit('GET', '/me')).status, 401);
  const ada = await logIn(server.visit, 'ada');
  const adaAtHome = await logIn(server.visit, 'ada');
  const bob = await logIn(server.visit, 'bob');
  assert.equal((await server.visit('GET', '/me', ada)).body.user, 'ada');
  assert.equal((await server.visit('GET', '/me', `${ada}x`)).status, 401);
  console.log('Three sessions, of two users.');

  // After 20 of its 30 minutes, a session that is used has 30 again; after 5 of them, nothing is written.
  const later = (minutes: number) => {
    server.sessions.updateBy(digestOf(bob), { expiresAt: new Date(Date.now() + (30 - minutes) * MINUTE_MS) });
    return server.store.db.lsn;
  };
  const minutesLeft = async () => (Date.parse(String((await server.visit('GET', '/me', bob)).body.expiresAt)) - Date.now()) / MINUTE_MS;
  let lsn = later(5);
  assert.ok((await minutesLeft()) < 25.1);
  assert.equal(server.store.db.lsn, lsn);
  lsn = later(20);
  assert.ok((await minutesLeft()) > 29);
  assert.equal(server.store.db.lsn, lsn + 1);
  console.log('A session that is used goes on.');

  await server.stop();
  for (const file of readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
    const bytes = readFileSync(join(file.parentPath, file.name));
    assert.ok(![ada, adaAtHome, bob].some((token) => bytes.includes(token)), 'no token stands in any file');
  }
  server = await start();
  assert.equal((await server.visit('GET', '/me', bob)).body.user, 'bob');
  assert.equal((await server.visit('GET', '/me', ada)).body.user, 'ada');
  console.log('After a restart everybody is still logged in.');

  assert.equal((await server.visit('POST', '/logout', ada)).status, 200);
  assert.equal((await server.visit('GET', '/me', ada)).status, 401);
  assert.equal((await server.visit('GET', '/me', adaAtHome)).status, 200);
  const third = await logIn(server.visit, 'ada');
  assert.deepEqual((await server.visit('POST', '/logout-everywhere', third)).body, { ended: 2 });
  assert.equal((await server.visit('GET', '/me', adaAtHome)).status, 401);
  console.log('Logged out here, and then everywhere.');

  // The last one is left alone for 31 minutes. No request gets it; soon it is removed, and listeners hear of it.
  const removed = new Promise<Session>((resolve) => server.store.onExpired(resolve));
  later(31);
  assert.equal((await server.visit('GET', '/me', bob)).status, 401);
  const gone = await removed;
  assert.deepEqual([gone.user, server.sessions.count(), server.sessions.stats().rows], ['bob', 0, 0]);
  console.log('A session that nobody used is gone.');
  assert.deepEqual([...server.store.db.check()], []);
  await server.stop();
} finally {
  rmSync(path, { recursive: true, force: true });
}
