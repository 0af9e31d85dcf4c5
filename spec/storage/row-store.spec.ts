import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { RowTooLargeError, TableFullError } from '../../lib/errors.js';
import { CompiledCodec } from '../../lib/schema/compiled-codec.js';
import type { TableOptions } from '../../lib/schema/description.js';
import { InterpretedCodec } from '../../lib/schema/interpreted-codec.js';
import type { RowCodec } from '../../lib/schema/row-codec.js';
import type { Stored } from '../../lib/schema/stored-value.js';
import { type Link, NO_LINK, type RowId } from '../../lib/storage/link.js';
import { RowStore } from '../../lib/storage/row-store.js';
import { Random } from '../support/random.js';
import { schemaWith } from '../support/schema-arbitrary.js';

const KIB = 1024;
const TEXT = 1;
const BYTES = 2;

type Values = readonly [id: number, text: string, bytes: Uint8Array | null];

function open(options: TableOptions = {}, codec: 'compiled' | 'interpreted' = 'compiled'): RowStore {
  const columns = { text: { type: 'string' as const }, bytes: { type: 'bytes' as const, nullable: true } };
  const schema = schemaWith(columns, { name: 'sample', ...options });
  return new RowStore(schema, codec === 'compiled' ? new CompiledCodec(schema) : new InterpretedCodec(schema));
}

function add(store: RowStore, values: Values): RowId {
  store.stage(values);
  return store.add();
}

/** Gives columns new values where they stand or the row stands if they fit, else in another place, as a table does. */
function update(store: RowStore, row: RowId, changed: readonly number[], values: readonly Stored[]): void {
  const link = store.linkOf(row);
  const [column] = changed;
  if (changed.length === 1 && column !== undefined && store.stageColumn(link, column, values[column])) {
    store.overwriteColumn(link);
    return;
  }
  store.stagePatch(link, changed, values);
  if (store.stagedFits(link)) store.overwrite(row);
  else store.release(store.replace(row));
}

function contents(store: RowStore): Values[] {
  return [...store.rowIds].map((row) => [0, 1, 2].map((column) => store.read(row, column)) as unknown as Values);
}

const sound = (store: RowStore, kept: readonly Link[] = []): void => expect([...store.problems(kept)]).toEqual([]);

const text = (length: number, letter = 'x'): string => letter.repeat(length);

