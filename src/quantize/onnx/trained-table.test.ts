import { expect, it } from "vitest";
import { type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { encodedTensor, floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { parseScaleTable } from "../parse-scale-table.ts";
import { printScaleTable } from "../scale-table.ts";
import { tableOfTraining } from "../table-of-training.ts";
import { quantizeOnnx } from "./quantize-onnx.ts";

/** A value on a trained grid, as `to`; with `limits`, of fewer codes. */
function rounded(
  from: string,
  to: string,
  [scale, zero]: readonly [string, string],
  limits: string[] = [],
): OnnxOperator[] {
  const codes = limits.length === 0 ? `${to}_q` : `${to}_c`;
  const cut: OnnxOperator[] = limits.length === 0 ? [] : [["Clip", [`${to}_q`, ...limits], codes]];
  return [["QuantizeLinear", [from, scale, zero], `${to}_q`], ...cut, ["DequantizeLinear", [codes, scale, zero], to]];
}

/**
 * Weights have small codes, so that sums of two products fit 16 bits on every processor; steps are no multiples of each
 * other, so that no sum lies between two codes.
 */
function trainedModel() {
  return onnxModel({
    inputs: { x: [1, 4, 6, 6] },
    constants: {
      w: normalTensor([8, 4, 3, 3]),
      v: normalTensor([288, 5]),
      tenth: floatTensor([], [0.1]),
      fine: floatTensor([], [0.0517]),
      other: floatTensor([], [0.0937]),
      int8: encodedTensor("int8", [], [0]),
      uint8: encodedTensor("uint8", [], [0]),
      odd: encodedTensor("uint8", [], [120]),
      low: encodedTensor("int8", [], [-31]),
      high: encodedTensor("int8", [], [31]),
      shape: integerTensor([2], [1, 288]),
    },
    operators: [
      ...rounded("x", "xr", ["fine", "int8"], ["low", "high"]),
      ...rounded("w", "wr", ["tenth", "int8"]),
      ["Conv", ["xr", "wr"], "c", { pads: [1, 1, 1, 1] }],
      ["Relu", ["c"], "a"],
      ...rounded("a", "ar", ["other", "uint8"]),
      ["Sigmoid", ["ar"], "s"],
      ["Reshape", ["ar", "shape"], "r"],
      ...rounded("v", "vr", ["tenth", "int8"]),
      ["MatMul", ["r", "vr"], "m"],
      ...rounded("m", "y", ["tenth", "odd"]),
    ],
    outputs: ["y", "s"],
  });
}

it("computes what training computed: its grids are kept, of inputs, weights and outputs, and nothing else is rounded", async () => {
  const expected = await outputsOf(trainedModel());
  const model = trainedModel();
  const layers = await tableOfTraining(model, { all: true });
  expect(largestDifference(await outputsOf(model), expected)).toBeGreaterThan(0.02);
  const table = parseScaleTable(printScaleTable(layers, { trained: true }), "table.json");
  const { model: quantized, plan } = await quantizeOnnx(model, { table });
  expect(plan.weights.map(({ name, type }) => [name, type])).toEqual([
    ["wr", "int8"],
    ["vr", "int8"],
  ]);
  expect(plan.operators.find(({ type }) => type === "Sigmoid")).toMatchObject({ precision: "float" });
  expect(largestDifference(await outputsOf(quantized), expected)).toBeLessThan(1e-4);
});

it("keeps the lowest code, which codes of our own leave out", async () => {
  const trained = () =>
    onnxModel({
      inputs: { x: [3, 32] },
      constants: {
        wc: encodedTensor("int8", [32, 8], codes(256)),
        ws: floatTensor([8], [0.001, 0.002, 0.003, 0.0005, 0.0017, 0.0011, 0.0007, 0.004]),
        tenth: floatTensor([], [0.0317]),
        zero: encodedTensor("int8", [], [0]),
      },
      operators: [
        ...rounded("x", "xr", ["tenth", "zero"]),
        ["DequantizeLinear", ["wc", "ws"], "w", { axis: 1 }],
        ["MatMul", ["xr", "w"], "y"],
      ],
      outputs: ["y"],
    });
  const expected = await outputsOf(trained());
  const model = trained();
  const layers = await tableOfTraining(model, { all: true });
  const table = parseScaleTable(printScaleTable(layers, { trained: true }), "table.json");
  const { model: quantized } = await quantizeOnnx(model, { table });
  expect(largestDifference(await outputsOf(quantized), expected)).toBeLessThan(1e-5);
});

it("stores weights in int8 that alone were rounded in training: one step, one a channel, or one a block", async () => {
  const trained = () =>
    onnxModel({
      opset: 21,
      inputs: { x: [1, 4, 6, 6] },
      constants: {
        wc: encodedTensor("int8", [8, 4, 3, 3], codes(288)),
        ws: floatTensor([8], [0.1, 0.02, 0.03, 0.5, 0.017, 0.011, 0.07, 0.4]),
        vc: encodedTensor("int8", [16, 5], codes(80)),
        vs: floatTensor([2, 5], [0.1, 0.2, 0.3, 0.04, 0.5, 0.06, 0.7, 0.8, 0.09, 0.013]),
        tc: encodedTensor(
          "uint8",
          [5, 5],
          codes(25).map((code) => code + 128),
        ),
        tz: encodedTensor("uint8", [], [128]),
        ts: floatTensor([], [0.0371]),
        shape: integerTensor([2], [-1, 16]),
      },
      operators: [
        ["DequantizeLinear", ["wc", "ws"], "w", { axis: 0 }],
        ["Conv", ["x", "w"], "c"],
        ["Reshape", ["c", "shape"], "r"],
        ["DequantizeLinear", ["vc", "vs"], "v", { axis: 0, block_size: 8 }],
        ["MatMul", ["r", "v"], "m"],
        ["DequantizeLinear", ["tc", "ts", "tz"], "t"],
        ["MatMul", ["m", "t"], "y"],
      ],
      outputs: ["y"],
    });
  const expected = await outputsOf(trained());
  const model = trained();
  const layers = await tableOfTraining(model, { all: true });
  const table = parseScaleTable(printScaleTable(layers, { trained: true }), "table.json");
  const { model: quantized, plan } = await quantizeOnnx(model, { table });
  expect(plan.weights.map(({ name, type, scales, block }) => [name, type, scales.length, block])).toEqual([
    ["w", "int8", 8, undefined],
    ["v", "int8", 10, 8],
    ["t", "int8", 1, undefined],
  ]);
  expect(plan.warnings).toEqual([]);
  expect(
    quantized.main.initializers.filter(({ constant }) => constant?.type === "int8" && constant.shape.length > 1),
  ).toHaveLength(4);
  expect(largestDifference(await outputsOf(quantized), expected)).toBeLessThan(1e-4);
});

/** Numbers from −128 to 127, the ends among them. */
function codes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => ((index * 89) % 256) - 128);
}
