import { assert } from '../assert.js';
import type { RowId } from '../storage/link.js';

const LARGEST_LEAF = 256;
const LARGEST_BRANCH = 64;

class Leaf {
  constructor(
    public rows: Int32Array,
    public size: number,
  ) {}

  get first(): RowId {
    return this.rows[0] as RowId;
  }
}

class Branch {
  constructor(
    readonly nodes: Node[],
    public size: number,
  ) {}

  get first(): RowId {
    return (this.nodes[0] as Node).first;
  }
}

type Node = Leaf | Branch;

/** Whether a key comes before a row (negative), is its own (zero), or comes behind it. */
export type CompareToRow<K> = (key: K, row: RowId) => number;

/**
 * Rows in an order, each known by its rank: a B+ tree of row ids in which every node knows how many rows are below it.
 * Putting in, taking out, finding a row's rank and the row of a rank take O(log n). Four bytes a row, and what is left
 * empty: keys are not kept, but read from the rows where a comparison needs them.
 */
export class RankedRows<K> {
  private root: Node = new Leaf(new Int32Array(4), 0);

  constructor(private readonly compare: CompareToRow<K>) {}

  /** Takes rows that are in order, into an empty tree. */
  fill(rows: readonly RowId[]): void {
    assert(this.root.size === 0, 'a ranking is filled while it is empty');
    let level: Node[] = [];
    const step = (LARGEST_LEAF * 3) / 4;
    for (let at = 0; at < rows.length; at += step) {
      const leaf = Int32Array.from(rows.slice(at, at + step));
      level.push(new Leaf(leaf, leaf.length));
    }
    while (level.length > 1) {
      const above: Node[] = [];
      for (let at = 0; at < level.length; at += LARGEST_BRANCH / 2) above.push(branchOf(level.slice(at, at + LARGEST_BRANCH / 2)));
      level = above;
    }
    if (level[0] !== undefined) this.root = level[0];
  }

  get size(): number {
    return this.root.size;
  }

  /** The rank of the row with this key, from 0; where there is none, the complement (`~`) of the rank that it would have. */
  find(key: K): number {
    let rank = 0;
    let node = this.root;
    while (node instanceof Branch) {
      const at = this.childFor(node, key);
      for (let n = 0; n < at; n++) rank += (node.nodes[n] as Node).size;
      node = node.nodes[at] as Node;
    }
    const place = this.placeIn(node, key);
    const isThere = place < node.size && this.compare(key, node.rows[place] as RowId) === 0;
    return isThere ? rank + place : ~(rank + place);
  }

