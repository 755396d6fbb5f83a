import { expect, it } from "vitest";
import { onnxModel } from "../../../../test/models/onnx-model.ts";
import { outputsOf } from "../../../../test/models/run.ts";
import { signalToNoise } from "../../../../test/models/signal-to-noise.ts";
import { normalInput } from "../../../../test/models/values.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import { RECIPES } from "../../recipe.ts";
import { quantizeOnnx } from "../quantize-onnx.ts";

/** Squares that pass 65504, though no constant does. */
const network = () =>
  onnxModel({
    inputs: { x: [4, 8] },
    constants: { far: floatTensor([], [300]), near: floatTensor([], [0.00001]) },
    operators: [
      ["Mul", ["x", "far"], "stretched"],
      ["Mul", ["stretched", "stretched"], "squares"],
      ["Mul", ["squares", "near"], "y"],
      ["Relu", ["y"], "z"],
    ],
    outputs: ["z"],
  });

const dataset: Dataset = {
  length: 2,
  names: ["1", "2"],
  async *samples() {
    for (const name of this.names) yield { name, inputs: new Map([["x", normalInput([4, 8], Number(name))]]) };
  },
};

it("keeps in float32 what examples show near the end of half floats, and says how far it reaches", async () => {
  const recipe = RECIPES["float16"]!;
  const { plan, model } = await quantizeOnnx(network(), { recipe, dataset });
  const said = new Map(plan.operators.map(({ name, precision, reason }) => [name, `${precision}: ${reason}`]));
  for (const name of ["squares", "y"])
    expect(said.get(name)).toMatch(/^float: numbers reach \d\.\de\+5 in the examples/);
  for (const name of ["stretched", "z"]) expect(said.get(name)).toMatch(/^float16: /);
  expect(signalToNoise(await outputsOf(network()), await outputsOf(model))).toBeGreaterThan(50);
  const { plan: blind } = await quantizeOnnx(network(), { recipe, dataset, effort: "fast" });
  expect(blind.operators.map(({ precision }) => precision)).toEqual(["float16", "float16", "float16", "float16"]);
});
