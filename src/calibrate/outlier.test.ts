import { describe, expect, it } from "vitest";
import { onnxModel } from "../../test/models/onnx-model.ts";
import { denseTensor } from "../graph/dense-values.ts";
import { collectObservations } from "./collect.ts";
import type { Observations, ValueObservations } from "./observations.ts";
import { outlierWarnings } from "./outlier.ts";
import { mergePeaks, type Peak } from "./peak.ts";
import type { Collected } from "./statistics.ts";

const own = (example: string, magnitude: number): Peak => ({ example, magnitude, others: 0 });

it("is told of when the examples are collected, whatever their order", async () => {
  const model = onnxModel({
    inputs: { x: [1, 3] },
    operators: [
      ["Relu", ["x"], "y"],
      ["Neg", ["y"], "z"],
    ],
    outputs: ["z"],
  });
  const needs = new Map([
    ["x", new Set<Collected>(["extremes"])],
    ["y", new Set<Collected>(["extremes"])],
  ]);
  const rows = { a: [1, 2, -3], b: [-70, 0.25, 0.5], c: [0, 1, 2], d: [1.5, 0, 0] };
  for (const entries of [Object.entries(rows), Object.entries(rows).reverse()]) {
    const dataset = {
      length: 4,
      names: [],
      async *samples() {
        for (const [name, row] of entries)
          yield { name, inputs: new Map([["x", denseTensor("float32", [1, 3], row)]]) };
      },
    };
    const warnings: string[] = [];
    const onWarning = (warning: string) => warnings.push(warning);
    const { values } = await collectObservations(model, needs, dataset, { onWarning });
    expect(values.get("x")?.peak).toEqual({ example: "b", magnitude: 70, others: 3 });
    expect(values.get("y")?.peak).toEqual({ example: "a", magnitude: 2, others: 2 });
    expect(warnings).toEqual([
      expect.stringMatching(/^the example "b" reaches far beyond the others: in "x" ±70, in all others at most ±3\. /),
    ]);
  }
});

describe("the peak of several examples", () => {
  const examples = [own("a", 3), own("b", 70), own("c", 5), own("d", 70), own("e", 1)];

  it("is the first by name of those that reach farthest, in whatever order they are merged", () => {
    const wanted = { example: "b", magnitude: 70, others: 70 };
    expect(examples.reduce(mergePeaks)).toEqual(wanted);
    expect(examples.toReversed().reduce(mergePeaks)).toEqual(wanted);
    const [a, b, c, d, e] = examples as [Peak, Peak, Peak, Peak, Peak];
    expect(mergePeaks(mergePeaks(e, d), mergePeaks(c, mergePeaks(a, b)))).toEqual(wanted);
  });

  it("keeps how far the others reach", () => {
    expect(mergePeaks({ example: "a", magnitude: 9, others: 8 }, own("b", 3)).others).toBe(8);
    expect(mergePeaks({ example: "a", magnitude: 9, others: 2 }, { ...own("b", 3), others: 1 }).others).toBe(3);
    expect(mergePeaks(own("a", 1), { example: "b", magnitude: 9, others: 2 })).toEqual({
      example: "b",
      magnitude: 9,
      others: 2,
    });
  });
});

describe("warnings of examples that stand out", () => {
  const observed = (peaks: Record<string, Peak | undefined>, count = 3): Observations => ({
    examples: ["a", "b", "c"].slice(0, count),
    skipped: [],
    values: new Map(Object.entries(peaks).map(([name, peak]) => [name, { peak } as ValueObservations])),
  });

  it("name the example, a value and how far all reach", () => {
    const peaks = {
      x: { example: "b", magnitude: 10000, others: 3.2549 },
      y: { example: "a", magnitude: 59, others: 3 },
      z: { example: "b", magnitude: 60, others: 3 },
      w: { example: "c", magnitude: 2e-3, others: 1e-4 },
      none: undefined,
      zero: { example: "c", magnitude: 1, others: 0 },
    };
    expect(outlierWarnings(observed(peaks))).toEqual([
      'the example "b" reaches far beyond the others: in "x" ±10000, in all others at most ±3.25 (and so in 1 more values). ' +
        "Check it or leave it out, or choose a method that cuts outliers off (mse, percentile)",
      'the example "c" reaches far beyond the others: in "w" ±0.002, in all others at most ±0.0001. ' +
        "Check it or leave it out, or choose a method that cuts outliers off (mse, percentile)",
    ]);
  });

  it("are not given of two examples", () => {
    const peaks = { x: { example: "b", magnitude: 10000, others: 3 } };
    expect(outlierWarnings(observed(peaks, 2))).toEqual([]);
    expect(outlierWarnings(observed(peaks))).toHaveLength(1);
  });
});
