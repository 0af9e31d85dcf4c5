import { SchemaError } from '../lib/errors.js';

/** The name of a decorated instance property. @throws SchemaError on a static property or a symbol */
export function propertyName(target: object, property: string | symbol, decorator: string): string {
  if (typeof target === 'function') {
    throw new SchemaError(target.name, String(property), `${decorator} stands on a static property`, 'Decorate instance properties');
  }
  if (typeof property === 'string') return property;
  throw new SchemaError(target.constructor.name, String(property), `${decorator} stands on a symbol`, 'Give the property a plain name');
}
