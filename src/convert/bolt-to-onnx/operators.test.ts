import { describe, expect, it } from "vitest";
import { type BoltModelInit, type BoltOperator, boltModel, convolution } from "../../../test/models/bolt-model.ts";
import { outputsOf } from "../../../test/models/run.ts";
import { raiseToOnnx } from "./index.ts";

type Numbers = readonly number[];
type Case = readonly [
  operators: readonly BoltOperator[],
  given: Readonly<Record<string, readonly [shape: Numbers, values: Numbers]>>,
  expected: Numbers,
  more?: Partial<BoltModelInit>,
];

const counted = (count: number, first = 1) => Array.from({ length: count }, (_, index) => index + first);
const SIGNS = {
  x: [
    [1, 6],
    [-4, -1, -0.25, 0, 0.5, 4],
  ],
} as const;
const SQUARE = { x: [[1, 1, 3, 3], counted(9)] } as const;
const WINDOW = { kernel_t: 1, kernel_h: 2, kernel_w: 2, stride_t: 1, stride_h: 2, stride_w: 2 };
const MATRIX = { x: [[2, 3], counted(6)] } as const;

/** What each activation makes of SIGNS. */
const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  NULL: (x) => x,
  RELU: (x) => Math.max(x, 0),
  RELU6: (x) => Math.min(Math.max(x, 0), 6),
  H_SWISH: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  H_SWISH_NODIV: (x) => x * Math.min(Math.max(x + 3, 0), 6),
  H_SIGMOID: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
  SIGMOID: (x) => 1 / (1 + Math.exp(-x)),
  TANH: Math.tanh,
  GELU: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  MISH: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  SOFTPLUS: (x) => Math.log1p(Math.exp(x)),
  SWISH: (x) => x / (1 + Math.exp(-x)),
  EXP: Math.exp,
  ABS: Math.abs,
  SIGN: Math.sign,
  NOT: (x) => Number(!(x > 0)),
  NEG: (x) => -x,
  FLOOR: Math.floor,
  CEIL: Math.ceil,
  SIN: Math.sin,
  COS: Math.cos,
};

