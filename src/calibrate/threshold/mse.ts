import type { SignedBins } from "../signed-bins.ts";

/** A part of the numbers, as limits. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** Shares of the range that are tried first: all of it, then ever less in equal proportions, down to 1 %. */
const COARSE_SHARES = Array.from({ length: 46 }, (_, step) => 0.9 ** step);

/** Factors around the best of these that are tried next. */
const FINE_FACTORS = Array.from({ length: 21 }, (_, step) => 1 + (step - 10) / 100);

/**
 * The limits with the least squared error of clipping and rounding to `levels` steps. Where both signs occur both ends are
 * searched, first together, then each alone. `whole` holds all numbers; it is the result unless another errs less.
 */
export function leastSquaredError(bins: SignedBins, whole: Limits, levels: number, symmetric: boolean): Limits {
  const errorOf = (limits: Limits) => squaredError(bins, limits, levels);
  const both = search((share) => ({ low: share * whole.low, high: share * whole.high }), errorOf);
  if (symmetric || whole.low === 0 || whole.high === 0) return both;
  const lower = search((share) => ({ low: share * whole.low, high: both.high }), errorOf);
  const upper = search((share) => ({ low: lower.low, high: share * whole.high }), errorOf);
  return search((share) => ({ low: share * whole.low, high: upper.high }), errorOf);
}

function search(limitsFor: (share: number) => Limits, errorOf: (limits: Limits) => number): Limits {
  const coarse = bestOf(COARSE_SHARES, (share) => errorOf(limitsFor(share)));
  const fine = FINE_FACTORS.map((factor) => Math.min(coarse * factor, 1));
  return limitsFor(bestOf([coarse, ...fine], (share) => errorOf(limitsFor(share))));
}

/** The first of those that err least. */
function bestOf(candidates: readonly number[], errorOf: (candidate: number) => number): number {
  const errors = candidates.map(errorOf);
  return candidates[errors.indexOf(Math.min(...errors))]!;
}

/**
 * Sum of the squared errors of clipping and rounding, the numbers of a bin taken as evenly spread over it. The zero point
 * is rounded to a whole level, as it is stored.
 */
export function squaredError(bins: SignedBins, { low, high }: Limits, levels: number): number {
  const scale = (high - low) / (levels - 1);
  if (!(scale > 0)) return Number.POSITIVE_INFINITY;
  const least = Math.round(low / scale);
  const most = least + levels - 1;
  const wholeLevel = (scale * scale * scale) / 12;
  /** ∫ (x − its level)² dx from the level at zero to x. */
  const integral = (x: number): number => {
    const level = Math.min(Math.max(Math.round(x / scale), least), most);
    const rest = x - level * scale;
    return level * wholeLevel + (rest * rest * rest) / 3;
  };
  const { counts, zero, width } = bins;
  const nearZero = Math.min(counts[zero]!, (counts[zero - 1] ?? 0) + (counts[zero + 1] ?? 0));
  let sum = (nearZero * (integral(width) - integral(-width))) / 2;
  let before = integral(-zero * width - width);
  for (let bin = 0; bin < counts.length; bin++) {
    const after = integral((bin < zero ? bin - zero : bin - zero + 1) * width);
    if (bin !== zero) sum += counts[bin]! * (after - before);
    before = after;
  }
  return sum / width;
}
