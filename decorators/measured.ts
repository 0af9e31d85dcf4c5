import { SchemaError } from '../lib/errors.js';
import { type AnyFunction, type Measurements, measurements } from '../lib/measure/measurements.js';
import { hasMetadata, isStandard, nameOf, type Place, type StandardContext } from './decorated.js';

/** What `@Measured` takes. */
export interface MeasuredOptions {
  /** What it is called in the figures; `Class.method` by default. */
  readonly name?: string;
  /** Where the figures go; `measurements` by default. */
  readonly into?: Measurements;
}

/** A decorator of methods, standard or legacy. */
export interface CallDecorator {
  <F extends AnyFunction>(method: F, context: StandardContext & { readonly kind: 'method' }): F;
  (target: object, property: string | symbol, descriptor: PropertyDescriptor): void;
}

/**
 * Measures a method of your own: how often it is called, how often it fails, and how long it takes; of one that returns
 * a promise, until that settles. `measurements.rows()` tells; `measurements.enabled = false` switches it off.
 *
 * @throws SchemaError on what is no method
 *
 * @example
 * ```ts
 * import { Measured, Measurements } from 'worktable';
 *
 * const figures = new Measurements();
 * class Desk {
 *   @Measured({ into: figures }) quote(id: number): number {
 *     return id * 2;
 *   }
 * }
 * new Desk().quote(1);
 * console.log(figures.rows().map(({ operation, count }) => [operation, count])); // prints: [ [ 'Desk.quote', 1 ] ]
 * ```
 */
export function Measured(given: string | MeasuredOptions = {}): CallDecorator {
  const { name, into = measurements } = typeof given === 'string' ? { name: given } : given;
  return ((target: unknown, place: Place, descriptor?: PropertyDescriptor): unknown => {
    const work = isStandard(place) ? target : (descriptor?.value as unknown);
    const method = String(nameOf(place));
    if (typeof work !== 'function' || (isStandard(place) && place.kind !== 'method')) {
      throw new SchemaError(ownerName(target, place), method, '@Measured stands on what is no method', 'Decorate methods');
    }
    if (isStandard(place)) return into.measured(name ?? nameOnCall(place, method), work as AnyFunction);
    (descriptor as PropertyDescriptor).value = into.measured(name ?? `${ownerName(target, place)}.${method}`, work as AnyFunction);
    return undefined;
  }) as CallDecorator;
}

function ownerName(target: unknown, place: Place): string {
  if (isStandard(place)) return '(a class)';
  return ((typeof target === 'function' ? target : (target as object).constructor) as { name: string }).name;
}

/** Standard decorators of a method are not told its class, which is found from what the method is first called on. */
function nameOnCall(context: StandardContext, method: string): (self: unknown) => string {
  let known: string | undefined;
  return (self) => {
    known ??= ownerOnCall(context, self)?.name;
    return known === undefined ? method : `${known}.${method}`;
  };
}

function ownerOnCall({ metadata }: StandardContext, self: unknown): { readonly name: string } | undefined {
  if (self === undefined || self === null || metadata === undefined) return undefined;
  for (let at: unknown = Object(self); at !== null; at = Object.getPrototypeOf(at)) {
    const owner = typeof at === 'function' ? at : (Object.getOwnPropertyDescriptor(at, 'constructor')?.value as unknown);
    if (typeof owner === 'function' && hasMetadata(owner, metadata)) return owner;
  }
  return undefined;
}
