import { randomFillSync } from 'node:crypto';
import type { Key } from './key-order.js';
import { TextKey } from './text-key.js';

const words = new Int32Array(2);
const double = new Float64Array(words.buffer);
/** The highest bit of each byte of a word. */
const NOT_ASCII = 0x80808080;
const MASK_32 = 0xffff_ffffn;

/**
 * A hash of keys to 32 bits, by value: −0 is 0, and NaN one key. Text costs about a nanosecond a character. It is keyed
 * by random numbers, another one for each index, so that keys which collide cannot be prepared; a seed makes it
 * repeatable. Text that is hashed is left in `asked`, where there is one.
 */
export class KeyHash {
  private readonly seed: number;
  private readonly first: number;
  private readonly second: number;

  constructor(
    random: Uint32Array = randomFillSync(new Uint32Array(3)),
    private readonly asked?: TextKey,
  ) {
    this.seed = (random[0] as number) | 0;
    this.first = (random[1] as number) | 1;
    this.second = (random[2] as number) | 1;
  }

  of(key: Key): number {
    const { asked } = this;
    if (asked !== undefined && typeof key === 'string' && TextKey.fits(key)) return spread(this.text(this.seed, key, asked));
    if (!Array.isArray(key)) return spread(this.part(this.seed, key));
    let hash = this.seed;
    for (const one of key as Key[]) hash = this.part(hash, one);
    return spread(hash);
  }

  /** As `of`, for text that stands in bytes: a character of ASCII is its byte. `undefined` where it is not ASCII, and has to be read first. */
  ofAscii(source: Uint8Array, from: number, length: number): number | undefined {
    let seen = 0;
    let mixed = this.step(this.seed, length);
    let at = from;
    const end = from + length;
    for (; at + 3 < end; at += 4) {
      const word =
        (source[at] as number) |
        ((source[at + 1] as number) << 8) |
        ((source[at + 2] as number) << 16) |
        ((source[at + 3] as number) << 24);
      seen |= word;
      mixed = this.step(mixed, word);
    }
    let rest = 0;
    for (; at < end; at++) rest = (rest << 8) | (source[at] as number);
    return ((seen | rest) & NOT_ASCII) !== 0 ? undefined : spread(this.step(mixed, rest));
  }

  private step(hash: number, word: number): number {
    let mixed = Math.imul(word, this.first);
    mixed = (mixed << 15) | (mixed >>> 17);
    const next = hash ^ Math.imul(mixed, this.second);
    return (Math.imul((next << 13) | (next >>> 19), 5) + 0x52dce729) | 0;
  }

  private part(hash: number, value: Key): number {
    if (typeof value === 'string') return this.text(hash, value);
    if (typeof value === 'number') return this.number(hash, value);
    if (typeof value === 'bigint') return this.bigint(hash, value);
    if (value instanceof Uint8Array) return this.bytes(hash, value);
    return this.step(hash, value === null ? 3 : value === true ? 5 : 7);
  }

  /**
   * Four characters a step while they are one byte each, as most are; otherwise all over again, two a step. They are left in
   * `key`, for those of a row to be compared with.
   */
  private text(hash: number, value: string, key?: TextKey): number {
    const { length } = value;
    const held = key?.view;
    let seen = 0;
    let mixed = this.step(hash, length);
    let at = 0;
    for (; at + 3 < length; at += 4) {
      const a = value.charCodeAt(at);
      const b = value.charCodeAt(at + 1);
      const c = value.charCodeAt(at + 2);
      const d = value.charCodeAt(at + 3);
      seen |= a | b | c | d;
      const word = a | (b << 8) | (c << 16) | (d << 24);
      mixed = this.step(mixed, word);
      if (held !== undefined) held.setInt32(at, word, true);
    }
    let rest = 0;
    for (; at < length; at++) {
      const unit = value.charCodeAt(at);
      seen |= unit;
      rest = (rest << 8) | unit;
      if (held !== undefined) held.setUint8(at, unit);
    }
    key?.hold(seen > 127 ? undefined : value);
    return seen > 255 ? this.wideText(hash, value) : this.step(mixed, rest);
  }

  private wideText(hash: number, value: string): number {
    const { length } = value;
    let mixed = this.step(hash, ~length);
    let at = 0;
    for (; at + 1 < length; at += 2) mixed = this.step(mixed, value.charCodeAt(at) | (value.charCodeAt(at + 1) << 16));
    return at < length ? this.step(mixed, value.charCodeAt(at)) : mixed;
  }

  private number(hash: number, value: number): number {
    if ((value | 0) === value) return this.step(hash, value); // −0 too
    double[0] = value === value ? value : Number.NaN;
    return this.step(this.step(hash, words[0] as number), words[1] as number);
  }

  private bigint(hash: number, value: bigint): number {
    let mixed = this.step(hash, value < 0n ? 1 : 2);
    for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 32n) mixed = this.step(mixed, Number(rest & MASK_32) | 0);
    return mixed;
  }

  private bytes(hash: number, value: Uint8Array): number {
    let mixed = this.step(hash, value.length);
    for (const byte of value) mixed = this.step(mixed, byte);
    return mixed;
  }
}

/** Spreads every bit over the whole word: slots are chosen by the lowest ones. The last step of MurmurHash3. */
function spread(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
