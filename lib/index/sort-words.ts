const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** Digits of a word: two of 11 bits and one of 10 in each half. */
const SHIFTS = [0, 11, 22] as const;

/**
 * Sorts rows by their words, which are no NaN; rows of one word keep their order. Digit by digit, the lowest first, and
 * only those in which words differ (Knuth, "The Art of Computer Programming", 5.2.5, algorithm R). O(n), and as much
 * memory again.
 */
export function sortWords(words: Float64Array, rows: Int32Array): { words: Float64Array; rows: Int32Array } {
  const count = rows.length;
  const bits = new Uint32Array(words.length * 2);
  new Float64Array(bits.buffer).set(words);
  turnOver(bits);
  let from = { bits, rows: rows.slice() };
  let to = { bits: new Uint32Array(count * 2), rows: new Int32Array(count) };
  const ends = new Int32Array(DIGITS);
  for (let half = 0; half < 2; half++) {
    for (const shift of SHIFTS) {
      if (!countDigits(from.bits, half === 0 ? LOW : HIGH, shift, ends)) continue;
      moveByDigit(from, to, half === 0 ? LOW : HIGH, shift, ends);
      [from, to] = [to, from];
    }
  }
  turnBack(from.bits);
  return { words: new Float64Array(from.bits.buffer), rows: from.rows };
}

interface Pairs {
  readonly bits: Uint32Array;
  readonly rows: Int32Array;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Which of a word's two halves is which. */
const LOW = isLittleEndian ? 0 : 1;
const HIGH = 1 - LOW;
const SIGN = 0x80000000;

/** Gives words bits that are ordered as the numbers are: below zero all are turned over, above the sign alone. */
function turnOver(bits: Uint32Array): void {
  for (let at = 0; at < bits.length; at += 2) {
    const high = bits[at + HIGH] as number;
    bits[at + HIGH] = high >= SIGN ? ~high : high ^ SIGN;
    if (high >= SIGN) bits[at + LOW] = ~(bits[at + LOW] as number);
  }
}

function turnBack(bits: Uint32Array): void {
  for (let at = 0; at < bits.length; at += 2) {
    const high = bits[at + HIGH] as number;
    bits[at + HIGH] = high >= SIGN ? high ^ SIGN : ~high;
    if (high < SIGN) bits[at + LOW] = ~(bits[at + LOW] as number);
  }
}

/** Finds where the words of each digit begin. @returns whether they have different ones */
function countDigits(bits: Uint32Array, half: number, shift: number, starts: Int32Array): boolean {
  starts.fill(0);
  for (let at = half; at < bits.length; at += 2) (starts[((bits[at] as number) >>> shift) & (DIGITS - 1)] as number)++;
  let start = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit] as number;
    if (count === bits.length / 2) return false;
    starts[digit] = start;
    start += count;
  }
  return true;
}

function moveByDigit(from: Pairs, to: Pairs, half: number, shift: number, starts: Int32Array): void {
  for (let at = 0; at < from.rows.length; at++) {
    const digit = ((from.bits[at * 2 + half] as number) >>> shift) & (DIGITS - 1);
    const place = starts[digit] as number;
    starts[digit] = place + 1;
    to.bits[place * 2] = from.bits[at * 2] as number;
    to.bits[place * 2 + 1] = from.bits[at * 2 + 1] as number;
    to.rows[place] = from.rows[at] as number;
  }
}
