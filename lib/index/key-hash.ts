import { randomFillSync } from 'node:crypto';
import type { Key } from './key-order.js';
import { TextKey } from './text-key.js';

const words = new Int32Array(2);
const double = new Float64Array(words.buffer);
/** The highest bit of each byte of a word. */
const NOT_ASCII = 0x80808080;
const MASK_32 = 0xffff_ffffn;

export interface KeyHash {
  (key: Key): number;
  /** The hash of text that stands in bytes; `undefined` where it is not ASCII, and has to be read first. */
  ofAscii(bytes: Uint8Array, from: number, length: number): number | undefined;
}

/**
 * A hash of keys to 32 bits, by value: −0 is 0, and NaN one key. Text costs about a nanosecond a character. It is keyed
 * by random numbers, another one for each index, so that keys which collide cannot be prepared; a seed makes it
 * repeatable. Text that is hashed is left in `asked`, where there is one.
 */
export function keyHash(random: Uint32Array = randomFillSync(new Uint32Array(3)), asked?: TextKey): KeyHash {
  const seed = random[0] as number;
  const first = (random[1] as number) | 1;
  const second = (random[2] as number) | 1;

  const step = (hash: number, word: number): number => {
    let mixed = Math.imul(word, first);
    mixed = (mixed << 15) | (mixed >>> 17);
    const next = hash ^ Math.imul(mixed, second);
    return (Math.imul((next << 13) | (next >>> 19), 5) + 0x52dce729) | 0;
  };

  /** Spreads every bit over the whole word: slots are chosen by the lowest ones. The last step of MurmurHash3. */
  const spread = (hash: number): number => {
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) | 0;
  };

  /**
   * Four characters a step while they are one byte each, as most are; otherwise all over again, two a step. They are left in
   * `key`, for those of a row to be compared with.
   */
  const text = (hash: number, value: string, key?: TextKey): number => {
    const { length } = value;
    const bytes = key?.bytes;
    let seen = 0;
    let mixed = step(hash, length);
    let at = 0;
    for (; at + 3 < length; at += 4) {
      const a = value.charCodeAt(at);
      const b = value.charCodeAt(at + 1);
      const c = value.charCodeAt(at + 2);
      const d = value.charCodeAt(at + 3);
      seen |= a | b | c | d;
      mixed = step(mixed, a | (b << 8) | (c << 16) | (d << 24));
      if (bytes === undefined) continue;
      bytes[at] = a;
      bytes[at + 1] = b;
      bytes[at + 2] = c;
      bytes[at + 3] = d;
    }
    let rest = 0;
    for (; at < length; at++) {
      const unit = value.charCodeAt(at);
      seen |= unit;
      rest = (rest << 8) | unit;
      if (bytes !== undefined) bytes[at] = unit;
    }
    key?.hold(seen > 127 ? undefined : value);
    return seen > 255 ? wideText(hash, value) : step(mixed, rest);
  };

  const wideText = (hash: number, value: string): number => {
    const { length } = value;
    let mixed = step(hash, ~length);
    let at = 0;
    for (; at + 1 < length; at += 2) mixed = step(mixed, value.charCodeAt(at) | (value.charCodeAt(at + 1) << 16));
    return at < length ? step(mixed, value.charCodeAt(at)) : mixed;
  };

  const number = (hash: number, value: number): number => {
    if ((value | 0) === value) return step(hash, value); // −0 too
    double[0] = value === value ? value : Number.NaN;
    return step(step(hash, words[0] as number), words[1] as number);
  };

  const bigint = (hash: number, value: bigint): number => {
    let mixed = step(hash, value < 0n ? 1 : 2);
    for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 32n) mixed = step(mixed, Number(rest & MASK_32) | 0);
    return mixed;
  };

  const bytes = (hash: number, value: Uint8Array): number => {
    let mixed = step(hash, value.length);
    for (const byte of value) mixed = step(mixed, byte);
    return mixed;
  };

  const part = (hash: number, value: Key): number => {
    if (typeof value === 'string') return text(hash, value);
    if (typeof value === 'number') return number(hash, value);
    if (typeof value === 'bigint') return bigint(hash, value);
    if (value instanceof Uint8Array) return bytes(hash, value);
    return step(hash, value === null ? 3 : value === true ? 5 : 7);
  };

  const ofKey = (key: Key): number => {
    if (asked !== undefined && typeof key === 'string' && TextKey.fits(key)) return spread(text(seed, key, asked));
    if (!Array.isArray(key)) return spread(part(seed, key));
    let hash = seed;
    for (const one of key as Key[]) hash = part(hash, one);
    return spread(hash);
  };

  /** As `text`: a character of ASCII is its byte. */
  const ofAscii = (source: Uint8Array, from: number, length: number): number | undefined => {
    let seen = 0;
    let mixed = step(seed, length);
    let at = from;
    const end = from + length;
    for (; at + 3 < end; at += 4) {
      const word =
        (source[at] as number) |
        ((source[at + 1] as number) << 8) |
        ((source[at + 2] as number) << 16) |
        ((source[at + 3] as number) << 24);
      seen |= word;
      mixed = step(mixed, word);
    }
    let rest = 0;
    for (; at < end; at++) rest = (rest << 8) | (source[at] as number);
    return ((seen | rest) & NOT_ASCII) !== 0 ? undefined : spread(step(mixed, rest));
  };

  return Object.assign(ofKey, { ofAscii });
}
