import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../test/models/onnx-model.ts";
import { normalTensor, normalValues } from "../../../test/models/values.ts";
import type { ValueStatistics } from "../../calibrate/statistics.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import type { BiasPlan, Plan, WarningKind } from "../plan.ts";
import type { Recipe } from "../recipe.ts";
import { quantizeOnnx } from "./quantize-onnx.ts";

const seen = (minimum: number, maximum: number): ValueStatistics => ({
  examples: 1,
  numbers: 100,
  minimum,
  maximum,
  meanMinimum: minimum,
  meanMaximum: maximum,
});

const MODEL: OnnxModelInit = {
  inputs: { x: [2, 8] },
  constants: { w: normalTensor([8, 4]), b: normalTensor([4], 2), v: normalTensor([4, 3], 3) },
  operators: [
    ["Gemm", ["x", "w", "b"], "h"],
    ["Relu", ["h"], "r"],
    ["Gemm", ["r", "v"], "y"],
  ],
  outputs: ["y"],
};

const RECIPE: Recipe = { activations: { method: "min-max" } };

async function planOf(
  change: Partial<OnnxModelInit> = {},
  {
    recipe = RECIPE,
    x = seen(-0.01, 2),
    r = seen(0, 2),
  }: { recipe?: Recipe; x?: ValueStatistics; r?: ValueStatistics } = {},
): Promise<Plan> {
  const constants = { ...MODEL.constants, ...change.constants };
  const values = new Map([
    ["x", x],
    ["r", r],
    ["h", seen(-2, 2)],
    ["y", seen(-2, 2)],
  ]);
  const statistics = { examples: ["a"], skipped: [], values };
  return (await quantizeOnnx(onnxModel({ ...MODEL, ...change, constants }), { recipe, statistics })).plan;
}

const warningsOf = async (kind: WarningKind, ...subject: Parameters<typeof planOf>) =>
  (await planOf(...subject)).warnings.filter((warning) => warning.kind === kind).map(({ subject: name }) => name);

describe("warnings", () => {
  it("none of these for a plain model", async () => {
    const kinds = (await planOf({}, { recipe: { ...RECIPE, weights: { bits: 7 } } })).warnings.map(({ kind }) => kind);
    expect(kinds).toEqual([]);
  });

  it("bias-overflow: the bias is too large for its scale", async () => {
    const large = { constants: { b: floatTensor([4], [1, 1e9, 1, 1]) } };
    expect(await warningsOf("bias-overflow", large)).toEqual(['bias "b"']);
    const { weights, biases } = await planOf(large);
    const { codes, scales } = biases[0] as BiasPlan;
    expect(codes[1]!).toBeLessThan(2 ** 31);
    expect(codes[1]! * scales[1]!).toBeCloseTo(1e9, -4);
    expect(weights[0]!.scales[1]!).toBeGreaterThan(10 * weights[0]!.scales[0]!);
  });

  it("dead-channel: a channel's weights are all zero", async () => {
    const dead = floatTensor(
      [8, 4],
      normalValues(32).map((value, index) => (index % 4 === 2 ? 0 : value)),
    );
    expect(await warningsOf("dead-channel", { constants: { w: dead } })).toEqual(['weight "w"']);
  });

  it("zero-range: the value was zero in all examples", async () => {
    expect(await warningsOf("zero-range", {}, { r: seen(0, 0) })).toEqual(['value "r"']);
  });

  it("saturation-without-vnni: two large weights meet two large activations", async () => {
    const values = normalValues(32).map((value) => 1 + value / 50);
    const alike = { constants: { w: floatTensor([8, 4], values) } };
    expect(await warningsOf("saturation-without-vnni", alike)).toContain('weight "w"');
    const { scales } = (await planOf(alike)).weights[0]!;
    scales.forEach((scale, channel) => {
      const codes = [0, 1].map((row) => Math.round(values[4 * row + channel]! / scale));
      expect(255 * (codes[0]! + codes[1]!)).toBeLessThan(2 ** 15);
    });
  });

  it("per-channel-below-opset-13: the opset was raised for the scales", async () => {
    expect(await warningsOf("per-channel-below-opset-13", { opset: 11 })).toEqual(["the model"]);
    const perTensor = { recipe: { ...RECIPE, weights: { granularity: "per-tensor" } } } as const;
    expect(await warningsOf("per-channel-below-opset-13", { opset: 11 }, perTensor)).toEqual([]);
  });

  it("rule-without-operator: no operator is meant by a rule", async () => {
    const rules = [{ names: ["none*"], precision: "float" }] as const;
    expect(await warningsOf("rule-without-operator", {}, { recipe: { ...RECIPE, rules } })).toHaveLength(1);
  });

  it("nothing-quantized: the recipe leaves all in float", async () => {
    expect(await warningsOf("nothing-quantized", {}, { recipe: { precision: "float" } })).toEqual(["the model"]);
  });
});

it("names a weight that is no number", async () => {
  const broken = floatTensor(
    [8, 4],
    normalValues(32).map((value, index) => (index === 5 ? Number.NaN : value)),
  );
  await expect(planOf({ constants: { w: broken } })).rejects.toThrow(/weight "w": it holds NaN at element 5/);
});

it("calls a model quantized that is", async () => {
  const model = onnxModel({
    inputs: { x: [2] },
    constants: { s: floatTensor([], [0.1]) },
    operators: [["QuantizeLinear", ["x", "s"], "q"]],
    outputs: ["q"],
  });
  await expect(quantizeOnnx(model, {})).rejects.toThrow(
    /operator "q" \(QuantizeLinear\): the model is quantized already/,
  );
});

it("stores weights behind constant operators as integers", async () => {
  const { weights } = await planOf({
    constants: { w: normalTensor([4, 8]) },
    operators: [
      ["Transpose", ["w"], "t", { perm: [1, 0] }],
      ["Gemm", ["x", "t", "b"], "h"],
      ["Relu", ["h"], "r"],
      ["Gemm", ["r", "v"], "y"],
    ],
  });
  expect(weights.map(({ name }) => name)).toEqual(["t", "v"]);
});

it("stores no mask of a Dropout", async () => {
  const { values } = await planOf({
    operators: [
      ["Gemm", ["x", "w", "b"], "h"],
      ["Dropout", ["h"], ["r", "mask"]],
      ["Gemm", ["r", "v"], "y"],
    ],
  });
  expect(values.map(({ name }) => name)).toEqual(["x", "r"]);
});

it("leaves a MatMul of a constant in float and says why", async () => {
  const { operators } = await planOf({
    operators: [
      ["MatMul", ["v", "p"], "h"],
      ["Relu", ["h"], "r"],
      ["Relu", ["r"], "y"],
    ],
    inputs: { p: [3, 5] },
  });
  expect(operators[0]).toMatchObject({ precision: "float", reason: "what it reads is constant" });
});
