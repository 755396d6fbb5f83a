import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import { floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const CONSTANTS = {
  w: normalTensor([4, 6]),
  m: normalTensor([6], 2),
  v: positiveTensor([6]),
  two: floatTensor([], [2]),
  ones: floatTensor([6], [1, 1, 1, 1, 1, 1]),
  zeros: floatTensor([6], [0, 0, 0, 0, 0, 0]),
  context: integerTensor([2], [-1, 0]),
  wide: normalTensor([3, 12], 3),
  bias: normalTensor([3], 4),
};

function model(shape: readonly number[], operators: readonly OnnxOperator[]): OnnxModelInit {
  return { opset: 14, inputs: { x: shape }, constants: CONSTANTS, operators, outputs: ["y"] };
}

const spliced: readonly OnnxOperator[] = [
  ["Slice", ["x", "s0", "s4", "s1"], "before"],
  ["Slice", ["x", "s1", "s5", "s1"], "now"],
  ["Concat", ["before", "now"], "spliced", { axis: 2 }],
];
const bounds = Object.fromEntries([0, 1, 4, 5].map((at) => [`s${at}`, integerTensor([1], [at])]));

/** An operator by Bolt's name, and what it is in ONNX. */
const NAMES: Readonly<Record<string, readonly [bolt: OnnxModelInit, onnx: OnnxModelInit]>> = {
  Linear: [model([2, 6], [["Linear", ["x", "w"], "y"]]), model([2, 6], [["Gemm", ["x", "w"], "y", { transB: 1 }]])],
  Scale: [model([2, 6], [["Scale", ["x"], "y", { scale: { float: 2 } }]]), model([2, 6], [["Mul", ["x", "two"], "y"]])],
  BatchNorm: [
    model([2, 6], [["BatchNorm", ["x", "m", "v"], "y", { epsilon: { float: 0.01 } }]]),
    model([2, 6], [["BatchNormalization", ["x", "ones", "zeros", "m", "v"], "y", { epsilon: { float: 0.01 } }]]),
  ],
  TFL_HARD_SWISH: [model([2, 6], [["TFL_HARD_SWISH", ["x"], "y"]]), model([2, 6], [["HardSwish", ["x"], "y"]])],
  TFL_L2_NORMALIZATION: [
    model([2, 6], [["TFL_L2_NORMALIZATION", ["x"], "y"]]),
    model([2, 6], [["LpNormalization", ["x"], "y"]]),
  ],
  Tdnn: [
    model([1, 5, 6], [["Tdnn", ["x", "context", "wide", "bias"], "y"]]),
    {
      ...model(
        [1, 5, 6],
        [
          ...spliced,
          ["Transpose", ["wide"], "turned", { perm: [1, 0] }],
          ["MatMul", ["spliced", "turned"], "p"],
          ["Add", ["p", "bias"], "y"],
        ],
      ),
      constants: { ...CONSTANTS, ...bounds },
    },
  ],
  Splice: [
    model([1, 5, 6], [["Splice", ["x"], "y", { context: [-1, 0] }]]),
    {
      ...model([1, 5, 6], [...spliced, ["Identity", ["spliced"], "y"]]),
      constants: { ...CONSTANTS, ...bounds },
    },
  ],
};

describe("operators by Bolt's own names", () => {
  it.each(Object.entries(NAMES))("%s", async (_, [bolt, onnx]) => {
    const { model: lowered } = await lowerToBolt(onnxModel(bolt));
    expect(largestDifference(await outputsOf(lowered), await outputsOf(onnxModel(onnx)))).toBeLessThan(1e-5);
  });
});