describe.each([
  [4 * KIB, 'compiled'],
  [4 * KIB, 'interpreted'],
  [64 * KIB, 'compiled'],
] as const)('RowStore of pages of %i bytes with the %s codec', (pageSizeBytes, codec) => {
  const openThis = (more: TableOptions = {}): RowStore => open({ pageSizeBytes, ...more }, codec);

  it('keeps rows of every length around those of pages, and finds them by their ids', () => {
    const store = openThis();
    const lengths = [
      0,
      1,
      47,
      48,
      49,
      63,
      64,
      65,
      127,
      128,
      ...Array.from({ length: 40 }, (_, at) => pageSizeBytes - 30 + at),
      3 * pageSizeBytes,
    ];
    const rows = lengths.map((length, id) => add(store, [id, text(length), null]));
    rows.forEach((row, id) => {
      expect({ ...store.decode(row) }).toEqual({ id, text: text(lengths[id] as number), bytes: null });
      expect(store.bytesAt(store.linkOf(row)).length).toBe(store.placeOf(store.linkOf(row)).length);
    });
    expect(store.count).toBe(lengths.length);
    sound(store);
    for (const row of rows) store.remove(row);
    sound(store);
    expect(store.stats()).toMatchObject({ usedBytes: 0, liveBytes: 0 });
  });

  it('gives out copies of a row’s bytes', () => {
    const store = openThis();
    const link = store.linkOf(add(store, [1, 'abc', null]));
    const bytes = store.bytesAt(link);
    bytes.fill(0);
    expect(store.readAt(link, TEXT)).toBe('abc');
    expect([...store.bytesAt(link)]).toEqual([2, 6, 97, 98, 99, 0]);
  });

  it('keeps nothing of a row that was staged and not added', () => {
    const store = openThis();
    add(store, [1, 'a', null]);
    const before = store.stats();
    for (const length of [0, 100, pageSizeBytes - 20, 5 * pageSizeBytes]) store.stage([2, text(length), null]);
    expect(store.stats()).toEqual(before);
    sound(store);
    expect(contents(store)).toEqual([[1, 'a', null]]);
  });

  it('refuses rows of more than the limit, and takes those of just the limit', () => {
    for (const limit of [10, 1000, 2 * pageSizeBytes]) {
      const store = openThis({ maxRowBytes: limit });
      const overhead = limit < 100 ? 3 : limit < 10_000 ? 4 : 5; // the id, the length of the text, and the null
      const row = add(store, [1, text(limit - overhead), null]);
      const before = store.stats();
      const refusal = new RowTooLargeError('sample', limit + 1, limit);
      expect(() => store.stage([2, text(limit - overhead + 1), null])).toThrow(refusal);
      expect(() => store.stagePatch(store.linkOf(row), [TEXT], [1, text(limit - overhead + 1), null])).toThrow(refusal);
      expect(store.stats()).toEqual(before);
      sound(store);
    }
  });

  it('tells whether the staged row is the one that stands there', () => {
    const store = openThis();
    for (const length of [3, pageSizeBytes - 100, 2 * pageSizeBytes]) {
      const link = store.linkOf(add(store, [1, text(length), null]));
      for (const [values, same] of [
        [[1, text(length), null], true],
        [[2, text(length), null], false],
        [[1, text(length + 1), null], false],
        [[1, `${text(length - 1)}y`, null], false],
      ] as const) {
        store.stage(values);
        expect(store.stagedEquals(link)).toBe(same);
      }
    }
    sound(store);
  });

  it('keeps the old place until it is released, and goes back to it', () => {
    const store = openThis();
    const row = add(store, [1, 'before', null]);
    const before = store.stats();
    const pages = store.pageExtent;
    for (const length of [3, 1000, 2 * pageSizeBytes]) {
      store.stagePatch(store.linkOf(row), [TEXT], [1, text(length), null]);
      const old = store.replace(row);
      expect(store.readAt(old, TEXT)).toBe('before');
      expect(store.read(row, TEXT)).toBe(text(length));
      sound(store, [old]);
      store.restore(row, old);
      store.trimTo(pages);
      expect(store.read(row, TEXT)).toBe('before');
      expect(store.stats()).toEqual(before);
      sound(store);
    }
    store.stagePatch(store.linkOf(row), [TEXT], [1, 'after', null]);
    store.release(store.replace(row));
    expect(contents(store)).toEqual([[1, 'after', null]]);
    sound(store);
  });

  it('writes a column by itself where its bytes are as many as before, and refuses to where they are not', () => {
    const store = openThis();
    for (const length of [0, 5, 47, 64, 300, pageSizeBytes, 2_000_000]) {
      const rows = [1, 2, 3].map((id) => add(store, [id, text(length), Uint8Array.of(id, id)]));
      const link = store.linkOf(rows[1] as RowId);
      const before = store.stats();
      for (const other of [text(length + 1), text(Math.max(length - 1, 1)), `${text(length)}é`]) {
        if (other.length !== length) expect(store.stageColumn(link, TEXT, other)).toBe(false);
      }
      expect(store.stageColumn(link, BYTES, null)).toBe(false);
      const fits = length < 1_000_000; // what is longer than the room for staging is written as a whole row
      expect(store.stageColumn(link, TEXT, text(length, 'y'))).toBe(fits);
      if (fits) store.overwriteColumn(link);
      expect(store.stageColumn(link, BYTES, Uint8Array.of(8, 9))).toBe(true);
      store.overwriteColumn(link);
      expect(rows.map((row) => store.read(row, TEXT))).toEqual([text(length), text(length, fits ? 'y' : 'x'), text(length)]);
      expect(rows.map((row) => store.read(row, BYTES))).toEqual([Uint8Array.of(1, 1), Uint8Array.of(8, 9), Uint8Array.of(3, 3)]);
      expect(store.stats()).toEqual(before);
      sound(store);
    }
  });

  it('costs at most eight more pages to change one row five thousand times', () => {
    const store = openThis();
    for (let id = 0; id < 50; id++) add(store, [id, text(20 + id), null]);
    const row = [...store.rowIds][25] as RowId;
    const { pages } = store.stats();
    new Random().reported((random) => {
      for (let n = 0; n < 5_000; n++) {
        const length = random.below(random.chance(0.1) ? pageSizeBytes / 2 : 300);
        update(store, row, [TEXT], [0, text(length, 'y'), null]);
        expect(store.stats().pages - pages).toBeLessThanOrEqual(8);
      }
    });
    sound(store);
  });

  it('fills the places of four hundred rows of which every other one was deleted', () => {
    const store = openThis();
    const rows = Array.from({ length: 400 }, (_, id) => add(store, [id, text(60 + (id % 7)), null]));
    const { pages } = store.stats();
    rows.forEach((row, id) => {
      if (id % 2 === 0) store.remove(row);
    });
    sound(store);
    for (let id = 0; id < 200; id++) add(store, [id, text(60), null]);
    expect(store.stats().pages).toBe(pages);
    expect(store.count).toBe(400);
    expect(store.idExtent).toBe(400);
    sound(store);
  });

  it('is unchanged where there is no page or no row id left', () => {
    const store = openThis();
    const row = add(store, [1, 'a', null]);
    Reflect.set(Reflect.get(store, 'pages'), 'maxPages', 1);
    const before = store.stats();
    store.stage([2, text(pageSizeBytes), null]);
    expect(() => store.add()).toThrow(TableFullError);
    store.stagePatch(store.linkOf(row), [TEXT], [1, text(pageSizeBytes), null]);
    expect(() => store.replace(row)).toThrow(TableFullError);
    Reflect.set(Reflect.get(store, 'ids'), 'used', 2 ** 30);
    Reflect.set(Reflect.get(store, 'ids'), 'steps', Object.assign([0], { length: 2 ** 30 }));
    store.stage([2, 'b', null]);
    expect(() => store.add()).toThrow(TableFullError);
    expect(store.stats()).toEqual(before);
    expect([store.idExtent, store.read(row, TEXT)]).toEqual([2 ** 30, 'a']);
  });

  it('agrees with a map over random steps and rollbacks', () => {
    new Random().reported((random) => {
      const modelled = new Modelled(openThis(), pageSizeBytes);
      for (let round = 0; round < 150; round++) {
        if (random.chance(0.4)) modelled.rollback(random);
        else for (let step = random.below(30); step > 0; step--) modelled.step(random);
        modelled.check();
      }
    });
  });
});

