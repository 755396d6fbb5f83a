import { expect, it } from "vitest";
import { onnxGraph, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { lowerToBolt } from "../../convert/onnx-to-bolt/index.ts";
import { joinedBytes } from "../../io/bytes.ts";
import { WireWriter } from "../../io/protobuf.ts";
import { functionOf } from "../../onnx/function.ts";
import type { OnnxAttribute, OnnxModel } from "../../onnx/model.ts";
import { encodedTensor, floatTensor } from "../../onnx/tensor-data.ts";

/** A float attribute that stands for one of the call. */
async function reference(name: string, to: string): Promise<OnnxAttribute> {
  const writer = new WireWriter();
  writer.text(1, name);
  writer.integer(20, 1);
  writer.text(21, to);
  return { kind: "raw", value: await joinedBytes(writer.parts()).read() };
}

/** Two calls of a function that calls another, which has an attribute and an input that may be left out. */
async function withFunctions(): Promise<OnnxModel> {
  const inner = onnxGraph({
    inputs: { a: [2, 3], low: [] },
    operators: [
      ["LeakyRelu", ["a"], "leaky", { alpha: await reference("alpha", "slope") }],
      ["Clip", ["leaky", "low"], "cut"],
    ],
    outputs: ["cut"],
  });
  const outer = onnxGraph({
    inputs: { a: [2, 3] },
    constants: { two: floatTensor([], [2]) },
    operators: [
      ["Mul", ["a", "two"], "double"],
      ["Bend", ["double"], "bent", { slope: { float: 0.25 } }],
      ["Neg", ["bent"], "result"],
    ],
    outputs: ["result"],
  });
  for (const node of outer.graph.nodes) if (node.type === "Bend") node.data.domain = "own";
  const model = onnxModel({
    inputs: { x: [2, 3] },
    operators: [
      ["Turn", ["x"], "t"],
      ["Turn", ["t"], "y"],
    ],
    outputs: ["y"],
  });
  for (const node of model.main.graph.nodes) node.data.domain = "own";
  model.opsets.set("own", 1);
  model.functions = [
    await functionOf(inner, { domain: "own", name: "Bend", opset: 13 }),
    await functionOf(outer, { domain: "own", name: "Turn", opset: 13 }),
  ];
  return model;
}

it("puts functions in the place of their calls, with attributes and inputs as these have them", async () => {
  const { model } = await lowerToBolt(await withFunctions());
  const expected = await outputsOf(
    onnxModel({
      inputs: { x: [2, 3] },
      constants: { two: floatTensor([], [2]) },
      operators: [
        ["Mul", ["x", "two"], "a"],
        ["LeakyRelu", ["a"], "b", { alpha: { float: 0.25 } }],
        ["Neg", ["b"], "c"],
        ["Mul", ["c", "two"], "d"],
        ["LeakyRelu", ["d"], "e", { alpha: { float: 0.25 } }],
        ["Neg", ["e"], "y"],
      ],
      outputs: ["y"],
    }),
  );
  expect(largestDifference(await outputsOf(model), expected)).toBeLessThan(1e-6);
});

it("refuses functions that call themselves", async () => {
  const model = await withFunctions();
  const itself = onnxGraph({ inputs: { a: [2, 3] }, operators: [["Turn", ["a"], "b"]], outputs: ["b"] });
  itself.graph.nodes[0]!.data.domain = "own";
  model.functions = [await functionOf(itself, { domain: "own", name: "Turn", opset: 13 })];
  await expect(lowerToBolt(model)).rejects.toThrow(/call themselves/);
});

it.each([
  [1, "Relu"],
  [0, "Sigmoid"],
])("takes the branch of an If whose condition is %d, which follows from constants", async (holds, type) => {
  const branch = (operator: string): OnnxAttribute => ({
    kind: "graph",
    value: onnxGraph({ operators: [[operator, ["x"], "b"]], outputs: ["b"] }, outer),
  });
  const outer = new Map<string, never>();
  const model = onnxModel({
    inputs: { x: [2, 3] },
    constants: { c: encodedTensor("bool", [], [1 - holds]) },
    operators: [
      ["Not", ["c"], "condition"],
      ["Identity", ["x"], "same"],
    ],
    outputs: ["same"],
  });
  const { graph } = model.main;
  outer.set("x", graph.inputs[0] as never);
  const [not] = graph.nodes;
  const value = onnxGraph({ inputs: { y: [2, 3] }, operators: [], outputs: ["y"] }).graph.inputs[0]!;
  const data = {
    ...not!.data,
    attributes: new Map([
      ["then_branch", branch("Relu")],
      ["else_branch", branch("Sigmoid")],
    ]),
  };
  graph.append({ name: "if", type: "If", inputs: [not!.output()], outputs: [value], data });
  graph.outputs = [value];
  expect(typesOf((await lowerToBolt(model)).model)).toEqual([type]);
});
