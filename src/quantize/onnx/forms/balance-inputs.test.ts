import { describe, expect, it } from "vitest";
import { type OnnxOperator, onnxModel } from "../../../../test/models/onnx-model.ts";
import { outputsOf } from "../../../../test/models/run.ts";
import { signalToNoise } from "../../../../test/models/signal-to-noise.ts";
import { normalTensor } from "../../../../test/models/values.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { RECIPES } from "../../recipe.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize-onnx.ts";

const WIDTH = 64;

/** Two channels of the normalization reach forty times as far as the others. */
const factor = floatTensor(
  [WIDTH],
  Array.from({ length: WIDTH }, (_, channel) => (channel % 32 === 5 ? 40 : 1)),
);

const TAKEN_APART: readonly OnnxOperator[] = [
  ["ReduceMean", ["x"], "mean", { axes: [-1] }],
  ["Sub", ["x", "mean"], "centred"],
  ["Pow", ["centred", "two"], "squares"],
  ["ReduceMean", ["squares"], "variance", { axes: [-1] }],
  ["Sqrt", ["variance"], "deviation"],
  ["Div", ["centred", "deviation"], "normalized"],
  ["Mul", ["normalized", "factor"], "scaled"],
  ["Add", ["scaled", "offset"], "n"],
];

const network = (normalization: readonly OnnxOperator[]) =>
  onnxModel({
    opset: 17,
    inputs: { x: [6, WIDTH] },
    constants: {
      two: floatTensor([], [2]),
      factor,
      offset: normalTensor([WIDTH], 3),
      w1: normalTensor([WIDTH, 48], 4),
      w2: normalTensor([WIDTH, 32], 5),
    },
    operators: [...normalization, ["MatMul", ["n", "w1"], "y"], ["MatMul", ["n", "w2"], "z"]],
    outputs: ["y", "z"],
  });

describe.each<[string, readonly OnnxOperator[]]>([
  ["whole", [["LayerNormalization", ["x", "factor", "offset"], "n"]]],
  ["taken apart", TAKEN_APART],
])("products behind a normalization, %s", (_, normalization) => {
  it("are more exact when channels that reach far are divided first, once for all readers, and so from a plan file", async () => {
    const exact = await outputsOf(network(normalization));
    const { model, plan } = await quantizeOnnx(network(normalization), { recipe: RECIPES["int8-dynamic"]! });
    const types = model.main.graph.nodes.map(({ type }) => type);
    expect(types.filter((type) => type === "DynamicQuantizeLinear")).toHaveLength(1);
    const balanced = await outputsOf(model);
    const again = await quantizeOnnxAsPlanned(network(normalization), parsePlan(printPlanFile(plan), "plan.json"));
    expect(await outputsOf(again.model)).toEqual(balanced);
    const weights = plan.weights.map(({ inputFactors: factors, ...weight }) => weight);
    const plain = await quantizeOnnxAsPlanned(network(normalization), { ...plan, weights });
    const gain = signalToNoise(exact, balanced) - signalToNoise(exact, await outputsOf(plain.model));
    expect(gain).toBeGreaterThan(3);
  });
});

it("leaves products alone whose input is merely scaled", async () => {
  const { plan } = await quantizeOnnx(network([["Mul", ["x", "factor"], "n"]]), { recipe: RECIPES["int8-dynamic"]! });
  expect(plan.weights.map(({ inputFactors }) => inputFactors)).toEqual([undefined, undefined]);
});
