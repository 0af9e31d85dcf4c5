import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** What was measured of one operation. Times in nanoseconds; percentiles are within 0.1%. */
export interface Measurement {
  readonly operation: string;
  /** Calls that have ended, failed ones among them. */
  readonly count: number;
  /** Calls that threw, or rejected. */
  readonly failed: number;
  readonly minNs: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

interface Recorder {
  readonly histogram: RecordableHistogram;
  failed: number;
}

// biome-ignore lint/suspicious/noExplicitAny: functions of all kinds are measured
export type AnyFunction = (this: any, ...args: any[]) => any;

const NS_A_MS = 1e6;

/**
 * How long operations took, by name, in Node's own HDR histograms: a few hundred nanoseconds a call, and a few tens of
 * kilobytes an operation, however many calls there are.
 */
export class Measurements {
  /** Whether calls are measured; those that run when it changes are measured as they began. */
  enabled = true;
  private readonly recorders = new Map<string, Recorder>();

  /**
   * A function that does what `work` does, and is measured by this name until what it returns has settled. A name that
   * depends on what the function is called on is a function of that.
   */
  measured<F extends AnyFunction>(operation: string | ((self: unknown) => string), work: F): F {
    const self = this;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      if (!self.enabled) return work.apply(this, args);
      const name = typeof operation === 'string' ? operation : operation(this);
      const started = performance.now();
      let result: unknown;
      try {
        result = work.apply(this, args);
      } catch (error) {
        self.record(name, started, true);
        throw error;
      }
      if (!(result instanceof Promise)) {
        self.record(name, started, false);
        return result;
      }
      return result.then(
        (value) => {
          self.record(name, started, false);
          return value;
        },
        (error) => {
          self.record(name, started, true);
          throw error;
        },
      );
    };
    Object.defineProperty(wrapper, 'name', { value: work.name, configurable: true });
    Object.defineProperty(wrapper, 'length', { value: work.length, configurable: true });
    return wrapper as F;
  }

  private record(operation: string, startedMs: number, failed: boolean): void {
    const ns = Math.max(1, Math.round((performance.now() - startedMs) * NS_A_MS));
    let recorder = this.recorders.get(operation);
    if (recorder === undefined) {
      recorder = { histogram: createHistogram(), failed: 0 };
      this.recorders.set(operation, recorder);
    }
    recorder.histogram.record(ns);
    if (failed) recorder.failed++;
  }

  /** What was measured so far, by operation in the order of their names: `console.table` prints it. */
  rows(): Measurement[] {
    const rows = [...this.recorders].map(([operation, { histogram, failed }]) => ({
      operation,
      count: histogram.count,
      failed,
      minNs: histogram.min,
      meanNs: Math.round(histogram.mean),
      p50Ns: histogram.percentile(50),
      p99Ns: histogram.percentile(99),
      maxNs: histogram.max,
    }));
    return rows.sort((a, b) => (a.operation < b.operation ? -1 : 1));
  }

  /** Begins anew. */
  reset(): void {
    this.recorders.clear();
  }
}

/** Where `@Measured()` keeps its figures, unless it is told otherwise. */
export const measurements = new Measurements();
