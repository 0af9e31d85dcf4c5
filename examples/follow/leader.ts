/** A shop that changes its products as fast as it can, and serves the feed of its changes, until it is killed. */
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from './serve.js';
import { openShop, Product, placesIn } from './shop.js';

const WORDS = ['red', 'green', 'blue', 'old', 'new', 'small', 'large', 'chair', 'table', 'lamp', 'shelf', 'bed'];
const MOST_PRODUCTS = 150;
const [folder = ''] = process.argv.slice(2);
const places = placesIn(folder);
const db = await openShop(places.shop);
const products = db.table(Product);
const below = (limit: number) => Math.floor(Math.random() * limit);
const title = () => Array.from({ length: 1 + below(4) }, () => WORDS[below(WORDS.length)]).join(' ');

/** Some changes of some products, all or none. */
function change(): void {
  const ids = [...products.selectAll().select('id')].map(({ id }) => id);
  db.transaction(() => {
    for (let left = 1 + below(3); left > 0; left--) {
      const id = ids[below(ids.length)];
      const row = id === undefined ? undefined : products.select(id);
      if (row === undefined || Math.random() < 0.4) products.insert({ title: title(), cents: BigInt(below(100_000)) });
      else if (ids.length > MOST_PRODUCTS || Math.random() < 0.3) products.delete(row.id);
      else products.update({ ...row, title: title() });
    }
    if (Math.random() < 0.05) products.nextKey(); // a key that no row gets
  });
}

serve(db, places.socket);
writeSync(1, 'ready\n');
for (;;) {
  for (let left = below(4); left >= 0; left--) change();
  await db.waitForOps();
  if (Math.random() < 0.01) void db.checkpoint();
  await pause(5);
}
