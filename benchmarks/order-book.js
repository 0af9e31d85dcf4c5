/**
 * A replay of one stream of orders through an order book with price-time priority, as in `examples/order-book`: limit and
 * market orders, partial fills, cancels; each order one transaction, with its trades. The matching is the same code for
 * every store; what differs is how it finds, changes and removes orders. All must end with the same trades and book.
 *
 *     node benchmarks/order-book.js [messages] [stores beside worktable, by commas]
 */
import { join } from 'node:path';
import { mulberry32, SEED } from './dataset.js';
import { ratioOfTurns } from './ratios.js';
import { build, identity, installPeers, saveReport, versionOf } from './setup.js';
import { answerInTurns, race } from './turns.js';

/** The stream is replayed in so many parts, the stores in turns; the first is not timed. */
const PARTS = 21;
const LIMITS = { prepareMs: 120_000, turnMs: 120_000 };
const MIDDLE = 10_000;
const SPREAD = 400;
/** Of a hundred messages. */
const CANCELS = 35;
const MARKET = 5;

/**
 * @typedef {object} Book
 * @property {(side: 'buy' | 'sell') => { id: number, price: number, quantity: number } | undefined} best
 * @property {(order: { id: number, side: string, price: number, quantity: number }) => void} insert
 * @property {(id: number, quantity: number) => void} setQuantity
 * @property {(id: number) => boolean} remove
 * @property {(trade: { buyOrder: number, sellOrder: number, price: number, quantity: number }) => void} trade
 * @property {(work: () => void) => void} transaction
 * @property {() => { orders: number, trades: number }} counts
 */

/** @type {Record<string, { title: string, peer?: string, note?: string, open: (directory: string) => Promise<Book> }>} */
const BOOKS = {
  worktable: { title: 'worktable', open: openWorktable },
  map: { title: 'Map + sorted-btree by hand', note: 'undoes nothing', open: openMap },
  lokijs: { title: 'LokiJS', peer: 'lokijs', note: 'undoes nothing', open: openLoki },
  'better-sqlite3': { title: 'better-sqlite3 in memory', peer: 'better-sqlite3', open: openSqlite },
  lmdb: { title: 'lmdb, no sync', peer: 'lmdb', open: openLmdb },
};

/** A side's best order has the least rank; of one rank, the first to come. */
function rankOf(side, price) {
  return side === 'buy' ? -price : price;
}

async function openWorktable() {
  const { Column, Database, Index, PrimaryKey, Table } = await import('../dist/lib/index.js');
  class Order {}
  PrimaryKey()(Order.prototype, 'id');
  Column('int')(Order.prototype, 'id');
  Column({ enum: ['buy', 'sell'] })(Order.prototype, 'side');
  Column('int')(Order.prototype, 'price');
  Column('int')(Order.prototype, 'quantity');
  Index({ name: 'priority', columns: ['side', 'rank'] })(Order);
  Column('int')(Order.prototype, 'rank');
  Table({ name: 'resting' })(Order);
  class Trade {}
  PrimaryKey('autoincrement')(Trade.prototype, 'id');
  for (const name of ['id', 'buyOrder', 'sellOrder', 'price', 'quantity']) Column('int')(Trade.prototype, name);
  Table({ name: 'trade' })(Trade);
  const db = new Database({ tables: [Order, Trade] });
  const orders = db.table(Order);
  const trades = db.table(Trade);
  const sides = Object.fromEntries(['buy', 'sell'].map((side) => [side, orders.selectAll().where('side', '=', side).orderBy('rank')]));
  return {
    best: (side) => sides[side].first(),
    insert: (order) => orders.insert({ ...order, rank: rankOf(order.side, order.price) }),
    setQuantity: (id, quantity) => orders.updateBy(id, { quantity }),
    remove: (id) => orders.delete(id),
    trade: (trade) => trades.insert(trade),
    transaction: (work) => db.transaction(work),
    counts: () => ({ orders: orders.count(), trades: trades.count() }),
  };
}

async function openMap() {
  const { default: imported } = await import('sorted-btree');
  const BTree = imported.default ?? imported;
  const orders = new Map();
  const sides = { buy: new BTree(undefined, (a, b) => a - b), sell: new BTree(undefined, (a, b) => a - b) };
  const trades = [];
  const place = ({ side, price, id }) => rankOf(side, price) * 2 ** 30 + id;
  return {
    best: (side) => {
      const key = sides[side].minKey();
      return key === undefined ? undefined : sides[side].get(key);
    },
    insert: (order) => {
      const kept = { ...order };
      orders.set(order.id, kept);
      sides[order.side].set(place(order), kept);
    },
    setQuantity: (id, quantity) => {
      orders.get(id).quantity = quantity;
    },
    remove: (id) => {
      const order = orders.get(id);
      if (order === undefined) return false;
      sides[order.side].delete(place(order));
      return orders.delete(id);
    },
    trade: (trade) => trades.push(trade),
    transaction: (work) => work(),
    counts: () => ({ orders: orders.size, trades: trades.length }),
  };
}

