import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel } from "../../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../../test/models/run.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { integerTensor } from "../../../onnx/tensor-data.ts";
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

const MODELS: Readonly<Record<string, OnnxModelInit>> = {
  Celu: one("Celu", { alpha: { float: 0.7 } }),
  ThresholdedRelu: one("ThresholdedRelu", { alpha: { float: 0.4 } }),
  Shrink: one("Shrink", { lambd: { float: 0.3 }, bias: { float: 0.1 } }),
  Gelu: one("Gelu", {}, {}, { opset: 20 }),
  Tan: one("Tan"),
  Sinh: one("Sinh"),
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
  "Trilu, lower": one("Trilu", { upper: 0 }, { k: number(-1) }, { opset: 14 }),
  LRN: one("LRN", { size: 3, alpha: { float: 0.5 }, beta: { float: 0.6 }, bias: { float: 2 } }),
};

describe("functions that Bolt lacks", () => {
  it.each(Object.entries(MODELS))("are written as such that it has: %s", async (_, init) => {
    const { model } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(init)))).toBeLessThan(1e-5);
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
