import type { TableManager } from '../../lib/index.js';
import type { City } from './city.js';
import type { PlainCity } from './oracle.js';
import { showProgress } from './show.js';
import { timed } from './tour.js';

const BATCH = 1000;

/** Inserts all cities, a thousand to a transaction, with the keys left to the table, and builds the indexes. @returns the keys and the time it took */
export function loadCities(cities: TableManager<typeof City>, rows: readonly PlainCity[]): { keys: number[]; ms: number } {
  const progress = showProgress('Loading', rows.length);
  const keys: number[] = [];
  let ms = 0;
  for (let from = 0; from < rows.length; from += BATCH) {
    const batch = rows.slice(from, from + BATCH).map(({ id: _, ...row }) => row);
    const inserted = timed(() => cities.insertMany(batch));
    keys.push(...inserted.value);
    ms += inserted.ms;
    progress.update(keys.length);
  }
  progress.stop();
  return { keys, ms: ms + timed(() => cities.buildIndexes()).ms };
}
