/**
 * A tour of worktable on real data: every populated place that GeoNames knows, about 135 thousand. Each step asks the
 * table and a plain array the same question, prints what the table answered, and compares the two.
 */
import { Database } from '../../lib/index.js';
import { City } from './city.js';
import { loadCities } from './load.js';
import { readCities } from './oracle.js';
import { aggregate, compound, lookup, nearby, prefix, range, size, topTen } from './reading.js';
import { heading } from './show.js';
import { stored } from './stored.js';
import { Tour } from './tour.js';
import { declaredQueries, eventsHeard, everything, listen, refusals, rolledBack } from './writing.js';

const tour = new Tour();
heading('worktable: a tour of all cities', 'Each step asks a table and a plain array the same, and compares the answers.');

const db = new Database({ tables: [City] });
const cities = db.table(City);
const plain = readCities();
const loading = loadCities(cities, plain);

size(tour, cities, plain, loading);
lookup(tour, cities, plain);
topTen(tour, cities, plain);
prefix(tour, cities, plain);
range(tour, cities, plain);
compound(tour, cities, plain);
nearby(tour, cities, plain);
aggregate(tour, cities, plain);

const events = listen(db, cities);
refusals(tour, cities, plain);
rolledBack(tour, db, cities, plain);
declaredQueries(tour, cities, plain, events);
eventsHeard(tour, db, cities, events);
everything(tour, cities, plain);
await stored(tour, readCities());

await db.close();
process.exitCode = tour.finish() ? 0 : 1;