async function openLoki() {
  const { default: Loki } = await import('lokijs');
  const db = new Loki('book', { adapter: new Loki.LokiMemoryAdapter(), autosave: false });
  const options = { unique: ['id'], indices: ['place'], clone: false, disableMeta: true };
  const sides = { buy: db.addCollection('buy', options), sell: db.addCollection('sell', options) };
  const trades = db.addCollection('trades', { clone: false, disableMeta: true });
  const find = (id) => {
    for (const side of ['buy', 'sell']) {
      const order = sides[side].by('id', id);
      if (order !== undefined) return order;
    }
    return undefined;
  };
  return {
    best: (side) => sides[side].chain().simplesort('place').limit(1).data()[0],
    insert: (order) => sides[order.side].insert({ ...order, place: rankOf(order.side, order.price) * 2 ** 30 + order.id }),
    setQuantity: (id, quantity) => {
      const order = find(id);
      order.quantity = quantity;
      sides[order.side].update(order);
    },
    remove: (id) => {
      const order = find(id);
      if (order !== undefined) sides[order.side].remove(order);
      return order !== undefined;
    },
    trade: (trade) => trades.insert({ ...trade }),
    transaction: (work) => work(),
    counts: () => ({ orders: sides.buy.count() + sides.sell.count(), trades: trades.count() }),
  };
}

async function openSqlite() {
  const { default: Sqlite } = await import('better-sqlite3');
  const db = new Sqlite(':memory:');
  db.exec(`create table resting (id integer primary key, side text not null, price integer not null, quantity integer not null, rank integer not null);
    create index priority on resting (side, rank, id);
    create table trade (id integer primary key, buyOrder integer not null, sellOrder integer not null, price integer not null, quantity integer not null)`);
  const best = db.prepare('select * from resting where side = ? order by rank, id limit 1');
  const insert = db.prepare('insert into resting (id, side, price, quantity, rank) values (?, ?, ?, ?, ?)');
  const setQuantity = db.prepare('update resting set quantity = ? where id = ?');
  const remove = db.prepare('delete from resting where id = ?');
  const trade = db.prepare('insert into trade (buyOrder, sellOrder, price, quantity) values (?, ?, ?, ?)');
  const transaction = db.transaction((work) => work());
  return {
    best: (side) => best.get(side),
    insert: ({ id, side, price, quantity }) => insert.run(id, side, price, quantity, rankOf(side, price)),
    setQuantity: (id, quantity) => setQuantity.run(quantity, id),
    remove: (id) => remove.run(id).changes === 1,
    trade: ({ buyOrder, sellOrder, price, quantity }) => trade.run(buyOrder, sellOrder, price, quantity),
    transaction,
    counts: () => ({
      orders: db.prepare('select count(*) from resting').pluck().get(),
      trades: db.prepare('select count(*) from trade').pluck().get(),
    }),
  };
}

async function openLmdb(directory) {
  const { open } = await import('lmdb');
  const root = open({ path: join(directory, 'lmdb'), noSync: true, maxDbs: 4, mapSize: 2 ** 32 });
  const orders = root.openDB('order', { sharedStructuresKey: Symbol.for('structures') });
  const places = root.openDB('place', { keyEncoding: 'ordered-binary' });
  const trades = root.openDB('trade', { sharedStructuresKey: Symbol.for('structures') });
  let count = 0;
  return {
    best: (side) => {
      const [found] = places.getRange({ start: [side], end: [side, Number.POSITIVE_INFINITY], limit: 1 }).asArray;
      return found === undefined ? undefined : orders.get(found.key[2]);
    },
    insert: (order) => {
      orders.putSync(order.id, order);
      places.putSync([order.side, rankOf(order.side, order.price), order.id], true);
    },
    setQuantity: (id, quantity) => orders.putSync(id, { ...orders.get(id), quantity }),
    remove: (id) => {
      const order = orders.get(id);
      if (order === undefined) return false;
      places.removeSync([order.side, rankOf(order.side, order.price), id]);
      return orders.removeSync(id);
    },
    trade: (trade) => trades.putSync(++count, trade),
    transaction: (work) => root.transactionSync(work),
    counts: () => ({ orders: orders.getCount(), trades: count }),
  };
}

/** The stream: message `n` is the same for every store. Prices walk about the middle, so that the book neither empties nor grows for ever. */
function* messages(count) {
  const random = mulberry32(SEED);
  const integer = (below) => Math.floor(random() * below);
  let middle = MIDDLE;
  for (let id = 1; id <= count; id++) {
    middle += integer(3) - 1;
    const draw = integer(100);
    if (draw < CANCELS && id > 100) {
      yield { cancel: id - 1 - integer(Math.min(id - 1, 5000)) };
      continue;
    }
    const side = integer(2) === 0 ? 'buy' : 'sell';
    const quantity = 1 + integer(100);
    if (draw < CANCELS + MARKET) yield { id, side, quantity };
    else yield { id, side, quantity, price: middle + integer(SPREAD) - (side === 'buy' ? SPREAD - 8 : 8) };
  }
}

