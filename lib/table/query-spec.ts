import type { ColumnSchema } from '../schema/table-schema.js';
import type { Condition } from './condition.js';

export interface OrderTerm {
  readonly column: ColumnSchema;
  readonly descending: boolean;
}

type Changes = Partial<Pick<QuerySpec, 'conditions' | 'predicates' | 'order' | 'offset' | 'limit' | 'anyOfEqual'>>;

/** What a query asks for, as data. */
export class QuerySpec {
  /** All rows. Since it stays, so does the hidden class of specifications, and code that V8 has optimized for them. */
  static readonly ALL = new QuerySpec([], [], [], 0, Number.POSITIVE_INFINITY, false);

  private constructor(
    readonly conditions: readonly Condition[],
    readonly predicates: readonly ((row: never) => boolean)[],
    readonly order: readonly OrderTerm[],
    readonly offset: number,
    readonly limit: number,
    /** Any of the rows that the order leaves equal will do, and not the first by primary key. */
    readonly anyOfEqual: boolean,
  ) {}

  with(change: Changes): QuerySpec {
    const { conditions = this.conditions, predicates = this.predicates, order = this.order } = change;
    const { offset = this.offset, limit = this.limit, anyOfEqual = this.anyOfEqual } = change;
    return new QuerySpec(conditions, predicates, order, offset, limit, anyOfEqual);
  }

  /** The same without an offset and a limit. */
  get whole(): QuerySpec {
    return this.with({ offset: 0, limit: Number.POSITIVE_INFINITY });
  }
}
