import { expect, it } from "vitest";
import { modelBytes } from "../../../../test/models/model-bytes.ts";
import { normalPictures, onnxNetwork } from "../../../../test/models/networks.ts";
import { compareModels } from "../../../evaluate/compare.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize-onnx.ts";

const RECIPE = {
  weights: { granularity: "per-tensor" },
  activations: { method: "min-max" },
  floatStem: false,
} as const;

async function decibels(model: OnnxModel): Promise<number> {
  const { outputs } = await compareModels(onnxNetwork(), model, normalPictures(10, 900).samples(), { timedSamples: 0 });
  return outputs[0]!.decibels;
}

it("is nearer to the float model on other data than the plan is by itself", async () => {
  const options = { dataset: normalPictures(85), recipe: RECIPE } as const;
  const { model: plain, steps: none } = await quantizeOnnx(onnxNetwork(), { ...options, effort: "fast" });
  const { model: fitted, plan, steps } = await quantizeOnnx(onnxNetwork(), options);
  expect(none).toBeUndefined();
  expect(steps!.map(({ name }) => name)).toEqual(["plan", "equalized", "fitted"]);
  expect(steps!.at(-1)).toMatchObject({ kept: true });
  expect(await decibels(fitted)).toBeGreaterThan((await decibels(plain)) + 0.5);
  expect(plan.weights.every(({ codes }) => codes !== undefined)).toBe(true);
});

it("gives the same bytes again, with the codes in the plan's file", async () => {
  const options = { dataset: normalPictures(12), recipe: RECIPE };
  const [one, other] = [await quantizeOnnx(onnxNetwork(), options), await quantizeOnnx(onnxNetwork(), options)];
  expect(await modelBytes(other.model)).toEqual(await modelBytes(one.model));
  expect(parsePlan(printPlanFile(one.plan), "plan.json").weights.map(({ codes }) => codes)).toEqual(
    one.plan.weights.map(({ codes }) => codes),
  );
});

it("tries the steps that are named, and leaves weights where only their rounding may change", async () => {
  const options = { dataset: normalPictures(40), recipe: RECIPE, attempts: ["fitted"] } as const;
  const { steps } = await quantizeOnnx(onnxNetwork(), options);
  const { steps: rounded } = await quantizeOnnx(onnxNetwork(), { ...options, refitWeights: false });
  for (const tried of [steps!, rounded!]) expect(tried.map(({ name }) => name)).toEqual(["plan", "fitted"]);
  expect(rounded![1]!.decibels).not.toBe(steps![1]!.decibels);
});

it("counts the layers", async () => {
  const seen: [number, number][] = [];
  await quantizeOnnx(onnxNetwork(), {
    dataset: normalPictures(4),
    recipe: RECIPE,
    onFit: (layers, all) => seen.push([layers, all]),
  });
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
});

it("keeps the best of several ways to equalize channels where all is to be tried, and its plan makes the same bytes", async () => {
  const made = await quantizeOnnx(onnxNetwork(), { dataset: normalPictures(85), recipe: RECIPE, effort: "max" });
  expect(made.steps!.map(({ name }) => name)).toEqual(["plan", "equalized", "fitted", "refilled", "refilled"]);
  const best = made.steps!.filter(({ kept }) => kept).at(-1)!;
  expect(best.decibels).toBe(Math.max(...made.steps!.map(({ decibels }) => decibels)));
  const again = await quantizeOnnxAsPlanned(onnxNetwork(), made.plan);
  expect(await modelBytes(again.model)).toEqual(await modelBytes(made.model));
});

it("gives the same bytes by the plan's file, scaled channels and all", async () => {
  const made = await quantizeOnnx(onnxNetwork(), { dataset: normalPictures(85), recipe: RECIPE });
  expect(made.plan.channelScalings).not.toHaveLength(0);
  const again = await quantizeOnnxAsPlanned(onnxNetwork(), parsePlan(printPlanFile(made.plan), "plan.json"));
  expect(await modelBytes(again.model)).toEqual(await modelBytes(made.model));
  const other = { ...made.plan, channelScalings: [{ operator: "nothing", made: [2] }] };
  await expect(quantizeOnnxAsPlanned(onnxNetwork(), other)).rejects.toMatchObject({ code: "mismatch" });
});

it("is made of a plan that stays when it is given", async () => {
  const { plan, model } = await quantizeOnnx(onnxNetwork(), { dataset: normalPictures(4), effort: "fast" });
  const again = await quantizeOnnxAsPlanned(onnxNetwork(), plan);
  expect(await modelBytes(again.model)).toEqual(await modelBytes(model));
});
