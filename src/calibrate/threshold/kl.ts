import type { SignedBins } from "../signed-bins.ts";

/**
 * How many bins to keep on each side of zero: as many as give the least Kullback-Leibler divergence between the numbers,
 * clipped, and what `levels` steps keep of them, as TensorRT means it. Every number of bins from that of the levels on is
 * tried that `allowed` lets through. A side that ends before is kept whole. Undefined where none is left to choose.
 */
export function leastDivergence(
  { counts: seen, zero }: SignedBins,
  levels: number,
  allowed: (kept: number) => boolean,
): number | undefined {
  const counts = withoutZeros(seen, zero);
  const sums = runningSums(counts);
  const most = Math.max(zero + 1, counts.length - zero);
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let kept = most; kept >= 1; kept--) {
    const [first, end] = [Math.max(0, zero + 1 - kept), Math.min(counts.length, zero + kept)];
    if (end - first < levels) break;
    const found = divergence(counts, sums, first, end, levels);
    if (found < least && allowed(kept)) {
      best = kept;
      least = found;
    }
  }
  return best;
}

/** Zeros are exact at every scale, and behind a Relu so many that they would outweigh all else: they count as their neighbours. */
function withoutZeros(seen: Float64Array, zero: number): Float64Array {
  const counts = seen.slice();
  counts[zero] = Math.max(seen[zero + 1] ?? 0, seen[zero - 1] ?? 0);
  return counts;
}

/** What stands for a probability of zero under a fraction bar. */
const NOTHING = 1e-12;

/** What lies outside is added to the bins at the ends of the one side alone. */
function divergence(counts: Float64Array, sums: Float64Array, first: number, end: number, levels: number): number {
  const total = sums.at(-1)!;
  const within = sums[end]! - sums[first]!;
  const [below, above] = [sums[first]!, total - sums[end]!];
  let sum = 0;
  for (let level = 0; level < levels; level++) {
    const start = first + Math.floor((level * (end - first)) / levels);
    const stop = first + Math.floor(((level + 1) * (end - first)) / levels);
    let filled = 0;
    for (let bin = start; bin < stop; bin++) filled += counts[bin]! > 0 ? 1 : 0;
    const spread = (sums[stop]! - sums[start]!) / filled / within;
    for (let bin = start; bin < stop; bin++) {
      const count = counts[bin]!;
      const seen = count + (bin === first ? below : 0) + (bin === end - 1 ? above : 0);
      if (seen > 0) sum += (seen / total) * Math.log(seen / total / (count > 0 ? spread : NOTHING));
    }
  }
  return sum;
}

function runningSums(counts: Float64Array): Float64Array {
  const sums = new Float64Array(counts.length + 1);
  for (let bin = 0; bin < counts.length; bin++) sums[bin + 1] = sums[bin]! + counts[bin]!;
  return sums;
}
