import { InvariantError } from './errors.js';

/** Asserts an invariant. Stays on in production: a store that doubts itself must stop before it writes. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** For places that types say cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`);
}
