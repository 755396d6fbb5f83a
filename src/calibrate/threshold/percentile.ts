import { edgesOf, type SignedBins } from "../signed-bins.ts";

/** The number below which `share` (0..1) of the numbers lie; within a bin they count as evenly spread. */
export function quantile(bins: SignedBins, share: number): number {
  const wanted = share * bins.counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (let bin = 0; bin < bins.counts.length; bin++) {
    const count = bins.counts[bin]!;
    if (count > 0 && below + count >= wanted) {
      const { low, high } = edgesOf(bins, bin);
      return low + ((high - low) * (wanted - below)) / count;
    }
    below += count;
  }
  return edgesOf(bins, bins.counts.length - 1).high;
}
