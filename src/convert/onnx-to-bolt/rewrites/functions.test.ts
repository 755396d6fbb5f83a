import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel } from "../../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../../test/models/run.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { encodedTensor, floatTensor, integerTensor } from "../../../onnx/tensor-data.ts";
import { lowerToBolt } from "../index.ts";

function one(
  type: string,
  attributes: OnnxOperator[3] = {},
  constants: Readonly<Record<string, Tensor>> = {},
  more: Partial<OnnxModelInit> = {},
): OnnxModelInit {
  return {
    inputs: { x: [2, 5, 4, 3] },
    constants,
    operators: [[type, ["x", ...Object.keys(constants)], "y", attributes]],
    outputs: ["y"],
    ...more,
  };
}

const ints = (...values: number[]) => integerTensor([values.length], values);
const number = (value: number) => integerTensor([], [value]);

function remainder(divisor: number): OnnxModelInit {
  return one(
    "",
    {},
    { d: number(divisor), scale: number(40) },
    {
      operators: [
        ["Cast", ["scale"], "factor", { to: 1 }],
        ["Mul", ["x", "factor"], "large"],
        ["Cast", ["large"], "whole", { to: 7 }],
        ["Mod", ["whole", "d"], "rest"],
        ["Cast", ["rest"], "y", { to: 1 }],
      ],
    },
  );
}

/** Functions of the sine of the input, which lies between -1 and 1, and of ten thousand times the input, as one sum. */
function inside(...functions: readonly string[]): OnnxModelInit {
  return one(
    "",
    {},
    { much: floatTensor([], [1e4]), less: floatTensor([], [0.99]) },
    {
      operators: [
        ["Mul", ["x", "much"], "large"],
        ["Atan", ["large"], "flat"],
        ["Sin", ["x"], "sine"],
        ["Mul", ["sine", "less"], "small"],
        ...functions.map((type): OnnxOperator => [type, ["small"], type]),
        ["Concat", ["flat", ...functions], "y", { axis: 0 }],
      ],
    },
  );
}

/** A loss of the input against given classes. */
function loss(
  type: string,
  attributes: NonNullable<OnnxOperator[3]>,
  outputs: readonly string[],
  weighted = false,
): OnnxModelInit {
  const targets = Array.from({ length: 24 }, (_, index) => (7 * index) % 5);
  return {
    inputs: { x: [2, 5, 4, 3] },
    constants: {
      t: integerTensor([2, 4, 3], targets),
      ...(weighted ? { w: floatTensor([5], [0.5, 1, 2, 3, 0.25]) } : {}),
    },
    operators: [[type, ["x", "t", ...(weighted ? ["w"] : [])], [...outputs], attributes]],
    outputs: [...outputs],
  };
}

