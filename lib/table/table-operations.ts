import type { IndexEvent, OperationSource } from '../cdc/operation.js';
import type { Key } from '../index/key-order.js';
import { keyToUser, type TableIndex } from '../index/table-index.js';
import type { RowCodec } from '../schema/row-codec.js';
import { readKey } from './key-access.js';

/** Reads rows, keys and index events out of operations' bytes. */
export class TableOperations implements OperationSource {
  constructor(
    readonly name: string,
    private readonly codec: RowCodec,
    private readonly primary: TableIndex,
    private readonly secondaries: readonly TableIndex[],
  ) {}

  decodeRow(bytes: Buffer): object {
    return this.codec.decode(bytes, 0);
  }

  keyOf(bytes: Buffer): unknown {
    return keyToUser(this.primary, this.keyIn(this.primary, bytes));
  }

  private keyIn(index: TableIndex, row: Buffer): Key {
    return readKey(this.codec, index.positions, row, 0);
  }

  indexEvents(before: Buffer | undefined, after: Buffer | undefined): { primary: IndexEvent[]; secondary: IndexEvent[] } {
    const events = (index: TableIndex): IndexEvent[] => {
      const from = before === undefined ? undefined : this.keyIn(index, before);
      const to = after === undefined ? undefined : this.keyIn(index, after);
      if (from !== undefined && to !== undefined && index.compare(from, to) === 0) return [];
      const found: IndexEvent[] = [];
      if (from !== undefined) found.push({ index: index.name, kind: 'remove', key: keyToUser(index, from) });
      if (to !== undefined) found.push({ index: index.name, kind: 'insert', key: keyToUser(index, to) });
      return found;
    };
    return { primary: events(this.primary), secondary: this.secondaries.flatMap(events) };
  }
}