/** The error function by its series. */
function erf(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const eltwise = (
  mode: string,
  inputs: readonly string[],
  more: Readonly<Record<string, number | string | number[]>> = {},
): BoltOperator => ["Eltwise", inputs, "y", { mode, ...more }];
const PAIR = {
  x: [
    [2, 2],
    [1, 2, 3, 4],
  ],
  k: [
    [2, 2],
    [10, -1, 0, 2],
  ],
} as const;

const CASES: Readonly<Record<string, Case>> = {
  "Eltwise SUM": [[eltwise("SUM", ["x", "k"])], PAIR, [11, 1, 3, 6]],
  "Eltwise SUM with coefficients": [
    [eltwise("SUM", ["x", "k"], { "sum_spec.coeff": [2, -1], "sum_spec.num_coeff": 2 })],
    PAIR,
    [-8, 5, 6, 6],
  ],
  "Eltwise SUM of three": [[eltwise("SUM", ["x", "k", "x"])], PAIR, [12, 3, 6, 10]],
  "Eltwise MAX": [[eltwise("MAX", ["x", "k"])], PAIR, [10, 2, 3, 4]],
  "Eltwise MIN": [[eltwise("MIN", ["x", "k"])], PAIR, [1, -1, 0, 2]],
  "Eltwise PROD": [[eltwise("PROD", ["x", "k"])], PAIR, [10, -2, 0, 8]],
  "Eltwise SUB": [[eltwise("SUB", ["x", "k"])], PAIR, [-9, 3, 3, 2]],
  "Eltwise DIV": [[eltwise("DIV", ["k", "x"])], PAIR, [10, -0.5, 0, 0.5]],
  "Eltwise of two ranks": [[eltwise("SUM", ["x", "k"])], { x: PAIR.x, k: [[2], [10, 20]] }, [11, 22, 13, 24]],
  "Power with factor and summand": [[["Power", ["x"], "y", { scale: 2, shift: -1, power: 1 }]], PAIR, [1, 3, 5, 7]],
  "Power squared": [[["Power", ["x"], "y", { scale: 2, shift: 0, power: 2 }]], PAIR, [4, 16, 36, 64]],
  "Power as a root": [[["Power", ["x"], "y", { scale: 1, shift: 0, power: 0.5 }]], { x: [[2], [4, 9]] }, [2, 3]],
  "Power as a reciprocal": [
    [["Power", ["x"], "y", { scale: 2, shift: 0, power: -1 }]],
    { x: [[2], [4, 0.25]] },
    [0.125, 2],
  ],
  "Relu with a slope": [[["Relu", ["x"], "y", { neg_slope: 0.5 }]], SIGNS, [-2, -0.5, -0.125, 0, 0.5, 4]],
  Clip: [[["Clip", ["x"], "y", { min: -1, max: 2 }]], SIGNS, [-1, -1, -0.25, 0, 0.5, 2]],
  "Scale along axis 1": [
    [["Scale", ["x"], "y", { axis: 1 }, { weight: [2, 3, 4], vector: [10, 20, 30] }]],
    MATRIX,
    [12, 26, 42, 18, 35, 54],
  ],
  "Scale along axis 0": [[["Scale", ["x"], "y", { axis: 0 }, { weight: [2, 3] }]], MATRIX, [2, 4, 6, 12, 15, 18]],
  "Scale along the last axis": [
    [["Scale", ["x"], "y", { axis: -1 }, { vector: [10, 20, 30] }]],
    MATRIX,
    [11, 22, 33, 14, 25, 36],
  ],
  "Scale by another value": [
    [["Scale", ["x", "k"], "y", { axis: 1 }]],
    { ...MATRIX, k: [[3], [1, 2, 3]] },
    [1, 4, 9, 4, 10, 18],
  ],
  "Scale by another value, first": [
    [["Scale", ["k", "x"], "y", { axis: 1 }]],
    { k: [[3], [1, 2, 3]], ...MATRIX },
    [1, 4, 9, 4, 10, 18],
  ],
  BatchNorm: [
    [["BatchNorm", ["x"], "y", { axis: 1, eps: 0.5, gama: 0.5 }, { weight: [1, 2, 3], vector: [1, 7, 31] }]],
    MATRIX,
    [0.5, 0.5, 0.375, 3.5, 2, 1.125],
  ],
  "PRelu with one slope": [[["PRelu", ["x"], "y", {}, { weight: [0.5] }]], SIGNS, [-2, -0.5, -0.125, 0, 0.5, 4]],
  "PRelu with a slope a channel": [
    [["PRelu", ["x"], "y", {}, { weight: [2, 3] }]],
    {
      x: [
        [1, 2, 2],
        [-1, 1, -1, 1],
      ],
    },
    [-2, 1, -3, 1],
  ],
  "Check NOT_EQUAL": [
    [["Check", ["x", "k"], "y", { mode: "NOT_EQUAL" }]],
    {
      x: PAIR.x,
      k: [
        [2, 2],
        [1, 0, 3, 0],
      ],
    },
    [0, 1, 0, 1],
  ],
  "Equal of old files": [
    [["Equal", ["x", "k"], "y"]],
    {
      x: PAIR.x,
      k: [
        [2, 2],
        [1, 0, 3, 0],
      ],
    },
    [1, 0, 1, 0],
    { version: 20201120 },
  ],
  "Equal of old files, inverted": [
    [["Equal", ["x", "k"], "y", { invert: 1 }]],
    {
      x: PAIR.x,
      k: [
        [2, 2],
        [1, 0, 3, 0],
      ],
    },
    [0, 1, 0, 1],
    { version: 20201120 },
  ],
  "Slice in equal parts": [[["Slice", ["x"], ["a", "y", "b"], { axis: 1, num_slice: 2 }]], MATRIX, [2, 5]],
  "Slice at points": [
    [["Slice", ["x"], ["a", "y"], { axis: 1, num_slice: 1, slice_points: [1] }]],
    MATRIX,
    [2, 3, 5, 6],
  ],
  "Slice at points, the first part": [
    [["Slice", ["x"], ["y", "a"], { axis: -1, num_slice: 1, slice_points: [2] }]],
    MATRIX,
    [1, 2, 4, 5],
  ],
  "TfSlice with masks": [
    [
      [
        "TfSlice",
        ["x"],
        "y",
        { begin: [0, 1], end: [1, 0], strides: [1, 1], begin_mask: [1], end_mask: [1, 1], num_dims: 2 },
      ],
    ],
    MATRIX,
    [2, 3, 5, 6],
  ],
  "TfSlice backwards": [
    [["TfSlice", ["x"], "y", { begin: [0, -1], end: [2, 0], strides: [1, -1], num_dims: 2 }]],
    MATRIX,
    [3, 2, 6, 5],
  ],
  "ChannelResize that pads each group": [
    [["ChannelResize", ["x"], "y", { group: 2, channel_before: 2, channel_after: 4 }]],
    {
      x: [
        [1, 2, 1, 2],
        [1, 2, 3, 4],
      ],
    },
    [1, 2, 0, 0, 3, 4, 0, 0],
  ],
  "ChannelResize that cuts each group": [
    [["ChannelResize", ["x"], "y", { group: 2, channel_before: 4, channel_after: 2 }]],
    {
      x: [
        [1, 4, 1, 1],
        [1, 2, 3, 4],
      ],
    },
    [1, 3],
  ],
  "Reduction SUM of all": [[["Reduction", ["x"], "y", { mode: "SUM", coeff: 1 }]], MATRIX, [21]],
  "Reduction MEAN times a factor": [
    [["Reduction", ["x"], "y", { mode: "MEAN", axes: [1], num_axes: 1, coeff: 2 }]],
    MATRIX,
    [4, 10],
  ],
  "Reduction STD_DEVIATION": [
    [["Reduction", ["x"], "y", { mode: "STD_DEVIATION", axes: [-1], num_axes: 1, coeff: 1 }]],
    MATRIX,
    [Math.sqrt(2 / 3), Math.sqrt(2 / 3)],
  ],
  "Reduction SCALAR_PRODUCT": [
    [["Reduction", ["x"], "y", { mode: "SCALAR_PRODUCT", axes: [0], num_axes: 1, coeff: 1 }]],
    MATRIX,
    [4, 10, 18],
  ],
  ArgMax: [
    [["ArgMax", ["x"], "y", { axis: 1 }]],
    {
      x: [
        [2, 3],
        [1, 9, 3, 7, 5, 6],
      ],
    },
    [1, 0],
  ],
  "TopK of the largest": [
    [["TopK", ["x"], ["y", "i"], { axis: 1, largest: 1, sorted: 1, k: 2 }]],
    MATRIX,
    [3, 2, 6, 5],
  ],
  "TopK of the smallest": [[["TopK", ["x"], ["y", "i"], { axis: 1, largest: 0, sorted: 1, k: 1 }]], MATRIX, [1, 4]],
  Cum: [[["Cum", ["x"], "y", { mode: "SUM", axis: 1 }]], MATRIX, [1, 3, 6, 4, 9, 15]],
  "Cum, exclusive and backwards": [
    [["Cum", ["x"], "y", { mode: "SUM", axis: 1, exclusive: 1, reverse: 1 }]],
    MATRIX,
    [5, 3, 0, 11, 6, 0],
  ],
  LayerNorm: [
    [["LayerNorm", ["x"], "y", { axis: -1, eps: 1e-9 }, { weight: [1, 2, 3], vector: [0, 10, 20] }]],
    MATRIX,
    [-1, 0, 1, -1, 0, 1].map((x, index) => x * Math.sqrt(1.5) * ((index % 3) + 1) + (index % 3) * 10),
  ],
  "LayerNorm along another axis": [[["LayerNorm", ["x"], "y", { axis: 0, eps: 1e-9 }]], MATRIX, [-1, -1, -1, 1, 1, 1]],
  "InstanceNorm of groups": [
    [["InstanceNorm", ["x"], "y", { eps: 1e-9, axis: 1, axis_dim: 1 }, { weight: [2], vector: [1] }]],
    {
      x: [
        [1, 2, 1, 1],
        [1, 3],
      ],
    },
    [-1, 3],
  ],
  L2Norm: [
    [["L2Norm", ["x"], "y"]],
    {
      x: [
        [1, 2],
        [3, 4],
      ],
    },
    [0.6, 0.8],
  ],
  "L2Norm of 1 × 1 maps": [
    [["L2Norm", ["x"], "y"]],
    {
      x: [
        [1, 2, 1, 1],
        [3, 4],
      ],
    },
    [0.6, 0.8],
  ],
  "MatMul of turned factors": [
    [["MatMul", ["x", "k"], "y", { transpose_a: 1, transpose_b: 1 }]],
    {
      x: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      k: [
        [2, 2],
        [1, 0, 0, 10],
      ],
    },
    [1, 30, 2, 40],
  ],
  "MatMul with a bias": [
    [["MatMul", ["x", "k", "b"], "y"]],
    {
      x: [
        [1, 2],
        [1, 2],
      ],
      k: [
        [2, 2],
        [1, 0, 0, 10],
      ],
      b: [[2], [100, 200]],
    },
    [101, 220],
  ],
  Einsum: [
    [
      [
        "Einsum",
        ["x", "k"],
        "y",
        {
          equation_l: "ji",
          equation_r: "kj",
          equation_o: "ki",
          num_equation_l: 2,
          num_equation_r: 2,
          num_equation_o: 2,
        },
      ],
    ],
    {
      x: [
        [1, 2],
        [1, 2],
      ],
      k: [
        [2, 2],
        [1, 0, 0, 10],
      ],
    },
    [1, 20],
  ],
  "FC over several axes": [
    [["FC", ["x"], "y", { num_outputs: 1, num_slices: 1, slice_point: [1] }, { weight: [1, 2, 3, 4], vector: [100] }]],
    { x: [[2, 2, 2], counted(8)] },
    [130, 170],
  ],
  Splice: [
    [["Splice", ["x"], "y", { context: [-1, 0, 1], num_context: 3, index_min: -1, index_max: 1 }]],
    {
      x: [
        [1, 4, 1],
        [1, 2, 3, 4],
      ],
    },
    [1, 2, 3, 2, 3, 4],
  ],
  Tdnn: [
    [
      [
        "Tdnn",
        ["x"],
        "y",
        { context: [0, 2], num_context: 2, num_outputs: 1, activation_type: "NULL" },
        { weight: [1, 10], vector: [100] },
      ],
    ],
    {
      x: [
        [1, 4, 1],
        [1, 2, 3, 4],
      ],
    },
    [131, 142],
  ],
  "Embedding from its weight": [
    [["Embedding", ["x"], "y", { num_inputs: 3, num_outputs: 2 }, { weight: counted(6) }]],
    { x: [[2], [2, 0]] },
    [5, 6, 1, 2],
    { inputType: "I32" },
  ],
  "Embedding from a turned weight": [
    [["Embedding", ["x"], "y", { num_inputs: 3, num_outputs: 2, transpose: 1 }, { weight: counted(6) }]],
    { x: [[2], [2, 0]] },
    [3, 6, 1, 4],
    { inputType: "I32" },
  ],
  OneHot: [
    [["OneHot", ["x"], "y", { axis: -1, depth: 3, values: [-1, 5] }]],
    { x: [[2], [2, 0]] },
    [-1, -1, 5, 5, -1, -1],
    { inputType: "I32" },
  ],
  Range: [[["Range", [], "y", { dt: "F32", start: 1, limit: 3, delta: 0.5 }]], {}, [1, 1.5, 2, 2.5]],
  "Transpose without axes": [[["Transpose", ["x"], "y"]], MATRIX, [1, 4, 2, 5, 3, 6]],
  "Tile along an axis": [
    [["Tile", ["x"], "y", { repeats: [2], num_repeats: 1, axis: 1 }]],
    {
      x: [
        [2, 1],
        [1, 2],
      ],
    },
    [1, 1, 2, 2],
  ],
  "Reshape of channels last": [
    [["Reshape", ["x"], "y", { shape: [1, 4], num_shape: 2, axis: 8 }]],
    {
      x: [
        [1, 2, 1, 2],
        [1, 2, 3, 4],
      ],
    },
    [1, 3, 2, 4],
  ],
  "Pooling, the whole map": [
    [["Pooling", ["x"], "y", { mode: "MEAN", round_mode: "FLOOR", stride_h: 1, stride_w: 1 }]],
    SQUARE,
    [5],
  ],
  "Pooling, rounded down": [[["Pooling", ["x"], "y", { ...WINDOW, mode: "MAX", round_mode: "FLOOR" }]], SQUARE, [5]],
  "Pooling, rounded up": [
    [["Pooling", ["x"], "y", { ...WINDOW, mode: "MAX", round_mode: "CEIL" }]],
    SQUARE,
    [5, 6, 8, 9],
  ],
  "Pooling, TF_SAME": [
    [["Pooling", ["x"], "y", { ...WINDOW, mode: "MAX", round_mode: "TF_SAME" }]],
    SQUARE,
    [5, 6, 8, 9],
  ],
  "Pooling, TF_VALID": [[["Pooling", ["x"], "y", { ...WINDOW, mode: "MEAN", round_mode: "TF_VALID" }]], SQUARE, [3]],
  "Pooling with positions, and back": [
    [
      ["Pooling", ["x"], ["p", "places"], { ...WINDOW, mode: "MAX", round_mode: "FLOOR" }],
      ["UnPooling", ["p", "places"], "y", { ...WINDOW, mode: "MAX" }],
    ],
    {
      x: [
        [1, 1, 2, 4],
        [1, 2, 5, 3, 4, 3, 6, 0],
      ],
    },
    [0, 0, 0, 0, 4, 0, 6, 0],
  ],
  "Convolution with a summand": [
    [["Conv", ["x", "k"], "y", { ...convolution(1, 1), pw_activation_type: "RELU" }, { weight: [2], vector: [1] }]],
    {
      x: [
        [1, 1, 1, 2],
        [1, -3],
      ],
      k: [
        [1, 1, 1, 2],
        [10, 0],
      ],
    },
    [13, 0],
  ],
  "Convolution, depthwise and pointwise in one": [
    [
      [
        "Conv",
        ["x"],
        "y",
        convolution(1, 1, {
          convolution_type: "DEPTHWISE_POINTWISE",
          dw_activation_type: "RELU",
          pw_activation_type: "RELU6",
        }),
        { weight: [2, 5], vector: [0, -1] },
      ],
    ],
    {
      x: [
        [1, 1, 1, 3],
        [1, -1, 0.25],
      ],
    },
    [6, 0, 1.5],
  ],
  "Squeeze without axes": [
    [
      ["Squeeze", ["x"], "s"],
      ["Concat", ["s", "k"], "y", { axis: 0 }],
    ],
    {
      x: [
        [1, 2, 1],
        [1, 2],
      ],
      k: [[2], [3, 4]],
    },
    [1, 2, 3, 4],
  ],
  "Reshape that keeps an axis": [
    [
      ["Reshape", ["x"], "r", { shape: [0, -1], num_shape: 2 }],
      ["Reduction", ["r"], "y", { mode: "SUM", axes: [1], num_axes: 1, coeff: 1 }],
    ],
    { x: [[2, 1, 3], counted(6)] },
    [6, 15],
  ],
  "Convolution with weights of one bit": [
    [
      [
        "Conv",
        ["x"],
        "y",
        convolution(8, 1),
        { dataType: "BIN11", bytes: Uint8Array.of(0b10110000), vector: [...counted(8), ...new Array(8).fill(100)] },
      ],
    ],
    { x: [[1, 1, 1, 1], [1]] },
    [101, 98, 103, 104, 95, 94, 93, 92],
  ],
  "Deconvolution, TF_SAME": [
    [
      [
        "Deconvolution",
        ["x"],
        "y",
        { ...convolution(1, 1), convolution_type: "DECONVOLUTION", round_mode: "TF_SAME", stride_h: 2, stride_w: 2 },
        { weight: [3] },
      ],
    ],
    {
      x: [
        [1, 1, 1, 2],
        [1, 2],
      ],
    },
    [3, 0, 6, 0, 0, 0, 0, 0],
  ],
  "Resize to sizes": [
    [
      [
        "Resize",
        ["x"],
        "y",
        { mode: "NEAREST", trans_mode: "ASYMMETRIC", round_mode: "FLOOR", sizes: [1, 4], num_sizes: 2 },
      ],
    ],
    {
      x: [
        [1, 1, 1, 2],
        [1, 2],
      ],
    },
    [1, 1, 2, 2],
  ],
  "Resize by scales": [
    [
      [
        "Resize",
        ["x"],
        "y",
        { mode: "NEAREST", trans_mode: "ASYMMETRIC", round_mode: "FLOOR", scales: [1, 1, 1, 2], num_scales: 4 },
      ],
    ],
    {
      x: [
        [1, 1, 1, 2],
        [1, 2],
      ],
    },
    [1, 1, 2, 2],
  ],
  "Resize by a zoom factor": [
    [["Resize", ["x"], "y", { mode: "LINEAR", trans_mode: "ALIGN_CORNERS", zoom_factor: 2 }]],
    {
      x: [
        [1, 1, 1, 3],
        [1, 2, 3],
      ],
    },
    [1, 1.5, 2, 2.5, 3],
  ],
  SharedWeight: [
    [
      [
        "SharedWeight",
        [],
        "w",
        { desc: { dataType: "F32", dataFormat: 14, dimensions: [2, 1] } },
        { weight: [10, 20] },
      ],
      eltwise("SUM", ["x", "w"]),
    ],
    {
      x: [
        [1, 2],
        [1, 2],
      ],
    },
    [11, 22],
  ],
  "SharedWeight of integers": [
    [
      [
        "SharedWeight",
        [],
        "w",
        { desc: { dataType: "I32", dataFormat: 14, dimensions: [2] } },
        { dataType: "I32", bytes: new Uint8Array(Int32Array.of(1, 0).buffer) },
      ],
      ["Gather", ["x", "w"], "y", { axis: 0 }],
    ],
    MATRIX,
    [4, 5, 6, 1, 2, 3],
  ],
  PreAllocatedMemory: [
    [
      ["PreAllocatedMemory", [], "m", { desc: { dataType: "F32", dataFormat: 14, dimensions: [2, 1] }, value: 7 }],
      eltwise("SUM", ["x", "m"]),
    ],
    {
      x: [
        [1, 2],
        [1, 2],
      ],
    },
    [8, 9],
  ],
  "int8 weights": [
    [
      [
        "FC",
        ["x"],
        "y",
        { num_outputs: 2, num_slices: 1, slice_point: [2] },
        { dataType: "I8", bytes: Uint8Array.of(1, 254), scale: 4 },
      ],
    ],
    { x: [[1, 1], [8]] },
    [2, -4],
  ],
  "int4 weights": [
    [
      [
        "FC",
        ["x"],
        "y",
        { num_outputs: 2, num_slices: 1, slice_point: [2] },
        { dataType: "I4", bytes: Uint8Array.of(0x58), scale: 4 },
      ],
    ],
    { x: [[1, 1], [8]] },
    [2, -4],
  ],
};
for (const [mode, activation] of Object.entries(ACTIVATIONS)) {
  const expected = SIGNS.x[1].map(activation);
  Object.assign(CASES, {
    [`activation ${mode}`]: [[eltwise("SUM", ["x"], { activation_type: mode })], SIGNS, expected],
  });
}

describe("each of Bolt's operators, raised and run", () => {
  it.each(Object.entries(CASES))("%s", async (_, [operators, given, expected, more]) => {
    const inputs = Object.fromEntries(Object.entries(given).map(([name, [shape]]) => [name, shape]));
    const model = boltModel({ inputs, operators, outputs: ["y"], ...more });
    const { values } = await outputsOf(
      model,
      Object.fromEntries(Object.entries(given).map(([name, [, numbers]]) => [name, numbers])),
    );
    expect(values[0]!.length).toBe(expected.length);
    values[0]!.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index]!, 4);
    });
  });
});

