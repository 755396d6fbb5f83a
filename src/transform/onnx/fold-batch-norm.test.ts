import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { encodedTensor } from "../../onnx/tensor-data.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";

const NORM_INPUTS = ["gamma", "shift", "mean", "variance"];

function statistics(channels: number): Record<string, Tensor> {
  return {
    gamma: normalTensor([channels], 11),
    shift: normalTensor([channels], 12),
    mean: normalTensor([channels], 13),
    variance: positiveTensor([channels], 14),
  };
}

const norm = (input: string, attributes: OnnxOperator[3] = {}): OnnxOperator => [
  "BatchNormalization",
  [input, ...NORM_INPUTS],
  "y",
  attributes,
];

const CONV: OnnxModelInit = {
  inputs: { x: [1, 3, 6, 6] },
  constants: { w: normalTensor([4, 3, 3, 3]), b: normalTensor([4], 2), ...statistics(4) },
  operators: [["Conv", ["x", "w", "b"], "c"], norm("c", { epsilon: { float: 0.01 } })],
  outputs: ["y"],
};

const GEMM: OnnxModelInit = {
  inputs: { x: [2, 5] },
  constants: { w: normalTensor([4, 5]), b: normalTensor([4], 2), ...statistics(4) },
  operators: [["Gemm", ["x", "w", "b"], "c", { transB: 1 }], norm("c")],
  outputs: ["y"],
};

/** `model` with other constants or operators. */
function changed(model: OnnxModelInit, change: Partial<OnnxModelInit>): OnnxModelInit {
  return { ...model, ...change, constants: { ...model.constants, ...change.constants } };
}

const FOLDED: readonly (readonly [string, OnnxModelInit])[] = [
  ["a convolution with bias", CONV],
  [
    "a convolution without bias, at the default epsilon",
    changed(CONV, {
      constants: { variance: positiveTensor([4], 5) },
      operators: [["Conv", ["x", "w"], "c"], norm("c")],
    }),
  ],
  [
    "a grouped convolution, one channel a row",
    changed(CONV, {
      inputs: { x: [1, 4, 6, 6] },
      constants: { w: normalTensor([4, 1, 3, 3]) },
      operators: [["Conv", ["x", "w", "b"], "c", { group: 4 }], norm("c")],
    }),
  ],
  ["a Gemm with a transposed weight, alpha and all", changed(GEMM, {})],
  [
    "a Gemm with alpha",
    changed(GEMM, { operators: [["Gemm", ["x", "w", "b"], "c", { transB: 1, alpha: { float: 0.5 } }], norm("c")] }),
  ],
];

const LEFT: readonly (readonly [string, OnnxModelInit])[] = [
  [
    "a weight that is computed",
    changed(CONV, { operators: [["Relu", ["w"], "v"], ["Conv", ["x", "v", "b"], "c"], norm("c")] }),
  ],
  [
    "a bias that is computed",
    changed(CONV, { operators: [["Relu", ["b"], "v"], ["Conv", ["x", "w", "v"], "c"], norm("c")] }),
  ],
  [
    "a second reader",
    changed(CONV, { operators: [["Conv", ["x", "w"], "c"], norm("c"), ["Relu", ["c"], "z"]], outputs: ["y", "z"] }),
  ],
  ["an output of the network between", changed(CONV, { outputs: ["c", "y"] })],
  ["a Relu between", changed(CONV, { operators: [["Conv", ["x", "w"], "c"], ["Relu", ["c"], "r"], norm("r")] })],
  [
    "a Gemm whose weight is not transposed",
    changed(GEMM, { constants: { w: normalTensor([5, 4]) }, operators: [["Gemm", ["x", "w", "b"], "c"], norm("c")] }),
  ],
  [
    "a Gemm with beta",
    changed(GEMM, { operators: [["Gemm", ["x", "w", "b"], "c", { transB: 1, beta: { float: 2 } }], norm("c")] }),
  ],
  ["a bias for all rows of a Gemm at once", changed(GEMM, { constants: { b: normalTensor([1, 4], 2) } })],
  [
    "a scale that is computed",
    changed(CONV, {
      operators: [
        ["Conv", ["x", "w"], "c"],
        ["Relu", ["gamma"], "g"],
        ["BatchNormalization", ["c", "g", "shift", "mean", "variance"], "y"],
      ],
    }),
  ],
  [
    "another operator behind",
    changed(CONV, {
      operators: [
        ["Conv", ["x", "w"], "c"],
        ["InstanceNormalization", ["c", "gamma", "shift"], "y"],
      ],
    }),
  ],
];

describe("folding a BatchNormalization", () => {
  it.each(FOLDED)("puts it into %s, and the network gives the same", async (_, init) => {
    const model = onnxModel(init);
    const before = await outputsOf(model);
    expect(await foldBatchNorm(model)).toEqual(["y"]);
    expect(typesOf(model.main)).toEqual([init.operators[0]![0]]);
    expect(model.main.initializers.map(({ name }) => name)).toHaveLength(2);
    expect(largestDifference(before, await outputsOf(model))).toBeLessThan(1e-5);
  });

  it.each(LEFT)("leaves %s alone", async (_, init) => {
    const model = onnxModel(init);
    const [types, constants] = [typesOf(model.main), [...model.main.initializers]];
    expect(await foldBatchNorm(model)).toEqual([]);
    expect(typesOf(model.main)).toEqual(types);
    expect(model.main.initializers).toEqual(constants);
  });

  it.each([
    ["float16 weights", { w: encodedTensor("float16", [4, 3, 3, 3], new Array(108).fill(1)) }],
    ["float64 statistics", { gamma: encodedTensor("float64", [4], [1, 1, 1, 1]) }],
    ["a float64 bias", { b: encodedTensor("float64", [4], [1, 1, 1, 1]) }],
    ["another number of channels", { mean: normalTensor([3]) }],
    ["a bias of another length", { b: normalTensor([3]) }],
  ])("leaves %s alone", async (_, constants) => {
    expect(await foldBatchNorm(onnxModel(changed(CONV, { constants })))).toEqual([]);
  });

  it.each([
    ["training", { training_mode: 1 }],
    ["one factor for each place", { spatial: 0 }],
  ])("leaves one that means %s alone", async (_, attributes) => {
    const model = onnxModel(changed(CONV, { operators: [CONV.operators[0]!, norm("c", attributes)] }));
    expect(await foldBatchNorm(model)).toEqual([]);
  });

  it("keeps a weight that others read as it was, and names nothing twice", async () => {
    const model = onnxModel(
      changed(CONV, {
        constants: { w_folded: normalTensor([4]) },
        operators: [["Conv", ["x", "w"], "c"], norm("c"), ["Conv", ["x", "w", "w_folded"], "d"], ["Relu", ["d"], "z"]],
        outputs: ["y", "z"],
      }),
    );
    const before = await outputsOf(model);
    expect(await foldBatchNorm(model)).toEqual(["y"]);
    const names = model.main.initializers.map(({ name }) => name);
    expect(names.sort()).toEqual(["w", "w_bias_folded", "w_folded", "w_folded_2"]);
    expect(largestDifference(before, await outputsOf(model))).toBeLessThan(1e-5);
  });
});
