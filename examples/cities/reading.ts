import type { TableManager } from '../../lib/index.js';
import { type City, kilometresBetween, type Location } from './city.js';
import { ascending, descending, distinct, groupBy, type PlainCity, sumOf } from './oracle.js';
import { count, type Line } from './show.js';
import type { Tour } from './tour.js';

type Cities = TableManager<typeof City>;

/** What the table takes in memory: every byte of its pages, used or not, and an estimate for each index. */
export function size(tour: Tour, cities: Cities, plain: readonly PlainCity[], loading: { keys: number[]; ms: number }): void {
  const stats = cities.stats();
  const line = (part: string, keys: number, bytes: number): Line => ({ part, keys, bytes, 'bytes a row': bytes / stats.rows });
  const parts = [
    line(`${count(stats.pages)} pages of rows`, stats.rows, stats.totalBytes),
    line('row ids', stats.rows, stats.rowIdBytes),
    ...stats.indexes.map((index) => line(`index ${index.name}${index.unique ? ', unique' : ''}`, index.keys, index.bytes)),
  ];
  const bytes = parts.reduce((sum, part) => sum + Number(part.bytes), 0);
  tour.step({
    title: 'Loaded',
    about: `${count(stats.rows)} rows in ${count(Math.round(loading.ms))} ms: ${count(Math.round((stats.rows / loading.ms) * 1000))} rows a second, into six indexes.`,
    table: () => ({ keys: loading.keys, rows: cities.count(), entries: stats.indexes.map(({ name, keys }) => [name, keys]) }),
    array: () => ({
      keys: plain.map((city) => city.id),
      rows: plain.length,
      entries: [
        ['primary', plain.length],
        ['country_population', distinct(plain, 'country', 'population')],
        ['geonameId', plain.length],
        ['name', distinct(plain, 'name')],
        ['country', distinct(plain, 'country')],
        ['population', distinct(plain, 'population')],
      ],
    }),
    show: () => [[...parts, { part: 'all', keys: '', bytes, 'bytes a row': bytes / stats.rows }]],
  });
}

/** A row by a value that no other has; then every row so. */
export function lookup(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.timedStep({
    title: 'One row by a unique index',
    about: 'Tokyo, by its number at GeoNames. The location is a record within the row.',
    table: () => cities.selectOneBy('geonameId', 1850147) as City,
    array: () => plain.find((city) => city.geonameId === 1850147),
    show: (city) => [[{ ...lineOf(city), latitude: String(city.location.latitude), longitude: String(city.location.longitude) }]],
  });
  const objects = new Map(plain.map((city) => [city.geonameId, city]));
  const numbers = [...objects.keys()];
  tour.timedStep({
    title: 'Every row by the unique index',
    about: `All ${count(numbers.length)}, beside a Map of objects. The table gives a copy of each row.`,
    table: () => numbers.map((number) => cities.selectOneBy('geonameId', number)),
    array: () => numbers.map((number) => objects.get(number)),
    show: () => [],
  });
}

export function topTen(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.query({
    title: 'Top ten of a country',
    about: 'Cities of Japan, which the index over country and population has in order.',
    table: () => cities.selectBy('country', 'JP').orderBy('population', 'desc').limit(10),
    array: () =>
      plain
        .filter((city) => city.country === 'JP')
        .sort(descending('population'))
        .slice(0, 10),
    show: (top) => [top.map(lineOf)],
  });
}

export function prefix(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.query({
    title: 'Names by their beginning',
    about: 'A prefix is a range of the index over names. The five largest are shown.',
    table: () => cities.selectAll().where('name', 'startsWith', 'New ').orderBy('population', 'desc'),
    array: () => plain.filter((city) => city.name.startsWith('New ')).sort(descending('population')),
    show: (found) => [found.slice(0, 5).map(lineOf)],
  });
}

export function range(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.query({
    title: 'A range of numbers',
    about: 'Cities of little more than a million.',
    table: () => cities.selectAll().where('population', 'between', [1_000_000, 1_020_000]).orderBy('population'),
    array: () => plain.filter((city) => city.population >= 1_000_000 && city.population <= 1_020_000).sort(ascending('population')),
    show: (found) => [found.map(lineOf)],
  });
}

export function compound(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.query({
    title: 'Two conditions, one index',
    about: 'The largest cities of Brazil: one range of the index over both columns.',
    table: () => cities.selectBy('country', 'BR').where('population', '>=', 1_500_000).orderBy('population', 'desc'),
    array: () => plain.filter((city) => city.country === 'BR' && city.population >= 1_500_000).sort(descending('population')),
    show: (found) => [found.map(lineOf)],
  });
}

export function nearby(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  const zurich: Location = { latitude: 47.36667, longitude: 8.55 };
  const large = plain.filter((city) => city.population >= 100_000);
  tour.query({
    title: 'A condition of your own',
    about: 'Cities near Zürich: a method of the class, called on what the index leaves.',
    table: () =>
      cities
        .selectAll()
        .where('population', '>=', 100_000)
        .where((city) => city.kilometresTo(zurich) < 150)
        .orderBy('population', 'desc'),
    array: () => large.filter((city) => kilometresBetween(city.location, zurich) < 150).sort(descending('population')),
    show: (found) => [found.map((city) => ({ ...lineOf(city), km: Math.round(city.kilometresTo(zurich)) }))],
    mayLookAt: large.length,
  });
}

export function aggregate(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  const largest = (counts: ReadonlyMap<string, number>) => [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8);
  tour.step({
    title: 'Groups',
    about: "groupBy('country') counts, adds and averages. The eight largest are shown.",
    table: () => {
      const groups = cities.selectAll().groupBy('country');
      return { count: groups.count(), sum: groups.sum('population'), avg: groups.avg('population') };
    },
    array: () => {
      const groups = groupBy([...plain].sort(ascending('country')), 'country');
      const each = <T>(of: (group: PlainCity[]) => T) => new Map([...groups].map(([country, group]) => [country, of(group)]));
      return { count: each((group) => group.length), sum: each(sumOf), avg: each((group) => sumOf(group) / group.length) };
    },
    show: ({ count: counts, sum, avg }) => [
      largest(counts).map(([country, cities]) => ({
        country,
        cities,
        people: sum.get(country) ?? 0,
        'people a city': Math.round(avg.get(country) ?? 0),
      })),
    ],
  });
}

/** A city as a line of a printed table. */
export function lineOf(city: PlainCity): Line {
  const { id, name, country, region, population } = city;
  return { id: String(id), name, country, region: region ?? '–', population };
}
