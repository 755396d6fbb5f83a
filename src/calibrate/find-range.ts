import { BoltqError } from "../io/error.ts";
import type { Histogram } from "./histogram.ts";
import type { Range, RangeMethod } from "./range.ts";
import { magnitudeBins, shareBetween, signedBins } from "./signed-bins.ts";
import type { Collected, ValueStatistics } from "./statistics.ts";
import { leastDivergence } from "./threshold/kl.ts";
import { boltBins } from "./threshold/kl-bolt.ts";
import { type Limits, leastSquaredError, squaredError } from "./threshold/mse.ts";
import { quantile } from "./threshold/percentile.ts";

/** What type the numbers are quantized to, and how much is cut off. */
export interface FindRangeOptions {
  /** Whether zero is in the middle of the range. Default false. */
  readonly symmetric?: boolean;
  /** How many values the quantized type has: 256, or 255 where it is symmetric. Default these. */
  readonly levels?: number;
  /** For `percentile`: the share of the numbers that is kept, in percent, above 50 and up to 100. Default 99.99. */
  readonly percentile?: number;
}

/** What each method needs to be collected. */
export const METHOD_NEEDS: Readonly<Record<RangeMethod, Collected>> = {
  "min-max": "extremes",
  "moving-average": "extremes",
  percentile: "histogram",
  mse: "histogram",
  kl: "histogram",
  "kl-bolt": "histogram",
};

interface Search {
  readonly statistics: ValueStatistics;
  readonly histogram: Histogram;
  /** All that was seen. */
  readonly whole: Limits;
  readonly symmetric: boolean;
  readonly levels: number;
  readonly percentile: number;
}

/** Finds the limits; they are cut to what was seen afterwards. */
const SEARCHES: Readonly<Record<RangeMethod, (search: Search) => Limits>> = {
  "min-max": ({ whole }) => whole,
  "moving-average": ({ statistics }) => ({ low: statistics.meanMinimum, high: statistics.meanMaximum }),
  percentile: ({ histogram, whole, symmetric, percentile }) => {
    if (symmetric) return around(quantile(magnitudeBins(histogram, magnitudeOf(whole)), percentile / 100));
    const bins = signedBins(histogram, whole.low, whole.high);
    return { low: quantile(bins, 1 - percentile / 100), high: quantile(bins, percentile / 100) };
  },
  mse: leastError,
  kl: (search) => {
    const { histogram, whole, symmetric, levels } = search;
    const signed = signedBins(histogram, whole.low, whole.high);
    const best = leastError(search);
    const most = KL_MOST_ERROR * squaredError(signed, best, levels);
    const limitsOf = (kept: number) =>
      symmetric ? around(kept * signed.width) : cutTo(whole, around(kept * signed.width));
    const kept = leastDivergence(
      symmetric ? magnitudeBins(histogram, magnitudeOf(whole)) : signed,
      symmetric ? Math.ceil(levels / 2) : levels,
      (count) => squaredError(signed, limitsOf(count), levels) <= most,
    );
    return kept === undefined ? best : limitsOf(kept);
  },
  "kl-bolt": ({ histogram, whole }) => {
    const bins = magnitudeBins(histogram, magnitudeOf(whole));
    return around(boltBins(bins.counts) * bins.width);
  },
};

/** Divergence is blind to how far a clipped number was: what errs by more than this times the least is no candidate. */
const KL_MOST_ERROR = 1.5;

function leastError({ histogram, whole, symmetric, levels }: Search): Limits {
  const limits = symmetric ? around(magnitudeOf(whole)) : whole;
  return leastSquaredError(signedBins(histogram, whole.low, whole.high), limits, levels, symmetric);
}

/**
 * The range of a value's numbers that quantization should keep. Throws BoltqError `usage` when the method needs a
 * histogram and none was collected.
 */
export function findRange(statistics: ValueStatistics, method: RangeMethod, options: FindRangeOptions = {}): Range {
  const { symmetric = false, levels = symmetric ? 255 : 256, percentile = 99.99 } = options;
  const { histogram, minimum, maximum } = statistics;
  const whole = { low: Math.min(minimum, 0), high: Math.max(maximum, 0) };
  if (histogram === undefined && METHOD_NEEDS[method] === "histogram") {
    throw new BoltqError("usage", `the method "${method}" needs a histogram, and none was collected`, {
      remedy: "Collect histograms, or choose min-max or moving-average",
    });
  }
  const search = { statistics, histogram: histogram!, whole, symmetric, levels, percentile };
  const isConstant = whole.low === whole.high;
  const found = isConstant ? whole : cutTo(whole, SEARCHES[method](search));
  const limits = symmetric ? around(magnitudeOf(found)) : found;
  if (histogram === undefined) return { ...limits, method, clipped: undefined, zeroed: undefined };
  const bins = signedBins(histogram, minimum, maximum);
  const half = (limits.high - limits.low) / (levels - 1) / 2;
  return {
    ...limits,
    method,
    clipped: 1 - shareBetween(bins, limits.low, limits.high),
    zeroed: shareBetween(bins, -half, half),
  };
}

function around(limit: number): Limits {
  return { low: -limit, high: limit };
}

function magnitudeOf({ low, high }: Limits): number {
  return Math.max(-low, high);
}

/** Nothing beyond what was seen is kept; zero always is. */
function cutTo(whole: Limits, { low, high }: Limits): Limits {
  return { low: Math.min(Math.max(low, whole.low), 0), high: Math.max(Math.min(high, whole.high), 0) };
}
