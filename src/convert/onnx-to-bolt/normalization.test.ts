import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const SHAPE = [2, 3, 8];
const CONSTANTS = { g: positiveTensor([8]), b: normalTensor([8], 2), two: floatTensor([], [2]) };

/** A model over x of 2 × 3 × 8, with constants for all. */
function model(operators: readonly OnnxOperator[], more: Partial<OnnxModelInit> = {}): OnnxModelInit {
  const { constants = {}, ...rest } = more;
  return {
    opset: 17,
    inputs: { x: SHAPE },
    constants: { ...CONSTANTS, ...constants },
    operators,
    outputs: ["y"],
    ...rest,
  };
}

/** A layer normalization written out, up to the quotient. */
function written({ epsilon = 1e-5, axes = [-1], square = ["Mul", ["c", "c"], "s"] as OnnxOperator } = {}) {
  const operators: readonly OnnxOperator[] = [
    ["ReduceMean", ["x"], "m", { axes }],
    ["Sub", ["x", "m"], "c"],
    square,
    ["ReduceMean", ["s"], "v", { axes }],
    ["Add", ["v", "epsilon"], "w"],
    ["Sqrt", ["w"], "r"],
  ];
  return { operators, epsilon: floatTensor([], [epsilon]) };
}

function pattern(
  options: Parameters<typeof written>[0],
  behind: readonly OnnxOperator[],
  outputs = ["y"],
): OnnxModelInit {
  const { operators, epsilon } = written(options);
  return model([...operators, ...behind], { constants: { epsilon }, outputs });
}

const affine: readonly OnnxOperator[] = [
  ["Div", ["c", "r"], "q"],
  ["Mul", ["q", "g"], "p"],
  ["Add", ["p", "b"], "y"],
];

const map = [2, 4, 3, 3];
const perGroup = (count: number): Readonly<Record<string, Tensor>> => ({
  g: positiveTensor([count]),
  b: normalTensor([count], 2),
});

/** Models, and the Bolt operators that they become. */
const MODELS: Readonly<Record<string, readonly [OnnxModelInit, operators: string]>> = {
  LayerNormalization: [model([["LayerNormalization", ["x", "g", "b"], "y"]]), "Power LayerNorm"],
  "LayerNormalization of the engine's epsilon": [
    model([["LayerNormalization", ["x", "g", "b"], "y", { epsilon: { float: 1e-6 } }]]),
    "LayerNorm",
  ],
  "LayerNormalization without bias": [
    model([["LayerNormalization", ["x", "g"], "y", { epsilon: { float: 0.1 } }]]),
    "Power LayerNorm",
  ],
  "LayerNormalization over two axes": [
    model([["LayerNormalization", ["x", "g", "b"], "y", { axis: 1 }]], {
      constants: { g: positiveTensor([3, 8]), b: normalTensor([3, 8], 2) },
    }),
    "Power Reshape LayerNorm Reshape",
  ],
  "a written layer normalization": [pattern({ epsilon: 1e-6 }, affine), "LayerNorm"],
  "a written one of a large epsilon": [pattern({ epsilon: 0.1 }, affine), "Power LayerNorm"],
  "a written one with Pow": [pattern({ square: ["Pow", ["c", "two"], "s"], axes: [2] }, affine), "Power LayerNorm"],
  "a written one without factors": [pattern({}, [["Div", ["c", "r"], "y"]]), "Power LayerNorm"],
  "a written one whose mean is read": [
    pattern({}, affine, ["y", "m"]),
    "Reduction Eltwise Power Reduction Power Power Eltwise Scale",
  ],
  "one along another axis": [
    pattern({ axes: [1] }, affine),
    "Reduction Eltwise Power Reduction Power Power Eltwise Scale",
  ],
  InstanceNormalization: [
    model([["InstanceNormalization", ["x", "g", "b"], "y"]], { inputs: { x: map }, constants: perGroup(4) }),
    "Power InstanceNorm",
  ],
  "GroupNormalization, a factor for each group": [
    model([["GroupNormalization", ["x", "g", "b"], "y", { num_groups: 2 }]], {
      opset: 18,
      inputs: { x: map },
      constants: perGroup(2),
    }),
    "Power Reshape InstanceNorm Reshape Scale",
  ],
  "GroupNormalization, a factor for each channel": [
    model([["GroupNormalization", ["x", "g", "b"], "y", { num_groups: 2 }]], {
      opset: 21,
      inputs: { x: map },
      constants: perGroup(4),
    }),
    "Power Reshape InstanceNorm Reshape Scale",
  ],
};

describe("normalizations in Bolt", () => {
  it.each(Object.entries(MODELS))("give the same numbers: %s", async (_, [init, operators]) => {
    const { model: bolt } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(bolt), await outputsOf(onnxModel(init)))).toBeLessThan(2e-5);
    expect(typesOf(bolt).join(" ")).toBe(operators);
  });
});
