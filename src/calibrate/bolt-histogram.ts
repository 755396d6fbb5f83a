import { boltBins } from "./threshold/kl-bolt.ts";

const { fround } = Math;
const BINS = 2048;

/** Tensors are looked at in batches of so many examples; of fewer where one takes more than so many bytes. */
const BATCH = 100;
const LARGE_BATCH = 8;
const LARGE_BYTES = 1e7;

/** How many examples Bolt 1.3.0 takes at once for a float32 tensor of that many elements. */
export function boltBatchSize(elements: number): number {
  return 4 * elements > LARGE_BYTES ? LARGE_BATCH : BATCH;
}

/**
 * The histogram of magnitudes as Bolt 1.3.0 makes it (model_calibration.cpp, kl.cpp), float32 at every step. Each batch is
 * passed twice: its magnitudes first, then its numbers. A later batch with a larger maximum stretches the bins, wrongly
 * for maxima below 2048.
 */
export class BoltHistogram {
  #bins: Float32Array = new Float32Array(BINS);
  #interval = 0;
  #magnitude = 0;
  #lastMagnitude = -1;
  #batches = 0;

  /** First pass over a batch. */
  reach(values: Float32Array): void {
    for (const value of values) this.#magnitude = Math.max(this.#magnitude, Math.abs(value));
  }

  /** Between the passes. */
  settle(): void {
    if (this.#batches > 0 && this.#magnitude > this.#lastMagnitude) {
      this.#bins = stretched(this.#bins, fround(this.#magnitude / this.#lastMagnitude), this.#lastMagnitude);
    }
    this.#interval = fround(this.#magnitude / BINS);
    this.#lastMagnitude = this.#magnitude;
    this.#batches += 1;
  }

  /** Second pass: `batch` is how many examples the batch has, all of the same size. */
  add(values: Float32Array, batch: number): void {
    const counts = new Float32Array(BINS);
    for (const value of values) {
      counts[Math.min(Math.floor(fround(Math.abs(value) / this.#interval)), BINS - 1)]!++;
    }
    const weight = fround(values.length * batch);
    for (let bin = 0; bin < BINS; bin++) {
      this.#bins[bin]! += fround(fround(counts[bin]! / weight) * weight);
    }
  }

  /** 127 by the clip value with the least divergence. */
  scale(): number {
    return fround(127 / fround(boltBins(this.#bins) * this.#interval));
  }
}

/** The counts in bins that are `ratio` times as wide. */
function stretched(bins: Float32Array, ratio: number, lastMagnitude: number): Float32Array {
  const wide = new Float32Array(BINS);
  for (let bin = 0; bin < Math.ceil(fround(BINS / ratio)); bin++) {
    const start = fround(bin * ratio);
    const end = fround(start + ratio);
    const first = Math.ceil(start);
    if (first > start) wide[bin]! += fround(fround(first - start) * bins[first - 1]!);
    const last = end <= lastMagnitude ? Math.floor(end) : BINS;
    if (last < end && last < BINS) wide[bin]! += fround(fround(end - last) * bins[last]!);
    for (let old = first; old < last; old++) wide[bin]! += bins[old]!;
  }
  return wide;
}
