import { PLAIN_LIMIT, RANGE_LIMIT } from './trials.js';

/** Rows that are read again after writes, at most, evenly spread. */
const READ_AGAIN = 20_000;

/** One number for a sequence of answers: stores that gave the same ones have the same. */
export class Digest {
  /** @param {import('./stores/store.js').Store} store whose rows are turned into the common form */
  constructor(store) {
    this.store = store;
    this.state = 0x811c9dc5;
  }

  /** Adds a row, an array of rows, a number, or nothing. */
  add(answer) {
    if (Array.isArray(answer)) {
      this.text(`${answer.length} rows`);
      for (const row of answer) this.add(row);
    } else if (typeof answer === 'object' && answer !== null) {
      const { id, email, country, score, balance, name, createdAt, active } = this.store.toRow(answer);
      this.text(JSON.stringify([id, email, country, score, balance, name, createdAt.getTime(), active]));
    } else {
      this.text(String(answer ?? 'nothing'));
    }
  }

  text(text) {
    for (let at = 0; at < text.length; at++) this.state = Math.imul(this.state ^ text.charCodeAt(at), 0x01000193);
    this.state = Math.imul(this.state ^ 0x1f, 0x01000193);
  }

  get value() {
    return (this.state >>> 0).toString(16).padStart(8, '0');
  }
}

/**
 * Adds what a store holds, read by every index: rows by key and by email, counts by country, scores by range. Of the
 * ranges, only the scores: after a row's score was changed, not every store orders equal ones by key.
 */
export async function digestOfRows(digest, store, data) {
  const step = Math.ceil(data.size / READ_AGAIN);
  for (let n = 0; n < data.size; n += step) {
    digest.add(await store.getByKey(n + 1));
    if (n % (step * 20) === 0) digest.add(await store.getByUnique(data.row(n).email));
  }
  for (let n = 0; n < 5; n++) {
    digest.add((await store.byPlainIndex(data.row(n).country, PLAIN_LIMIT)).length);
    const found = await store.range(Math.floor((data.mostScore * n) / 6), RANGE_LIMIT);
    for (const row of found) digest.text(`${row.score}`);
  }
  digest.add(await store.filteredCount(5_000_000));
  return digest.value;
}