/** A store with a map beside it. */
class Modelled {
  private readonly model = new Map<RowId, Values>();
  private nextId = 0;

  constructor(
    private readonly store: RowStore,
    private readonly pageSizeBytes: number,
  ) {}

  private values(random: Random): Values {
    const length = random.chance(0.05) ? random.below(3 * this.pageSizeBytes) : random.below(random.chance(0.2) ? 1500 : 90);
    const bytes = random.chance(0.3) ? null : Uint8Array.from({ length: random.below(70) }, () => random.below(256));
    return [this.nextId++, text(length, random.pick(['x', 'é', '🦊'])), bytes];
  }

  private patched(random: Random, row: RowId): { changed: number[]; values: Values } {
    const [id, before, bytes] = this.model.get(row) as Values;
    const fresh = this.values(random);
    const changed = random.pick([[TEXT], [BYTES], [TEXT, BYTES], []]);
    return { changed, values: [id, changed.includes(TEXT) ? fresh[1] : before, changed.includes(BYTES) ? fresh[2] : bytes] };
  }

  step(random: Random): void {
    const { store, model } = this;
    const kind = random.below(model.size > 60 ? 14 : 10);
    const row = random.pick([...model.keys(), NO_LINK as unknown as RowId]);
    if (kind < 4 || row < 0) {
      const values = this.values(random);
      model.set(add(store, values), values);
    } else if (kind < 8) {
      const { changed, values } = this.patched(random, row);
      update(store, row, changed, values);
      model.set(row, values);
    } else {
      store.remove(row);
      model.delete(row);
    }
  }

