import { expect, it } from "vitest";
import { onnxGraph, onnxModel } from "../../test/models/onnx-model.ts";
import { floatTensor, integerTensor } from "../onnx/tensor-data.ts";
import { summarizeModel } from "./summary.ts";

it("counts the weights of Constant operators and of subgraphs, with their ranges", async () => {
  const branch = onnxGraph({
    constants: { inner: floatTensor([2], [-4, 4]) },
    operators: [["Identity", ["inner"], "out"]],
    outputs: ["out"],
  });
  const model = onnxModel({
    inputs: { x: [2], condition: { type: "bool", shape: [] } },
    constants: { w: floatTensor([3], [1, -2, 0.5]) },
    operators: [
      ["Constant", [], "c", { value: { kind: "tensor", value: integerTensor([2], [7, -(2 ** 40)]) } }],
      [
        "If",
        ["condition"],
        "y",
        { then_branch: { kind: "graph", value: branch }, else_branch: { kind: "graph", value: branch } },
      ],
    ],
    outputs: ["y", "c"],
  });
  const { weights } = await summarizeModel(model);
  expect(weights.map(({ name, type, bytes, minimum, maximum }) => [name, type, bytes, minimum, maximum])).toEqual([
    ["w", "float32", 12, -2, 1],
    ["c", "int64", 16, -(2 ** 40), 7],
    ["inner", "float32", 8, -4, 4],
    ["inner", "float32", 8, -4, 4],
  ]);
});
