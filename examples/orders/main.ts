/**
 * A small shop. An order is one transaction, and each of its lines a savepoint in it: a line that is out of stock is
 * undone by itself, and an order of which nothing is left is undone as a whole.
 */
import assert from 'node:assert/strict';
import { Database, ValidationError } from '../../lib/index.js';
import { Order, OrderLine, Product } from './shop.js';

const db = new Database({ tables: [Product, Order, OrderLine] });
const products = db.table(Product);
const orders = db.table(Order);
const lines = db.table(OrderLine);

class OutOfStock extends Error {}

/** @returns the order's id, and the skus that were out of stock. @throws OutOfStock where they all were */
function placeOrder(json: object, basket: Readonly<Record<string, number>>): { id: number; missing: string[] } {
  return db.transaction(() => {
    const id = orders.insertPlain(json);
    const wanted = Object.entries(basket);
    const missing = wanted.filter(([sku, quantity], at) => !reserve(id, at + 1, sku, quantity)).map(([sku]) => sku);
    if (missing.length === wanted.length) throw new OutOfStock('nothing of the order is in stock');
    return { id, missing };
  });
}

/** Adds a line and takes its goods out of stock, or does neither: the transaction around it goes on. */
function reserve(order: number, line: number, sku: string, quantity: number): boolean {
  try {
    db.transaction(() => {
      const product = products.select(sku);
      if (product === undefined) throw new OutOfStock(sku);
      lines.insert({ order, line, sku, quantity, price: product.price });
      products.queries.changeStockBySku(sku, (row) => {
        row.stock -= quantity;
        if (row.stock < 0) throw new OutOfStock(sku);
      });
    });
    return true;
  } catch (error) {
    if (error instanceof OutOfStock) return false;
    throw error;
  }
}

// JSON has no bigint and no time: text stands for them.
for (const [sku, price, stock] of [
  ['tea', '450', 10],
  ['cup', '1200', 3],
  ['pot', '3900', 0],
]) {
  products.insertPlain({ sku, price, stock });
}
const commits: string[][] = [];
db.on('commit', ({ changes }) => commits.push(changes.map(({ table, kind }) => `${kind} ${table}`)));

const address = { street: '12 Mill Lane', country: 'gb' };
const ada = { customer_email: ' Ada@Example.com ', placedAt: '2024-05-17T09:30:00Z', address, note: 'a regular' };
const bob = { customer_email: 'bob@example.com', placedAt: '2024-05-17T10:00:00Z', address };

const whole = placeOrder(ada, { tea: 2, cup: 1 });
const partial = placeOrder(bob, { pot: 1, tea: 1, cup: 5 });
assert.throws(() => placeOrder(bob, { pot: 2 }), OutOfStock);
const last = placeOrder(ada, { cup: 2 });

console.log('Orders');
for (const { id, email, placedAt } of orders.selectAll()) {
  const own = lines.selectBy('order', id).execute();
  const total = own.reduce((sum, line) => sum + line.total, 0n);
  const goods = own.map(({ quantity, sku }) => `${quantity} ${sku}`).join(', ');
  console.log(`  ${id}  ${placedAt.toISOString().slice(0, 10)}  ${email.padEnd(16)} ${goods.padEnd(12)} ${euros(total).padStart(7)}`);
}
console.log('Sold and left');
const sold = lines.selectAll().groupBy('sku').sum('quantity');
for (const { sku, price, stock } of products.selectAll()) {
  console.log(`  ${sku}  ${euros(price).padStart(7)}  ${sold.get(sku) ?? 0} sold, ${stock} left`);
}
console.log('The first order, as JSON');
const first = orders.select(whole.id) as Order;
console.log(`  ${JSON.stringify(orders.toPlain(first))}`);

function euros(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
}

function listOf<Row>(rows: Iterable<Row>, text: (row: Row) => string): string {
  return Array.from(rows, text).join(' ');
}

// Savepoints: of the second order one line stayed; the third left nothing, not even a gap in the numbers.
assert.deepEqual([whole.id, partial.id, last.id], [1, 2, 3]);
assert.deepEqual(partial.missing, ['pot', 'cup']);
assert.equal(
  listOf(lines.selectAll(), ({ order, line }) => `${order}/${line}`),
  '1/1 1/2 2/2 3/1',
);
assert.equal(
  listOf(products.selectAll(), ({ sku, stock }) => `${stock} ${sku}`),
  '0 cup 0 pot 7 tea',
);
assert.deepEqual(commits[1], ['insert shop_order', 'insert order_line', 'update product']);
assert.equal(commits.length, 3);

// A composite key is a tuple, and its beginning is an index; a hash index answers equality.
assert.equal(lines.select([1, 2])?.total, 1200n);
assert.equal(lines.selectBy('order', 1).explain().index, 'primary');
const ofAda = orders.selectBy('email', 'ada@example.com');
assert.equal(
  listOf(ofAda, ({ id }) => String(id)),
  '1 3',
);
assert.deepEqual([ofAda.explain().index, ofAda.explain().access], ['email', 'point']);

// JSON in and out: renamed, trimmed, given a default, a note that stays inside, a total that is worked out.
assert.equal(first.note, 'a regular');
assert.deepEqual(orders.toPlain(first), {
  id: 1,
  customer_email: 'ada@example.com',
  placedAt: '2024-05-17T09:30:00.000Z',
  status: 'open',
  address: { street: '12 Mill Lane', country: 'GB' },
});
assert.equal(lines.toPlain(lines.select([1, 1]) as OrderLine).total, '900');
assert.throws(() => orders.insertPlain({ ...bob, admin: true }), ValidationError);
assert.throws(() => orders.insertPlain({ ...bob, placedAt: 'yesterday' }), ValidationError);
assert.throws(() => orders.insertPlain({ placedAt: bob.placedAt, address }), ValidationError);

// What went out comes in again as it was, but for what is never shown.
const copy = new Database({ tables: [Order, OrderLine] });
copy.table(Order).insertPlain(JSON.parse(JSON.stringify(orders.toPlain(first))));
assert.deepEqual(copy.table(Order).select(1), Object.assign(first, { note: null }));
copy.table(OrderLine).insertPlain(lines.toPlain(lines.select([1, 1]) as OrderLine));
assert.deepEqual(copy.table(OrderLine).select([1, 1]), lines.select([1, 1]));

assert.deepEqual([...db.check(), ...copy.check()], []);
console.log('All checks hold.');
