import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeWithShared, hasShared, sharedPath } from "../../test/shared.ts";
import { findRange } from "./find-range.ts";
import { exponentFor, type Histogram } from "./histogram.ts";
import type { RangeMethod } from "./range.ts";
import type { ValueStatistics } from "./statistics.ts";
import { boltBins } from "./threshold/kl-bolt.ts";

/** The names of a folder's files; one that stands for them where the folder is absent. */
function filesIn(folder: string): string[] {
  return hasShared ? readdirSync(sharedPath(folder)) : ["(absent)"];
}

describeWithShared("Bolt's thresholds", () => {
  it.each(filesIn("golden/kl"))("finds the bin of %s", (file) => {
    const { counts, threshold_bin } = JSON.parse(readFileSync(sharedPath(`golden/kl/${file}`), "utf8"));
    expect(boltBins(counts)).toBe(threshold_bin);
  });

  it.each(filesIn("golden/kl_extend"))("finds the bin of the extended histogram %s", (file) => {
    const golden = JSON.parse(readFileSync(sharedPath(`golden/kl_extend/${file}`), "utf8"));
    const counts = golden.counts_after_extension.map((count: number, bin: number) =>
      Math.fround(count + golden.counts_of_new_batch[bin]),
    );
    expect(boltBins(counts)).toBe(golden.threshold_bin);
  });
});

/** Statistics of these numbers. */
function statisticsOf(values: readonly number[]): ValueStatistics {
  const [minimum, maximum] = [Math.min(...values), Math.max(...values)];
  const exponent = exponentFor(Math.max(-minimum, maximum));
  const histogram: Histogram = { exponent, positive: new Float64Array(2048), negative: new Float64Array(2048) };
  for (const value of values) {
    const bin = Math.trunc((value * 2048) / 2 ** exponent);
    if (bin < 0) histogram.negative[-bin]!++;
    else histogram.positive[bin]!++;
  }
  return {
    examples: 1,
    numbers: values.length,
    minimum,
    maximum,
    meanMinimum: minimum,
    meanMaximum: maximum,
    histogram,
  };
}

/** Numbers of a normal distribution, the same at each call. */
function normal(count: number): number[] {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()));
}

/** Numbers of known shapes, as networks make them. */
const DISTRIBUTIONS: Readonly<Record<string, (value: number, other: number, index: number) => number>> = {
  normal: (value) => value,
  relu: (value) => Math.max(value, 0),
  relu6: (value) => Math.min(Math.max(3 * value, 0), 6),
  "upper bound with a lower tail": (value, _, index) => (index % 10 < 7 ? 1 : 1 - Math.abs(value) / 5),
  "sparse outliers": (value, _, index) => (index % 1000 === 0 ? 30 * value : value),
  hardSwish: (value) => (3 * value * Math.min(Math.max(3 * value + 3, 0), 6)) / 6,
  silu: (value) => (3 * value) / (1 + Math.exp(-3 * value)),
  sigmoid: (value) => 1 / (1 + Math.exp(-3 * value)),
  laplace: (value, other) => value * Math.abs(other),
  "long tail": (value) => Math.exp(1.5 * value),
  integers: (value) => Math.round(20 * value),
};

function drawn(distribution: string, count: number): number[] {
  const values = normal(count + 1);
  return values.slice(1).map((value, index) => DISTRIBUTIONS[distribution]!(value, values[index]!, index));
}

/** Mean squared error of symmetric int8 with that clip value. */
function clippedError(values: readonly number[], clip: number): number {
  const error = (value: number) =>
    value - (clip / 127) * Math.min(Math.max(Math.round((127 * value) / clip), -127), 127);
  return values.reduce((sum, value) => sum + error(value) ** 2, 0) / values.length;
}

function decibels(error: number, reference: number): number {
  return 10 * Math.log10(error / reference);
}

/** Mean squared error of quantizing the numbers themselves. */
function squaredError(values: readonly number[], low: number, high: number): number {
  const scale = (high - low) / 255;
  const zero = Math.round(-low / scale);
  const error = (value: number) =>
    value - scale * (Math.min(Math.max(Math.round(value / scale) + zero, 0), 255) - zero);
  return values.reduce((sum, value) => sum + error(value) ** 2, 0) / values.length;
}

const METHODS: readonly RangeMethod[] = ["min-max", "moving-average", "percentile", "mse", "kl", "kl-bolt"];

