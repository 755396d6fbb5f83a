import { expect, it } from "vitest";
import { modelBytes } from "../../../../test/models/model-bytes.ts";
import { onnxModel } from "../../../../test/models/onnx-model.ts";
import { normalInput, normalTensor } from "../../../../test/models/values.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize-onnx.ts";

const WIDTH = 32;

/** Products behind a normalization that an Add reads too; `far`: how far two of its channels reach beyond the others. */
const network = (far: number) => () =>
  onnxModel({
    opset: 17,
    inputs: { x: ["rows", WIDTH] },
    constants: {
      factor: floatTensor(
        [WIDTH],
        Array.from({ length: WIDTH }, (_, channel) => (channel % 16 === 5 ? far : 1)),
      ),
      w: normalTensor([WIDTH, WIDTH], 2),
      v: normalTensor([WIDTH, WIDTH], 3),
    },
    operators: [
      ["LayerNormalization", ["x", "factor"], "n"],
      ["MatMul", ["n", "w"], "y"],
      ["Erf", ["y"], "e"],
      ["MatMul", ["e", "v"], "z"],
      ["Add", ["n", "z"], "sum"],
    ],
    outputs: ["z", "sum"],
  });

const dataset: Dataset = {
  length: 20,
  names: Array.from({ length: 20 }, (_, index) => String(index)),
  async *samples() {
    for (const name of this.names)
      yield { name, inputs: new Map([["x", normalInput([16, WIDTH], Number(name) + 10)]]) };
  },
};

it("gives channels that reach far their share of the weights' range, and the same bytes by the plan's file", async () => {
  const { model, plan, steps } = await quantizeOnnx(network(40)(), { dataset });
  const [planned, balanced] = steps!;
  expect(balanced).toMatchObject({ name: "balanced", kept: true });
  expect(balanced!.decibels).toBeGreaterThan(planned!.decibels + 3);
  const { factors, ...scaling } = plan.inputScalings![0]!;
  expect(scaling).toEqual({ input: "n", operators: ["y"] });
  expect(factors[5]! / factors[6]!).toBeGreaterThan(5);
  const again = await quantizeOnnxAsPlanned(network(40)(), parsePlan(printPlanFile(plan), "plan.json"));
  expect(await modelBytes(again.model)).toEqual(await modelBytes(model));
});

it("leaves inputs alone whose channels are alike", async () => {
  const { plan } = await quantizeOnnx(network(1)(), { dataset });
  expect((plan.inputScalings ?? []).map(({ input }) => input)).not.toContain("n");
});
