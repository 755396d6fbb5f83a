import { expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalInput, normalTensor } from "../../../test/models/values.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { pooledConvolutionToGemm } from "./pooled-convolution-to-gemm.ts";

const constants = { w: normalTensor([5, 6, 1, 1], 1), b: normalTensor([5], 2) };
const pooled: OnnxModelInit["operators"][number] = ["GlobalAveragePool", ["x"], "p"];

function modelOf(operators: OnnxModelInit["operators"]) {
  return onnxModel({ inputs: { x: [2, 6, 4, 4] }, constants, operators, outputs: ["y"] });
}

it.each<[string, OnnxModelInit["operators"]]>([
  ["with a bias", [pooled, ["Conv", ["p", "w", "b"], "y"]]],
  [
    "without, and with others behind it",
    [pooled, ["Conv", ["p", "w"], "c"], ["Flatten", ["c"], "f"], ["Softmax", ["f"], "y"]],
  ],
])("gives the same as a Gemm, %s", async (_, operators) => {
  const x = normalInput([2, 6, 4, 4], 4);
  const before = await outputsOf(modelOf(operators), { x });
  const model = modelOf(operators);
  await inferShapes(model);
  const name = pooledConvolutionToGemm(model);
  expect(model.main.graph.nodes.find((node) => node.name === name)?.type).toBe("Gemm");
  const after = await outputsOf(model, { x });
  expect(after.shapes).toEqual(before.shapes);
  expect(largestDifference(after, before)).toBeLessThan(1e-5);
});

it.each<[string, OnnxModelInit["operators"]]>([
  ["over places", [["Conv", ["x", "w"], "y"]]],
  [
    "whose weight others read",
    [pooled, ["Conv", ["x", "w"], "o"], ["Conv", ["p", "w"], "c"], ["Add", ["o", "c"], "y"]],
  ],
])("leaves a convolution %s", async (_, operators) => {
  const model = modelOf(operators);
  await inferShapes(model);
  expect(pooledConvolutionToGemm(model)).toBeUndefined();
});
