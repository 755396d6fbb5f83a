/** Bins of each sign. */
export const BINS = 2048;

/**
 * How often numbers of each size were seen. The bins are equally wide and reach to a power of two, so that a wider
 * histogram follows exactly from a narrower one: counts do not depend on the order in which numbers came.
 */
export interface Histogram {
  /** The bins of each sign reach to 2^exponent; each is 2^exponent / 2048 wide. */
  readonly exponent: number;
  /** `positive[n]` counts n·width ≤ x < (n+1)·width; `positive[0]` counts all |x| < width, of either sign. 2048 counts. */
  readonly positive: Float64Array;
  /** `negative[n]` counts −(n+1)·width < x ≤ −n·width; `negative[0]` is 0. 2048 counts. */
  readonly negative: Float64Array;
}

/** The least exponent whose range holds numbers of that magnitude: magnitude < 2^exponent. */
export function exponentFor(magnitude: number): number {
  if (magnitude === 0) return LEAST_EXPONENT;
  let exponent = Math.ceil(Math.log2(magnitude));
  while (magnitude >= 2 ** exponent) exponent++;
  while (exponent > LEAST_EXPONENT && magnitude < 2 ** (exponent - 1)) exponent--;
  return Math.max(exponent, LEAST_EXPONENT);
}

/** Bins are not made narrower than this: their width and its inverse must be normal float32 numbers. */
export const LEAST_EXPONENT = -100;

/** Width of a bin. */
export function binWidth({ exponent }: Histogram): number {
  return 2 ** exponent / BINS;
}

/** How many numbers were counted. */
export function countOf({ positive, negative }: Histogram): number {
  return positive.reduce((sum, count) => sum + count, 0) + negative.reduce((sum, count) => sum + count, 0);
}

/** No numbers yet. */
export function emptyHistogram(exponent: number): Histogram {
  return { exponent, positive: new Float64Array(BINS), negative: new Float64Array(BINS) };
}

/** The same numbers counted in the wider bins of a larger exponent. */
export function widened(histogram: Histogram, exponent: number): Histogram {
  if (exponent === histogram.exponent) return histogram;
  const positive = mergedBins(histogram.positive, exponent - histogram.exponent);
  const negative = mergedBins(histogram.negative, exponent - histogram.exponent);
  positive[0]! += negative[0]!;
  negative[0] = 0;
  return { exponent, positive, negative };
}

/** Each run of 2^shift bins as one. */
function mergedBins(bins: Float64Array, shift: number): Float64Array {
  const merged = new Float64Array(BINS);
  const run = 2 ** shift;
  for (let bin = 0; bin < BINS; bin++) merged[Math.floor(bin / run)]! += bins[bin]!;
  return merged;
}

/** Two histograms as one, over the wider range of the two. */
export function mergedHistograms(one: Histogram, other: Histogram): Histogram {
  const exponent = Math.max(one.exponent, other.exponent);
  const [left, right] = [widened(one, exponent), widened(other, exponent)];
  const sum = (side: "positive" | "negative") => left[side].map((count, bin) => count + right[side][bin]!);
  return { exponent, positive: sum("positive"), negative: sum("negative") };
}

/** Counts of magnitudes: bin n counts n·width ≤ |x| < (n+1)·width. 2048 counts. */
export function magnitudes({ positive, negative }: Histogram): Float64Array {
  return positive.map((count, bin) => count + negative[bin]!);
}
