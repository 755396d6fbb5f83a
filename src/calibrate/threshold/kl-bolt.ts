const { fround } = Math;

/** Levels of an int8 magnitude. */
const LEVELS = 128;

/** Bolt's search starts with this: a divergence that is larger does not count. */
const WORST = 2048;

/**
 * How many bins of magnitudes Bolt keeps: the number with the least divergence, of all from 128 up to the last but one.
 * `counts` are equal bins from 0 to the largest magnitude (Bolt has 2048). Every sum is rounded to float32 at each step, in
 * the order of the bins: the result hangs on it.
 */
export function boltBins(counts: ArrayLike<number>): number {
  const bins = Float32Array.from(counts);
  const total = sumOf(bins, bins.length);
  const share = fround(1 / total);
  let beyond = fround(total - sumOf(bins, LEVELS));
  let best = LEVELS;
  let least = WORST;
  for (let kept = LEVELS; kept < bins.length; kept++) {
    const found = divergence(bins, levelsOf(bins, kept), kept, beyond, share);
    beyond = fround(beyond - bins[kept]!);
    if (found < least) {
      best = kept;
      least = found;
    }
  }
  return best;
}

function sumOf(bins: Float32Array, end: number): number {
  let sum = 0;
  for (let bin = 0; bin < end; bin++) sum = fround(sum + bins[bin]!);
  return sum;
}

/** The first `kept` bins as 128 levels would keep them: levels start and end within bins, which they share by width. */
function levelsOf(bins: Float32Array, kept: number): Float32Array {
  const spread = new Float32Array(kept);
  const width = fround(kept / LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    const start = fround(level * width);
    const end = fround(start + width);
    const [first, last] = [Math.ceil(start), Math.floor(end)];
    const [before, after] = [fround(first - start), fround(end - last)];
    let sum = 0;
    let filled = 0;
    if (before > 0) {
      sum = fround(sum + fround(before * bins[first - 1]!));
      if (bins[first - 1]! !== 0) filled = fround(filled + before);
    }
    if (after > 0) {
      sum = fround(sum + fround(after * bins[last]!));
      if (bins[last]! !== 0) filled = fround(filled + after);
    }
    for (let bin = first; bin < last; bin++) {
      sum = fround(sum + bins[bin]!);
      if (bins[bin]! !== 0) filled = fround(filled + 1);
    }
    const value = fround(sum / filled);
    if (before > 0 && bins[first - 1]! !== 0) spread[first - 1]! += fround(value * before);
    if (after > 0 && bins[last]! !== 0) spread[last]! += fround(value * after);
    for (let bin = first; bin < last; bin++) if (bins[bin]! !== 0) spread[bin]! += value;
  }
  return spread;
}

/** What lies beyond is added to the last bin of the one side alone. */
function divergence(bins: Float32Array, spread: Float32Array, kept: number, beyond: number, share: number): number {
  let sum = 0;
  for (let bin = 0; bin < kept; bin++) {
    const count = bin === kept - 1 ? fround(bins[bin]! + beyond) : bins[bin]!;
    const seen = fround(count * share);
    if (seen === 0) continue;
    const level = spread[bin]!;
    sum = fround(sum + (level === 0 ? 1 : seen * Math.log(fround(seen / level))));
  }
  return sum;
}
