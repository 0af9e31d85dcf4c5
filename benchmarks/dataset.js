/**
 * The rows that all stores hold: eight columns, made from a fixed seed, any row by its number alone, so that no process
 * has to keep them.
 *
 * @typedef {object} Row
 * @property {number} [id] the key: row `n` (from 0) gets `n + 1` from every store's counter
 * @property {string} email unique index
 * @property {string} country plain index, about 200 values
 * @property {number} score plain index, an integer from 0 to a tenth of the rows
 * @property {number} balance an integer from 0 to `MOST_BALANCE`, no index
 * @property {string} name
 * @property {Date} createdAt
 * @property {boolean} active
 */

export const SEED = 20261122;
export const COUNTRIES = 200;
export const MOST_BALANCE = 10_000_000;
const FIRST_CREATED_MS = Date.UTC(2020, 0, 1);
const CREATED_SPAN_MS = 5 * 365 * 86_400_000;

const FIRST_NAMES = 'Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy José Ken Leslie Margaret Niklaus Radia Zoë'.split(' ');
const LAST_NAMES =
  'Allen Bartik Borg Dijkstra Easley Goldberg Hamilton Hopper Kilburn Lamport Liskov Lovelace Müller Perlman Shannon Turing'.split(' ');
const CODES = Array.from({ length: COUNTRIES }, (_, n) => flat(String.fromCharCode(65 + Math.floor(n / 26), 65 + (n % 26))));

/** A small generator of numbers in [0, 1), the same for the same seed. */
export function mulberry32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Text as it comes off a wire: one sequential string, not a tree of the parts that it was joined from. */
function flat(text) {
  return Buffer.from(text).toString();
}

/** 0 to `length − 1` in random order. */
function permutation(length, random) {
  const order = new Int32Array(length);
  for (let n = 0; n < length; n++) {
    const other = Math.floor(random() * (n + 1));
    order[n] = order[other];
    order[other] = n;
  }
  return order;
}

/** The rows of one size, and the arguments of trials over them, which come in random order and are not timed. */
export class Dataset {
  /** @param {number} size how many rows there are */
  constructor(size) {
    this.size = size;
    this.mostScore = Math.max(1, Math.floor(size / 10));
    this.random = mulberry32(SEED);
    this.order = permutation(size, this.random);
    this.at = 0;
  }

  /** The random numbers of row `n` alone. */
  randomOf(n) {
    return mulberry32(SEED ^ Math.imul(n + 1, 0x9e3779b1));
  }

  /** @returns {Row} row `n`, without a key */
  row(n) {
    const random = this.randomOf(n);
    const first = FIRST_NAMES[Math.floor(random() * FIRST_NAMES.length)];
    const last = LAST_NAMES[Math.floor(random() * LAST_NAMES.length)];
    return {
      email: flat(`${first}.${last}.${n}@example.com`.toLowerCase()),
      country: CODES[Math.floor(random() * COUNTRIES)],
      score: Math.floor(random() * this.mostScore),
      balance: Math.floor(random() * MOST_BALANCE),
      name: flat(`${first} ${last}`),
      createdAt: new Date(FIRST_CREATED_MS + Math.floor(random() * CREATED_SPAN_MS)),
      active: random() < 0.75,
    };
  }

  /** The next `count` keys of a walk over all keys in random order; after the last comes the first again. */
  keys(count) {
    const keys = new Array(count);
    for (let n = 0; n < count; n++) {
      keys[n] = this.order[this.at] + 1;
      this.at = (this.at + 1) % this.size;
    }
    return keys;
  }

  /** An integer from 0 to `below − 1`. */
  integer(below) {
    return Math.floor(this.random() * below);
  }

  country() {
    return CODES[this.integer(COUNTRIES)];
  }

  /** Where a range begins: low enough for 100 rows to follow. */
  low() {
    return this.integer(Math.ceil(this.mostScore * 0.9));
  }
}
