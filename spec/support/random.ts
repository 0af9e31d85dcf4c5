/**
 * A fast generator of random numbers for tests that draw millions of them: xorshift128 (Marsaglia, "Xorshift
 * RNGs"), seeded. A failing test prints the seed; `SEED=… npm run spec -- spec/…` runs it again.
 */
export class Random {
  private readonly state = new Uint32Array(4);

  constructor(readonly seed: number = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))) {
    let mixed = seed >>> 0;
    for (let at = 0; at < 4; at++) {
      mixed = (Math.imul(mixed, 0x6c078965) + 0x9e3779b9 + at) >>> 0; // spreads small seeds, and is never all zeros
      this.state[at] = mixed;
    }
    for (let n = 0; n < 16; n++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const { state } = this;
    let t = state[3] as number;
    const s = state[0] as number;
    state[3] = state[2] as number;
    state[2] = state[1] as number;
    state[1] = s;
    t ^= t << 11;
    t ^= t >>> 8;
    const next = (t ^ s ^ (s >>> 19)) >>> 0;
    state[0] = next;
    return next;
  }

  /** An integer of 0 to `limit` − 1. */
  below(limit: number): number {
    return this.word() % limit;
  }

  chance(probability: number): boolean {
    return this.word() < probability * 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Runs `work` and adds the seed to whatever it throws. */
  reported<T>(work: (random: this) => T): T {
    try {
      return work(this);
    } catch (error) {
      if (error instanceof Error) error.message = `SEED=${this.seed}: ${error.message}`;
      throw error;
    }
  }
}
