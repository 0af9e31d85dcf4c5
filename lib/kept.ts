const kept: object[] = [];

/**
 * Holds an object of a class, or of a shape, whose objects come and go. V8 keeps a hidden class as long as there is an
 * object of it, and drops with it all code that was optimized for such objects: without this one, a full collection that
 * finds none in use has that code interpreted, and optimized anew.
 */
export function keepClassOf(object: object): void {
  kept.push(object);
}