/** Matches one order, as one transaction. @returns a number that tells books apart which did different things */
function place(book, { id, side, quantity, price }) {
  const other = side === 'buy' ? 'sell' : 'buy';
  let left = quantity;
  let told = 0;
  book.transaction(() => {
    while (left > 0) {
      const resting = book.best(other);
      if (resting === undefined || (price !== undefined && (side === 'buy' ? resting.price > price : resting.price < price))) break;
      const traded = Math.min(left, resting.quantity);
      const rest = resting.quantity - traded;
      told = (Math.imul(told, 31) + resting.id * 7 + traded) | 0;
      const { id: restingId, price: at } = resting;
      if (rest === 0) book.remove(restingId);
      else book.setQuantity(restingId, rest);
      book.trade({ buyOrder: side === 'buy' ? id : restingId, sellOrder: side === 'buy' ? restingId : id, price: at, quantity: traded });
      left -= traded;
    }
    if (left > 0 && price !== undefined) book.insert({ id, side, price, quantity: left });
  });
  return told;
}

/** Messages a second of each part after the first; with the last, what it came to. */
async function* replay({ store, count, directory }) {
  const book = await BOOKS[store].open(directory);
  const stream = [...messages(count)];
  const length = Math.ceil(count / PARTS);
  const times = new Float64Array(count - length);
  let told = 0;
  for (let from = 0; from < count; from += length) {
    const to = Math.min(from + length, count);
    const began = performance.now();
    for (let n = from; n < to; n++) {
      const message = stream[n];
      const before = performance.now();
      if (message.cancel === undefined) told = (Math.imul(told, 33) + place(book, message)) | 0;
      else told = (told + (cancel(book, message.cancel) ? message.cancel : 0)) | 0;
      if (from > 0) times[n - length] = performance.now() - before;
    }
    const perSecond = ((to - from) / (performance.now() - began)) * 1000;
    if (to < count) yield { perSecond };
    else yield { perSecond, last: { ...percentiles(times), told, ...book.counts() } };
  }
}

/** In microseconds. */
function percentiles(times) {
  times.sort();
  const at = (share) => times[Math.floor(times.length * share)] * 1000;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

function cancel(book, id) {
  let done = false;
  book.transaction(() => {
    done = book.remove(id);
  });
  return done;
}

async function compare(count, wanted) {
  const names = Object.keys(BOOKS).filter((name) => name === 'worktable' || wanted === undefined || wanted.includes(name));
  installPeers();
  build();
  const jobs = names.map((store) => ({ store, count }));
  const raced = await race('order-book.js', jobs, { flags: ['--max-old-space-size=8192'], limits: LIMITS });
  const own = raced[names.indexOf('worktable')].turns.map(({ perSecond }) => perSecond);
  const found = raced.map(({ turns, ended }, at) => {
    const speeds = turns.map(({ perSecond }) => perSecond);
    const told = { store: names[at], ended, times: ratioOfTurns(own, speeds), ...turns.at(-1)?.last };
    console.error(`${told.store}: ${told.times?.toFixed(2) ?? ended}`);
    return told;
  });
  const whole = found.filter(({ orders }) => orders !== undefined);
  if (new Set(whole.map(({ told, orders, trades }) => `${told} ${orders} ${trades}`)).size > 1) {
    throw new Error(`books differ: ${JSON.stringify(whole)}`);
  }
  const report = markdown(found, count);
  console.log(report);
  saveReport('order-book', report, { count, found });
}

function markdown(found, count) {
  const own = found.find(({ store }) => store === 'worktable');
  const lines = found.map(({ store, ended, times, p50, p99, p999 }) => {
    const { title, peer, note } = BOOKS[store];
    const name = `${title}${peer === undefined ? '' : ` ${versionOf(peer)}`}${note === undefined ? '' : ` (${note})`}`;
    if (p50 === undefined) return `| ${name} | ${ended} | – | – | – |`;
    const ratios = [times, p50 / own.p50, p99 / own.p99, p999 / own.p999];
    return `| ${name} | ${ratios.map((ratio) => ratio.toFixed(2)).join(' | ')} |`;
  });
  return `${[
    '# Order book',
    `${identity()}: ${count.toLocaleString('en')} messages, ${CANCELS} % cancels, ${own.trades.toLocaleString('en')} trades, ${own.orders.toLocaleString('en')} orders left; a process for each store, the stream replayed in turns, and the same trades and book in each.`,
    "Above 1, worktable is faster: its messages a second divided by the other's, and the other's time a message divided by its own.",
    `| | messages a second | p50 | p99 | p99.9 |\n|---|---:|---:|---:|---:|\n${lines.join('\n')}`,
  ].join('\n\n')}\n`;
}

const argument = process.argv[2];
if (argument?.startsWith('{')) answerInTurns(replay(JSON.parse(argument)));
else await compare(Number(argument ?? 500_000), process.argv[3]?.split(','));
