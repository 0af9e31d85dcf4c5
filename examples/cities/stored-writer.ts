/** Stores cities, a hundred to a transaction, and says which transactions are safe, until it is killed. */
import { writeSync } from 'node:fs';
import { Database } from '../../lib/index.js';
import { City } from './city.js';
import { readCities } from './oracle.js';
import { CITIES_A_TRANSACTION } from './stored.js';

const [path = ''] = process.argv.slice(2);
const db = await Database.open({ path, tables: [City] });
const cities = db.table(City);
const rows = readCities();
for (let from = 0; from < rows.length; from += CITIES_A_TRANSACTION) {
  cities.insertMany(rows.slice(from, from + CITIES_A_TRANSACTION).map(({ id: _, ...row }) => row));
  writeSync(1, `${await db.waitForOps()}\n`);
}
await new Promise((resolve) => setTimeout(resolve, 60_000)); // for whoever is to kill it
