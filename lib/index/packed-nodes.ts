import { TableFullError } from '../errors.js';

const ENTRY_SHIFT = 8;
/** Entries that a node holds at most. */
export const NODE_ENTRIES = 1 << ENTRY_SHIFT;
const CHUNK_SHIFT = 6;
const CHUNK_NODES = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_NODES - 1;
/** The place of an entry, node and entry in one number, stays within 31 bits. The place behind a full node's last entry is one, too. */
export const PLACE_SHIFT = ENTRY_SHIFT + 1;
export const PLACE_MASK = (1 << PLACE_SHIFT) - 1;
const MOST_NODES = 2 ** (31 - PLACE_SHIFT);

/** No node. */
export const NONE = -1;

const LINKS = 3;
const COUNT = 0;
const NEXT = 1;
const PREVIOUS = 2;

/**
 * Nodes of up to 256 entries each, an entry being a word and what it leads to: a row, or a node below. They lie in
 * chunks of 64 nodes, each a buffer of its own off the JavaScript heap, so that growing copies nothing; only the first
 * chunk begins small, with one node, and doubles.
 *
 *   chunk of n nodes    | words, n × 256 | targets, n × 256 | links, n × 3 |
 *                            f64                i32              i32
 *   links of a node     | count | next | previous |        next of a free one: the next free one
 *
 * Everything that is known of the nodes is in these buffers and in three numbers.
 */
export class PackedNodes {
  /** By chunk. */
  private readonly words: Float64Array[] = [];
  private readonly targets: Int32Array[] = [];
  private readonly links: Int32Array[] = [];
  /** Nodes that were ever taken. */
  private used = 0;
  private firstFree = NONE;
  private free = 0;

  constructor(private readonly name: string) {}

  /** Makes sure that so many nodes can be taken. @throws TableFullError, RangeError where memory ends; nothing has changed then */
  reserve(count: number): void {
    while (this.free + this.room - this.used < count) this.grow();
  }

  private get room(): number {
    const last = this.links.length - 1;
    return last < 0 ? 0 : last * CHUNK_NODES + (this.links[last] as Int32Array).length / LINKS;
  }

  private grow(): void {
    if (this.room >= MOST_NODES) throw new TableFullError(this.name, `${MOST_NODES} nodes of a packed index`);
    const [first] = this.links;
    const isSmall = first !== undefined && first.length < CHUNK_NODES * LINKS;
    const nodes = first === undefined ? 1 : isSmall ? (first.length / LINKS) * 2 : CHUNK_NODES;
    const buffer = allocate(nodes * (NODE_ENTRIES * 12 + LINKS * 4));
    const words = new Float64Array(buffer, 0, nodes * NODE_ENTRIES);
    const targets = new Int32Array(buffer, words.byteLength, nodes * NODE_ENTRIES);
    const links = new Int32Array(buffer, words.byteLength + targets.byteLength, nodes * LINKS);
    const chunk = isSmall ? 0 : this.links.length;
    if (isSmall) {
      words.set(this.words[0] as Float64Array);
      targets.set(this.targets[0] as Int32Array);
      links.set(first);
    }
    this.words[chunk] = words;
    this.targets[chunk] = targets;
    this.links[chunk] = links;
  }

  /** An empty node. There is one: it was reserved, or given back. */
  take(): number {
    let node = this.firstFree;
    if (node === NONE) {
      node = this.used++;
    } else {
      this.firstFree = this.next(node);
      this.free--;
    }
    this.set(node, COUNT, 0);
    this.set(node, NEXT, NONE);
    this.set(node, PREVIOUS, NONE);
    return node;
  }

  giveBack(node: number): void {
    this.set(node, NEXT, this.firstFree);
    this.firstFree = node;
    this.free++;
  }

  /** Gives all nodes back, and all memory but the first chunk. */
  clear(): void {
    for (const chunks of [this.words, this.targets, this.links]) chunks.length = Math.min(chunks.length, 1);
    this.used = 0;
    this.free = 0;
    this.firstFree = NONE;
  }

  get taken(): number {
    return this.used - this.free;
  }

