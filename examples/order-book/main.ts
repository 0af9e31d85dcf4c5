/**
 * An order book with price-time priority. Random orders go to the tables and to a plain book of arrays, and both must say
 * the same of each, and hold the same in the end; no share and no cent may appear or go.
 */
import assert from 'node:assert/strict';
import { OrderBook, Refused, type Request } from './order-book.js';
import { PlainBook } from './plain-book.js';

const NAMES = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay'];
const CASH = 1_500_000;
const SHARES = 1500;
const STEPS = 5000;

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let state = seed;
/** An integer from 0 to `limit` − 1, by a linear congruential generator: the same ones for the same seed. */
function random(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

// Several orders come within each millisecond: then their numbers decide.
let tick = 0;
const book = new OrderBook(() => new Date(1_700_000_000_000 + Math.floor(tick++ / 5)));
const plain = new PlainBook();
for (const name of NAMES) {
  book.traders.insert({ name, cash: BigInt(CASH), shares: SHARES });
  plain.traders.set(name, { cash: CASH, shares: SHARES });
}
let heard = 0;
book.trades.on('change', () => heard++);
const tally = { placed: 0, filled: 0, partly: 0, refused: 0, cancelled: 0 };

function randomRequest(): Request {
  const side = random(2) === 0 ? 'buy' : 'sell';
  const request = { trader: NAMES[random(NAMES.length)] as string, side, quantity: 1 + random(20) } as const;
  const kind = random(10);
  if (kind === 0) return request; // a market order
  const price = 1000 + random(30) + (side === 'buy' ? -18 : -12);
  return kind === 1 ? { ...request, price, fillOrKill: true } : { ...request, price };
}

function place(request: Request): void {
  const expected = plain.place(request);
  if (expected === undefined) {
    assert.throws(() => book.place(request), Refused);
    tally.refused++;
    return;
  }
  const placed = book.place(request);
  assert.deepEqual(placed, expected);
  tally.placed++;
  if (placed.filled === request.quantity) tally.filled++;
  else if (placed.filled > 0) tally.partly++;
}

function cancelOne(): void {
  const id = 1 + random(tally.placed + 1);
  const cancelled = plain.cancel(id);
  assert.equal(book.cancel(id), cancelled);
  if (cancelled) tally.cancelled++;
}

function compare(): void {
  for (const side of ['buy', 'sell'] as const) {
    const best = book.best(side);
    assert.deepEqual(best && [best.id, best.price, best.quantity], plain.sorted(side).map((o) => [o.id, o.price, o.quantity])[0]);
    assert.deepEqual(book.depth(side, 5), plain.depth(side, 5));
  }
}

try {
  for (let step = 0; step < STEPS; step++) {
    if (random(4) === 0) cancelOne();
    else place(randomRequest());
    compare();
  }
  const orders = book.orders.selectAll().select('id', 'trader', 'side', 'price', 'quantity').execute();
  assert.deepEqual(
    orders,
    [...plain.orders].sort((a, b) => a.id - b.id),
  );
  assert.deepEqual(book.trades.selectAll().select('buyOrder', 'sellOrder', 'price', 'quantity').execute(), plain.trades);
  for (const { name, cash, shares } of book.traders.selectAll()) assert.deepEqual({ cash: Number(cash), shares }, plain.traders.get(name));
  const bids = book.orders.selectAll().where('side', '=', 'buy').execute();
  const aside = bids.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  assert.equal(book.traders.selectAll().sum('cash') + BigInt(aside), BigInt(CASH * NAMES.length), 'no cent appears or goes');
  const offered = book.orders.selectAll().where('side', '=', 'sell').sum('quantity');
  assert.equal(book.traders.selectAll().sum('shares') + offered, SHARES * NAMES.length, 'no share appears or goes');
  assert.equal(heard, plain.trades.length, 'listeners heard of each trade, and of none that was undone');
  assert.ok(
    Object.values(tally).every((count) => count > 20),
    'every kind of outcome came up',
  );
  assert.deepEqual([...book.db.check()], []);
} catch (error) {
  console.error(`SEED=${seed}`);
  throw error;
}

for (const [side, direction] of [
  ['sell', 'asc'],
  ['buy', 'desc'],
] as const) {
  const best = book.orders.selectAll().where('side', '=', side).orderBy('price', direction).orderBy('time', direction).limit(1).explain();
  assert.deepEqual([best.index, best.access, best.sort], ['priority', 'range', ''], 'the best price is one step away');
  assert.ok(best.rowsExamined <= 5, 'but for those that came at the same time');
}

console.log(`The book after ${STEPS} steps (SEED=${seed}):\n`);
console.log('   orders  quantity     bid | ask     quantity  orders');
const [bids, asks] = [book.depth('buy', 5), book.depth('sell', 5)];
for (let at = 0; at < Math.max(bids.length, asks.length); at++) {
  const [bid, ask] = [bids[at], asks[at]];
  const left = bid === undefined ? '' : `${cell(bid.orders, 9)}${cell(bid.quantity, 10)}${cell(cents(bid.price), 8)}`;
  const right =
    ask === undefined ? '' : ` ${cents(ask.price)}${cell(ask.quantity, 13 - cents(ask.price).length + 3)}${cell(ask.orders, 8)}`;
  console.log(`${left.padStart(27)} |${right}`);
}
console.log();
console.table({ ...tally, trades: book.trades.count(), resting: book.orders.count() });
console.table(
  book.traders
    .selectAll()
    .execute()
    .map(({ name, cash, shares }) => ({ name, cash: cents(Number(cash)), shares })),
);
console.log('Every answer was what a plain book of arrays gives; all money and all shares are still there.');
await book.db.close();

function cents(price: number): string {
  return `${Math.trunc(price / 100)}.${String(price % 100).padStart(2, '0')}`;
}

function cell(value: number | string, width: number): string {
  return String(value).padStart(width);
}
