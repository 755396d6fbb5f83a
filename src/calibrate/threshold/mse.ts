import { middleOf, type SignedBins } from "../signed-bins.ts";

/** A part of the numbers, as limits. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** Candidates are shares of the whole range, this many steps down to the least. */
const STEPS = 100;
const LEAST_SHARE = 0.2;

/** The limits with the least squared error of clipping and rounding to `levels` steps; both ends are searched. */
export function leastSquaredError(bins: SignedBins, whole: Limits, levels: number, symmetric: boolean): Limits {
  const both = search((share) => ({ low: share * whole.low, high: share * whole.high }), bins, levels);
  if (symmetric || whole.low === 0 || whole.high === 0) return both;
  const lower = search((share) => ({ low: share * whole.low, high: both.high }), bins, levels);
  return search((share) => ({ low: lower.low, high: share * whole.high }), bins, levels);
}

function search(limitsFor: (share: number) => Limits, bins: SignedBins, levels: number): Limits {
  let best = limitsFor(1);
  let least = squaredError(bins, best, levels);
  for (let step = 1; step <= STEPS; step++) {
    const limits = limitsFor(1 - (step * (1 - LEAST_SHARE)) / STEPS);
    const error = squaredError(bins, limits, levels);
    if (error < least) {
      best = limits;
      least = error;
    }
  }
  return best;
}

/** Sum of the squared errors. The zero point is rounded to a whole level, as it is stored. */
export function squaredError(bins: SignedBins, { low, high }: Limits, levels: number): number {
  const scale = (high - low) / (levels - 1);
  if (!(scale > 0)) return Number.POSITIVE_INFINITY;
  const least = Math.round(low / scale);
  const most = least + levels - 1;
  let sum = 0;
  for (let bin = 0; bin < bins.counts.length; bin++) {
    const count = bins.counts[bin]!;
    if (count === 0) continue;
    const value = middleOf(bins, bin);
    const error = value - scale * Math.min(Math.max(Math.round(value / scale), least), most);
    sum += count * error * error;
  }
  return sum;
}
