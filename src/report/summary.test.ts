import { expect, it } from "vitest";
import { boltModel, convolution } from "../../test/models/bolt-model.ts";
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

it("shows attributes of every kind in short", async () => {
  const graph = onnxGraph({ inputs: { x: [1] }, operators: [["Relu", ["x"], "y"]], outputs: ["y"] });
  const text = (value: string) => new TextEncoder().encode(value);
  const tensor = floatTensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const model = onnxModel({
    inputs: { x: ["batch", undefined, 3] },
    operators: [
      [
        "Custom",
        ["x", ""],
        "y",
        {
          whole: { kind: "int", value: 3 },
          list: { kind: "ints", value: [1, 2] },
          word: { kind: "string", value: text("SAME") },
          words: { kind: "strings", value: [text("a"), text("b")] },
          table: { kind: "tensor", value: tensor },
          tables: { kind: "tensors", value: [tensor] },
          body: { kind: "graph", value: graph },
          bodies: { kind: "graphs", value: [graph, graph] },
        },
      ],
    ],
    outputs: ["y"],
  });
  const { header, inputs, outputs, operators } = await summarizeModel(model);
  expect(header).toEqual({ irVersion: 8, "opset ai.onnx": 13, producer: "test", name: "test" });
  expect(inputs).toEqual([{ name: "x", type: "float32", shape: ["batch", null, 3] }]);
  expect(outputs).toEqual([{ name: "y", type: undefined, shape: undefined }]);
  expect(operators).toEqual([
    {
      name: "y",
      type: "Custom",
      inputs: ["x", ""],
      outputs: ["y"],
      parameters: {
        whole: 3,
        list: [1, 2],
        word: "SAME",
        words: ["a", "b"],
        table: "float32[2x3], 6 elements",
        tables: ["float32[2x3], 6 elements"],
        body: "graph of 1 operators",
        bodies: ["graph of 1 operators", "graph of 1 operators"],
      },
      scales: [],
    },
  ]);
});

it("shows a Bolt network, with ranges where they are asked for", async () => {
  const model = boltModel({
    inputs: { x: [1, 1, 4, 6] },
    operators: [["Conv", ["x"], "y", convolution(2, 1), { weight: [3, -1], vector: [0, 0.5] }]],
    outputs: ["y"],
  });
  const { header, inputs, operators, weights } = await summarizeModel(model);
  expect(header).toEqual({ version: model.version, name: "test", dataType: "F32" });
  expect(inputs).toEqual([{ name: "x", type: "F32", shape: [1, 1, 4, 6] }]);
  expect(operators).toMatchObject([
    { name: "y", type: "Conv", inputs: ["x"], outputs: ["y"], parameters: { num_outputs: 2, group: 1 }, scales: [] },
  ]);
  const weight = { name: "y", type: "F32", shape: [2], bytes: 8, vectorBytes: 8, scales: [] };
  expect(weights).toEqual([{ ...weight, minimum: -1, maximum: 3 }]);
  expect((await summarizeModel(model, { ranges: false })).weights).toEqual([weight]);
});
