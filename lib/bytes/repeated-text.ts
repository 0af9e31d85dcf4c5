import { readNative } from './text.js';

const SLOT_BITS = 9;
const SLOTS = 1 << SLOT_BITS;
/** Words of a slot: the length of its text, then the text's bytes, the last word of which ends where the text does. */
const SLOT_WORDS = 16;
const LONGEST = (SLOT_WORDS - 1) * 4;
/** After so many misses it is seen whether remembering pays. */
const WINDOW = 512;
/** A hit saves about half of what a miss costs. */
const HITS_A_MISS = 2;
/** Reads after which it begins: what is hardly read is not worth the memory. */
const FIRST_REST = 256;
/** Reads after which it tries again, where it did not pay. */
const REST = 65_536;

/**
 * Reads the text of one column where that takes a native call, which is text that is not short ASCII, and remembers up to
 * 512 of at most 60 bytes, for columns whose text repeats: to find a string again takes a fifth of making it anew. Where
 * text does not repeat, it finds out, lets go of its memory, and rests; a read then costs a nanosecond more than without.
 *
 * A direct-mapped cache: the hash of a text's bytes says in which slot it would be, and the slot has a copy of the bytes
 * that it is compared with, word by word.
 */
export class RepeatedText {
  private words = new Int32Array(0);
  private texts: string[] = [];
  private rest = FIRST_REST;
  private hits = 0;
  private misses = 0;

  /** The text of `length` bytes of UTF-8 at `from`; `view` shows the bytes of `buffer`. */
  read(buffer: Buffer, view: DataView, from: number, length: number): string {
    if (this.rest > 0 || length > LONGEST) return this.make(buffer, from, length);
    if (length < 4) return this.readShort(buffer, from, length);
    const last = from + length - 4;
    let hash = length;
    for (let at = from; at < last; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), MULTIPLIER);
    const end = view.getInt32(last, true);
    const slot = slotOf(hash ^ end);
    const { words } = this;
    let word = slot * SLOT_WORDS;
    let isSame = words[word] === length;
    for (let at = from; at < last && isSame; at += 4) isSame = words[++word] === view.getInt32(at, true);
    if (!isSame || words[++word] !== end) return this.remember(buffer, view, from, length, slot);
    this.hits++;
    return this.texts[slot] as string;
  }

  /** Text of less than a word. */
  private readShort(buffer: Buffer, from: number, length: number): string {
    if (length === 0) return '';
    let word = buffer[from] as number;
    if (length > 1) word |= (buffer[from + 1] as number) << 8;
    if (length > 2) word |= (buffer[from + 2] as number) << 16;
    const slot = slotOf(length ^ word);
    const { words } = this;
    const at = slot * SLOT_WORDS;
    if (words[at] === length && words[at + 1] === word) {
      this.hits++;
      return this.texts[slot] as string;
    }
    words[at] = length;
    words[at + 1] = word;
    return this.keep(buffer, from, length, slot);
  }

  private remember(buffer: Buffer, view: DataView, from: number, length: number, slot: number): string {
    const { words } = this;
    const last = from + length - 4;
    let word = slot * SLOT_WORDS;
    words[word++] = length;
    for (let at = from; at < last; at += 4) words[word++] = view.getInt32(at, true);
    words[word] = view.getInt32(last, true);
    return this.keep(buffer, from, length, slot);
  }

  private keep(buffer: Buffer, from: number, length: number, slot: number): string {
    const text = readNative(buffer, from, length);
    this.texts[slot] = text;
    if (++this.misses === WINDOW) this.judge();
    return text;
  }

  private judge(): void {
    if (this.hits < this.misses * HITS_A_MISS) {
      this.words = new Int32Array(0);
      this.texts = [];
      this.rest = REST;
    }
    this.hits = 0;
    this.misses = 0;
  }

  private make(buffer: Buffer, from: number, length: number): string {
    if (this.rest > 0 && --this.rest === 0) {
      this.words = new Int32Array(SLOTS * SLOT_WORDS);
      this.texts = new Array<string>(SLOTS).fill('');
    }
    return readNative(buffer, from, length);
  }
}

const MULTIPLIER = 0x9e3779b1;

/** The highest bits are those that every bit of the hash has reached. */
function slotOf(hash: number): number {
  return Math.imul(hash, MULTIPLIER) >>> (32 - SLOT_BITS);
}
