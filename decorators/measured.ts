import { SchemaError } from '../lib/errors.js';
import { type AnyFunction, type Measurements, measurements } from '../lib/measure/measurements.js';

export interface MeasuredOptions {
  /** What it is called in the figures; `Class.method` by default. */
  readonly name?: string;
  /** Where the figures go; `measurements` by default. */
  readonly into?: Measurements;
}

/**
 * Measures a method of your own: how often it is called, how often it fails, and how long it takes; of one that returns
 * a promise, until that settles. `measurements.rows()` tells; `measurements.enabled = false` switches it off.
 *
 * @throws SchemaError on what is no method
 *
 * @example
 * ```ts
 * class Desk { @Measured() async quote(id: number) { … } }
 * console.table(measurements.rows());
 * ```
 */
export function Measured(given: string | MeasuredOptions = {}) {
  const { name, into = measurements } = typeof given === 'string' ? { name: given } : given;
  return (target: object, property: string | symbol, descriptor?: PropertyDescriptor): void => {
    const owner = typeof target === 'function' ? target.name : target.constructor.name;
    const work = descriptor?.value as unknown;
    if (descriptor === undefined || typeof work !== 'function') {
      throw new SchemaError(owner, String(property), '@Measured stands on what is no method', 'Decorate methods');
    }
    descriptor.value = into.measured(name ?? `${owner}.${String(property)}`, work as AnyFunction);
  };
}
