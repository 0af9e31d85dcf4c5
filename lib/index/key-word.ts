import { assert } from '../assert.js';
import { type ColumnType, isScalar } from '../schema/column-type.js';
import type { ColumnSchema } from '../schema/table-schema.js';
import { HIGH, type Key } from './key-order.js';

/**
 * A word of 64 bits for each key, a number, so that words are ordered as their keys are: of two keys, the lower one never
 * has the greater word. Where two keys have one word, the keys themselves decide.
 */
export interface KeyWords {
  of(key: Key): number;
  /** Whether no other key has the word that `of` gave last: to have the word is then to be the key. */
  readonly isExact: boolean;
}

export function keyWords(columns: readonly ColumnSchema[]): KeyWords {
  const [column] = columns as [ColumnSchema];
  return columns.length === 1 && isNumber(column.type) ? new NumberWords() : new ByteWords(columns);
}

function isNumber({ kind }: ColumnType): boolean {
  return kind !== 'string' && kind !== 'uuid' && kind !== 'bytes';
}

/**
 * The words of numbers, booleans and bigints: they themselves. Null and NaN take the places of −Infinity and Infinity,
 * and these move in to the last finite numbers, which are the only ones that share a word; beside them, bigints beyond
 * 53 bits do, rounded.
 */
class NumberWords implements KeyWords {
  isExact = true;

  of(key: Key): number {
    if (typeof key === 'number') return this.ofNumber(key);
    if (typeof key === 'bigint') return this.ofBigInt(key);
    this.isExact = true;
    return key === null ? Number.NEGATIVE_INFINITY : Number(key);
  }

  private ofNumber(key: number): number {
    this.isExact = true;
    if (key !== key) return Number.POSITIVE_INFINITY;
    if (key < Number.MAX_VALUE && key > -Number.MAX_VALUE) return key + 0; // −0 is 0
    this.isExact = false;
    return key > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE;
  }

  private ofBigInt(key: bigint): number {
    const rounded = this.ofNumber(Number(key));
    this.isExact = Number.isSafeInteger(rounded);
    return rounded;
  }
}

const WORD_BYTES = 8;
/** With this byte in front, every word is an ordinary number above zero: no NaN, and none of those that are slow. */
const FIRST_BYTE = 0x40;
const FILL = 0xff;

/**
 * The words of text, uuids, bytes and keys over several columns: their first seven bytes, in an encoding whose bytes are
 * ordered as the keys are and of which none begins another, so that a key that ends within them has the word alone.
 *
 *   | 0x40 | bytes of the first column | of the next … | zeros |
 *    0      1                                             8
 *
 *   text     UTF-8 of each UTF-16 unit, plus 2; behind it 1; null is 0
 *   uuid     two digits a byte; where it may be null behind a byte 1, null is 0
 *   bytes    0 as 0 1; behind them 0 0; where they may be null as above
 *   boolean  1, 2; null is 0. An enum's place likewise, where it fits
 *   int      big-endian, the sign bit turned over; where it may be null as above. A date likewise
 *   others   the number as a double, big-endian, its order turned into that of bits; null is zeros
 */
class ByteWords implements KeyWords {
  isExact = true;
  private readonly view = new DataView(new ArrayBuffer(WORD_BYTES));
  private readonly scratch = new DataView(new ArrayBuffer(8));
  private at = 0;

  constructor(private readonly columns: readonly ColumnSchema[]) {}

  of(key: Key): number {
    const { columns, view } = this;
    view.setUint32(0, FIRST_BYTE << 24);
    view.setUint32(4, 0);
    this.at = 1;
    this.isExact = true;
    if (columns.length === 1) this.put(columns[0] as ColumnSchema, key);
    else this.putParts(key as Key[]);
    return view.getFloat64(0);
  }

  private putParts(key: Key[]): void {
    for (let part = 0; part < this.columns.length && this.at < WORD_BYTES; part++) {
      if (part === key.length) break; // the beginning of a key, a bound: below all that begin so
      if (key[part] === HIGH) this.end(FILL);
      else this.put(this.columns[part] as ColumnSchema, key[part]);
      if (this.at >= WORD_BYTES && part + 1 < this.columns.length) this.isExact = false;
    }
    if (key.length !== this.columns.length) this.isExact = false;
  }

  /** The value is between two of those that can be written, or beyond all: below or above all that begin so. */
  private end(fill: number): void {
    this.isExact = false;
    while (this.at < WORD_BYTES) this.view.setUint8(this.at++, fill);
  }

  private byte(value: number): void {
    if (this.at < WORD_BYTES) this.view.setUint8(this.at++, value);
    else this.isExact = false;
  }

