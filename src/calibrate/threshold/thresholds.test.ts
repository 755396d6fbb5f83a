import { describe, expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { emptyHistogram, exponentFor } from "../histogram.ts";
import { type SignedBins, signedBins } from "../signed-bins.ts";
import { leastDivergence } from "./kl.ts";
import { boltBins } from "./kl-bolt.ts";
import { type Limits, leastSquaredError, squaredError } from "./mse.ts";
import { quantile } from "./percentile.ts";

function binsOf(values: ArrayLike<number>): { bins: SignedBins; whole: Limits } {
  const [low, high] = [Math.min(0, ...Array.from(values)), Math.max(0, ...Array.from(values))];
  const histogram = emptyHistogram(exponentFor(Math.max(-low, high)));
  for (const value of Array.from(values)) {
    const bin = Math.trunc((value * 2048) / 2 ** histogram.exponent);
    if (bin < 0) histogram.negative[-bin]!++;
    else histogram.positive[bin]!++;
  }
  return { bins: signedBins(histogram, low, high), whole: { low, high } };
}

/** Mean squared error of quantizing the numbers themselves to codes of whole steps from the zero point. */
function errorOf(values: ArrayLike<number>, { low, high }: Limits, levels: number): number {
  const scale = (high - low) / (levels - 1);
  const least = Math.round(low / scale);
  const codes = Array.from(values, (value) => Math.min(Math.max(Math.round(value / scale), least), least + levels - 1));
  return codes.reduce((sum, code, index) => sum + (values[index]! - code * scale) ** 2, 0);
}

const PLAIN = normalValues(4000, 3);
const HIGH = Float32Array.of(...PLAIN, 40);
const LOW = Float32Array.of(...PLAIN, -40);
const BOTH = Float32Array.of(...PLAIN, 60, -25);
const POSITIVE = PLAIN.map((value) => Math.abs(value) ** 3);

describe("the squared error of limits", () => {
  it.each([
    [-3, 3, 16],
    [-1, 2.5, 16],
    [0, 2, 256],
    [-2, 0, 16],
  ])("%f to %f in %i levels is that of the numbers themselves", (low, high, levels) => {
    const { bins } = binsOf(PLAIN);
    const found = squaredError(bins, { low, high }, levels);
    expect(found / errorOf(PLAIN, { low, high }, levels)).toBeCloseTo(1, 1);
  });

  it("is infinite for an empty range", () => {
    expect(squaredError(binsOf(PLAIN).bins, { low: 0, high: 0 }, 16)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the least squared error", () => {
  it.each([
    ["of plain numbers", PLAIN],
    ["with an outlier above", HIGH],
    ["with an outlier below", LOW],
    ["with outliers on both sides", BOTH],
    ["of positive numbers", POSITIVE],
    ["of negative numbers", POSITIVE.map((value) => -value)],
  ])("%s is near that of the best pair of limits", (_, values) => {
    const { bins, whole } = binsOf(values);
    const found = leastSquaredError(bins, whole, 16, false);
    let best = Number.POSITIVE_INFINITY;
    for (let left = 1; left <= 60; left++) {
      for (let right = 1; right <= 60; right++) {
        const limits = { low: whole.low * (left / 60) ** 2, high: whole.high * (right / 60) ** 2 };
        if (limits.low < limits.high) best = Math.min(best, squaredError(bins, limits, 16));
      }
    }
    expect(squaredError(bins, found, 16)).toBeLessThan(1.1 * best);
    expect(found.low).toBeGreaterThanOrEqual(whole.low);
    expect(found.high).toBeLessThanOrEqual(whole.high);
  });

  it("moves either end alone", () => {
    const high = leastSquaredError(binsOf(HIGH).bins, binsOf(HIGH).whole, 16, false);
    expect(high.high).toBeLessThan(20);
    const low = leastSquaredError(binsOf(LOW).bins, binsOf(LOW).whole, 16, false);
    expect(low.low).toBeGreaterThan(-20);
    for (const { low: from, high: to } of [high, low]) expect(Math.min(-from, to)).toBeGreaterThan(1.5);
  });

  it("keeps zero in the middle where that is asked", () => {
    const { bins } = binsOf(BOTH);
    const { low, high } = leastSquaredError(bins, { low: -60, high: 60 }, 15, true);
    expect(low).toBe(-high);
    expect(high).toBeLessThan(15);
  });

  it("keeps everything where that errs least", () => {
    const even = Float32Array.from({ length: 2001 }, (_, index) => index / 1000 - 1);
    const { bins, whole } = binsOf(even);
    const { low, high } = leastSquaredError(bins, whole, 256, false);
    expect(low).toBeCloseTo(-1, 1);
    expect(high).toBeCloseTo(1, 1);
  });
});

describe("a quantile", () => {
  const row: SignedBins = { counts: Float64Array.of(2, 0, 4, 4, 10), zero: 2, width: 0.5 };

  it.each([
    [0, -1.5],
    [0.05, -1.25],
    [0.1, -1],
    [0.2, 0],
    [0.3, 0],
    [0.4, 0.75],
    [0.5, 1],
    [0.75, 1.25],
    [1, 1.5],
  ])("%f of the numbers lie below %f", (share, place) => {
    expect(quantile(row, share)).toBeCloseTo(place, 12);
  });
});

describe("the least divergence", () => {
  it("cuts a lone outlier off, and keeps a side that ends before whole", () => {
    const { bins } = binsOf(HIGH);
    const kept = leastDivergence(bins, 64, () => true)!;
    expect(kept * bins.width).toBeLessThan(20);
    expect(kept * bins.width).toBeGreaterThan(2);
  });

  it("keeps to the numbers of bins that are allowed", () => {
    const { bins } = binsOf(HIGH);
    const free = leastDivergence(bins, 64, () => true)!;
    expect(leastDivergence(bins, 64, (kept) => kept > free)).toBeGreaterThan(free);
    expect(leastDivergence(bins, 64, () => false)).toBeUndefined();
  });

  it("does not look at how many zeros there are", () => {
    const { bins } = binsOf(HIGH);
    const counts = bins.counts.slice();
    counts[bins.zero]! += 1e6;
    expect(leastDivergence({ ...bins, counts }, 64, () => true)).toBe(leastDivergence(bins, 64, () => true));
  });
});

describe("Bolt's bins", () => {
  it("are as many as levels where all numbers are small", () => {
    const counts = new Float32Array(2048);
    counts.fill(10, 0, 128);
    expect(boltBins(counts)).toBe(128);
  });

  it("are fewer than all with an outlier far away", () => {
    const counts = Float32Array.from({ length: 2048 }, (_, bin) => Math.round(1000 * Math.exp(-((bin / 200) ** 2))));
    counts[2047] = 1;
    const bins = boltBins(counts);
    expect(bins).toBeGreaterThan(200);
    expect(bins).toBeLessThan(1200);
  });
});
