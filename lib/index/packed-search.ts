import type { RowId } from '../storage/link.js';
import { NONE, PackedNodes, PLACE_MASK, PLACE_SHIFT } from './packed-nodes.js';
import type { PackedTarget } from './packed-target.js';

/** Levels that a tree has at most: of nodes with a quarter of their entries, these hold more rows than there can be. */
const MOST_LEVELS = 8;

/** Where an entry is, or where the last one of all ends. */
export type Place = number;

/**
 * Finding and walking the entries of a packed tree. `seek` leaves its path, for the tree to write where it ended.
 */
export class PackedSearch {
  protected readonly nodes: PackedNodes;
  protected root: number;
  /** The root's level; leaves are on level 0. */
  protected height = 0;
  /** By level: the node that the search came through, and the entry where it went on; on level 0 the place that it found. */
  protected readonly path = new Int32Array(MOST_LEVELS);
  protected readonly slots = new Int32Array(MOST_LEVELS);

  constructor(name: string) {
    this.nodes = new PackedNodes(name);
    this.nodes.reserve(1);
    this.root = this.nodes.take();
  }

  get bytes(): number {
    return this.nodes.bytes;
  }

  /** Finds the place behind all entries that stand before the target. O(log n). */
  seek(target: PackedTarget): Place {
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      const slot = Math.max(0, this.countPast(node, level, target) - 1);
      this.path[level] = node;
      this.slots[level] = slot;
      node = this.nodes.target(node, slot);
    }
    const at = this.countPast(node, 0, target);
    this.path[0] = node;
    this.slots[0] = at;
    const next = at < this.nodes.count(node) ? NONE : this.nodes.next(node);
    return next === NONE ? placeOf(node, at) : placeOf(next, 0);
  }

  /** As `seek`, where the target is not before a place that is known: most keys end in the leaf in which they begin. */
  seekBehind(place: Place, target: PackedTarget): Place {
    const node = place >>> PLACE_SHIFT;
    const last = this.nodes.count(node) - 1;
    if (last < 0 || this.nodes.word(node, last) <= target.word) return this.seek(target);
    return placeOf(node, this.countPast(node, 0, target));
  }

  /** How many entries of a node stand before the target. */
  private countPast(node: number, level: number, target: PackedTarget): number {
    const words = this.nodes.wordsOf(node);
    const base = this.nodes.baseOf(node);
    const end = base + this.nodes.count(node);
    const { word } = target;
    let low = lowerBound(words, base, end, word);
    if (low === end || words[low] !== word || target.nonePast) return low - base;
    let high = low + 1;
    if (high < end && words[high] === word) high = upperBound(words, high, end, word);
    if (target.allPast) return high - base;
    if (level === 0 && target.isThere) return placeBehind(this.nodes.targetsOf(node), low, high, target.row) - base;
    // A new row mostly comes behind all others of its key.
    if (target.isPast(this.firstRow(node, high - 1 - base, level))) return high - base;
    high--;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (target.isPast(this.firstRow(node, middle - base, level))) low = middle + 1;
      else high = middle;
    }
    return low - base;
  }

  /** The first row below an entry. */
  private firstRow(node: number, at: number, level: number): RowId {
    let found = this.nodes.target(node, at);
    for (let below = level; below > 0; below--) found = this.nodes.target(found, 0);
    return found as RowId;
  }

  /** The place of the first entry. */
  get first(): Place {
    let node = this.root;
    for (let level = this.height; level > 0; level--) node = this.nodes.target(node, 0);
    return placeOf(node, 0);
  }

  /** The place behind the last entry. */
  get end(): Place {
    let node = this.root;
    for (let level = this.height; level > 0; level--) node = this.nodes.target(node, this.nodes.count(node) - 1);
    return placeOf(node, this.nodes.count(node));
  }

  /** Whether there is an entry: everywhere but at the end. */
  isEntry(place: Place): boolean {
    return (place & PLACE_MASK) < this.nodes.count(place >>> PLACE_SHIFT);
  }

  wordAt(place: Place): number {
    return this.nodes.word(place >>> PLACE_SHIFT, place & PLACE_MASK);
  }

  rowAt(place: Place): RowId {
    return this.nodes.target(place >>> PLACE_SHIFT, place & PLACE_MASK) as RowId;
  }

  /** The place before this one, or `NONE`. */
  before(place: Place): Place {
    if ((place & PLACE_MASK) > 0) return place - 1;
    const previous = this.nodes.previous(place >>> PLACE_SHIFT);
    return previous === NONE ? NONE : placeOf(previous, this.nodes.count(previous) - 1);
  }

  /** The place behind the entry at this one. */
  behind(place: Place): Place {
    const node = place >>> PLACE_SHIFT;
    const next = (place & PLACE_MASK) + 1 < this.nodes.count(node) ? NONE : this.nodes.next(node);
    return next === NONE ? place + 1 : placeOf(next, 0);
  }

  /** How many entries there are from one place to another one that is not before it. Steps over nodes. */
  countBetween(from: Place, to: Place): number {
    const last = to >>> PLACE_SHIFT;
    let count = (to & PLACE_MASK) - (from & PLACE_MASK);
    for (let node = from >>> PLACE_SHIFT; node !== last; node = this.nodes.next(node)) count += this.nodes.count(node);
    return count;
  }

  /** Visits the rows from one place to another, upwards; `true` ends it. @returns whether it was ended */
  walkUp(from: Place, to: Place, visit: (row: RowId) => boolean): boolean {
    const last = to >>> PLACE_SHIFT;
    let at = from & PLACE_MASK;
    for (let node = from >>> PLACE_SHIFT; ; node = this.nodes.next(node)) {
      const rows = this.nodes.targetsOf(node);
      const base = this.nodes.baseOf(node);
      const end = base + (node === last ? to & PLACE_MASK : this.nodes.count(node));
      for (let entry = base + at; entry < end; entry++) if (visit(rows[entry] as RowId)) return true;
      if (node === last) return false;
      at = 0;
    }
  }

  /** As `walkUp`, from the end to the beginning. */
  walkDown(from: Place, to: Place, visit: (row: RowId) => boolean): boolean {
    const last = from >>> PLACE_SHIFT;
    let at = to & PLACE_MASK;
    for (let node = to >>> PLACE_SHIFT; ; ) {
      const rows = this.nodes.targetsOf(node);
      const base = this.nodes.baseOf(node);
      const end = base + (node === last ? from & PLACE_MASK : 0);
      for (let entry = base + at - 1; entry >= end; entry--) if (visit(rows[entry] as RowId)) return true;
      if (node === last) return false;
      node = this.nodes.previous(node);
      at = this.nodes.count(node);
    }
  }
}

function placeOf(node: number, at: number): Place {
  return (node << PLACE_SHIFT) | at;
}

/**
 * The first place whose word is not below `word`. With branches: a processor that guesses them fetches what it guesses
 * it will need, which in memory that is in no cache costs less than to wait for each word.
 */
function lowerBound(words: Float64Array, from: number, to: number, word: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[middle] as number) < word) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place whose word is above `word`. */
function upperBound(words: Float64Array, from: number, to: number, word: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[middle] as number) <= word) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Behind a row that is there: looking at all rows of a word costs less than reading the keys of some. */
function placeBehind(rows: Int32Array, from: number, to: number, row: RowId): number {
  let at = from;
  while (at < to && rows[at] !== row) at++;
  return at < to ? at + 1 : from;
}
