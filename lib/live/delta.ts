/** What became of one part of an answer: of a row, a group, or a value. */
export interface Pair<X> {
  readonly before: X | undefined;
  readonly after: X | undefined;
}

/** What became of an answer, by what tells its parts apart. */
export type Delta<X> = Map<unknown, Pair<X>>;

/**
 * An answer as of some transaction. Each leads to the next, never back: an old one is kept by those alone who hold an
 * event of it, and found again by undoing what came after (Baker, "Shallow binding makes functional arrays fast", 1991).
 */
export interface Version<X> {
  later: { readonly delta: Delta<X>; readonly version: Version<X> } | undefined;
}
