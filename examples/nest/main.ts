/**
 * A NestJS application whose table a browser shows live: REST, server-sent events that go on where a client was cut off,
 * and an end that loses nothing. Run with the argument `serve` it stays, on port 3000, and stores in ./kitchen.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Database } from '../../lib/index.js';
import { checkInBrowser } from './browser-check.js';
import { EventClient } from './event-client.js';
import { kitchenIn } from './kitchen.module.js';
import { Order } from './order.js';

async function start(path: string, port: number, quiet: boolean): Promise<INestApplication> {
  const app = await NestFactory.create(kitchenIn(path), quiet ? { logger: ['error', 'warn', 'fatal'] } : {});
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}

if (process.argv[2] === 'serve') await start('./kitchen', 3000, false);
else await check();

async function check(): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'worktable-kitchen-'));
  try {
    const app = await start(path, 0, true);
    const url = await app.getUrl();
    await checkRequests(url);
    await checkEvents(url);
    await checkInBrowser(url);
    await checkEnd(app, url, path);
    console.log('All checks hold.');
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

async function ask(url: string, method = 'GET', body?: object): Promise<{ status: number; body: unknown }> {
  const content = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...content });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** What the table takes, and how its refusals look from outside. */
async function checkRequests(url: string): Promise<void> {
  const placed = await ask(`${url}/orders`, 'POST', { dish: 'Onion soup', seat: 7 });
  assert.equal(placed.status, 201);
  const { placedAt, ...order } = placed.body as Order;
  assert.deepEqual(order, { id: 1, dish: 'Onion soup', seat: 7, step: 'new' });
  assert(Math.abs(Date.parse(String(placedAt)) - Date.now()) < 60_000);

  assert.equal(((await ask(`${url}/orders/1`, 'PATCH', { step: 'cooking' })).body as Order).step, 'cooking');
  assert.equal(((await ask(`${url}/orders?step=cooking`)).body as Order[]).length, 1);
  assert.deepEqual((await ask(`${url}/orders?step=new`)).body, []);

  const statusOf = async (...[path, method, body]: [string, string?, object?]) => (await ask(`${url}${path}`, method, body)).status;
  assert.equal(await statusOf('/orders', 'POST', { dish: 'Onion soup' }), 400);
  assert.equal(await statusOf('/orders', 'POST', { dish: 'Onion soup', seat: 'seven' }), 400);
  assert.equal(await statusOf('/orders', 'POST', { dish: 'Onion soup', seat: 7, price: 0 }), 400);
  assert.equal(await statusOf('/orders/1', 'PATCH', { step: 'eaten' }), 400);
  assert.equal(await statusOf('/orders?step=eaten'), 400);
  assert.equal(await statusOf('/orders', 'POST', { id: 1, dish: 'Another', seat: 1 }), 409);
  for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { step: 'ready' }]] as const) {
    assert.equal(await statusOf('/orders/99', method, body), 404);
  }
  const { body } = await ask(`${url}/orders`, 'POST', { dish: 'Onion soup', seat: 'seven' });
  assert.deepEqual(Object.keys(body as object).sort(), ['code', 'message']);
  assert(!JSON.stringify(body).includes('seven'), 'a refusal tells of no values');
  assert.equal((await ask(`${url}/health`)).status, 200);
}

/** All rows once, then each transaction; and after a break only what was missed. */
async function checkEvents(url: string): Promise<void> {
  const client = await EventClient.open(`${url}/orders/events`);
  const image = await client.next();
  assert.equal(image.type, 'image');
  assert.deepEqual([image.data.rows.map(({ id }) => id), image.data.last], [[1], true]);

  await ask(`${url}/orders`, 'POST', { dish: '<b>Tart</b> & "pie"', seat: 3 });
  const placed = await client.next();
  assert.deepEqual(placed.changes, ['insert 2 <b>Tart</b> & "pie"']);
  client.close();

  await ask(`${url}/orders/2`, 'PATCH', { step: 'ready' });
  await ask(`${url}/orders/1`, 'DELETE');
  const again = await EventClient.open(`${url}/orders/events`, placed.id);
  assert.deepEqual([(await again.next()).changes, (await again.next()).changes], [['update 2 <b>Tart</b> & "pie"'], ['delete 1 ']]);
  again.close();

  // A number that this database never had, as after it was replaced by another: everything, anew.
  const stranger = await EventClient.open(`${url}/orders/events`, '999999');
  assert.deepEqual(
    (await stranger.next()).data.rows.map(({ id }) => id),
    [2],
  );
  stranger.close();
}

/** A stream is open, and requests are under way: all of it ends, and every answer is kept. */
async function checkEnd(app: INestApplication, url: string, path: string): Promise<void> {
  const client = await EventClient.open(`${url}/orders/events`);
  const answers = Array.from({ length: 20 }, (_, n) => ask(`${url}/orders`, 'POST', { dish: `Dish ${n}`, seat: n + 1 }));
  const placed = (await Promise.all(answers)).map(({ body }) => (body as Order).id);
  const [rest] = await Promise.all([client.rest(), app.close()]);
  assert.equal(rest[0]?.type, 'image');
  const db = await Database.open({ path, tables: [Order] });
  assert.equal(db.recovery?.clean, true);
  for (const id of placed) assert(db.table(Order).select(id) !== undefined, `order ${id} was acknowledged`);
  assert.deepEqual([...db.check()], []);
  await db.close();
  console.log(`${placed.length} orders acknowledged while the stream was open, all there after the end`);
}
