/** Bits of a limb; limbs are kept in doubles, which hold 21 bits more, so that carries can wait. */
const LIMB = 2 ** 32;
/** Limbs from 2^−1074, the least double, to 2^1102: room for 2^79 of the greatest. */
const LIMBS = 68;
const LEAST_EXPONENT = -1074;
/** Each addition puts less than 2^34 into a limb. */
const ADDITIONS_BEFORE_CARRY = 2 ** 18;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Where the words of a double lie: the lower one first on all but the rarest of processors. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/**
 * The exact sum of doubles, rounded once, when it is read: so it does not depend on the order in which they came, and
 * what was added can be taken away again without a trace. Integers are added as such while their sum is safe; other
 * numbers go into a fixed-point number wide enough for every double (after Kulisch, "Computer Arithmetic and Validity",
 * 2008). Infinities and NaN are counted.
 */
export class ExactSum {
  private integer = 0;
  private limbs: Float64Array | undefined;
  private additions = 0;
  private nans = 0;
  private positive = 0;
  private negative = 0;

  add(value: number): void {
    this.change(value, 1);
  }

  /** Takes away a value that was added. */
  remove(value: number): void {
    this.change(value, -1);
  }

  private change(value: number, sign: 1 | -1): void {
    if (Math.floor(value) === value && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
      const sum = this.integer + sign * value;
      if (Math.abs(sum) <= Number.MAX_SAFE_INTEGER) {
        this.integer = sum;
      } else {
        this.spread(this.integer);
        this.integer = sign * value;
      }
    } else if (Number.isFinite(value)) this.spread(sign * value);
    else if (value > 0) this.positive += sign;
    else if (value < 0) this.negative += sign;
    else this.nans += sign;
  }

  /** Adds a finite number to the limbs that its bits lie in. */
  private spread(value: number): void {
    this.limbs ??= new Float64Array(LIMBS);
    if (this.additions++ === ADDITIONS_BEFORE_CARRY) {
      carry(this.limbs);
      this.additions = 1;
    }
    double[0] = value;
    const low = words[LOW] as number;
    const high = words[1 - LOW] as number;
    const exponent = (high >>> 20) & 0x7ff;
    const top = exponent === 0 ? high & 0xfffff : (high & 0xfffff) | 0x100000;
    const place = exponent === 0 ? 0 : exponent - 1;
    const shift = place & 31;
    const sign = value < 0 ? -1 : 1;
    const limb = place >>> 5;
    const { limbs } = this;
    (limbs[limb] as number) += sign * ((low << shift) >>> 0);
    (limbs[limb + 1] as number) += sign * ((shift === 0 ? 0 : low >>> (32 - shift)) + ((top << shift) >>> 0));
    (limbs[limb + 2] as number) += sign * (shift === 0 ? 0 : top >>> (32 - shift));
  }

  /** The double that is nearest to the sum; the even one of two. */
  get value(): number {
    if (this.nans > 0 || (this.positive > 0 && this.negative > 0)) return Number.NaN;
    if (this.positive > 0) return Number.POSITIVE_INFINITY;
    if (this.negative > 0) return Number.NEGATIVE_INFINITY;
    if (this.limbs === undefined) return this.integer;
    const sum = this.limbs.slice();
    const whole = new ExactSum();
    whole.limbs = sum;
    whole.spread(this.integer);
    carry(sum);
    const isNegative = (sum[LIMBS - 1] as number) < 0;
    if (isNegative) {
      for (let at = 0; at < LIMBS; at++) sum[at] = -(sum[at] as number);
      carry(sum);
    }
    const size = rounded(sum);
    return isNegative ? -size : size;
  }
}

/** Brings all limbs but the last between 0 and 2^32; the last one has the sign. */
function carry(limbs: Float64Array): void {
  for (let at = 0; at < LIMBS - 1; at++) {
    const over = Math.floor((limbs[at] as number) / LIMB);
    (limbs[at] as number) -= over * LIMB;
    (limbs[at + 1] as number) += over;
  }
}

function rounded(limbs: Float64Array): number {
  let highest = LIMBS - 1;
  while (highest > 0 && limbs[highest] === 0) highest--;
  const limb = (at: number) => BigInt(limbs[at] as number);
  if (highest < 2) return Number((limb(1) << 32n) | limb(0)) * 2 ** LEAST_EXPONENT;
  let leading = (limb(highest) << 64n) | (limb(highest - 1) << 32n) | limb(highest - 2);
  // More than 64 bits stand above the last one, so that it can stand for whatever is below.
  for (let at = highest - 3; at >= 0; at--) if (limbs[at] !== 0) leading |= 1n;
  return Number(leading) * 2 ** (32 * (highest - 2) + LEAST_EXPONENT);
}
