import type { Histogram } from "./histogram.ts";

/**
 * What can be collected of a value while a network runs. Extremes always are, the rest on demand:
 * `histogram` counts every number, `sample` counts about one of 61, `moments` sums numbers and their squares, `channels`
 * looks at each channel (axis 1, or the last axis of matrices) alone.
 */
export type Collected = "extremes" | "histogram" | "sample" | "moments" | "channels";

/** What calibration saw of one value, over all examples. All numbers are the same for any order and split of the examples. */
export interface ValueStatistics {
  /** Examples in which the value was seen. */
  readonly examples: number;
  /** How many numbers that were. */
  readonly numbers: number;
  /** The extremes over all examples: float32 numbers. */
  readonly minimum: number;
  readonly maximum: number;
  /** The means, over the examples, of each example's own extremes. */
  readonly meanMinimum: number;
  readonly meanMaximum: number;
  /** Present where it was asked for, of all numbers or of a sample. */
  readonly histogram?: Histogram | undefined;
  readonly moments?: Moments | undefined;
  readonly channels?: ChannelStatistics | undefined;
}

/** Means over all numbers of a value. */
export interface Moments {
  readonly mean: number;
  /** Mean of the squares. */
  readonly meanSquare: number;
}

/** One entry a channel. */
export interface ChannelStatistics {
  /** Largest magnitudes. */
  readonly magnitudes: readonly number[];
  readonly means: readonly number[];
}

/** What calibration saw of a network. */
export interface Statistics {
  /** Names of the examples, sorted. */
  readonly examples: readonly string[];
  /** Examples that could not be read, with the reason, sorted. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** By the value's name, in graph order. */
  readonly values: ReadonlyMap<string, ValueStatistics>;
}