  /** Adds and moves rows, as a transaction does, and undoes it all in the opposite order. */
  rollback(random: Random): void {
    const { store, model } = this;
    const before = store.stats();
    const undo: (() => void)[] = [];
    const kept: Link[] = [];
    const rows = [...model.keys()];
    for (let step = random.below(20); step > 0; step--) {
      const pages = store.pageExtent;
      if (rows.length === 0 || random.chance(0.5)) {
        const row = add(store, this.values(random));
        undo.push(() => store.remove(row));
        kept.push(store.linkOf(row)); // a row id leads there too
      } else {
        const row = random.pick(rows);
        const { changed, values } = this.patched(random, row);
        store.stagePatch(store.linkOf(row), changed, values);
        const old = store.replace(row);
        undo.push(() => store.restore(row, old));
        kept.push(old);
      }
      undo.push(() => store.trimTo(pages));
    }
    expect([...store.problems(kept)]).toEqual([]);
    // Each step's trim comes after its release.
    for (let at = undo.length - 2; at >= 0; at -= 2) {
      (undo[at] as () => void)();
      (undo[at + 1] as () => void)();
    }
    expect(store.stats()).toEqual(before);
  }

  check(): void {
    sound(this.store);
    expect(this.store.count).toBe(this.model.size);
    for (const [row, values] of this.model) {
      const held = [0, 1, 2].map((column) => this.store.read(row, column));
      if (!this.store.isAlive(row) || !isDeepStrictEqual(held, values)) throw new Error(`row ${row} is not what was written`);
    }
  }
}

describe('two RowStores', () => {
  it('share the room in which long rows are staged, and not their rows', () => {
    const first = open({ pageSizeBytes: 4 * KIB });
    const second = open({ pageSizeBytes: 4 * KIB });
    const lengths = [5_000, 200_000, 3_000_000, 10_000, 70_000];
    for (const length of lengths) {
      add(first, [length, text(length, 'a'), null]);
      add(second, [length, text(length + 1, 'b'), null]);
    }
    expect(contents(first)).toEqual(lengths.map((length) => [length, text(length, 'a'), null]));
    expect(contents(second)).toEqual(lengths.map((length) => [length, text(length + 1, 'b'), null]));
    sound(first);
    sound(second);
  });
});

describe('RowStore.overwrite', () => {
  it('writes a row that lies just before its own staged bytes, whatever room becomes free between them', () => {
    for (const codec of [CompiledCodec, InterpretedCodec] as (new (
      schema: never,
    ) => RowCodec)[]) {
      const schema = schemaWith({ text: { type: 'string' } });
      const store = new RowStore(schema, new codec(schema as never));
      store.stage([1, text(500, 'a')]);
      const row = store.add();
      for (const length of [499, 300, 77, 5, 0]) {
        store.stagePatch(store.linkOf(row), [TEXT], [1, text(length, 'b')]);
        expect(store.stagedFits(store.linkOf(row))).toBe(true);
        store.overwrite(row);
        expect(store.read(row, TEXT)).toBe(text(length, 'b'));
        sound(store);
      }
    }
  });
});
