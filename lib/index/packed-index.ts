import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import type { KeyAccess, KeyRange } from './entry-map.js';
import type { Key } from './key-order.js';
import { type KeyWords, keyWords } from './key-word.js';
import { NONE } from './packed-nodes.js';
import type { Place } from './packed-search.js';
import { PackedTarget } from './packed-target.js';
import { PackedTree } from './packed-tree.js';
import type { RowOrder } from './posting.js';
import { orderOf } from './sort-keys.js';
import { sortWords } from './sort-words.js';
import { type IndexDefinition, TableIndex } from './table-index.js';

/**
 * An index off the JavaScript heap: a B+tree of a word for each key, as a number of 64 bits, and the row that has it.
 * Twelve bytes an entry; no key is held, and keys that one word cannot tell apart are read from their rows.
 *
 *   leaf    | word … | row … |           in the order of keys, then of primary keys
 *   above   | word … | node … |          the word of the first entry in each node below
 *
 * Numbers are their own words, so rows are read for them only to tell numbers beyond 53 bits apart; of text and of keys
 * over several columns the first seven bytes are. Everything is in array buffers and a few numbers.
 */
export class PackedIndex extends TableIndex {
  override readonly isSorted = true;
  protected override keys = 0;
  private readonly tree: PackedTree;
  private readonly words: KeyWords;
  private readonly target: PackedTarget;
  /** The word of the key whose rows `find` found last, where it is of that key alone; NaN after a write. */
  private foundWord = Number.NaN;
  private from: Place = 0;
  private to: Place = 0;

  constructor(
    definition: IndexDefinition,
    private readonly order: RowOrder,
    private readonly access: KeyAccess,
    allRows?: () => Int32Array,
  ) {
    super(definition, allRows);
    this.tree = new PackedTree(definition.name);
    this.words = keyWords(definition.columns);
    this.target = new PackedTarget(this.words, this.compare, access, order);
  }

  protected override addEntry(key: Key, row: RowId): boolean {
    const { tree, target } = this;
    let isKnown = false;
    if (this.isExclusive(key)) {
      if (this.isKeyAt(tree.seek(target.before(key)))) return false;
    } else {
      const place = tree.seek(target.at(key, row));
      isKnown = this.isKeyAt(tree.before(place)) || this.isKeyAt(place);
    }
    this.foundWord = Number.NaN;
    tree.insert(target.word, row);
    if (!isKnown) this.keys++;
    return true;
  }

  /** Whether an entry with the target's key stands there. */
  private isKeyAt(place: Place): boolean {
    const { tree } = this;
    return place !== NONE && tree.isEntry(place) && this.target.isKeyOf(tree.wordAt(place), tree.rowAt(place));
  }

  protected override removeEntry(key: Key, row: RowId): void {
    const { tree, target } = this;
    const behind = tree.seek(target.behindRow(key, row));
    const place = tree.before(behind);
    assert(place !== NONE && tree.rowAt(place) === row, 'the row stands in the index under its key');
    const isShared = !(this.unique && this.nullsConflict) && (this.isKeyAt(tree.before(place)) || this.isKeyAt(behind));
    this.foundWord = Number.NaN;
    tree.remove();
    if (!isShared) this.keys--;
  }

  /** O(n): sorts the words by their digits, and keys themselves only where they have one word. */
  protected override fillEntries(rows: Int32Array): boolean {
    const { words, access } = this;
    const ofRows = new Float64Array(rows.length);
    let areExact = true;
    for (let at = 0; at < rows.length; at++) {
      ofRows[at] = words.of(access.keyOf(rows[at] as RowId));
      areExact &&= words.isExact;
    }
    const sorted = sortWords(ofRows, rows);
    const keys = this.settle(sorted.words, sorted.rows, areExact);
    if (keys === undefined) return false;
    this.foundWord = Number.NaN;
    this.tree.fill(sorted.words, sorted.rows);
    this.keys = keys;
    return true;
  }

  /** Puts rows of one word into the order of their keys. @returns how many keys there are; `undefined` where some may not repeat, and do */
  private settle(words: Float64Array, rows: Int32Array, areExact: boolean): number | undefined {
    const { access, compare } = this;
    let keys = 0;
    for (let from = 0, to = 0; from < rows.length; from = to) {
      do to++;
      while (to < rows.length && words[to] === words[from]);
      keys++;
      if (to - from === 1) continue;
      if (areExact && !this.unique) continue;
      // Rows of one key in a unique index, which nulls may have, come in no order.
      if (this.unique)
        rows.subarray(from, to).sort((a, b) => this.order.compare(this.order.keyOf(a as RowId), this.order.keyOf(b as RowId)));
      const tied = Array.from(rows.subarray(from, to), (row) => access.keyOf(row as RowId));
      const order = orderOf(tied, compare);
      rows.set(
        order.map((at) => rows[from + at] as number),
        from,
      );
      for (let at = 1; at < order.length; at++) {
        const key = tied[order[at] as number];
        if (compare(tied[order[at - 1] as number], key) !== 0) keys++;
        else if (this.isExclusive(key)) return undefined;
      }
    }
    return keys;
  }