  /** The last child that begins at the key or before it; the first one where none does. */
  private childFor(branch: Branch, key: K): number {
    let low = 0;
    let high = branch.nodes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.compare(key, (branch.nodes[middle] as Node).first) >= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The place of the first row that is not before the key. */
  private placeIn(leaf: Leaf, key: K): number {
    let low = 0;
    let high = leaf.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(key, leaf.rows[middle] as RowId) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The row of a rank that there is. */
  at(rank: number): RowId {
    assert(rank >= 0 && rank < this.size, 'the rank is one of a row');
    let node = this.root;
    while (node instanceof Branch) {
      let at = 0;
      for (; rank >= (node.nodes[at] as Node).size; at++) rank -= (node.nodes[at] as Node).size;
      node = node.nodes[at] as Node;
    }
    return node.rows[rank] as RowId;
  }

  /** The rows of the ranks from `from` to below `to`, as far as there are any. */
  slice(from: number, to: number): RowId[] {
    const rows: RowId[] = [];
    collect(this.root, from, Math.min(to, this.size), rows);
    return rows;
  }

  /** Puts in a row with a key that no other has. */
  insert(key: K, row: RowId): void {
    const split = this.insertInto(this.root, key, row);
    if (split !== undefined) this.root = branchOf([this.root, split]);
  }

  /** @returns what a node that was full has given away, to stand behind it */
  private insertInto(node: Node, key: K, row: RowId): Node | undefined {
    if (node instanceof Leaf) return insertRow(node, this.placeIn(node, key), row);
    node.size++;
    const at = this.childFor(node, key);
    const split = this.insertInto(node.nodes[at] as Node, key, row);
    if (split === undefined) return undefined;
    node.nodes.splice(at + 1, 0, split);
    if (node.nodes.length <= LARGEST_BRANCH) return undefined;
    const given = branchOf(node.nodes.splice(LARGEST_BRANCH / 2));
    node.size -= given.size;
    return given;
  }

  /** Takes out the row with this key, which is there. */
  remove(key: K): void {
    this.removeFrom(this.root, key);
    while (this.root instanceof Branch && this.root.nodes.length === 1) this.root = this.root.nodes[0] as Node;
  }

  private removeFrom(node: Node, key: K): void {
    if (node instanceof Branch) {
      const at = this.childFor(node, key);
      this.removeFrom(node.nodes[at] as Node, key);
      node.size--;
      shrink(node, at);
      return;
    }
    const place = this.placeIn(node, key);
    assert(
      place < node.size && this.compare(key, node.rows[place] as RowId) === 0,
      'a row that is ranked has the key that it was ranked by',
    );
    node.rows.copyWithin(place, place + 1, node.size);
    node.size--;
  }

  /** Throws where the tree's own structure is broken. */
  checkStructure(): void {
    checkNode(this.root, true);
  }
}

function branchOf(nodes: Node[]): Branch {
  let size = 0;
  for (const node of nodes) size += node.size;
  return new Branch(nodes, size);
}

function collect(node: Node, from: number, to: number, rows: RowId[]): void {
  if (node instanceof Leaf) {
    for (let at = Math.max(from, 0); at < to && at < node.size; at++) rows.push(node.rows[at] as RowId);
    return;
  }
  for (const child of node.nodes) {
    if (to <= 0) return;
    if (from < child.size) collect(child, from, to, rows);
    from -= child.size;
    to -= child.size;
  }
}

/** @returns what a leaf that was full has given away, to stand behind it */
function insertRow(leaf: Leaf, place: number, row: RowId): Leaf | undefined {
  const { size } = leaf;
  if (size < LARGEST_LEAF) {
    putIn(leaf, place, row);
    return undefined;
  }
  // Rows that come in order fill their leaves: what is put in behind all others opens a new one.
  const kept = place === size ? size : LARGEST_LEAF / 2;
  const rows = new Int32Array(kept === size ? 4 : LARGEST_LEAF);
  rows.set(leaf.rows.subarray(kept));
  const given = new Leaf(rows, size - kept);
  leaf.size = kept;
  if (place > kept || kept === size) putIn(given, place - kept, row);
  else putIn(leaf, place, row);
  return given;
}

function putIn(leaf: Leaf, place: number, row: RowId): void {
  if (leaf.size === leaf.rows.length) {
    const larger = new Int32Array(Math.min(Math.max(leaf.size * 2, 4), LARGEST_LEAF));
    larger.set(leaf.rows);
    leaf.rows = larger;
  }
  leaf.rows.copyWithin(place + 1, place, leaf.size);
  leaf.rows[place] = row;
  leaf.size++;
}

/** Drops a child that is empty, and joins one that is small with a neighbour, so that nodes stay a third full on average. */
function shrink(branch: Branch, at: number): void {
  const { nodes } = branch;
  const child = nodes[at] as Node;
  if (child.size === 0 && nodes.length > 1) {
    nodes.splice(at, 1);
    return;
  }
  if (weightOf(child) > limitOf(child) / 4) return;
  for (const left of [at - 1, at]) {
    const [one, other] = [nodes[left], nodes[left + 1]];
    if (one === undefined || other === undefined || weightOf(one) + weightOf(other) > (limitOf(child) * 3) / 4) continue;
    nodes.splice(left, 2, join(one, other));
    return;
  }
}

function weightOf(node: Node): number {
  return node instanceof Leaf ? node.size : node.nodes.length;
}

function limitOf(node: Node): number {
  return node instanceof Leaf ? LARGEST_LEAF : LARGEST_BRANCH;
}

/** Two neighbours, of one kind since all leaves are equally deep. */
function join(one: Node, other: Node): Node {
  if (one instanceof Branch) return branchOf([...one.nodes, ...(other as Branch).nodes]);
  const rows = new Int32Array(LARGEST_LEAF);
  rows.set(one.rows.subarray(0, one.size));
  rows.set((other as Leaf).rows.subarray(0, other.size), one.size);
  return new Leaf(rows, one.size + other.size);
}

/** @returns how many levels there are below */
function checkNode(node: Node, isRoot: boolean): number {
  assert(isRoot || node.size > 0, 'no node is empty');
  if (node instanceof Leaf) {
    assert(node.size <= node.rows.length && node.rows.length <= LARGEST_LEAF, 'a leaf holds what it says');
    return 0;
  }
  assert(node.nodes.length > (isRoot ? 1 : 0) && node.nodes.length <= LARGEST_BRANCH, 'a branch is neither empty nor too wide');
  const depths = node.nodes.map((child) => checkNode(child, false));
  assert(new Set(depths).size === 1, 'all leaves are equally deep');
  const size = node.nodes.reduce((sum, child) => sum + child.size, 0);
  assert(size === node.size, 'a branch counts the rows below it');
  return (depths[0] as number) + 1;
}
