import { describe, expect, it } from "vitest";
import { exactly, meanOf } from "./exact-sum.ts";
import {
  BINS,
  binWidth,
  countOf,
  emptyHistogram,
  exponentFor,
  type Histogram,
  LEAST_EXPONENT,
  magnitudes,
  mergedHistograms,
  widened,
} from "./histogram.ts";
import { edgesOf, magnitudeBins, shareBetween, signedBins } from "./signed-bins.ts";

/** A histogram to 2^exponent with these counts, by the number of the bin; negative numbers for negative bins. */
function histogramOf(exponent: number, counts: Readonly<Record<number, number>>): Histogram {
  const histogram = emptyHistogram(exponent);
  for (const [place, count] of Object.entries(counts)) {
    const bin = Number(place);
    if (bin < 0) histogram.negative[-bin] = count;
    else histogram.positive[bin] = count;
  }
  return histogram;
}

/** Its counts, as `histogramOf` takes them. */
function countsOf({ positive, negative }: Histogram): Record<number, number> {
  const counts: Record<number, number> = {};
  for (let bin = BINS - 1; bin >= 0; bin--) {
    if (negative[bin]! > 0) counts[-bin] = negative[bin]!;
    if (positive[bin]! > 0) counts[bin] = positive[bin]!;
  }
  return counts;
}

describe("exponentFor", () => {
  it.each([
    [0, LEAST_EXPONENT],
    [1e-40, LEAST_EXPONENT],
    [2 ** -100, -99],
    [0.4, -1],
    [0.5, 0],
    [0.75, 0],
    [1, 1],
    [1023.9, 10],
    [1024, 11],
    [1 - 2 ** -53, 0],
    [2 ** 29 * (1 + 2 ** -52), 30],
    [3.4e38, 128],
  ])("of %f is %i", (magnitude, exponent) => {
    expect(exponentFor(magnitude) + 0).toBe(exponent);
  });
});

describe("a histogram", () => {
  it("has 2048 bins of each sign up to a power of two", () => {
    const empty = emptyHistogram(3);
    expect([empty.positive.length, empty.negative.length, binWidth(empty), countOf(empty)]).toEqual([
      2048,
      2048,
      2 ** -8,
      0,
    ]);
  });

  it("counts both signs", () => {
    const histogram = histogramOf(0, { 0: 5, 3: 2, "-3": 4, "-2047": 1 });
    expect(countOf(histogram)).toBe(12);
    expect([0, 3, 2047].map((bin) => magnitudes(histogram)[bin])).toEqual([5, 6, 1]);
  });

  it.each([
    [1, { 0: 11, 1: 3, 1023: 7, "-1": 5 }],
    [2, { 0: 19, 511: 7 }],
    [12, { 0: 26 }],
  ])("is made wider by %i without a loss: the bins beside zero become one", (shift, expected) => {
    const histogram = histogramOf(4, { 0: 4, 1: 6, "-1": 1, 2: 1, 3: 2, "-2": 5, 2047: 7 });
    const wide = widened(histogram, 4 + shift);
    expect(wide.exponent).toBe(4 + shift);
    expect(countOf(wide)).toBe(26);
    expect(countsOf(wide)).toEqual(expected);
    expect(widened(histogram, 4)).toBe(histogram);
  });

  it("is merged with another over the wider range, in either order", () => {
    const [narrow, wide] = [histogramOf(0, { 2: 3, "-4": 1 }), histogramOf(1, { 1: 10, "-2": 20 })];
    for (const merged of [mergedHistograms(narrow, wide), mergedHistograms(wide, narrow)]) {
      expect(merged.exponent).toBe(1);
      expect(countsOf(merged)).toEqual({ 1: 13, "-2": 21 });
    }
  });
});

describe("a row of bins", () => {
  const histogram = histogramOf(0, { 0: 8, 1: 1, 2: 3, 3: 9, "-1": 4, "-2": 6 });
  const width = 1 / 2048;

  it("reaches from the least number to the largest", () => {
    const bins = signedBins(histogram, -2.5 * width, 2.5 * width);
    expect([[...bins.counts], bins.zero, bins.width]).toEqual([[6, 4, 8, 1, 3], 2, width]);
    const positive = signedBins(histogram, 0.5, 3.5 * width);
    expect([[...positive.counts], positive.zero]).toEqual([[8, 1, 3, 9], 0]);
    const all = signedBins(histogram, -5, 5);
    expect([all.counts.length, all.zero]).toEqual([4095, 2047]);
  });

  it("of magnitudes has both signs in one", () => {
    const bins = magnitudeBins(histogram, 2 * width);
    expect([[...bins.counts], bins.zero]).toEqual([[8, 5, 9], 0]);
  });

  it("has edges; what is near zero counts as zero", () => {
    const bins = signedBins(histogram, -2.5 * width, 2.5 * width);
    expect([0, 1, 2, 3, 4].map((index) => edgesOf(bins, index))).toEqual([
      { low: -3 * width, high: -2 * width },
      { low: -2 * width, high: -width },
      { low: 0, high: 0 },
      { low: width, high: 2 * width },
      { low: 2 * width, high: 3 * width },
    ]);
  });

  it.each([
    [-10, 10, 1],
    [0, 0, 8 / 22],
    [1, 3, 4 / 22],
    [1.5, 3, 3.5 / 22],
    [-2.25, -0.5, 5.5 / 22],
    [0.5, 1.5, 0.5 / 22],
    [-0.1, 0.1, 8 / 22],
    [5, 9, 0],
  ])("between %f and %f widths holds its share", (from, to, share) => {
    const bins = signedBins(histogram, -2.5 * width, 2.5 * width);
    expect(shareBetween(bins, from * width, to * width)).toBeCloseTo(share, 12);
  });

  it("without numbers holds no share", () => {
    expect(shareBetween(signedBins(emptyHistogram(0), -1, 1), -1, 1)).toBe(0);
  });
});

describe("an exact sum", () => {
  it("does not depend on the order, where float sums do", () => {
    const values = [1e30, 1, -1e30, 2 ** -149, 3.4e38, -3.4e38].map(Math.fround);
    const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + exactly(value), 0n);
    expect(sum(values)).toBe(sum(values.toReversed()));
    expect(sum(values)).toBe(exactly(1) + 1n);
    expect(meanOf(sum([1, 2, 6]), 4)).toBe(2.25);
    expect(meanOf(exactly(-0.5), 1)).toBe(-0.5);
  });
});
