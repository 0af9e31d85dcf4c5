import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';
import { NODE_ENTRIES, NONE } from './packed-nodes.js';
import { PackedSearch } from './packed-search.js';

/** Nodes with fewer entries are joined with a neighbour, where both together fill half a node. */
const SPARSE = NODE_ENTRIES / 4;
const HALF = NODE_ENTRIES / 2;
/** Entries of a node that is filled in bulk: the room is for what comes later, so that it does not split every node. */
const FILLED = (NODE_ENTRIES / 8) * 7;

/**
 * A B+tree of entries (word, row) in packed nodes. The leaves hold the entries in order, and are linked to each other. An
 * entry of a node above leads to a node below, and has the word of the first entry there: the very first one, so that
 * among entries of one word the row that stands first below tells where to go on.
 *
 * `seek` leaves its path, and `insert` and `remove` work where the last one ended.
 */
export class PackedTree extends PackedSearch {
  /** Puts an entry where the last search ended. @throws TableFullError, RangeError where memory ends; nothing has changed then */
  insert(word: number, row: RowId): void {
    if (this.nodes.count(this.path[0] as number) === NODE_ENTRIES) this.nodes.reserve(this.height + 2);
    this.put(0, word, row);
  }

  private put(level: number, word: number, target: number): void {
    const node = this.path[level] as number;
    const at = this.slots[level] as number;
    if (this.nodes.count(node) === NODE_ENTRIES) {
      this.split(level, word, target);
      return;
    }
    this.nodes.insert(node, at, word, target);
    if (at === 0) this.firstChanged(level, word);
  }

  /** Another entry is the first one of the path's node on a level: those above it learn its word. */
  private firstChanged(level: number, word: number): void {
    for (let above = level + 1; above <= this.height; above++) {
      this.nodes.setWord(this.path[above] as number, this.slots[above] as number, word);
      if (this.slots[above] !== 0) return;
    }
  }

  private split(level: number, word: number, target: number): void {
    const { nodes } = this;
    const node = this.path[level] as number;
    const at = this.slots[level] as number;
    const cut = this.cutOf(node, at, word);
    const added = nodes.take();
    nodes.move(node, cut, added);
    if (level === 0) nodes.linkBehind(node, added);
    if (at > cut || cut === NODE_ENTRIES) {
      nodes.insert(added, at - cut, word, target);
    } else {
      nodes.insert(node, at, word, target);
      if (at === 0) this.firstChanged(level, word);
    }
    if (level === this.height) this.raise();
    (this.slots[level + 1] as number)++;
    this.put(level + 1, nodes.word(added, 0), added);
  }

  /**
   * Where a full node is parted. Entries that come in order fill one node after the other, and so do those of one word,
   * which mostly come in the order of their primary keys: nothing is moved then that the next entries would not follow.
   */
  private cutOf(node: number, at: number, word: number): number {
    if (at === NODE_ENTRIES) return NODE_ENTRIES;
    const endsWord = at > 0 && this.nodes.word(node, 0) === word && this.nodes.word(node, at) !== word;
    return endsWord ? at : HALF;
  }

  /** Puts a root above the root. */
  private raise(): void {
    const { nodes, root } = this;
    this.root = nodes.take();
    nodes.insert(this.root, 0, nodes.word(root, 0), root);
    this.height++;
    this.path[this.height] = this.root;
    this.slots[this.height] = 0;
  }

  /** Removes the entry before the place where the last search ended. Cannot fail. */
  remove(): void {
    const { nodes } = this;
    const node = this.path[0] as number;
    const at = (this.slots[0] as number) - 1;
    nodes.remove(node, at);
    const count = nodes.count(node);
    if (at === 0 && count > 0) this.firstChanged(0, nodes.word(node, 0));
    if (count < SPARSE) this.shrink(0);
  }

  /** Joins the path's node on a level with a neighbour, drops it where it is empty, or lowers the tree where it is the root. */
  private shrink(level: number): void {
    const { nodes } = this;
    if (level === this.height) {
      this.lower();
      return;
    }
    const node = this.path[level] as number;
    const parent = this.path[level + 1] as number;
    const slot = this.slots[level + 1] as number;
    const count = nodes.count(node);
    if (slot + 1 < nodes.count(parent) && count + nodes.count(nodes.target(parent, slot + 1)) <= HALF) this.join(level, slot);
    else if (slot > 0 && count + nodes.count(nodes.target(parent, slot - 1)) <= HALF) this.join(level, slot - 1);
    else if (count === 0) this.drop(level, slot);
  }