describe("findRange", () => {
  it.each(METHODS)("%s keeps zero and nothing that was not seen", (method) => {
    for (const values of [normal(5000), normal(5000).map((value) => Math.max(value, 0)), normal(50), [3], [-2, -1]]) {
      for (const symmetric of [false, true]) {
        const seen = statisticsOf(values);
        const { low, high } = findRange(seen, method, { symmetric });
        expect(low).toBeLessThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(0);
        if (symmetric) expect(low).toBe(-high);
        const magnitude = Math.max(-seen.minimum, seen.maximum);
        expect(low).toBeGreaterThanOrEqual(symmetric ? -magnitude : Math.min(seen.minimum, 0));
        expect(high).toBeLessThanOrEqual(symmetric ? magnitude : Math.max(seen.maximum, 0));
      }
    }
  });

  it.each(METHODS)("%s gives an empty range for zeros alone", (method) => {
    expect(findRange(statisticsOf([0, 0, 0]), method)).toMatchObject({ low: 0, high: 0 });
  });

  it("mse errs less than min-max", () => {
    for (const values of [
      normal(20000),
      [...normal(20000), 30],
      normal(20000).map((value) => Math.max(value, 0) ** 3),
    ]) {
      const [best, all] = (["mse", "min-max"] as const).map((method) => findRange(statisticsOf(values), method));
      expect(squaredError(values, best!.low, best!.high)).toBeLessThan(squaredError(values, all!.low, all!.high));
    }
  });

  describe.each(Object.keys(DISTRIBUTIONS))("over %s", (distribution) => {
    it.each([2000, 8000])("mse finds the best clip value of %i numbers, and kl one nearly as good", (count) => {
      const values = drawn(distribution, count);
      const seen = statisticsOf(values);
      const magnitude = Math.max(-seen.minimum, seen.maximum);
      const clips = Array.from({ length: 100 }, (_, step) => (magnitude * (step + 1)) / 100);
      const least = Math.min(...clips.map((clip) => clippedError(values, clip)));
      const errorOf = (method: RangeMethod) => clippedError(values, findRange(seen, method, { symmetric: true }).high);
      expect(decibels(errorOf("mse"), least)).toBeLessThan(0.3);
      expect(decibels(errorOf("kl"), least)).toBeLessThan(3);
    });

    it("mse is never worse than min-max or kl where both ends are free", () => {
      const values = drawn(distribution, 8000);
      const errorOf = (method: RangeMethod) => {
        const { low, high } = findRange(statisticsOf(values), method);
        return squaredError(values, low, high);
      };
      for (const method of ["min-max", "kl"] as const)
        expect(decibels(errorOf("mse"), errorOf(method))).toBeLessThan(0.1);
    });
  });

  it("mse moves both ends, each by what it costs", () => {
    const values = [...normal(20000), -12, 20];
    const { low, high } = findRange(statisticsOf(values), "mse", { levels: 16 });
    const limits = Array.from({ length: 20 }, (_, step) => (step + 1) / 20);
    const errorOf = (from: number, to: number) => {
      const scale = (to - from) / 15;
      const [least, offset] = [Math.round(from / scale), 15];
      return values.reduce((sum, value) => {
        const code = Math.min(Math.max(Math.round(value / scale), least), least + offset);
        return sum + (value - scale * code) ** 2;
      }, 0);
    };
    const best = Math.min(...limits.flatMap((left) => limits.map((right) => errorOf(-12 * left, 20 * right))));
    expect(errorOf(low, high)).toBeLessThan(1.05 * best);
    expect(errorOf(-12, high)).toBeGreaterThan(1.2 * best);
    expect(errorOf(low, 20)).toBeGreaterThan(1.2 * best);
  });

  it.each(["kl", "kl-bolt", "percentile"] as const)("%s cuts a lone outlier off", (method) => {
    const { low, high, clipped } = findRange(statisticsOf([...normal(50000), 60]), method, { symmetric: true });
    expect(high).toBeLessThan(40);
    expect(low).toBe(-high);
    expect(clipped).toBeGreaterThan(0);
    expect(clipped).toBeLessThan(0.01);
  });

  it("percentile keeps the asked share", () => {
    const values = normal(100000).sort((left, right) => left - right);
    const { low, high } = findRange(statisticsOf(values), "percentile", { percentile: 99 });
    expect(high).toBeCloseTo(values[99000]!, 2);
    expect(low).toBeCloseTo(values[1000]!, 2);
  });

  it("tells which numbers become zero", () => {
    const { zeroed } = findRange(statisticsOf([0, 0, 0.001, 1, -1, 100]), "min-max");
    expect(zeroed).toBeCloseTo(3 / 6);
  });

  it("says that a histogram is missing", () => {
    const { histogram: _, ...rest } = statisticsOf([1, 2]);
    expect(() => findRange(rest, "kl")).toThrow(/histogram/);
  });
});
