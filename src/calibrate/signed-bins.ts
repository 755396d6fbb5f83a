import { BINS, binWidth, type Histogram, magnitudes } from "./histogram.ts";

/** A histogram as one row of bins from the least number to the largest. */
export interface SignedBins {
  readonly counts: Float64Array;
  /** Index of the bin at zero, which holds what is near zero, of either sign. */
  readonly zero: number;
  /** Width of a bin. */
  readonly width: number;
}

/** The bins that reach from `minimum` to `maximum`, and zero. */
export function signedBins(histogram: Histogram, minimum: number, maximum: number): SignedBins {
  const width = binWidth(histogram);
  const zero = reach(-minimum, width) - 1;
  const right = reach(maximum, width);
  const counts = new Float64Array(zero + right);
  for (let bin = 1; bin <= zero; bin++) counts[zero - bin] = histogram.negative[bin]!;
  counts.set(histogram.positive.subarray(0, right), zero);
  return { counts, zero, width };
}

/** The bins of the magnitudes up to `magnitude`. */
export function magnitudeBins(histogram: Histogram, magnitude: number): SignedBins {
  const width = binWidth(histogram);
  return { counts: magnitudes(histogram).subarray(0, reach(magnitude, width)), zero: 0, width };
}

/** How many bins there are on a side up to the one that holds its extreme. */
function reach(extreme: number, width: number): number {
  return Math.min(Math.floor(Math.max(extreme, 0) / width) + 1, BINS);
}

/** The numbers that a bin holds; those at zero count as zero. */
export function edgesOf({ zero, width }: SignedBins, index: number): { readonly low: number; readonly high: number } {
  const place = index - zero;
  if (place === 0) return { low: 0, high: 0 };
  return place > 0
    ? { low: place * width, high: (place + 1) * width }
    : { low: (place - 1) * width, high: place * width };
}

/** The share of the numbers between two limits; within a bin they count as evenly spread. */
export function shareBetween(bins: SignedBins, from: number, to: number): number {
  let total = 0;
  let between = 0;
  for (let bin = 0; bin < bins.counts.length; bin++) {
    const count = bins.counts[bin]!;
    const { low, high } = edgesOf(bins, bin);
    const part =
      high > low ? (Math.min(high, to) - Math.max(low, from)) / (high - low) : from <= low && high <= to ? 1 : 0;
    total += count;
    between += count * Math.max(part, 0);
  }
  return total === 0 ? 0 : between / total;
}
