import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, operatorOf } from "../../../test/models/onnx-model.ts";
import { outputsOf } from "../../../test/models/run.ts";
import { normalInput, normalTensor, positiveTensor } from "../../../test/models/values.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { OnnxModel, OnnxNode } from "../../onnx/model.ts";
import { integerTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { isStatic, RECIPES, type Recipe } from "../recipe.ts";
import { quantizeOnnx } from "./quantize-onnx.ts";

/** Convolutions with a normalization, a sum of two branches, pooling, a Concat, then a classifier. */
const NETWORK: OnnxModelInit = {
  inputs: { x: [1, 8, 8, 8] },
  constants: {
    w1: normalTensor([8, 8, 3, 3], 1),
    b1: normalTensor([8], 2),
    gamma: normalTensor([8], 3),
    beta: normalTensor([8], 4),
    mean: normalTensor([8], 5),
    variance: positiveTensor([8], 6),
    w2: normalTensor([8, 1, 3, 3], 7),
    w3: normalTensor([8, 16, 1, 1], 8),
    flat: integerTensor([2], [1, 128]),
    w4: normalTensor([128, 10], 9),
    b4: normalTensor([10], 10),
  },
  operators: [
    ["Conv", ["x", "w1", "b1"], "c1", { pads: [1, 1, 1, 1] }],
    ["BatchNormalization", ["c1", "gamma", "beta", "mean", "variance"], "n1"],
    ["Relu", ["n1"], "r1"],
    ["Conv", ["r1", "w2"], "c2", { pads: [1, 1, 1, 1], group: 8 }],
    ["Add", ["c2", "r1"], "s"],
    ["Concat", ["s", "r1"], "j", { axis: 1 }],
    ["Conv", ["j", "w3"], "c3"],
    ["MaxPool", ["c3"], "p", { kernel_shape: [2, 2], strides: [2, 2] }],
    ["Reshape", ["p", "flat"], "f"],
    ["Gemm", ["f", "w4", "b4"], "y"],
  ],
  outputs: ["y"],
};

/** Normally distributed examples. */
function examples(count: number): Dataset {
  const samples = Array.from({ length: count }, (_, index) => ({
    name: `example ${index}`,
    inputs: new Map([["x", normalInput([1, 8, 8, 8], index + 20)]]),
  }));
  return {
    length: count,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}

async function quantized(recipe: Recipe) {
  return quantizeOnnx(onnxModel(NETWORK), { recipe, dataset: examples(8), effort: "fast" });
}

/** Power of the float network's outputs over that of the difference, in dB, over examples that were not seen. */
async function decibelsOf(model: OnnxModel): Promise<number> {
  let [signal, noise] = [0, 0];
  for (let seed = 100; seed < 104; seed++) {
    const given = { x: normalInput([1, 8, 8, 8], seed) };
    const [expected, actual] = [await outputsOf(onnxModel(NETWORK), given), await outputsOf(model, given)];
    expected.values[0]!.forEach((value, index) => {
      signal += value ** 2;
      noise += (value - actual.values[0]![index]!) ** 2;
    });
  }
  return 10 * Math.log10(signal / noise);
}

/** The operator's input read through a round trip; the numbers of its codes, scale and zero point where they are constant. */
async function codesOf(node: OnnxNode, input: number): Promise<number[]> {
  const dequantize = node.input(input).producer!;
  expect(dequantize.type).toBe("DequantizeLinear");
  return Array.from(await numbersOf(dequantize.input(0).constant!));
}

describe("an ONNX model, quantized", () => {
  const STATIC_RECIPES = Object.keys(RECIPES).filter((name) => isStatic(RECIPES[name]!));

  it.each(STATIC_RECIPES)("stays what it was, by the recipe %s", async (name) => {
    const { model, plan } = await quantized({ ...RECIPES[name]!, floatStem: false });
    expect(await decibelsOf(model)).toBeGreaterThan(name === "int8-signed" ? 15 : 25);
    expect(
      plan.operators.filter(({ precision }) => precision === "int8").map(({ name: operator }) => operator),
    ).toEqual(expect.arrayContaining(["c1", "c2", "s", "j", "c3", "p", "f", "y"]));
    const largest = name === "int8-seven-bits" ? 63 : 127;
    for (const operator of ["c1", "c2", "c3", "y"]) {
      const codes = await codesOf(operatorOf(model, operator), 1);
      const most = codes.reduce((found, code) => Math.max(found, Math.abs(code)), 0);
      expect(most).toBeLessThanOrEqual(largest);
      expect(most).toBeGreaterThan(0.7 * largest);
    }
    const scales = await numbersOf(operatorOf(model, "c1").input(1).producer!.input(1).constant!);
    expect(scales).toHaveLength(name === "int8-per-tensor" ? 1 : 8);
    const type = operatorOf(model, "c1").input(0).producer!.input(2).constant!.type;
    expect(type).toBe(name === "int8-signed" ? "int8" : "uint8");
  });

  it("is the better for biases that are corrected", async () => {
    const recipe: Recipe = { floatStem: false, weights: { bits: 7, granularity: "per-tensor" } };
    const [corrected, plain] = [await quantized(recipe), await quantized({ ...recipe, biasCorrection: false })];
    const bias = async ({ model }: { model: OnnxModel }) => codesOf(operatorOf(model, "y"), 2);
    expect(await bias(corrected)).not.toEqual(await bias(plain));
    expect(plain.plan.biases.some(({ operator }) => operator === "c3")).toBe(false);
    expect(corrected.plan.biases.some(({ operator }) => operator === "c3")).toBe(true);
  });

  it("leaves in float what a rule names, with the reason", async () => {
    const rules = [{ names: ["c3"], precision: "float" as const }];
    const { model, plan } = await quantized({ floatStem: false, rules });
    expect(operatorOf(model, "c3").input(1).constant?.type).toBe("float32");
    expect(plan.operators.find(({ name }) => name === "c3")).toMatchObject({
      precision: "float",
      reason: "the recipe says so",
    });
  });

  it("is only planned where that is asked: nothing is quantized yet", async () => {
    const { model, plan } = await quantizeOnnx(onnxModel(NETWORK), {
      dataset: examples(2),
      effort: "fast",
      planOnly: true,
    });
    expect(plan.weights.length).toBeGreaterThan(2);
    expect(model.main.graph.nodes.some(({ type }) => type === "QuantizeLinear")).toBe(false);
  });

  it("needs examples or statistics", async () => {
    await expect(quantizeOnnx(onnxModel(NETWORK))).rejects.toMatchObject({ code: "usage" });
  });
});
