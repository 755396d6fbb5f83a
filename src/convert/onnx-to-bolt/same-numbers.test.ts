import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import { checkConversion } from "../../evaluate/check-conversion.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { ELEMENT_TYPES } from "../../onnx/schema.ts";
import { encodedTensor, floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const typeNumber = (type: ElementType): number => Number(ELEMENT_TYPES.indexOf(type));

/** One operator between an input `x` of this shape and an output. */
function single(
  shape: readonly number[],
  operator: string,
  attributes: NonNullable<OnnxModelInit["operators"][number][3]> = {},
  more: Partial<OnnxModelInit> & { readonly reads?: readonly string[] } = {},
): OnnxModelInit {
  const { reads = ["x"], ...init } = more;
  return { inputs: { x: shape }, operators: [[operator, reads, "y", attributes]], outputs: ["y"], ...init };
}

const boolAndBack = (shape: readonly number[]): OnnxModelInit => ({
  inputs: { x: shape },
  constants: { half: floatTensor([], [0.5]) },
  operators: [
    ["Mul", ["x", "half"], "scaled"],
    ["Cast", ["scaled"], "truth", { to: typeNumber("bool") }],
    ["Cast", ["truth"], "y", { to: typeNumber("float32") }],
  ],
  outputs: ["y"],
});

const square = [1, 3, 7, 6];

/** Models that Bolt's own converter gets wrong, or that are written in a way of their own. */
const MODELS: Readonly<Record<string, OnnxModelInit>> = {
  "LpNormalization of an inner axis": single([2, 3, 4], "LpNormalization", { axis: 1 }),
  "LpNormalization by magnitudes": single([2, 3, 4], "LpNormalization", { axis: -1, p: 1 }),
  "LpNormalization of the last axis": single([2, 3, 4], "LpNormalization", { axis: -1 }),
  "MaxPool with SAME_LOWER": single(square, "MaxPool", {
    kernel_shape: [2, 3],
    strides: [2, 1],
    auto_pad: "SAME_LOWER",
  }),
  "MaxPool with SAME_UPPER and strides": single(square, "MaxPool", {
    kernel_shape: [3, 3],
    strides: [2, 2],
    auto_pad: "SAME_UPPER",
  }),
  "AveragePool with SAME_LOWER": single(square, "AveragePool", { kernel_shape: [2, 2], auto_pad: "SAME_LOWER" }),
  "AveragePool with VALID": single(square, "AveragePool", { kernel_shape: [2, 2], auto_pad: "VALID", strides: [2, 2] }),
  "Conv with SAME_LOWER": single(
    square,
    "Conv",
    { auto_pad: "SAME_LOWER", strides: [2, 2] },
    { reads: ["x", "w"], constants: { w: normalTensor([4, 3, 2, 4]) } },
  ),
  "Conv with SAME_UPPER": single(
    square,
    "Conv",
    { auto_pad: "SAME_UPPER", strides: [2, 1] },
    { reads: ["x", "w"], constants: { w: normalTensor([4, 3, 3, 2]) } },
  ),
  "ConvTranspose with SAME_LOWER": single(
    square,
    "ConvTranspose",
    { auto_pad: "SAME_LOWER", strides: [2, 2] },
    { reads: ["x", "w"], constants: { w: normalTensor([3, 4, 3, 3]) } },
  ),
  "ConvTranspose with a stated output": single(
    square,
    "ConvTranspose",
    { output_shape: [14, 12], strides: [2, 2] },
    { reads: ["x", "w"], constants: { w: normalTensor([3, 4, 3, 3]) } },
  ),
  "Cast to bool": boolAndBack([3, 4]),
  "Max of two inputs": single([2, 3], "Max", {}, { inputs: { x: [2, 3], z: [2, 3] }, reads: ["x", "z"] }),
  "Min of three inputs": single(
    [2, 3],
    "Min",
    {},
    { inputs: { x: [2, 3], z: [3], v: [2, 1] }, reads: ["x", "z", "v"] },
  ),
  "Max with a vector": single([2, 3], "Max", {}, { constants: { c: normalTensor([3]) }, reads: ["x", "c"] }),
  "Min with a number first": single(
    [2, 3],
    "Min",
    {},
    { constants: { c: floatTensor([], [0.25]) }, reads: ["c", "x"] },
  ),
  "Max with a number of more axes": single(
    [3],
    "Max",
    {},
    { constants: { c: floatTensor([1, 1], [0.25]) }, reads: ["x", "c"] },
  ),
  "Max of one input": single([2, 3], "Max"),
  "Softmax of opset 11 over several axes": single([2, 3, 4], "Softmax", {}, { opset: 11 }),
  "Softmax of opset 11 over a map of one pixel": single([2, 5, 1, 1], "Softmax", {}, { opset: 11 }),
  "Softmax of opset 11 over all axes": single([2, 3, 4], "Softmax", { axis: 0 }, { opset: 11 }),
  "LogSoftmax of opset 9 over two axes": single([2, 3, 4, 2], "LogSoftmax", { axis: 2 }, { opset: 9 }),
  "Softmax of opset 13": single([2, 3, 4], "Softmax", { axis: 1 }),
  "Pow with the constant first": single(
    [2, 3],
    "Pow",
    {},
    { constants: { c: floatTensor([], [2.5]) }, reads: ["c", "x"] },
  ),
  "Pow of positive constants": single([2, 3], "Pow", {}, { constants: { c: positiveTensor([3]) }, reads: ["c", "x"] }),
  "Pow with an exponent": single([2, 3], "Pow", {}, { constants: { c: floatTensor([1], [2]) }, reads: ["x", "c"] }),
  "MaxPool with dilation": single(square, "MaxPool", { kernel_shape: [2, 3], dilations: [2, 1], pads: [1, 1, 0, 1] }),
  "MaxPool with dilation, by whole holes": single([1, 2, 9], "MaxPool", {
    kernel_shape: [3],
    dilations: [2],
    strides: [2],
    pads: [1, 2],
  }),
  "Pow with several exponents": single(
    [2, 5],
    "Pow",
    {},
    { constants: { c: floatTensor([5], [-3, 0, 1, 2, 0.5]) }, reads: ["x", "c"] },
  ),
  "Pow of computed exponents": single([2, 3], "Pow", {}, { inputs: { x: [2, 3], z: [3] }, reads: ["x", "z"] }),
  "Pow of negative and zero constants": {
    inputs: { x: [4, 3] },
    constants: { c: floatTensor([3], [-2, 0, 3]), low: floatTensor([], [-1000]), high: floatTensor([], [1000]) },
    operators: [
      ["Round", ["x"], "whole"],
      ["Pow", ["c", "whole"], "power"],
      ["Clip", ["power", "low", "high"], "y"],
    ],
    outputs: ["y"],
  },
  "ArgMax that takes the last": single([2, 3], "ArgMax", { axis: 1, select_last_index: 1 }),
  "a Dropout whose mask is read": {
    inputs: { x: [2, 3] },
    operators: [["Dropout", ["x"], ["y", "mask"]]],
    outputs: ["y", "mask"],
  },
  "ReduceSum that reduces nothing": single([2, 3], "ReduceSum", { noop_with_empty_axes: 1 }),
  "ReduceSum of all axes": single([2, 3], "ReduceSum", { keepdims: 0 }),
  "ReduceMean with keepdims": single([2, 3, 4], "ReduceMean", { axes: [1] }),
  "ArgMax that keeps its axis": single([2, 3, 4], "ArgMax", { axis: 1 }),
  "ArgMax along the first axis": single([2, 3, 4], "ArgMax", { keepdims: 0 }),
  "ArgMin that keeps its axis": single([2, 3, 4], "ArgMin", { axis: 1 }),
  "ArgMin that drops its axis": single([2, 3, 4], "ArgMin", { axis: 2, keepdims: 0 }),
  "Gemm with alpha, beta and transA": single(
    [4, 2],
    "Gemm",
    { alpha: { float: 0.5 }, beta: { float: 2 }, transA: 1 },
    { constants: { w: normalTensor([4, 3]), c: normalTensor([3]) }, reads: ["x", "w", "c"] },
  ),
  "Gemm with one number added": single(
    [2, 4],
    "Gemm",
    {},
    { constants: { w: normalTensor([4, 3]), c: normalTensor([1]) }, reads: ["x", "w", "c"] },
  ),
  "Gemm with a scalar added": single(
    [2, 4],
    "Gemm",
    { transB: 1 },
    { constants: { w: normalTensor([3, 4]), c: normalTensor([]) }, reads: ["x", "w", "c"] },
  ),
  "Gemm with a column added": single(
    [2, 4],
    "Gemm",
    {},
    { constants: { w: normalTensor([4, 3]), c: normalTensor([2, 1]) }, reads: ["x", "w", "c"] },
  ),
  "Gemm with a matrix added": single(
    [2, 4],
    "Gemm",
    {},
    { constants: { w: normalTensor([4, 3]), c: normalTensor([2, 3]) }, reads: ["x", "w", "c"] },
  ),
  "Gemm of two inputs with a row added": single(
    [2, 4],
    "Gemm",
    { transB: 1 },
    { inputs: { x: [2, 4], z: [3, 4] }, constants: { c: normalTensor([3]) }, reads: ["x", "z", "c"] },
  ),
  "Clip with computed limits": single(
    [2, 3],
    "Clip",
    {},
    { inputs: { x: [2, 3], low: [] }, constants: { high: floatTensor([], [0.5]) }, reads: ["x", "low", "high"] },
  ),
  "Add of a number of more axes": single(
    [3],
    "Add",
    {},
    { constants: { c: floatTensor([1, 1], [0.25]) }, reads: ["x", "c"] },
  ),
  "Mul that stretches its input": single(
    [2, 1],
    "Mul",
    {},
    { constants: { c: normalTensor([1, 3]) }, reads: ["x", "c"] },
  ),
  "Mean of three": single([2, 3], "Mean", {}, { inputs: { x: [2, 3], z: [3], v: [2, 1] }, reads: ["x", "z", "v"] }),
  Selu: single([2, 3], "Selu"),
  Softsign: single([2, 3], "Softsign"),
  Mish: single([2, 3], "Mish", {}, { opset: 18 }),
  "Clip of whole numbers": single(
    [2, 3],
    "Clip",
    {},
    {
      inputs: { x: { type: "int32", shape: [2, 3] } },
      constants: { high: encodedTensor("int32", [], [1]) },
      reads: ["x", "", "high"],
    },
  ),
  GlobalMaxPool: single([1, 2, 3, 4], "GlobalMaxPool"),
  ReduceL1: single([2, 3, 4], "ReduceL1", { axes: [1] }),
  ReduceSumSquare: single([2, 3, 4], "ReduceSumSquare", { axes: [0, 2], keepdims: 0 }),
  HardSwish: single([2, 3], "HardSwish", {}, { opset: 14 }),
  "Resize to the nearest below": single(
    [1, 2, 4, 4],
    "Resize",
    { mode: "nearest", nearest_mode: "floor", coordinate_transformation_mode: "asymmetric" },
    { constants: { s: floatTensor([4], [1, 1, 2, 1.5]) }, reads: ["x", "", "s"] },
  ),
  "Resize of opset 10 to a larger map": single(
    [1, 1, 4, 4],
    "Resize",
    {},
    { opset: 10, constants: { s: floatTensor([4], [1, 1, 2, 3]) }, reads: ["x", "s"] },
  ),
  "Resize of opset 10 to a smaller map": single(
    [1, 1, 6, 6],
    "Resize",
    {},
    { opset: 10, constants: { s: floatTensor([4], [1, 1, 0.5, 0.5]) }, reads: ["x", "s"] },
  ),
  "Resize to the nearest by a scale that gives no whole size": single(
    [1, 1, 5, 5],
    "Resize",
    { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    { constants: { s: floatTensor([4], [1, 1, 1.5, 1.5]) }, reads: ["x", "", "s"] },
  ),
  "Resize of half pixels to the nearest below": single(
    [1, 2, 4, 4],
    "Resize",
    { mode: "nearest", nearest_mode: "floor" },
    { constants: { s: floatTensor([4], [1, 1, 2, 3]) }, reads: ["x", "", "s"] },
  ),
  "Concat with an empty part": {
    inputs: { x: [2, 3] },
    constants: { nothing: floatTensor([2, 0], []), c: normalTensor([2, 2]) },
    operators: [["Concat", ["x", "nothing", "c"], "y", { axis: 1 }]],
    outputs: ["y"],
  },
  "a weight behind Reshape, Transpose and Cast": {
    inputs: { x: [2, 6] },
    constants: {
      w: encodedTensor(
        "float16",
        [4, 2, 3],
        Array.from({ length: 24 }, (_, index) => index / 8 - 1),
      ),
      s: integerTensor([2], [4, 6]),
    },
    operators: [
      ["Reshape", ["w", "s"], "flat"],
      ["Cast", ["flat"], "wide", { to: typeNumber("float32") }],
      ["Transpose", ["wide"], "turned", { perm: [1, 0] }],
      ["Identity", ["turned"], "same"],
      ["MatMul", ["x", "same"], "y"],
    ],
    outputs: ["y"],
  },
  "a weight in bfloat16": {
    inputs: { x: [2, 3] },
    constants: { w: encodedTensor("bfloat16", [3, 2], [1, -0.5, 0.25, 2, 3, -1]) },
    operators: [
      ["Cast", ["w"], "wide", { to: typeNumber("float32") }],
      ["MatMul", ["x", "wide"], "y"],
    ],
    outputs: ["y"],
  },
  "factors along another axis than a convolution's channels": {
    inputs: { x: [1, 3, 3, 3] },
    constants: {
      w: normalTensor([3, 3, 1, 1]),
      a: normalTensor([3]),
      b: normalTensor([3, 1, 1], 2),
      c: normalTensor([3, 1], 3),
    },
    operators: [
      ["Conv", ["x", "w"], "conv"],
      ["Mul", ["conv", "a"], "m"],
      ["Mul", ["m", "b"], "n"],
      ["Add", ["n", "c"], "y"],
    ],
    outputs: ["y"],
  },
  "a factor and a summand of each channel": {
    inputs: { x: [1, 3, 3, 3] },
    constants: { w: normalTensor([3, 3, 1, 1]), b: normalTensor([3, 1, 1], 2), c: normalTensor([1, 3, 1, 1], 3) },
    operators: [
      ["Conv", ["x", "w"], "conv"],
      ["Mul", ["conv", "b"], "n"],
      ["Add", ["n", "c"], "y"],
    ],
    outputs: ["y"],
  },
  "an output that is read inside": {
    inputs: { x: [1, 4, 5, 5] },
    constants: { w: normalTensor([8, 4, 1, 1]), v: normalTensor([4, 8, 1, 1], 2) },
    operators: [
      ["Conv", ["x", "w"], "c"],
      ["Relu", ["c"], "r"],
      ["Conv", ["r", "v"], "y"],
    ],
    outputs: ["c", "r", "y"],
  },
  "an output that is an input, a constant, and one value twice": {
    inputs: { x: [2, 3] },
    constants: { w: normalTensor([3]) },
    operators: [
      ["Mul", ["x", "w"], "a"],
      ["Identity", ["a"], "b"],
      ["Relu", ["b"], "y"],
    ],
    outputs: ["a", "b", "y"],
  },
};

/** Models that Bolt cannot compute: the message names the operator and says why. */
const REFUSED: Readonly<Record<string, readonly [message: RegExp, model: OnnxModelInit]>> = {
  "a reduction of computed axes": [
    /"y" \(ReduceSum\).*axes are computed/,
    single([2, 3], "ReduceSum", {}, { inputs: { x: [2, 3], a: { type: "int64", shape: [1] } }, reads: ["x", "a"] }),
  ],
  "Pad of the batch": [
    /"y" \(Pad\).*batch/,
    single([1, 3], "Pad", {}, { constants: { p: integerTensor([4], [1, 0, 0, 0]) }, reads: ["x", "p"] }),
  ],
  "MaxPool with places in columns": [
    /"y" \(MaxPool\).*rows/,
    {
      inputs: { x: square },
      operators: [["MaxPool", ["x"], ["y", "places"], { kernel_shape: [2, 2], storage_order: 1 }]],
      outputs: ["y", "places"],
    },
  ],
  "Resize by a scale that gives no whole size": [
    /"y" \(Resize\).*no whole size/,
    single(
      [1, 1, 4, 4],
      "Resize",
      { mode: "linear" },
      { constants: { s: floatTensor([4], [1, 1, 0.6, 0.6]) }, reads: ["x", "", "s"] },
    ),
  ],
  "Resize of another cubic coefficient": [
    /"y" \(Resize\).*way of resizing/,
    single(
      [1, 1, 4, 4],
      "Resize",
      { mode: "cubic", cubic_coeff_a: { float: -0.5 } },
      { constants: { s: floatTensor([4], [1, 1, 2, 2]) }, reads: ["x", "", "s"] },
    ),
  ],
  "a Dropout that trains": [
    /"y" \(Dropout\).*train/,
    single([2, 3], "Dropout", {}, { constants: { t: encodedTensor("bool", [], [1]) }, reads: ["x", "", "t"] }),
  ],
  "a BatchNormalization that trains": [
    /"y" \(BatchNormalization\).*train/,
    single(
      [2, 3],
      "BatchNormalization",
      { training_mode: 1 },
      { opset: 15, constants: { p: positiveTensor([3]) }, reads: ["x", "p", "p", "p", "p"] },
    ),
  ],
  "a Slice of no width": [
    /"y" \(Slice\).*"y" is empty/,
    single([2, 3], "Slice", {}, { constants: { s: integerTensor([1], [1]) }, reads: ["x", "s", "s"] }),
  ],
};

describe("a model and what it becomes in Bolt", () => {
  it.each(Object.entries(MODELS))("give the same numbers: %s", async (_, init) => {
    const expected = await outputsOf(onnxModel(init));
    const { model } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(model), expected)).toBeLessThan(1e-5);
  });

  it.each(Object.entries(REFUSED))("is refused: %s", async (_, [message, init]) => {
    await expect(lowerToBolt(onnxModel(init))).rejects.toThrow(message);
  });

  const twoLayers: OnnxModelInit = {
    inputs: { x: [2, 3] },
    constants: { w: normalTensor([3, 3]), v: normalTensor([3, 3], 2) },
    operators: [
      ["MatMul", ["x", "w"], "a"],
      ["MatMul", ["a", "v"], "y"],
    ],
    outputs: ["y"],
  };

  it("give the same numbers where all operators bear one name", async () => {
    const renamed = onnxModel(twoLayers);
    for (const node of renamed.main.graph.nodes) node.name = "layer";
    const { model } = await lowerToBolt(renamed);
    expect(new Set(model.graph.nodes.map(({ name }) => name)).size).toBe(2);
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(twoLayers)))).toBeLessThan(1e-5);
  });

  it("give the same numbers where the operators are out of order", async () => {
    const turned = onnxModel(twoLayers);
    const { graph } = turned.main;
    const [first] = graph.nodes;
    const { name, type, inputs, outputs, data } = first!;
    graph.remove(first!);
    graph.append({ name, type, inputs, outputs, data });
    const { model } = await lowerToBolt(turned);
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(twoLayers)))).toBeLessThan(1e-5);
  });

  it("is converted where maps of open sizes are halved and doubled", async () => {
    const init: OnnxModelInit = {
      inputs: { x: [1, 3, "h", "w"] },
      constants: { w: normalTensor([3, 3, 1, 1]), s: floatTensor([4], [1, 1, 2, 2]) },
      operators: [
        ["Conv", ["x", "w"], "half", { kernel_shape: [1, 1], strides: [2, 2] }],
        ["Conv", ["half", "w"], "quarter", { kernel_shape: [1, 1], strides: [2, 2] }],
        [
          "Resize",
          ["quarter", "", "s"],
          "double",
          { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
        ],
        ["Add", ["half", "double"], "y"],
      ],
      outputs: ["y"],
    };
    const converted = await lowerToBolt(onnxModel(init));
    expect(await checkConversion(onnxModel(init), converted)).toBe(undefined);
  });

  it("refuses operators that read their own results", async () => {
    const circle = onnxModel(twoLayers);
    const [first, second] = circle.main.graph.nodes;
    first!.setInput(0, second!.output());
    await expect(lowerToBolt(circle)).rejects.toThrow(/its own result/);
  });

  it("notes that a Transpose has gone into the shape of the input, or keeps it", async () => {
    const init: OnnxModelInit = {
      inputs: { x: [1, 4, 5, 3] },
      operators: [
        ["Transpose", ["x"], "t", { perm: [0, 3, 1, 2] }],
        ["Relu", ["t"], "y"],
      ],
      outputs: ["y"],
    };
    const { notes, inputs } = await lowerToBolt(onnxModel(init));
    expect(notes).toEqual([expect.stringContaining('the input "x" is taken as 1 x 3 x 4 x 5')]);
    expect(inputs).toEqual([{ source: "x", axes: [0, 3, 1, 2] }]);
    const kept = await lowerToBolt(onnxModel(init), { keepLayout: true });
    expect(kept).toMatchObject({ notes: [], inputs: [{ source: "x", axes: undefined }] });
    expect(typesOf(kept.model)).toEqual(["Transpose", "Relu"]);
  });
});
