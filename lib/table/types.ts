import type { EntityClass } from '../schema/column-type.js';

/** In a class: `[OptionalProps]?: 'createdAt' | 'plan'` names columns that `insert` may leave out: they have defaults. */
export const OptionalProps = Symbol('worktable.OptionalProps');

/** In a class: `[PrimaryKeyProp]?: 'sku'`, or `['tenant', 'account']`, names the key where it is not `id`. */
export const PrimaryKeyProp = Symbol('worktable.PrimaryKeyProp');

// biome-ignore lint/suspicious/noExplicitAny: matches functions of all kinds
type AnyFunction = (...args: any[]) => unknown;

/** The names of a class's columns, as far as types can tell: its properties that are no methods. */
export type ColumnOf<E> = {
  [K in keyof E]-?: K extends string ? (NonNullable<E[K]> extends AnyFunction ? never : K) : never;
}[keyof E];

/** What a column of a selected row holds. */
export type Cell<E, K extends keyof E> = Exclude<E[K], undefined>;

type KeyNames<E> = typeof PrimaryKeyProp extends keyof E
  ? NonNullable<E[typeof PrimaryKeyProp & keyof E]> extends infer P
    ? P extends readonly string[]
      ? P[number]
      : P
    : never
  : 'id';

type TupleOf<E, P extends readonly unknown[]> = { [I in keyof P]: P[I] extends keyof E ? Cell<E, P[I]> : never };

/** The primary key: the type of one column, or a tuple. */
export type PrimaryKeyOf<E> = typeof PrimaryKeyProp extends keyof E
  ? NonNullable<E[typeof PrimaryKeyProp & keyof E]> extends infer P
    ? P extends readonly unknown[]
      ? TupleOf<E, P>
      : P extends keyof E
        ? Cell<E, P>
        : never
    : never
  : 'id' extends keyof E
    ? Cell<E, 'id' & keyof E>
    : never;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Properties without a setter, which are mostly getters: nobody has to supply them. */
type ReadonlyNames<E> = {
  [K in keyof E]-?: Same<{ [Q in K]: E[K] }, { -readonly [Q in K]: E[K] }> extends true ? never : K;
}[keyof E];

type Leavable<E> = typeof OptionalProps extends keyof E ? NonNullable<E[typeof OptionalProps & keyof E]> : never;

type NullableNames<E> = { [K in ColumnOf<E>]: null extends E[K] ? K : undefined extends E[K] ? K : never }[ColumnOf<E>];

/** A single key may be generated; the parts of a composite one may not. */
type GeneratedKey<E> = PrimaryKeyOf<E> extends readonly unknown[] ? never : KeyNames<E>;

/** What a row may be made without, wherever the row stands. */
type Omissible<E> = NullableNames<E> | ((Leavable<E> | ReadonlyNames<E>) & ColumnOf<E>);

/** A class's columns, of which `Optional` ones may be left out. */
type Columns<E, Optional> = { [K in Exclude<ColumnOf<E>, Optional>]: Given<E[K]> } & {
  [K in Extract<ColumnOf<E>, Optional>]?: Given<E[K]> | undefined;
};

/** What a column takes: its own type, and for a nested class its data, methods left out. */
export type Given<V> = V extends string | number | bigint | boolean | null | undefined | Date | Uint8Array
  ? V
  : V extends readonly (infer I)[]
    ? readonly Given<I>[]
    : V extends Map<string, infer I>
      ? Map<string, Given<I>>
      : V extends object
        ? Columns<V, Omissible<V>>
        : V;

/** What `insert` takes: the class's columns, of which nullable ones, the key and `[OptionalProps]` may be left out. */
export type InsertRow<E> = Columns<E, Omissible<E> | GeneratedKey<E>>;

/** Columns whose values can be compared. */
export type ScalarColumnOf<E> = {
  [K in ColumnOf<E>]: NonNullable<E[K]> extends string | number | bigint | boolean | Date | Uint8Array ? K : never;
}[ColumnOf<E>];

/** Columns whose values can be numbers to add up; decimals may be text. */
export type NumberColumnOf<E> = {
  [K in ColumnOf<E>]: NonNullable<Cell<E, K>> extends number | bigint | string ? K : never;
}[ColumnOf<E>];

/** What `update` takes: the whole row; nullable columns may be left out, and are null then. */
export type WholeRow<E> = Columns<E, NullableNames<E> | ReadonlyNames<E>>;

/** What `updateBy` takes: some columns, none of the key. */
export type Patch<E> = { [K in Exclude<ColumnOf<E>, KeyNames<E>>]?: Given<Cell<E, K>> };

/** The row type of a class. */
export type RowOf<C> = C extends EntityClass<infer E> ? E : never;

type Names<E, P> = P extends readonly (infer N)[] ? Extract<N, ColumnOf<E>> : Extract<P, ColumnOf<E>>;

type ByArgument<E, By> = By extends readonly unknown[] ? TupleOf<E, By> : By extends keyof E ? Cell<E, By> : never;

declare const queryKind: unique symbol;

/** `@Query({ update, by })`: sets columns of the rows that `by` selects. @returns how many rows there were. */
export type UpdateQuery<E, Columns, By> = ((by: ByArgument<E, By>, values: { [K in Names<E, Columns>]: Given<Cell<E, K>> }) => number) & {
  readonly [queryKind]?: 'update';
};

/** `@Query({ delete: true, by })`. @returns how many rows there were. */
export type DeleteQuery<E, By> = ((by: ByArgument<E, By>) => number) & { readonly [queryKind]?: 'delete' };

/** `@Query({ inPlace, by })`: calls the function with the named columns of each row, and writes what it leaves there. */
export type InPlaceQuery<E, Columns, By> = ((
  by: ByArgument<E, By>,
  change: (row: { [K in Names<E, Columns>]: Cell<E, K> }) => void,
) => number) & { readonly [queryKind]?: 'inPlace' };

/** A class's declared queries: its static properties of those three types. */
export type DeclaredQueries<C> = {
  readonly [K in keyof C as NonNullable<C[K]> extends { readonly [queryKind]?: 'update' | 'delete' | 'inPlace' }
    ? NonNullable<C[K]> extends AnyFunction
      ? K
      : never
    : never]: NonNullable<C[K]>;
};
