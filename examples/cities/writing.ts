import { isDeepStrictEqual } from 'node:util';
import { type ChangeEvent, type Database, type TableManager, WorkTableError } from '../../lib/index.js';
import type { City } from './city.js';
import { ascending, type PlainCity, sumOf } from './oracle.js';
import type { Line } from './show.js';
import type { Tour } from './tour.js';

type Cities = TableManager<typeof City>;

/** How many commits there were, and how many changes of each kind. */
interface Counts {
  commits: number;
  insert: number;
  update: number;
  delete: number;
}

/** What the listeners heard, and what the plain array says that they should have heard. */
export interface Events {
  readonly heard: Counts;
  readonly expected: Counts;
  /** The key that the next row gets. */
  readonly nextKey: number;
  /** The changes of the last commit. */
  last: readonly ChangeEvent<City, number>[];
}

/** Counts events from now on. */
export function listen(db: Database, cities: Cities): Events {
  const none = { commits: 0, insert: 0, update: 0, delete: 0 };
  const events: Events = { heard: { ...none }, expected: { ...none }, nextKey: cities.count() + 1, last: [] };
  db.on('commit', (transaction) => {
    events.heard.commits++;
    events.last = transaction.changes as readonly ChangeEvent<City, number>[];
  });
  cities.on('change', (event) => {
    if (event.kind !== 'read') events.heard[event.kind]++;
  });
  return events;
}

/** Writes that the table refuses, and what it says. */
export function refusals(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  const [first] = plain as [PlainCity, ...PlainCity[]];
  const { id: _, ...copy } = first;
  const attempts = [
    { tried: 'taken geonameId', code: 'WT_UNIQUE_VIOLATION', attempt: () => cities.insert(copy) },
    { tried: 'taken key', code: 'WT_DUPLICATE_KEY', attempt: () => cities.insert({ ...first, geonameId: 1 }) },
    { tried: 'half a person', code: 'WT_VALIDATION', attempt: () => cities.updateBy(first.id, { population: 0.5 }) },
    { tried: 'absent row', code: 'WT_NOT_FOUND', attempt: () => cities.updateBy(0, { population: 1 }) },
  ];
  const errors = attempts.map(({ attempt }) => errorOf(attempt));
  tour.step({
    title: 'Refused',
    about: 'An error has a code and a text; what is refused has changed nothing.',
    table: () => ({ codes: errors.map((error) => error?.code), rows: cities.selectAll().execute() }),
    array: () => ({ codes: attempts.map(({ code }) => code), rows: plain }),
    show: () => [attempts.map(({ tried }, at) => ({ tried, code: errors[at]?.code ?? '', text: errors[at]?.message ?? '' }))],
  });
}

function errorOf(attempt: () => unknown): WorkTableError | undefined {
  try {
    attempt();
  } catch (error) {
    if (error instanceof WorkTableError) return error;
    throw error;
  }
  return undefined;
}

const ATLANTIS = {
  geonameId: 1,
  name: 'Atlantis',
  country: 'XX',
  region: null,
  kind: 'PPLW',
  population: 1000,
  location: { latitude: 36, longitude: -24 },
};

/** A transaction that fails at its end, seen before, from within, and after. */
export function rolledBack(tour: Tour, db: Database, cities: Cities, plain: readonly PlainCity[]): void {
  const look = (moment: string): Line => {
    const people = cities.selectAll().sum('population');
    return { moment, rows: cities.count(), people, 'bytes used': cities.stats().usedBytes };
  };
  const examine = (moment: string): Line => ({ ...look(moment), 'check() finds': [...cities.check()].length });
  const attempt = () => {
    const within: Line[] = [];
    const failure = new Error('on second thoughts, no');
    try {
      db.transaction(() => {
        cities.insert(ATLANTIS);
        cities.queries.deleteByCountry('FR');
        within.push({ ...look('within'), 'check() finds': '' });
        throw failure;
      });
    } catch (error) {
      if (error !== failure) throw error;
    }
    return within;
  };
  const lines: Line[] = [];
  tour.step({
    title: 'Rolled back',
    about: 'Inserts a city, deletes those of France (only commits free room), and throws.',
    table: () => {
      const before = exactStats(cities);
      lines.push(examine('before'), ...attempt(), examine('after'));
      return {
        moments: lines.map(({ moment, rows, people, 'check() finds': problems }) => ({ moment, rows, people, problems })),
        statsAsBefore: isDeepStrictEqual(exactStats(cities), before),
      };
    },
    array: () => {
      const seen = (moment: string, rows: readonly PlainCity[], problems: number | string) => {
        return { moment, rows: rows.length, people: sumOf(rows), problems };
      };
      const within = [...plain.filter((city) => city.country !== 'FR'), { ...ATLANTIS, id: 0 }];
      return { moments: [seen('before', plain, 0), seen('within', within, ''), seen('after', plain, 0)], statsAsBefore: true };
    },
    show: () => [lines],
  });
}