  /** Moves all of a node into the one before it: entries `slot` and the next of the path's node above. */
  private join(level: number, slot: number): void {
    const { nodes } = this;
    const parent = this.path[level + 1] as number;
    const emptied = nodes.target(parent, slot + 1);
    nodes.move(emptied, 0, nodes.target(parent, slot));
    // Where the first of both was the emptier one it may even have been empty: its first entry is another now.
    nodes.setWord(parent, slot, nodes.word(nodes.target(parent, slot), 0));
    if (slot === 0) this.restateFirst(level + 1);
    this.drop(level, slot + 1);
  }

  private restateFirst(level: number): void {
    this.firstChanged(level, this.nodes.word(this.path[level] as number, 0));
  }

  /** Drops an empty node, entry `slot` of the path's node above. */
  private drop(level: number, slot: number): void {
    const { nodes } = this;
    const parent = this.path[level + 1] as number;
    const emptied = nodes.target(parent, slot);
    if (level === 0) nodes.unlink(emptied);
    nodes.giveBack(emptied);
    nodes.remove(parent, slot);
    const count = nodes.count(parent);
    if (slot === 0 && count > 0) this.restateFirst(level + 1);
    if (count < SPARSE) this.shrink(level + 1);
  }

  /** Takes roots away that lead to one node alone, and all nodes of a tree without entries. */
  private lower(): void {
    const { nodes } = this;
    while (this.height > 0 && nodes.count(this.root) === 1) {
      const below = nodes.target(this.root, 0);
      nodes.giveBack(this.root);
      this.root = below;
      this.height--;
    }
    if (nodes.count(this.root) === 0) this.clear();
  }

  /** Removes all entries, and gives back all memory but what an empty tree has. */
  clear(): void {
    this.nodes.clear();
    this.root = this.nodes.take();
    this.height = 0;
  }

  /** Fills a tree that is empty with entries that are in order. O(n). @throws as `insert` */
  fill(words: Float64Array, rows: Int32Array): void {
    assert(this.height === 0 && this.nodes.count(this.root) === 0, 'a tree is filled while it is empty');
    if (rows.length === 0) return;
    const { nodes } = this;
    let levels = 1;
    let count = Math.ceil(rows.length / FILLED);
    let needed = count;
    for (; count > 1; levels++) {
      count = Math.ceil(count / FILLED);
      needed += count;
    }
    nodes.reserve(needed);
    nodes.giveBack(this.root);
    let level = { words, targets: rows };
    for (let at = 0; at < levels; at++) level = this.fillLevel(level.words, level.targets, at === 0);
    this.root = level.targets[0] as number;
    this.height = levels - 1;
  }

  /** @returns the entries of the level above */
  private fillLevel(words: Float64Array, targets: Int32Array, linked: boolean): { words: Float64Array; targets: Int32Array } {
    const { nodes } = this;
    const count = Math.ceil(targets.length / FILLED);
    const above = { words: new Float64Array(count), targets: new Int32Array(count) };
    let previous = NONE;
    for (let n = 0; n < count; n++) {
      const from = Math.floor((n * targets.length) / count);
      const to = Math.floor(((n + 1) * targets.length) / count);
      const node = nodes.take();
      nodes.append(node, words, targets, from, to - from);
      if (linked && previous !== NONE) nodes.linkBehind(previous, node);
      above.words[n] = words[from] as number;
      above.targets[n] = node;
      previous = node;
    }
    return above;
  }

  /** Throws where nodes are not as they are to be; what their entries say of rows is for others to check. */
  checkStructure(): void {
    const { nodes } = this;
    let taken = 0;
    let previous = NONE;
    const visit = (node: number, level: number): void => {
      taken++;
      const count = nodes.count(node);
      assert(count > 0 || node === this.root, 'a node has entries');
      for (let at = 1; at < count; at++) assert(nodes.word(node, at - 1) <= nodes.word(node, at), 'words ascend');
      if (level === 0) {
        assert(nodes.previous(node) === previous, 'a leaf leads back to the one before it');
        assert(previous === NONE || nodes.next(previous) === node, 'a leaf leads to the next one');
        previous = node;
        return;
      }
      for (let at = 0; at < count; at++) {
        const below = nodes.target(node, at);
        visit(below, level - 1);
        assert(nodes.word(below, 0) === nodes.word(node, at), 'an entry has the word of the first one below');
      }
    };
    visit(this.root, this.height);
    assert(this.height === 0 || nodes.count(this.root) > 1, 'a root above others leads to several');
    assert(nodes.next(previous) === NONE, 'behind the last leaf there is none');
    assert(taken === nodes.taken, 'all nodes are in the tree, or free');
  }
}