  private set(node: number, field: number, value: number): void {
    (this.links[node >> CHUNK_SHIFT] as Int32Array)[(node & CHUNK_MASK) * LINKS + field] = value;
  }

  private link(node: number, field: number): number {
    return (this.links[node >> CHUNK_SHIFT] as Int32Array)[(node & CHUNK_MASK) * LINKS + field] as number;
  }

  count(node: number): number {
    return this.link(node, COUNT);
  }

  next(node: number): number {
    return this.link(node, NEXT);
  }

  previous(node: number): number {
    return this.link(node, PREVIOUS);
  }

  linkBehind(node: number, added: number): void {
    const next = this.next(node);
    this.set(added, PREVIOUS, node);
    this.set(added, NEXT, next);
    this.set(node, NEXT, added);
    if (next !== NONE) this.set(next, PREVIOUS, added);
  }

  unlink(node: number): void {
    const next = this.next(node);
    const previous = this.previous(node);
    if (next !== NONE) this.set(next, PREVIOUS, previous);
    if (previous !== NONE) this.set(previous, NEXT, next);
  }

  /** The words of the node's chunk; its own begin at `baseOf`. */
  wordsOf(node: number): Float64Array {
    return this.words[node >> CHUNK_SHIFT] as Float64Array;
  }

  targetsOf(node: number): Int32Array {
    return this.targets[node >> CHUNK_SHIFT] as Int32Array;
  }

  baseOf(node: number): number {
    return (node & CHUNK_MASK) << ENTRY_SHIFT;
  }

  word(node: number, at: number): number {
    return this.wordsOf(node)[this.baseOf(node) + at] as number;
  }

  setWord(node: number, at: number, word: number): void {
    this.wordsOf(node)[this.baseOf(node) + at] = word;
  }

  target(node: number, at: number): number {
    return this.targetsOf(node)[this.baseOf(node) + at] as number;
  }

  /** Puts an entry into a node that has room. */
  insert(node: number, at: number, word: number, target: number): void {
    const words = this.wordsOf(node);
    const targets = this.targetsOf(node);
    const count = this.count(node);
    const place = this.baseOf(node) + at;
    const end = this.baseOf(node) + count;
    if (end - place > MOST_MOVED_HERE) {
      words.copyWithin(place + 1, place, end);
      targets.copyWithin(place + 1, place, end);
    } else {
      for (let to = end; to > place; to--) {
        words[to] = words[to - 1] as number;
        targets[to] = targets[to - 1] as number;
      }
    }
    words[place] = word;
    targets[place] = target;
    this.set(node, COUNT, count + 1);
  }

  remove(node: number, at: number): void {
    const words = this.wordsOf(node);
    const targets = this.targetsOf(node);
    const last = this.count(node) - 1;
    const place = this.baseOf(node) + at;
    const end = this.baseOf(node) + last;
    if (end - place > MOST_MOVED_HERE) {
      words.copyWithin(place, place + 1, end + 1);
      targets.copyWithin(place, place + 1, end + 1);
    } else {
      for (let to = place; to < end; to++) {
        words[to] = words[to + 1] as number;
        targets[to] = targets[to + 1] as number;
      }
    }
    this.set(node, COUNT, last);
  }

  /** Moves the entries from `from` on behind those of another node, which has room. */
  move(node: number, from: number, to: number): void {
    const moved = this.count(node) - from;
    this.append(to, this.wordsOf(node), this.targetsOf(node), this.baseOf(node) + from, moved);
    this.set(node, COUNT, from);
  }

  /** Puts `count` entries of these behind those of a node, which has room. */
  append(node: number, words: Float64Array, targets: Int32Array, from: number, count: number): void {
    const had = this.count(node);
    this.wordsOf(node).set(words.subarray(from, from + count), this.baseOf(node) + had);
    this.targetsOf(node).set(targets.subarray(from, from + count), this.baseOf(node) + had);
    this.set(node, COUNT, had + count);
  }

  get bytes(): number {
    return this.words.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }
}

/** A call into the engine costs as much as moving so many entries one by one. */
const MOST_MOVED_HERE = 24;

/** The only place where buffers are made. */
function allocate(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}
