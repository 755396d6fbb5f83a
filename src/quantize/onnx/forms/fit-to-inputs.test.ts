import { describe, expect, it } from "vitest";
import { onnxModel } from "../../../../test/models/onnx-model.ts";
import { type Outputs, outputsOf } from "../../../../test/models/run.ts";
import { normalTensor, normalValues } from "../../../../test/models/values.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { denseTensor } from "../../../graph/dense-values.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { RECIPES } from "../../recipe.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize-onnx.ts";

/** A product and a Gemm with a turned weight. */
const network = () =>
  onnxModel({
    inputs: { x: ["rows", 64] },
    constants: { w: normalTensor([64, 40], 2), v: normalTensor([24, 64], 4), b: normalTensor([24], 5) },
    operators: [
      ["MatMul", ["x", "w"], "y"],
      ["Gemm", ["x", "v", "b"], "z", { transB: 1 }],
    ],
    outputs: ["y", "z"],
  });

/** Rows that lie near a space of 12 dimensions, a few of whose numbers are large. */
function example(seed: number) {
  const [base, parts] = [normalValues(12 * 64, 99), normalValues(32 * 12, seed)];
  const values = Array.from({ length: 32 * 64 }, (_, place) => {
    const [row, column] = [Math.floor(place / 64), place % 64];
    let sum = 0;
    for (let each = 0; each < 12; each++) sum += parts[row * 12 + each]! * base[each * 64 + column]!;
    return column % 16 === 3 ? 10 * sum : sum;
  });
  return denseTensor("float32", [32, 64], values);
}

const dataset: Dataset = {
  length: 4,
  names: ["1", "2", "3", "4"],
  async *samples() {
    for (const name of this.names) yield { name, inputs: new Map([["x", example(Number(name))]]) };
  },
};

function error(exact: Outputs, other: Outputs): number {
  return exact.values.flat().reduce((sum, value, place) => sum + (value - other.values.flat()[place]!) ** 2, 0);
}

describe("weights fitted to examples", () => {
  it.each([
    ["int4-blocks", 0.5],
    ["int8-dynamic", 0.5],
    // Most of the error is of the inputs, which the kernel rounds to int8 itself.
    ["int8-blocks", 0.9],
  ])("err less on other examples, by %s", async (name, most) => {
    const recipe = RECIPES[name]!;
    const given = { x: example(50) };
    const exact = await outputsOf(network(), given);
    const plain = await quantizeOnnx(network(), { recipe });
    const fitted = await quantizeOnnx(network(), { recipe, dataset });
    const errors = [
      error(exact, await outputsOf(plain.model, given)),
      error(exact, await outputsOf(fitted.model, given)),
    ];
    expect(errors[1]!).toBeLessThan(most * errors[0]!);
    const again = await quantizeOnnxAsPlanned(network(), parsePlan(printPlanFile(fitted.plan), "plan.json"));
    expect(await outputsOf(again.model, given)).toEqual(await outputsOf(fitted.model, given));
  });
});