/** Of the statistics, what is counted: the bytes of an index, and so of all, are an estimate. */
function exactStats(cities: Cities): object {
  const { indexes, bytes: _, ...pages } = cities.stats();
  return { ...pages, indexes: indexes.map(({ name, keys, entries }) => ({ name, keys, entries })) };
}

/** The queries that `@Query` declares on the class: one that updates, one that changes in place, one that deletes. */
export function declaredQueries(tour: Tour, cities: Cities, plain: PlainCity[], { expected }: Events): void {
  const tokyo = plain.find((city) => city.name === 'Tokyo') as PlainCity;
  const { queries } = cities;
  const grown = (population: number) => Math.round(population * 1.02);
  const calls = [
    { query: "queries.renameById(id, { name: 'Tōkyō' })", by: 'key', call: () => queries.renameById(tokyo.id, { name: 'Tōkyō' }) },
    {
      query: "queries.growByCountry('IS', (row) => { … })",
      by: 'index',
      call: () =>
        queries.growByCountry('IS', (row) => {
          row.population = grown(row.population);
        }),
    },
    { query: "queries.deleteByKind('PPLH')", by: 'no index', call: () => queries.deleteByKind('PPLH') },
  ];
  tour.step({
    title: 'Declared queries',
    about: 'What @Query makes of static properties; each gives the number of rows written.',
    table: () => ({ written: calls.map(({ call }) => call()), rows: cities.selectAll().execute() }),
    array: () => {
      tokyo.name = 'Tōkyō';
      const iceland = plain.filter((city) => city.country === 'IS');
      for (const city of iceland) city.population = grown(city.population);
      const historical = remove(plain, (city) => city.kind === 'PPLH');
      expected.commits += 3;
      expected.update += 1 + iceland.length;
      expected.delete += historical;
      return { written: [1, iceland.length, historical], rows: plain };
    },
    show: ({ written }) => [calls.map(({ query, by }, at) => ({ query, by, 'rows written': written[at] ?? 0 }))],
  });
}

/** Takes the cities that pass the test out of the array. @returns how many */
function remove(plain: PlainCity[], test: (city: PlainCity) => boolean): number {
  const kept = plain.filter((city) => !test(city));
  const removed = plain.length - kept.length;
  plain.length = 0;
  for (const city of kept) plain.push(city);
  return removed;
}

/** What listeners heard of all this, and of one transaction more. */
export function eventsHeard(tour: Tour, db: Database, cities: Cities, events: Events): void {
  const { heard, expected, nextKey } = events;
  tour.step({
    title: 'Events',
    about: "What on('commit') and on('change') heard of these writes, and of one more.",
    table: () => {
      db.transaction(() => {
        const id = cities.insert(ATLANTIS);
        cities.updateBy(id, { population: 0 });
        cities.delete(id);
      });
      return { heard, last: events.last.map(({ kind, key, before, after }) => ({ kind, key, before, after })) };
    },
    array: () => {
      const first = { id: nextKey, ...ATLANTIS };
      const second = { ...first, population: 0 };
      expected.commits++;
      expected.insert++;
      expected.update++;
      expected.delete++;
      const last = [
        { kind: 'insert', key: nextKey, before: null, after: first },
        { kind: 'update', key: nextKey, before: first, after: second },
        { kind: 'delete', key: nextKey, before: second, after: null },
      ] as const;
      return { heard: expected, last: [...last] };
    },
    show: ({ heard, last }) => [
      [{ commits: heard.commits, inserts: heard.insert, updates: heard.update, deletes: heard.delete }],
      last.map(({ kind, key, before, after }) => ({ kind, key: String(key), before: peopleOf(before), after: peopleOf(after) })),
    ],
  });
}

function peopleOf(city: PlainCity | null): string {
  return city === null ? 'null' : `${city.name}, population ${city.population}`;
}

const ORDERED = ['id', 'geonameId', 'name', 'country', 'population'] as const;

/** Everything that is left, by every index, and the table's own examination. */
export function everything(tour: Tour, cities: Cities, plain: readonly PlainCity[]): void {
  tour.step({
    title: 'Everything once more',
    about: 'check() compares rows, indexes and pages; then all rows, in each order.',
    table: () => ({
      problems: [...cities.check()],
      rows: cities.selectAll().execute(),
      orders: ORDERED.map((column) => Array.from(cities.selectAll().orderBy(column).select('id'), ({ id }) => id)),
    }),
    array: () => ({
      problems: [],
      rows: plain,
      orders: ORDERED.map((column) => [...plain].sort(ascending(column)).map(({ id }) => id)),
    }),
    show: ({ problems, rows, orders }) => [[{ 'check() finds': problems.length, rows: rows.length, 'orders compared': orders.length }]],
  });
}
