import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { encodedTensor, floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const IMAGE = { x: [1, 4, 6, 6] };
const TWO = { x: [1, 4, 6, 6], k: [1, 4, 6, 6] };
const ints = (...values: number[]) => integerTensor([values.length], values);
const scalar = (value: number) => floatTensor([], [value]);
const perChannel = (seed: number) => normalTensor([1, 4, 1, 1], seed);

/** A model of one operator over x, its other inputs constants. */
function one(
  type: string,
  attributes: OnnxOperator[3] = {},
  constants: Readonly<Record<string, Tensor>> = {},
  more: Partial<OnnxModelInit> & { reads?: readonly string[] } = {},
): OnnxModelInit {
  const { reads = [...Object.keys(more.inputs ?? IMAGE), ...Object.keys(constants)], ...rest } = more;
  const gives = rest.outputs ?? ["y"];
  return { inputs: IMAGE, constants, operators: [[type, reads, gives, attributes]], outputs: ["y"], ...rest };
}

/** Behind an operator whose numbers are of another type: so that something float goes out. */
const toFloat: OnnxOperator = ["Cast", ["r"], "y", { to: 1 }];

const W = normalTensor([8, 4, 3, 3]);
const B = normalTensor([8], 2);

/** ONNX operators, and the Bolt operators that they become. */
const OPERATORS: Readonly<Record<string, readonly [OnnxModelInit, readonly string[]]>> = {
  Conv: [one("Conv", { pads: [1, 1, 1, 1] }, { W, B }), ["Conv"]],
  "Conv without bias": [one("Conv", {}, { W }), ["Conv"]],
  "Conv, strides, pads and dilations that differ": [
    one("Conv", { strides: [2, 1], pads: [2, 0, 1, 3], dilations: [1, 2], kernel_shape: [3, 3] }, { W, B }),
    ["Conv"],
  ],
  "Conv, grouped": [one("Conv", { group: 2 }, { w: normalTensor([8, 2, 3, 3]), B }), ["Conv", "ChannelResize"]],
  "Conv, depthwise": [
    one("Conv", { group: 4 }, { w: normalTensor([4, 1, 3, 3]) }),
    ["ChannelResize", "Conv", "ChannelResize"],
  ],
  "Conv, SAME_UPPER": [one("Conv", { auto_pad: "SAME_UPPER" }, { W, B }), ["Conv"]],
  "Conv, SAME_UPPER of even kernels": [
    one("Conv", { auto_pad: "SAME_UPPER" }, { w: normalTensor([8, 4, 2, 4]) }),
    ["Conv"],
  ],
  "Conv over one axis": [
    one("Conv", { pads: [1, 2] }, { w: normalTensor([8, 4, 3]), B }, { inputs: { x: [1, 4, 9] } }),
    ["Conv"],
  ],
  ConvTranspose: [
    one(
      "ConvTranspose",
      { strides: [2, 2], pads: [1, 0, 1, 2] },
      { w: normalTensor([8, 8, 3, 3]), B },
      { inputs: { x: [1, 8, 5, 5] } },
    ),
    ["Deconvolution"],
  ],
  "ConvTranspose with output padding": [
    one(
      "ConvTranspose",
      { strides: [2, 2], output_padding: [1, 0] },
      { w: normalTensor([8, 8, 3, 3]) },
      { inputs: { x: [1, 8, 5, 5] } },
    ),
    ["Deconvolution"],
  ],
  MaxPool: [one("MaxPool", { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 0, 1] }), ["Pooling"]],
  "MaxPool, rounded up": [one("MaxPool", { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }), ["Pooling"]],
  AveragePool: [one("AveragePool", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), ["Pooling"]],
  "AveragePool that counts padding": [
    one("AveragePool", { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
    ["Pooling"],
  ],
  GlobalAveragePool: [one("GlobalAveragePool"), ["Pooling"]],
  "ReduceMean over the map": [one("ReduceMean", { axes: [2, 3], keepdims: 1 }), ["Pooling"]],
  "ReduceMean over other axes": [one("ReduceMean", { axes: [1, 3], keepdims: 0 }), ["Reduction"]],
  ReduceSum: [one("ReduceSum", { keepdims: 1 }, { axes: ints(1) }), ["Reduction"]],
  "ReduceMax, axis from the end": [one("ReduceMax", { axes: [-1], keepdims: 0 }), ["Reduction"]],
  ReduceMin: [one("ReduceMin", { axes: [2] }), ["Reduction"]],
  ReduceL2: [one("ReduceL2", { axes: [1] }), ["Reduction"]],
  ReduceProd: [one("ReduceProd", { axes: [1], keepdims: 0 }), ["Reduction"]],
  ArgMax: [
    { inputs: IMAGE, operators: [["ArgMax", ["x"], "r", { axis: 1, keepdims: 0 }], toFloat], outputs: ["y"] },
    ["ArgMax", "Cast"],
  ],
  TopK: [
    one(
      "TopK",
      { axis: 3, largest: 0 },
      { K: ints(2) },
      { inputs: { x: [1, 1, 2, 6] }, operators: [["TopK", ["x", "K"], ["y", "i"], { axis: 3, largest: 0 }]] },
    ),
    ["TopK"],
  ],
  MatMul: [one("MatMul", {}, { w: normalTensor([6, 8]) }, { inputs: { x: [3, 6] } }), ["FC"]],
  "MatMul of more axes": [one("MatMul", {}, { w: normalTensor([6, 8]) }), ["FC"]],
  "MatMul of two values": [one("MatMul", {}, {}, { inputs: TWO }), ["MatMul"]],
  Gemm: [one("Gemm", {}, { w: normalTensor([6, 8]), B }, { inputs: { x: [3, 6] } }), ["FC"]],
  "Gemm with a turned weight": [
    one("Gemm", { transB: 1 }, { w: normalTensor([8, 6]), B }, { inputs: { x: [3, 6] } }),
    ["FC"],
  ],
  "Gemm of two values": [one("Gemm", { transA: 1, transB: 1 }, {}, { inputs: { x: [6, 3], k: [5, 6] } }), ["MatMul"]],
  "Gemm of three values": [one("Gemm", {}, {}, { inputs: { x: [3, 6], k: [6, 5], b: [3, 5] } }), ["MatMul", "Eltwise"]],
  "Add of a number": [one("Add", {}, { c: scalar(3) }), ["Power"]],
  "Sub of a number": [one("Sub", {}, { c: scalar(3) }), ["Power"]],
  "a number Sub": [one("Sub", {}, { c: scalar(3) }, { reads: ["c", "x"] }), ["Power"]],
  "Mul by a number": [one("Mul", {}, { c: scalar(3) }), ["Power"]],
  "Div by a number": [one("Div", {}, { c: scalar(3) }), ["Power"]],
  "a number Div": [
    {
      ...one("Div", {}, { c: scalar(3) }),
      operators: [
        ["Sigmoid", ["x"], "s"],
        ["Div", ["c", "s"], "y"],
      ],
    },
    ["Sigmoid", "Power"],
  ],
  "Add of one number many times": [one("Add", {}, { c: floatTensor([6], new Array(6).fill(2)) }), ["Power"]],
  "Add a channel": [one("Add", {}, { c: perChannel(3) }), ["Scale"]],
  "Sub a channel": [one("Sub", {}, { c: perChannel(3) }), ["Scale"]],
  "Mul a channel": [one("Mul", {}, { c: perChannel(3) }), ["Scale"]],
  "Div a channel": [one("Div", {}, { c: positiveTensor([1, 4, 1, 1]) }), ["Scale"]],
  "Mul along the last axis": [one("Mul", {}, { c: normalTensor([6]) }), ["SharedWeight", "Eltwise"]],
  "Mul along the rows": [one("Mul", {}, { c: normalTensor([6, 1]) }), ["SharedWeight", "Eltwise"]],
  "a channel Sub": [one("Sub", {}, { c: perChannel(3) }, { reads: ["c", "x"] }), ["SharedWeight", "Eltwise"]],
  "a channel Div": [
    {
      ...one("Div", {}, { c: perChannel(3) }),
      operators: [
        ["Sigmoid", ["x"], "s"],
        ["Div", ["c", "s"], "y"],
      ],
    },
    ["SharedWeight", "Sigmoid", "Eltwise"],
  ],
  "Add of a tensor": [one("Add", {}, { c: normalTensor([1, 4, 6, 6], 3) }), ["SharedWeight", "Eltwise"]],
  Add: [one("Add", {}, {}, { inputs: TWO }), ["Eltwise"]],
  Sub: [one("Sub", {}, {}, { inputs: TWO }), ["Eltwise"]],
  Mul: [one("Mul", {}, {}, { inputs: TWO }), ["Eltwise"]],
  Div: [one("Div", {}, {}, { inputs: TWO }), ["Eltwise"]],
  Sum: [one("Sum", {}, {}, { inputs: TWO }), ["Eltwise"]],
  Sqrt: [
    {
      inputs: IMAGE,
      operators: [
        ["Abs", ["x"], "a"],
        ["Sqrt", ["a"], "y"],
      ],
      outputs: ["y"],
    },
    ["Abs", "Power"],
  ],
  Pow: [one("Pow", {}, { c: scalar(3) }), ["Power"]],
  Max: [one("Max", {}, { c: scalar(0.25) }), ["Clip"]],
  Min: [one("Min", {}, { c: scalar(0.25) }), ["Clip"]],
  Clip: [one("Clip", {}, { low: scalar(-0.5), high: scalar(0.25) }), ["Clip"]],
  "Clip from below": [one("Clip", {}, { low: scalar(-0.5) }), ["Clip"]],
  "Clip of opset 6": [one("Clip", { min: { float: -0.5 }, max: { float: 0.25 } }, {}, { opset: 9 }), ["Clip"]],
  LeakyRelu: [one("LeakyRelu", { alpha: { float: 0.2 } }), ["Relu"]],
  "LeakyRelu by default": [one("LeakyRelu"), ["Relu"]],
  Elu: [one("Elu", { alpha: { float: 0.5 } }), ["Elu"]],
  "Elu by default": [one("Elu"), ["Elu"]],
  HardSigmoid: [one("HardSigmoid", { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }), ["HSigmoid"]],
  "HardSigmoid by default": [one("HardSigmoid"), ["Power", "Clip"]],
  "HardSigmoid of another shift": [
    one("HardSigmoid", { alpha: { float: 1 / 6 }, beta: { float: 0.4 } }),
    ["Power", "Clip"],
  ],
  PRelu: [one("PRelu", {}, { slope: normalTensor([4, 1, 1]) }), ["PRelu"]],
  Softmax: [one("Softmax", { axis: 1 }), ["Softmax"]],
  "Softmax by default": [one("Softmax"), ["Softmax"]],
  LogSoftmax: [one("LogSoftmax", { axis: 2 }), ["LogSoftmax"]],
  BatchNormalization: [
    one(
      "BatchNormalization",
      { epsilon: { float: 0.01 } },
      { g: normalTensor([4], 3), b: normalTensor([4], 4), m: normalTensor([4], 5), v: positiveTensor([4]) },
    ),
    ["Scale"],
  ],
  InstanceNormalization: [
    one("InstanceNormalization", { epsilon: { float: 0.01 } }, { g: normalTensor([4], 3), b: normalTensor([4], 4) }),
    ["Power", "InstanceNorm"],
  ],
  LpNormalization: [one("LpNormalization", { axis: -1, p: 2 }), ["L2Norm"]],
  Reshape: [one("Reshape", {}, { shape: ints(1, -1, 12) }), ["Reshape"]],
  Flatten: [one("Flatten", { axis: 2 }), ["Flatten"]],
  "Flatten by default": [one("Flatten"), ["Flatten"]],
  Transpose: [one("Transpose", { perm: [0, 2, 1, 3] }), ["Transpose"]],
  Squeeze: [one("Squeeze", {}, { axes: ints(0) }), ["Squeeze"]],
  Unsqueeze: [one("Unsqueeze", {}, { axes: ints(1) }, { inputs: { x: [4, 6, 6] } }), ["Unsqueeze"]],
  Concat: [one("Concat", { axis: 1 }, {}, { inputs: TWO }), ["Concat"]],
  "Concat along the last axis": [one("Concat", { axis: -1 }, {}, { inputs: TWO }), ["Concat"]],
  Slice: [
    one("Slice", {}, { starts: ints(1, 0), ends: ints(3, -2), axes: ints(1, -1), steps: ints(1, 2) }),
    ["TfSlice"],
  ],
  "Slice along the first axes": [one("Slice", {}, { starts: ints(0, 1), ends: ints(1, 3) }), ["TfSlice"]],
  "Slice of opset 1": [one("Slice", { starts: [1], ends: [5], axes: [2] }, {}, { opset: 9 }), ["TfSlice"]],
  Split: [
    {
      inputs: IMAGE,
      constants: { sizes: ints(1, 2, 1) },
      operators: [["Split", ["x", "sizes"], ["y", "z", "u"], { axis: 1 }]],
      outputs: ["y", "z", "u"],
    },
    ["Slice"],
  ],
  "Split in equal parts": [
    { inputs: IMAGE, operators: [["Split", ["x"], ["y", "z"], { axis: 2 }]], outputs: ["y", "z"] },
    ["Slice"],
  ],
  Gather: [one("Gather", { axis: 1 }, { index: ints(2, 0) }), ["SharedWeight", "Gather"]],
  Expand: [one("Expand", {}, { shape: ints(3, 4, 6) }, { inputs: { x: [4, 1] } }), ["Expand"]],
  Tile: [one("Tile", {}, { repeats: ints(1, 2, 1, 3) }), ["Tile"]],
  Pad: [one("Pad", {}, { pads: ints(0, 1, 2, 0, 0, 0, 1, 3), value: scalar(1.5) }), ["Pad"]],
  "Pad of three axes": [one("Pad", {}, { pads: ints(0, 1, 2, 0, 0, 3) }, { inputs: { x: [1, 4, 6] } }), ["Pad"]],
  "Pad of two axes": [one("Pad", {}, { pads: ints(0, 1, 0, 3) }, { inputs: { x: [3, 6] } }), ["Pad"]],
  "Pad that reflects": [one("Pad", { mode: "reflect" }, { pads: ints(0, 0, 2, 1, 0, 0, 1, 3) }), ["Pad"]],
  "Pad with edges": [one("Pad", { mode: "edge" }, { pads: ints(0, 0, 2, 1, 0, 0, 1, 3) }), ["Pad"]],
  SpaceToDepth: [one("SpaceToDepth", { blocksize: 2 }), ["Space2Depth"]],
  DepthToSpace: [one("DepthToSpace", { blocksize: 2 }), ["Depth2Space"]],
  "DepthToSpace, CRD": [
    one("DepthToSpace", { blocksize: 2, mode: "CRD" }, {}, { inputs: { x: [1, 8, 3, 3] } }),
    ["Depth2Space"],
  ],
  "Resize by scales": [
    one("Resize", { mode: "linear" }, { roi: floatTensor([0], []), scales: floatTensor([4], [1, 1, 2, 1.5]) }),
    ["Resize"],
  ],
  "Resize to sizes": [
    one(
      "Resize",
      { mode: "cubic", coordinate_transformation_mode: "align_corners" },
      { sizes: ints(1, 4, 9, 7) },
      { reads: ["x", "", "", "sizes"] },
    ),
    ["Resize"],
  ],
  "Resize, nearest": [
    one(
      "Resize",
      { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      { roi: floatTensor([0], []), scales: floatTensor([4], [1, 1, 2, 1.5]) },
    ),
    ["Resize"],
  ],
  "Resize, nearest, rounded up": [
    one(
      "Resize",
      { nearest_mode: "round_prefer_ceil" },
      { roi: floatTensor([0], []), scales: floatTensor([4], [1, 1, 2, 2]) },
    ),
    ["Resize"],
  ],
  Upsample: [one("Upsample", {}, { scales: floatTensor([4], [1, 1, 2, 3]) }, { opset: 9 }), ["Resize"]],
  Equal: [comparison("Equal"), ["Check", "Cast"]],
  Less: [comparison("Less"), ["Check", "Cast"]],
  LessOrEqual: [comparison("LessOrEqual"), ["Check", "Cast"]],
  Greater: [comparison("Greater"), ["Check", "Cast"]],
  GreaterOrEqual: [comparison("GreaterOrEqual"), ["Check", "Cast"]],
  Where: [
    {
      inputs: TWO,
      operators: [
        ["Greater", ["x", "k"], "g"],
        ["Where", ["g", "x", "k"], "y"],
      ],
      outputs: ["y"],
    },
    ["Check", "Where"],
  ],
  And: [
    {
      inputs: TWO,
      constants: { c: encodedTensor("float32", [], [0]) },
      operators: [["Greater", ["x", "k"], "g"], ["Less", ["x", "c"], "l"], ["And", ["g", "l"], "r"], toFloat],
      outputs: ["y"],
    },
    ["SharedWeight", "Check", "Check", "Eltwise", "Cast"],
  ],
};

function comparison(type: string): OnnxModelInit {
  return {
    inputs: TWO,
    operators: [["Round", ["x"], "a"], ["Round", ["k"], "b"], [type, ["a", "b"], "r"], toFloat],
    outputs: ["y"],
  };
}
for (const type of ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]) {
  Object.assign(OPERATORS, { [type]: [comparison(type), ["Round", "Round", "Check", "Cast"]] });
}
for (const [type, bolt] of [
  ["Tanh", "TanH"],
  ["Erf", "Erf"],
  ["Softplus", "Softplus"],
  ["Exp", "Exp"],
  ["Sign", "Sign"],
  ["Abs", "Abs"],
  ["Reciprocal", "Reciprocal"],
  ["Neg", "Neg"],
  ["Round", "Round"],
  ["Floor", "Floor"],
  ["Ceil", "Ceil"],
  ["Sin", "Sin"],
  ["Cos", "Cos"],
  ["Relu", "Relu"],
  ["Sigmoid", "Sigmoid"],
] as const) {
  Object.assign(OPERATORS, { [type]: [one(type), [bolt]] });
}

describe("each ONNX operator, lowered to Bolt and run, gives what it gave", () => {
  it.each(Object.entries(OPERATORS))("%s", async (_, [init, types]) => {
    const expected = await outputsOf(onnxModel(init));
    const { model } = await lowerToBolt(onnxModel(init), { precision: "FP32" });
    expect(typesOf(model)).toEqual(types);
    const actual = await outputsOf(model);
    const names = { names: expected.names };
    expect(largestDifference({ ...actual, ...names }, expected)).toBeLessThan(3e-5);
  });
});

describe("what Bolt has not is refused", () => {
  it.each<[string, OnnxModelInit, RegExp]>([
    ["an unknown operator", one("Det", {}, {}, { inputs: { x: [3, 3] } }), /Det \("y"\)/],
    [
      "Conv with a computed weight",
      one("Conv", {}, {}, { inputs: { x: [1, 4, 6, 6], w: [8, 4, 3, 3] } }),
      /its weight is computed/,
    ],
    [
      "Pad of five axes",
      one("Pad", {}, { pads: ints(0, 0, 0, 0, 0, 0, 0, 0, 0, 1) }, { inputs: { x: [1, 1, 2, 2, 2] } }),
      /tensor of 5 axes/,
    ],
    [
      "Split into nine",
      {
        inputs: { x: [9] },
        constants: { s: ints(...new Array(9).fill(1)) },
        operators: [["Split", ["x", "s"], [..."abcdefghi"]]],
        outputs: ["a"],
      },
      /at most 8 parts/,
    ],
    [
      "Resize by a region",
      one(
        "Resize",
        { coordinate_transformation_mode: "tf_crop_and_resize" },
        { sizes: ints(1, 4, 9, 7) },
        { reads: ["x", "", "", "sizes"] },
      ),
      /no such way of resizing/,
    ],
  ])("%s", async (_, init, message) => {
    await expect(lowerToBolt(onnxModel(init), { precision: "FP32" })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(message),
    });
  });
});
