/** The part of a value's range that quantization keeps; what lies outside is clipped. Zero is always in it. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** What found it. */
  readonly method: RangeMethod;
  /** Share of the numbers that are clipped; undefined where no histogram was collected. */
  readonly clipped: number | undefined;
  /** Share of the numbers that become zero, zeros among them; undefined where no histogram was collected. */
  readonly zeroed: number | undefined;
}

/**
 * How a range is found from statistics. `min-max`: all that was seen; `moving-average`: the mean of each example's
 * extremes; `percentile`: all but a share at the ends; `mse`: least squared error; `kl`: least Kullback-Leibler divergence
 * as TensorRT means it, of the candidates with a small squared error; `kl-bolt`: as Bolt does.
 */
export type RangeMethod = "min-max" | "moving-average" | "percentile" | "mse" | "kl" | "kl-bolt";
