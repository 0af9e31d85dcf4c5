/**
 * Ways of being fast, each of which can be left out, for benchmarks to show what it gains and for specs to compare the
 * answers. They are read while tables are made; nothing in the store changes them, and none changes what it answers.
 */
export const switches = {
  /** Codecs and verifiers are compiled for each schema, not interpreted. */
  compiledCodecs: true,
  /** Indexes that may repeat keys are built when somebody first asks them. */
  deferredIndexes: true,
  /** Text that repeats in a column, and is not short ASCII, is remembered and not made anew. */
  repeatedText: true,
  /** Text that is looked up in a hash is walked once, to be hashed, and not again to be compared. */
  askedText: true,
  /** The text that a query asks for is that of the rows it finds, and is not read from them. */
  knownText: true,
  /** Conditions are compiled to one function for each shape that a query has. */
  compiledFilters: true,
  /** The memory of many rows is asked for at once, before the first of them is read. */
  fetchAhead: true,
  /** Primary keys that are small integers are found in an array, not in a tree. */
  denseKeys: true,
  /** Places of rows that stand one behind the other are kept as steps of a byte. */
  tightIds: true,
  /** Unique trees answer for single keys from a hash. */
  hashedUnique: true,
  /** One row of each schema is kept, so that a full collection leaves the code that is optimized for its rows. */
  keptRow: true,
  /** Updates that nobody observes write over the row's bytes. */
  updatesInPlace: true,
};

export type Switch = keyof typeof switches;
