import { constant, graphDef, type NodeInit, placeholder } from "../../test/tensorflow-file.ts";
import type { Seed } from "./seeds.ts";

/** Frozen graphs with the operators that networks have. */
export async function tensorflowSeeds(): Promise<Seed[]> {
  return [
    { name: "convolutions.pb", kind: "tensorflow", bytes: await graphDef(CONVOLUTIONS) },
    { name: "shapes.pb", kind: "tensorflow", bytes: await graphDef(SHAPES) },
  ];
}

const floats = (count: number) => Array.from({ length: count }, (_, index) => Math.sin(index + 1));

const window = (padding: string) => ({ strides: { integers: [1, 2, 2, 1] }, padding: { text: padding } });

const CONVOLUTIONS: readonly NodeInit[] = [
  placeholder("x", [-1, 6, 6, 3]),
  constant("w", { shape: [3, 3, 3, 4], floats: floats(108) }),
  { name: "w/read", op: "Identity", input: ["w"] },
  constant("d", { shape: [2, 2, 4, 1], floats: floats(16) }),
  constant("v", { shape: [4], floats: [1, 2, 3, 4] }),
  { name: "conv", op: "Conv2D", input: ["x", "w/read"], attr: window("SAME") },
  { name: "biased", op: "BiasAdd", input: ["conv", "v"] },
  {
    name: "normal",
    op: "FusedBatchNormV3",
    input: ["biased", "v", "v", "v", "v"],
    attr: { is_training: { flag: false }, epsilon: { float: 0.001 } },
  },
  { name: "relu", op: "Relu6", input: ["normal"] },
  { name: "depthwise", op: "DepthwiseConv2dNative", input: ["relu", "d"], attr: window("VALID") },
  { name: "pool", op: "MaxPool", input: ["relu"], attr: { ksize: { integers: [1, 2, 2, 1] }, ...window("VALID") } },
  constant("axis", { shape: [], int32s: [3] }),
  { name: "joined", op: "ConcatV2", input: ["depthwise", "pool", "axis"], attr: { N: { integer: 2 } } },
  constant("axes", { shape: [2], int32s: [1, 2], listed: true }),
  { name: "mean", op: "Mean", input: ["joined", "axes"], attr: { keep_dims: { flag: false } } },
  { name: "y", op: "Softmax", input: ["mean"] },
];

const SHAPES: readonly NodeInit[] = [
  placeholder("x", [1, 4, 4, 2]),
  { name: "shape", op: "Shape", input: ["x"] },
  constant("from", { shape: [1], int32s: [1] }),
  constant("to", { shape: [1], int32s: [3] }),
  constant("step", { shape: [1], int32s: [1] }),
  { name: "sizes", op: "StridedSlice", input: ["shape", "from", "to", "step"], attr: { begin_mask: { integer: 0 } } },
  constant("two", { shape: [], int32s: [2] }),
  { name: "double", op: "Mul", input: ["sizes", "two"] },
  { name: "large", op: "ResizeBilinear", input: ["x", "double"], attr: { half_pixel_centers: { flag: true } } },
  constant("pads", { shape: [4, 2], int32s: [0, 0, 1, 1, 0, 2, 0, 0] }),
  { name: "padded", op: "Pad", input: ["large", "pads"] },
  constant("perm", { shape: [4], int32s: [0, 2, 1, 3] }),
  { name: "turned", op: "Transpose", input: ["padded", "perm"] },
  { name: "parts", op: "Split", input: ["axis", "turned"], attr: { num_split: { integer: 2 } } },
  constant("axis", { shape: [], int32s: [3] }),
  { name: "sum", op: "AddV2", input: ["parts", "parts:1"] },
  constant("row", { shape: [2], int32s: [1, -1] }),
  { name: "flat", op: "Reshape", input: ["sum", "row"] },
  constant("m", { shape: [90, 2], floats: [0.5], listed: true }),
  { name: "y", op: "MatMul", input: ["flat", "m"] },
];