  override getOne(key: Key): RowId | undefined {
    this.build();
    const place = this.tree.seek(this.target.before(key));
    return this.isKeyAt(place) ? this.tree.rowAt(place) : undefined;
  }

  override holds(key: Key, row: RowId): boolean {
    this.build();
    const place = this.tree.before(this.tree.seek(this.target.at(key, row)));
    return place !== NONE && this.tree.rowAt(place) === row;
  }

  override countOf(key: Key): number {
    this.find(key);
    return this.tree.countBetween(this.from, this.to);
  }

  override visit(key: Key, reverse: boolean, visit: (row: RowId) => boolean): boolean {
    this.find(key);
    return reverse ? this.tree.walkDown(this.from, this.to, visit) : this.tree.walkUp(this.from, this.to, visit);
  }

  /** Finds the places of a key's rows. A query counts them, to choose its index, before it visits them: they are found once. */
  private find(key: Key): void {
    this.build();
    const { tree, target } = this;
    target.before(key);
    if (target.word === this.foundWord) return;
    this.foundWord = target.isExact ? target.word : Number.NaN;
    this.from = tree.seek(target);
    this.to = tree.seekBehind(this.from, target.behind(key));
  }

  override scan(range: KeyRange, reverse: boolean, visit: (row: RowId) => boolean): void {
    const { low, lowInclusive, high, highInclusive } = range;
    const { tree, target } = this;
    if (low !== undefined && high !== undefined) {
      const order = this.compare(low, high);
      if (order > 0 || (order === 0 && !(lowInclusive && highInclusive))) return;
    }
    this.build();
    const from = low === undefined ? tree.first : tree.seek(lowInclusive ? target.before(low) : target.behind(low));
    const to = high === undefined ? tree.end : tree.seekBehind(from, highInclusive ? target.behind(high) : target.before(high));
    if (!reverse) tree.walkUp(from, to, visit);
    else if (this.keys === this.entries) tree.walkDown(from, to, visit);
    else this.walkKeysDown(from, to, visit);
  }

  /** Walks keys downwards, and the rows of each one upwards. */
  private walkKeysDown(from: Place, to: Place, visit: (row: RowId) => boolean): void {
    const { tree, target, access } = this;
    for (let end = to; end !== from; ) {
      let start = tree.before(end);
      const before = tree.before(start);
      if (before !== NONE && tree.wordAt(before) === tree.wordAt(start)) {
        target.before(access.keyOf(tree.rowAt(start)));
        if (this.isKeyAt(before)) start = tree.seek(target);
      }
      if (tree.walkUp(start, end, visit)) return;
      end = start;
    }
  }

  override scanKeys(range: KeyRange, reverse: boolean, visit: (row: RowId, key: Key) => boolean): void {
    this.scan(range, reverse, (row) => visit(row, this.access.keyOf(row)));
  }

  override *all(): Generator<{ key: Key; row: RowId }> {
    this.build();
    const { tree } = this;
    for (let place = tree.first; tree.isEntry(place); place = tree.behind(place)) {
      const row = tree.rowAt(place);
      yield { key: this.access.keyOf(row), row };
    }
  }

  override checkStructure(): void {
    this.build();
    const { tree, order, compare, words, access } = this;
    tree.checkStructure();
    let entries = 0;
    let keys = 0;
    let before: { key: Key; row: RowId } | undefined;
    for (let place = tree.first; tree.isEntry(place); place = tree.behind(place)) {
      const row = tree.rowAt(place);
      const key = access.keyOf(row);
      assert(tree.wordAt(place) === words.of(key), 'an entry has the word of its key');
      const relation = before === undefined ? -1 : compare(before.key, key);
      assert(relation <= 0, 'entries are in key order');
      if (relation !== 0) keys++;
      else
        assert(
          order.compare(order.keyOf((before as { row: RowId }).row), order.keyOf(row)) < 0,
          'rows of one key are in primary-key order',
        );
      before = { key, row };
      entries++;
    }
    assert(entries === this.entries && keys === this.keys, 'entries and keys are counted');
  }

  protected override get bytes(): number {
    return this.tree.bytes;
  }

  protected override clearEntries(): void {
    this.foundWord = Number.NaN;
    this.tree.clear();
    this.keys = 0;
  }
}
