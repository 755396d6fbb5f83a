import { describe, expect, it } from "vitest";
import { decoder, mergedDecoder } from "../../../../test/models/decoder.ts";
import { onnxModel, operatorOf } from "../../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../../test/models/run.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import { RECIPES } from "../../recipe.ts";
import { quantizeOnnx } from "../quantize-onnx.ts";

const inHalf = async (model: OnnxModel) => quantizeOnnx(model, { recipe: RECIPES["float16"]! });

/** Scores with a mask as exporters write it, and a LayerNorm taken apart. */
const masked = () =>
  onnxModel({
    inputs: { x: [4, 8], mask: { type: "int64", shape: [1, 8] } },
    constants: {
      one: floatTensor([], [1]),
      lowest: floatTensor([], [-3.4028234663852886e38]),
      two: floatTensor([], [2]),
      epsilon: floatTensor([], [1e-12]),
      thousand: floatTensor([], [1000]),
    },
    operators: [
      ["Cast", ["mask"], "kept", { to: 1 }],
      ["Sub", ["one", "kept"], "dropped"],
      ["Mul", ["dropped", "lowest"], "bias"],
      ["Add", ["x", "bias"], "scores"],
      ["Softmax", ["scores"], "shares"],
      ["Mul", ["shares", "thousand"], "wide"],
      ["ReduceMean", ["wide"], "mean", { axes: [-1] }],
      ["Sub", ["wide", "mean"], "centred"],
      ["Pow", ["centred", "two"], "squares"],
      ["ReduceMean", ["squares"], "variance", { axes: [-1] }],
      ["Add", ["variance", "epsilon"], "safe"],
      ["Sqrt", ["safe"], "deviation"],
      ["Div", ["centred", "deviation"], "normal"],
      ["Relu", ["normal"], "y"],
    ],
    outputs: ["y"],
  });

describe("half floats", () => {
  it("keep float32 what would overflow or lose its digits, also where all is masked", async () => {
    const given = { x: Array.from({ length: 32 }, (_, place) => Math.sin(place)), mask: [0, 0, 0, 0, 0, 0, 0, 0] };
    const { model, plan } = await inHalf(masked());
    const precisions = Object.fromEntries(plan.operators.map(({ name, precision }) => [name, precision]));
    for (const name of ["bias", "scores", "shares", "squares", "variance", "safe", "deviation", "normal"])
      expect([name, precisions[name]]).toEqual([name, "float"]);
    expect([precisions["wide"], precisions["y"]]).toEqual(["float16", "float16"]);
    const [exact, half] = [await outputsOf(masked(), given), await outputsOf(model, given)];
    expect(largestDifference(exact, half)).toBeLessThan(0.02);
  });

  it("leave inputs and outputs float32, and a rule's operators", async () => {
    const recipe = { ...RECIPES["float16"]!, rules: [{ names: ["y"], activations: { type: "float" } as const }] };
    const { model } = await quantizeOnnx(masked(), { recipe });
    expect(model.main.graph.outputs[0]!.type?.type).toBe("float32");
    expect(operatorOf(model, "y").inputs[0]!.type?.type).toBe("float32");
  });

  it.each([
    ["a decoder", () => decoder()],
    ["one merged by an If", () => mergedDecoder()],
  ])("compute %s in all recipes, within what its bits allow", async (_, make) => {
    const exact = await outputsOf(make());
    for (const [name, least] of Object.entries(LEAST)) {
      const { model } = await quantizeOnnx(make(), { recipe: RECIPES[name]! });
      const got = await outputsOf(model);
      expect(got.names).toEqual(exact.names);
      expect(got.shapes).toEqual(exact.shapes);
      expect([name, ratio(exact.values[0]!, got.values[0]!) > least]).toEqual([name, true]);
    }
  });
});

/** Decibels of the logits. */
const LEAST = { float16: 60, "int8-dynamic": 32, "int8-blocks": 36, "int4-blocks": 14, nf4: 15, q4f16: 14 };

function ratio(exact: readonly number[], other: readonly number[]): number {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value * value, 0);
  return 10 * Math.log10(sum(exact) / sum(exact.map((value, place) => value - other[place]!)));
}