const MODELS: Readonly<Record<string, OnnxModelInit>> = {
  Celu: one("Celu", { alpha: { float: 0.7 } }),
  ThresholdedRelu: one("ThresholdedRelu", { alpha: { float: 0.4 } }),
  Shrink: one("Shrink", { lambd: { float: 0.3 }, bias: { float: 0.1 } }),
  Gelu: one("Gelu", {}, {}, { opset: 20 }),
  Tan: one("Tan"),
  Sinh: one("Sinh"),
  Asinh: one("Asinh"),
  Atan: one("Atan"),
  "Atan, Asin, Acos and Atanh of large and small": inside("Atan", "Asin", "Acos", "Atanh"),
  Acosh: one(
    "",
    {},
    {},
    {
      operators: [
        ["Exp", ["x"], "e"],
        ["Acosh", ["e"], "h"],
        ["IsNaN", ["h"], "n"],
        ["Cast", ["n"], "y", { to: 1 }],
      ],
      outputs: ["y"],
    },
  ),
  Cosh: one("Cosh"),
  "ReduceLogSumExp over axes": one("ReduceLogSumExp", { axes: [1, -1] }),
  "ReduceLogSumExp over an input's axes": one("ReduceLogSumExp", { keepdims: 0 }, { a: ints(2) }, { opset: 18 }),
  ReduceLogSum: one(
    "ReduceLogSum",
    {},
    {},
    {
      operators: [
        ["Exp", ["x"], "e"],
        ["ReduceLogSum", ["e"], "y", { axes: [2], keepdims: 0 }],
      ],
    },
  ),
  "Mod by 7": remainder(7),
  "Mod by a negative number": remainder(-49),
  Trilu: one("Trilu", {}, {}, { opset: 14 }),
  "Trilu of an infinite mask": one(
    "",
    {},
    { less: floatTensor([], [-1e30]) },
    {
      opset: 14,
      operators: [
        ["Mul", ["x", "less"], "wide"],
        ["Mul", ["wide", "less"], "infinite"],
        ["Trilu", ["infinite"], "part"],
        ["IsInf", ["part"], "truth"],
        ["Cast", ["truth"], "y", { to: 1 }],
      ],
    },
  ),
  "Hardmax along an axis": one("Hardmax", { axis: 1 }),
  "Hardmax of opset 11 over several axes": one("Hardmax", { axis: 2 }, {}, { opset: 11 }),
  Compress: one("Compress", { axis: 1 }, { c: encodedTensor("bool", [3], [0, 1, 1]) }),
  ReverseSequence: one("ReverseSequence", { time_axis: 1, batch_axis: 0 }, { l: ints(3, 5) }),
  MeanVarianceNormalization: one("MeanVarianceNormalization"),
  "PRelu with slopes along the last axis": one("PRelu", {}, { s: floatTensor([3], [0.1, 0.2, -0.3]) }),
  "a layer whose mean and deviation are read": one(
    "",
    {},
    {
      s: floatTensor(
        [4, 3],
        Array.from({ length: 12 }, (_, index) => index / 8),
      ),
    },
    {
      operators: [["LayerNormalization", ["x", "s"], ["y", "mean", "inverse"], { axis: 2 }]],
      outputs: ["y", "mean", "inverse"],
    },
  ),
  "a cross entropy, and its logarithms": loss("SoftmaxCrossEntropyLoss", {}, ["y", "logarithms"]),
  "a weighted loss of which a class is ignored": loss("NegativeLogLikelihoodLoss", { ignore_index: 4 }, ["y"], true),
  "a loss at each place": loss("NegativeLogLikelihoodLoss", { reduction: "none" }, ["y"], true),
  "levels and back": one(
    "",
    {},
    { s: floatTensor([5], [0.1, 0.2, 0.05, 0.02, 1]), z: encodedTensor("int8", [5], [1, 2, -3, 0, 9]) },
    {
      operators: [
        ["QuantizeLinear", ["x", "s", "z"], "q", { axis: 1 }],
        ["DequantizeLinear", ["q", "s", "z"], "y", { axis: 1 }],
      ],
    },
  ),
  "a convolution of levels": one(
    "",
    {},
    {
      w: encodedTensor("int8", [2, 5, 1, 1], [1, -2, 3, 4, -5, 6, 7, -8, 9, 10]),
      s: floatTensor([2], [0.5, 0.25]),
      z: encodedTensor("int8", [], [0]),
    },
    {
      operators: [
        ["DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]],
        ["QLinearConv", ["q", "scale", "zero", "w", "s", "z", "scale", "zero"], "r", { kernel_shape: [1, 1] }],
        ["DequantizeLinear", ["r", "scale", "zero"], "y"],
      ],
    },
  ),
  "Trilu, lower": one("Trilu", { upper: 0 }, { k: number(-1) }, { opset: 14 }),
  LRN: one("LRN", { size: 3, alpha: { float: 0.5 }, beta: { float: 0.6 }, bias: { float: 2 } }),
};

describe("functions that Bolt lacks", () => {
  it.each(Object.entries(MODELS))("are written as such that it has: %s", async (_, init) => {
    const { model } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(init)))).toBeLessThan(1e-5);
  });

  it("refuses constants that would fill the memory", async () => {
    const sizes: Record<string, number[]> = {
      Trilu: [2 ** 20, 2 ** 20],
      EyeLike: [2 ** 20, 2 ** 20],
      Dropout: [2 ** 30],
    };
    for (const [type, shape] of Object.entries(sizes)) {
      const outputs = type === "Dropout" ? ["y", "m"] : ["y"];
      const init = onnxModel({ opset: 14, inputs: { x: shape }, operators: [[type, ["x"], outputs]], outputs });
      await expect(lowerToBolt(init)).rejects.toThrow(`in Bolt it needs a constant of ${shape.join(" x ")} numbers`);
    }
  });

  it("refuses windows of other axes than the input has", async () => {
    const init = { inputs: { x: [1, 8, 8] }, outputs: ["y"] };
    const attributes = { kernel_shape: [2, 2], dilations: [2, 2] };
    const model = onnxModel({ ...init, operators: [["MaxPool", ["x"], "y", attributes]] });
    await expect(lowerToBolt(model)).rejects.toThrow(/"y" \(MaxPool\)/);
  });

  it("refuses remainders of floats", async () => {
    const init = one(
      "Mod",
      { fmod: 1 },
      {},
      {
        inputs: { x: [2, 3], d: [2, 3] },
        operators: [["Mod", ["x", "d"], "y", { fmod: 1 }]],
      },
    );
    await expect(lowerToBolt(onnxModel(init))).rejects.toThrow(/"y" \(Mod\).*remainder/);
  });
});