  private put({ type, nullable }: ColumnSchema, value: Key): void {
    assert(isScalar(type), 'only scalar columns are ordered');
    if (type.kind === 'string') this.putText(value as string | null);
    else if (type.kind === 'boolean' || (type.kind === 'enum' && type.symbols.length < 255)) {
      this.byte(value === null ? 0 : 1 + Number(value));
    } else if (type.kind === 'uuid' || type.kind === 'bytes' || type.kind === 'int' || type.kind === 'date' || type.kind === 'enum') {
      if (nullable) this.byte(value === null ? 0 : 1);
      if (value === null) return;
      if (type.kind === 'uuid') this.putUuid(value as string);
      else if (type.kind === 'bytes') this.putBytes(value as Uint8Array);
      else this.putInteger(Number(value));
    } else this.putDouble(value as number | bigint | null);
  }

  private putText(text: string | null): void {
    if (text === null) {
      this.byte(0);
      return;
    }
    // One step beyond the room there is tells that some was cut off.
    for (let at = 0; at < text.length && this.isExact; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x80) {
        this.byte(unit + 2);
      } else if (unit < 0x800) {
        this.byte((0xc0 | (unit >> 6)) + 2);
        this.byte((0x80 | (unit & 0x3f)) + 2);
      } else {
        this.byte((0xe0 | (unit >> 12)) + 2);
        this.byte((0x80 | ((unit >> 6) & 0x3f)) + 2);
        this.byte((0x80 | (unit & 0x3f)) + 2);
      }
    }
    this.byte(1);
  }

  private putBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.isExact; at++) {
      this.byte(bytes[at] as number);
      if (bytes[at] === 0) this.byte(1);
    }
    this.byte(0);
    this.byte(0);
  }

  /** The digits that fit. A text that is no uuid can only be a bound: what follows the digits that it has is the least, or the most. */
  private putUuid(uuid: string): void {
    let high = -1;
    for (let at = 0; this.at < WORD_BYTES; at++) {
      const unit = at < uuid.length ? uuid.charCodeAt(at) : 0;
      if (at === 8 || at === 13 || at === 18) {
        if (unit === HYPHEN) continue;
        this.endDigits(high, unit < HYPHEN ? 0 : 0xf);
        return;
      }
      const digit = digitOf(unit);
      if (digit < 0 || digit > 0xf) {
        this.endDigits(high, digit < 0 ? 0 : 0xf, unit > NINE && unit < LETTER_A ? 9 : undefined);
        return;
      }
      if (high < 0) high = digit;
      else {
        this.byte((high << 4) | digit);
        high = -1;
      }
    }
    this.isExact = false;
  }

  private endDigits(high: number, rest: number, first = rest): void {
    if (high >= 0) this.byte((high << 4) | first);
    else if (first !== rest) this.byte((first << 4) | rest);
    this.end(rest * 0x11);
  }

  private putInteger(value: number): void {
    const whole = Math.floor(value);
    if (whole === value && whole >= -(2 ** 31) && whole < 2 ** 31) {
      this.putWord((whole ^ 0x80000000) >>> 0);
    } else if (whole < -(2 ** 31)) {
      this.end(0);
    } else {
      if (whole < 2 ** 31) this.putWord((whole ^ 0x80000000) >>> 0);
      this.end(FILL);
    }
  }

  private putDouble(value: number | bigint | null): void {
    const { scratch } = this;
    if (value === null) {
      scratch.setUint32(0, 0);
      scratch.setUint32(4, 0);
    } else {
      const number = Number(value);
      scratch.setFloat64(0, number === number ? number + 0 : Number.NaN);
      const isNegative = scratch.getInt32(0) < 0;
      scratch.setUint32(0, isNegative ? ~scratch.getUint32(0) : scratch.getUint32(0) ^ 0x80000000);
      if (isNegative) scratch.setUint32(4, ~scratch.getUint32(4));
    }
    this.putWord(scratch.getUint32(0));
    this.putWord(scratch.getUint32(4));
  }

  private putWord(word: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.byte((word >>> shift) & 0xff);
  }
}

const HYPHEN = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_A = 0x61;
const LETTER_F = 0x66;

/** A hexadecimal digit; −1 for what sorts before the next one that there is, 16 for what sorts behind all up to it. */
function digitOf(unit: number): number {
  if (unit < ZERO) return -1;
  if (unit <= NINE) return unit - ZERO;
  return unit >= LETTER_A && unit <= LETTER_F ? unit - LETTER_A + 10 : 16;
}