describe("what cannot be run is refused", () => {
  it.each<[string, readonly BoltOperator[], Numbers, RegExp]>([
    [
      "unknown operators, all named",
      [
        ["GAT", ["x"], "a"],
        ["Attention", ["a"], "y"],
      ],
      [1, 2],
      /does not run Attention, GAT/,
    ],
    ["a mode that is none of its own", [eltwise("SQRT", ["x"])], [1, 2], /mode SQRT/],
    [
      "a padding mode",
      [["Pad", ["x"], "y", { pad_mode: "SYMMETRIC", left: 1 }]],
      [1, 1, 2, 2],
      /padding mode SYMMETRIC/,
    ],
    ["padding of five axes", [["Pad", ["x"], "y", { left: 1 }]], [1, 1, 1, 2, 2], /5 dimensions/],
    ["a convolution without a weight", [["Conv", ["x"], "y", convolution(1, 1)]], [1, 1, 2, 2], /weight is missing/],
    [
      "a weight that is too short",
      [["Conv", ["x"], "y", convolution(2, 3), { weight: [1] }]],
      [1, 1, 4, 4],
      /1 elements, but 18 are needed/,
    ],
    [
      "a bias of another length",
      [["Conv", ["x"], "y", convolution(1, 1), { weight: [1], vector: [1, 2, 3] }]],
      [1, 1, 4, 4],
      /12 bytes, which is not 1 numbers/,
    ],
    [
      "rows that do not fit",
      [["FC", ["x"], "y", { num_outputs: 1 }, { weight: [1, 2, 3] }]],
      [2, 2],
      /do not make rows of 3/,
    ],
    [
      "shapes that do not fit",
      [
        ["PreAllocatedMemory", [], "m", { desc: { dataType: "F32", dataFormat: 14, dimensions: [3] } }],
        eltwise("SUM", ["x", "m"]),
      ],
      [2],
      /do not fit/,
    ],
    ["a sum that accumulates otherwise", [["Cum", ["x"], "y", { mode: "PROD" }]], [2], /cumulative PROD/],
    ["a reduction with a mask", [["Reduction", ["x", "x"], "y", { mode: "SUM" }]], [2], /reduces with a mask/],
  ])("%s", async (_, operators, shape, message) => {
    const model = boltModel({ inputs: { x: shape }, operators, outputs: ["y"] });
    await expect(raiseToOnnx(model)).rejects.toThrow(message);
  });

  it("a model without outputs", async () => {
    await expect(raiseToOnnx(boltModel({ inputs: { x: [1] }, operators: [], outputs: [] }))).rejects.toThrow(
      /no outputs/,
    );
  });
});

it("keeps the last of equal names, and numbers the others", async () => {
  const model = boltModel({
    inputs: { x: [2] },
    operators: [
      ["Neg", ["x"], "a"],
      ["Exp", ["a"], "a"],
      ["Abs", ["a"], "a"],
    ],
    outputs: ["a"],
  });
  const { main } = await raiseToOnnx(model, { layers: true });
  expect(main.graph.nodes.map((node) => node.output().name)).toEqual(["a@2", "a@1", "a"]);
});
