import type { ColumnType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';

/** Adds up stored values: numbers as numbers, with the rounding of floats compensated; bigints and decimals exactly. */
export class Sum {
  private readonly exact: boolean;
  private units = 0n;
  private total = 0;
  /** What rounding lost so far: Neumaier's variant of Kahan's summation ("Rundungsfehleranalyse", 1974). */
  private lost = 0;

  constructor(type: ColumnType) {
    this.exact = type.kind === 'decimal' || (type.kind === 'long' && type.as === 'bigint');
  }

  add(value: Stored): void {
    if (this.exact) {
      this.units += value as bigint;
      return;
    }
    const next = value as number;
    const total = this.total + next;
    if (Number.isFinite(total)) {
      this.lost += Math.abs(this.total) >= Math.abs(next) ? this.total - total + next : next - total + this.total;
    }
    this.total = total;
  }

  get value(): number | bigint {
    return this.exact ? this.units : this.total + this.lost;
  }
}

/** The mean as a number. */
export class Mean {
  private readonly sum: Sum;
  private readonly scale: number;
  private count = 0;

  constructor(type: ColumnType) {
    this.sum = new Sum(type);
    this.scale = type.kind === 'decimal' ? 10 ** type.scale : 1;
  }

  add(value: Stored): void {
    this.sum.add(value);
    this.count++;
  }

  get value(): number | undefined {
    return this.count === 0 ? undefined : Number(this.sum.value) / this.count / this.scale;
  }
}
