import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../../test/models/values.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import type { Plan } from "../../plan.ts";
import { type RefinableLayer, refinableLayers } from "./refinable-layers.ts";

const CONSTANTS = {
  w: normalTensor([8, 2, 3, 3]),
  line: normalTensor([4, 4, 3]),
  rows: normalTensor([6, 4]),
  turned: normalTensor([4, 6]),
  batch: normalTensor([2, 6, 4]),
  b: normalTensor([4], 2),
  low: floatTensor([], [-1]),
  high: floatTensor([], [6]),
};

type Operators = OnnxModelInit["operators"];

/** The layers of a model of which every operator with a constant, and every value, is planned. */
async function layersOf(x: readonly number[], operators: Operators, outputs = ["y"]): Promise<RefinableLayer[]> {
  const model = onnxModel({ inputs: { x }, constants: CONSTANTS, operators, outputs });
  const weights = operators
    .filter(([type]) => /Conv|Gemm|MatMul/.test(type))
    .map(([, inputs, output]) => ({ operator: output, name: inputs[1], type: "int8" }));
  const values = ["x", ...operators.map(([, , output]) => output)].map((name) => ({ name }));
  return refinableLayers(model, { weights, values } as unknown as Plan);
}

const ANY = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

describe("layers that can be fitted", () => {
  it("are convolutions, with their groups", async () => {
    const operators: Operators = [["Conv", ["x", "w"], "y", { group: 2, strides: [2, 1] }]];
    expect(await layersOf([1, 4, 9, 9], operators)).toMatchObject([
      {
        index: 0,
        operator: "y",
        input: "x",
        output: "y",
        groups: 2,
        outputs: 4,
        inputs: 18,
        windows: { kernel: [3, 3], strides: [2, 1] },
        transposed: false,
        biasName: undefined,
        hasBias: true,
        limits: ANY,
      },
    ]);
  });

  it.each<[string, Operators[number], object]>([
    ["Gemm", ["Gemm", ["x", "rows", "b"], "y"], { transposed: true, biasName: "b", hasBias: true }],
    [
      "a turned Gemm",
      ["Gemm", ["x", "turned", "b"], "y", { transB: 1 }],
      { transposed: false, biasName: "b", hasBias: true },
    ],
    ["MatMul", ["MatMul", ["x", "rows"], "y"], { transposed: true, biasName: undefined, hasBias: false }],
  ])("are products with one matrix: %s", async (_, operator, expected) => {
    expect(await layersOf([3, 6], [operator])).toMatchObject([
      { ...expected, groups: 1, outputs: 4, inputs: 6, windows: undefined },
    ]);
  });

  it("are no convolutions over one axis, no batches of matrices, and none that share a weight", async () => {
    expect(await layersOf([1, 4, 9], [["Conv", ["x", "line"], "y"]])).toEqual([]);
    expect(await layersOf([2, 3, 6], [["MatMul", ["x", "batch"], "y"]])).toEqual([]);
    const twice: Operators = [
      ["MatMul", ["x", "rows"], "a"],
      ["Relu", ["x"], "r"],
      ["MatMul", ["r", "rows"], "c"],
      ["Add", ["a", "c"], "y"],
    ];
    expect(await layersOf([3, 6], twice)).toEqual([]);
  });

  it.each<[string, Operators, object]>([
    ["Relu", [["Relu", ["a"], "y"]], { low: 0, high: Number.POSITIVE_INFINITY }],
    ["Clip", [["Clip", ["a", "low", "high"], "y"]], { low: -1, high: 6 }],
    ["Clip with one limit", [["Clip", ["a", "", "high"], "y"]], { low: Number.NEGATIVE_INFINITY, high: 6 }],
    ["another activation", [["Sigmoid", ["a"], "y"]], ANY],
    [
      "a Relu beside another reader",
      [
        ["Relu", ["a"], "r"],
        ["Add", ["a", "r"], "y"],
      ],
      ANY,
    ],
    [
      "a Clip beside another reader",
      [
        ["Clip", ["a", "low", "high"], "r"],
        ["Add", ["a", "r"], "y"],
      ],
      ANY,
    ],
  ])("know what the activation behind them keeps: %s", async (_, behind, limits) => {
    const [layer] = await layersOf([3, 6], [["Gemm", ["x", "rows"], "a"], ...behind]);
    expect(layer!.limits).toEqual(limits);
  });
});
