import { keepClassOf } from '../kept.js';
import type { ColumnType } from '../schema/column-type.js';
import type { Stored } from '../schema/stored-value.js';
import { ExactSum } from './exact-sum.js';

/** Adds up stored values, exactly: numbers are rounded once, at the end; bigints and decimals never. */
export class Sum {
  private readonly isBig: boolean;
  private units = 0n;
  private readonly total = new ExactSum();

  constructor(type: ColumnType) {
    this.isBig = type.kind === 'decimal' || (type.kind === 'long' && type.as === 'bigint');
  }

  add(value: Stored): void {
    if (this.isBig) this.units += value as bigint;
    else this.total.add(value as number);
  }

  /** Takes away a value that was added. */
  remove(value: Stored): void {
    if (this.isBig) this.units -= value as bigint;
    else this.total.remove(value as number);
  }

  get value(): number | bigint {
    return this.isBig ? this.units : this.total.value;
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

  /** Takes away a value that was added. */
  remove(value: Stored): void {
    this.sum.remove(value);
    this.count--;
  }

  get value(): number | undefined {
    return this.count === 0 ? undefined : Number(this.sum.value) / this.count / this.scale;
  }
}

const usual = new Mean({ kind: 'double' });
usual.add(2 ** 40); // a number that is no small integer to V8, nor becomes one again
usual.add(0.5); // and one that is spread over limbs
keepClassOf(usual);
