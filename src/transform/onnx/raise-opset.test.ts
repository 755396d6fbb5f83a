import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxGraph, onnxModel, operatorOf, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import { floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { raiseOpset } from "./raise-opset.ts";

const X = { x: [2, 3, 4, 5] };
const FOUR = {
  scale: normalTensor([3]),
  shift: normalTensor([3], 2),
  mean: normalTensor([3], 3),
  variance: positiveTensor([3]),
};
const NORM = ["x", ...Object.keys(FOUR)];

/** A model of one operator, `y`, over `x`. */
function one(
  opset: number,
  type: string,
  attributes: OnnxModelInit["operators"][number][3] = {},
  rest: Partial<OnnxModelInit> & { reads?: readonly string[] } = {},
): OnnxModelInit {
  const { reads = ["x", ...Object.keys(rest.constants ?? {})], ...more } = rest;
  return { opset, inputs: X, operators: [[type, reads, more.outputs ?? "y", attributes]], outputs: ["y"], ...more };
}

const ints = (...values: number[]) => integerTensor([values.length], values);

/** Old forms that mean the same in another form at opset 13, and how many inputs that has. */
const RAISED: readonly (readonly [string, number, OnnxModelInit])[] = [
  [
    "BatchNormalization 7, spatial stated",
    5,
    one(7, "BatchNormalization", { spatial: 1 }, { reads: NORM, constants: FOUR }),
  ],
  ["BatchNormalization 8, spatial by default", 5, one(8, "BatchNormalization", {}, { reads: NORM, constants: FOUR })],
  ["Clip 6 with both limits", 3, one(7, "Clip", { min: { float: -0.5 }, max: { float: 0.25 } })],
  ["Clip 6 with the lower limit", 2, one(10, "Clip", { min: { float: 0 } })],
  ["Clip 6 with the upper limit", 3, one(7, "Clip", { max: { float: 0.25 } })],
  ["Clip 6 without limits", 1, one(7, "Clip")],
  ["Clip 11", 2, one(11, "Clip", {}, { constants: { low: floatTensor([], [-0.5]) } })],
  ["Dropout 7", 1, one(7, "Dropout", { ratio: { float: 0.9 } })],
  ["Dropout 11", 1, one(11, "Dropout", { ratio: { float: 0.9 } })],
  ["Pad 2", 3, one(7, "Pad", { pads: [0, 1, 0, 2, 1, 0, 3, 0], value: { float: 1.5 } })],
  ["Pad 2 with zeros", 3, one(10, "Pad", { pads: [0, 0, 1, 1, 0, 0, 1, 1] })],
  ["Pad 2 that reflects", 3, one(10, "Pad", { pads: [0, 0, 1, 1, 0, 0, 1, 1], mode: "reflect" })],
  ["Pad 11", 2, one(11, "Pad", {}, { constants: { pads: ints(0, 0, 1, 1, 0, 0, 1, 1) } })],
  ["Slice 1 along stated axes", 4, one(9, "Slice", { starts: [1, -2], ends: [3, 100], axes: [1, 3] })],
  ["Slice 1 along the first axes", 4, one(7, "Slice", { starts: [0, 1], ends: [1, 3] })],
  ["Slice 10", 3, one(10, "Slice", {}, { constants: { starts: ints(0, 1), ends: ints(1, 3) } })],
  ["TopK 1", 2, one(9, "TopK", { k: 2, axis: 2 }, { outputs: ["y", "places"] })],
  ["TopK 10", 2, one(10, "TopK", { axis: 2 }, { constants: { k: ints(2) }, outputs: ["y", "places"] })],
  ["Softmax 1 over the last axis", 1, one(12, "Softmax", { axis: 3 })],
  ["Softmax 11 over axis -1", 1, one(11, "Softmax", { axis: -1 })],
  ["Softmax 1 over axis 1 of a matrix", 1, one(7, "Softmax", {}, { inputs: { x: [3, 7] } })],
  ["Softmax 1 over several axes", 1, one(12, "Softmax", { axis: 1 })],
  ["Softmax 11 over the last two axes", 1, one(12, "Softmax", { axis: -2 })],
  ["Softmax 1 over the default axis, 1, of more", 1, one(12, "Softmax")],
  ["Softmax 1 over all", 1, one(7, "Softmax", { axis: 0 })],
  ["LogSoftmax 1 over several axes", 1, one(7, "LogSoftmax", { axis: 1 })],
  ["Hardmax 1 over several axes", 1, one(12, "Hardmax", { axis: 2 })],
  ["LogSoftmax 1 over the last axis", 1, one(12, "LogSoftmax", { axis: 3 })],
  ["Hardmax 1 over the last axis", 1, one(12, "Hardmax", { axis: 3 })],
  ["Squeeze 1", 2, one(11, "Squeeze", { axes: [0, 2] }, { inputs: { x: [1, 3, 1, 5] } })],
  ["Squeeze 1 without axes", 1, one(11, "Squeeze", {}, { inputs: { x: [1, 3, 1, 5] } })],
  ["Unsqueeze 1", 2, one(12, "Unsqueeze", { axes: [0, 3] }, { inputs: { x: [3, 4] } })],
  ["ReduceSum 1", 2, one(12, "ReduceSum", { axes: [1, 2], keepdims: 0 })],
  ["Split 2", 2, one(12, "Split", { split: [1, 4], axis: 3 }, { outputs: ["y", "z"] })],
  ["Split 2 in equal parts", 1, one(12, "Split", { axis: 2 }, { outputs: ["y", "z"] })],
  ["Upsample 7", 3, one(7, "Upsample", { scales: { kind: "floats", value: [1, 1, 2, 3] } })],
  ["Upsample 7, linear", 3, one(8, "Upsample", { scales: { kind: "floats", value: [1, 1, 2, 2] }, mode: "linear" })],
  ["Upsample 9", 3, one(9, "Upsample", {}, { constants: { scales: floatTensor([4], [1, 1, 2, 1.5]) } })],
  ["Resize 10", 3, one(10, "Resize", {}, { constants: { scales: floatTensor([4], [1, 1, 2, 1.6]) } })],
  [
    "Resize 10 to a smaller map",
    3,
    one(10, "Resize", {}, { constants: { scales: floatTensor([4], [1, 1, 0.5, 0.6]) } }),
  ],
  [
    "Resize 10, linear, smaller and larger",
    3,
    one(10, "Resize", { mode: "linear" }, { constants: { scales: floatTensor([4], [1, 1, 0.5, 2]) } }),
  ],
  [
    "Resize 10, linear",
    3,
    one(10, "Resize", { mode: "linear" }, { constants: { scales: floatTensor([4], [1, 1, 2, 2]) } }),
  ],
  [
    "Resize 11",
    3,
    one(11, "Resize", {}, { constants: { roi: floatTensor([0], []), scales: floatTensor([4], [1, 1, 2, 2]) } }),
  ],
];

const REFUSED: readonly (readonly [string, RegExp, OnnxModelInit])[] = [
  ["opset 6", /opset 6 is too old/, one(6, "Relu")],
  [
    "BatchNormalization by place",
    /cannot be carried over/,
    one(8, "BatchNormalization", { spatial: 0 }, { reads: NORM, constants: FOUR }),
  ],
  [
    "Resize 10 smaller and larger at once",
    /cannot be carried over/,
    one(10, "Resize", {}, { constants: { scales: floatTensor([4], [1, 1, 0.5, 2]) } }),
  ],
  ["Scan 8", /cannot be carried over/, one(8, "Scan")],
  ["Loop 1", /cannot be carried over/, one(10, "Loop")],
  ["Scatter 9", /cannot be carried over/, one(10, "Scatter")],
];

describe("raising the opset", () => {
  it.each(RAISED)("carries over %s", async (_, inputs, init) => {
    const model = onnxModel({ ...init, irVersion: 3 });
    for (const { constant } of model.main.initializers) if (constant !== undefined) model.irVersion = 4;
    const before = await outputsOf(model);
    expect(await raiseOpset(model)).toBe(init.opset);
    expect(model.opsets).toEqual(new Map([["", 13]]));
    expect(model.irVersion).toBe(7);
    expect(operatorOf(model, "y").inputs).toHaveLength(inputs);
    expect(largestDifference(before, await outputsOf(model))).toBe(0);
  });

  it.each(REFUSED)("refuses %s, and changes nothing", async (_, message, init) => {
    const model = onnxModel({ ...init, operators: [["Unsqueeze", ["x"], "u", { axes: [0] }], ...init.operators] });
    await expect(raiseOpset(model)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(message),
    });
    expect(model.opsets.get("")).toBe(init.opset);
    expect(operatorOf(model, "u").inputs).toHaveLength(1);
  });

  it("refuses a model with functions, and an attribute of another kind", async () => {
    const functions = [{ domain: "a", name: "f", bytes: new Uint8Array(0) }];
    await expect(raiseOpset({ ...onnxModel(one(12, "Relu")), functions })).rejects.toThrow(/functions of its own/);
    await expect(raiseOpset(onnxModel(one(12, "Squeeze", { axes: "all" })))).rejects.toThrow(/cannot be carried over/);
  });

  it.each([13, 17])("leaves opset %i as it is", async (opset) => {
    const model = onnxModel({ ...one(opset, "Softmax", { axis: 1 }), irVersion: 6 });
    expect(await raiseOpset(model)).toBeUndefined();
    expect(model.opsets.get("")).toBe(opset);
    expect(model.irVersion).toBe(6);
    expect(operatorOf(model, "y").data.attributes.get("axis")).toEqual({ kind: "int", value: 1 });
  });

  it("leaves operators of other domains as they are", async () => {
    const model = onnxModel(one(9, "Slice", { starts: [1], ends: [2] }));
    operatorOf(model, "y").data.domain = "com.other";
    model.opsets.set("com.other", 1);
    await raiseOpset(model);
    expect(operatorOf(model, "y").inputs).toHaveLength(1);
    expect([...operatorOf(model, "y").data.attributes.keys()]).toEqual(["starts", "ends"]);
  });

  it("raises what stands in subgraphs too", async () => {
    const model = onnxModel({
      opset: 11,
      inputs: { x: [1, 3], c: { type: "bool", shape: [] } },
      operators: [["Relu", ["x"], "r"]],
      outputs: ["r"],
    });
    const outer = new Map(model.main.graph.nodes.map((node) => [node.name, node.output()]));
    const branch = (type: string, axes: number[]) =>
      ({
        kind: "graph",
        value: onnxGraph({ operators: [[type, ["r"], type, { axes }]], outputs: [type] }, outer),
      }) as const;
    const [condition] = model.main.graph.inputs.slice(1);
    const {
      main: { graph },
    } = onnxModel({
      inputs: { c: { type: "bool", shape: [] } },
      operators: [["If", ["c"], "y", { then_branch: branch("Squeeze", [0]), else_branch: branch("ReduceSum", [0]) }]],
      outputs: ["y"],
    });
    const [chooser] = graph.nodes;
    const y = chooser!.output();
    chooser!.setOutputs([]);
    model.main.graph.append({ name: "y", type: "If", inputs: [condition], outputs: [y], data: chooser!.data });
    model.main.graph.outputs = [y];
    const before = await Promise.all([[0], [1]].map((c) => outputsOf(model, { c })));
    expect(await raiseOpset(model)).toBe(11);
    const after = await Promise.all([[0], [1]].map((c) => outputsOf(model, { c })));
    expect(after).toEqual(before);
    expect(model.main.initializers.map(({ name }) => name)).toEqual(["Squeeze_axes", "ReduceSum_axes"]);
  });

  /** Where the rank of what Softmax reads is not stated it is told from what gives it. */
  it.each([
    ["Flatten", ["x"], {}, undefined],
    ["Gemm", ["x", "w"], {}, undefined],
    ["Reshape", ["x", "shape"], {}, undefined],
    ["Transpose", ["x"], { perm: [1, 0] }, undefined],
    ["Relu", ["f"], {}, "Flatten"],
    ["Add", ["w", "f"], {}, "Flatten"],
    ["Concat", ["f", "f"], { axis: 0 }, "Flatten"],
  ] as const)("knows the rank behind %s", async (type, inputs, attributes, before) => {
    const model = onnxModel({
      opset: 11,
      inputs: { x: { type: "float32", shape: [5, 5] } },
      constants: { w: normalTensor([5, 5]), shape: ints(5, 5) },
      operators: [
        ...(before === undefined ? [] : [[before, ["x"], "f"] as const]),
        [type, [...inputs], "r", attributes],
        ["Softmax", ["r"], "y", { axis: 1 }],
      ],
      outputs: ["y"],
    });
    expect(await raiseOpset(model)).toBe(11);
    expect(operatorOf(model, "y").data.attributes.get("axis")).toEqual({ kind: "int", value: -1 });
  });

  it.each([
    ["Conv, whose output has 4 axes", "Conv", ["x", "k"]],
    ["an operator that does not say it", "Other", ["x"]],
  ])("does not take axis 1 for the last behind %s", async (_, type, inputs) => {
    const model = onnxModel({
      opset: 11,
      inputs: X,
      constants: { k: normalTensor([2, 3, 1, 1]) },
      operators: [
        [type, inputs, "r"],
        ["Softmax", ["r"], "y", { axis: 1 }],
      ],
      outputs: ["y"],
    });
    expect(await raiseOpset(model)).toBe(11);
    expect(typesOf(model.main)).toEqual([type, "Shape", "Flatten", "Softmax", "Reshape"]);
  });
});
