import { describe, expect, it } from "vitest";
import type { BoltOperator } from "../../../test/models/bolt-model.ts";
import { boltOperator } from "../../../test/models/bolt-model.ts";
import { boltNetwork, normalPictures } from "../../../test/models/networks.ts";
import { slotAt } from "../../bolt/label.ts";
import type { BoltModel } from "../../bolt/model.ts";
import { compareModels } from "../../evaluate/compare.ts";
import { calibrateBolt } from "./calibrate.ts";
import { quantizeBolt } from "./quantize.ts";

const INT8 = { inference: "INT8_FP32" } as const;

async function decibels(model: BoltModel, between: readonly BoltOperator[] = []): Promise<number> {
  const { outputs } = await compareModels(boltNetwork(between), model, normalPictures(4, 500).samples(), {
    timedSamples: 0,
  });
  return outputs[0]!.decibels;
}

describe("calibrated for static int8", () => {
  it("every int8 tensor has a scale: 127 / its clip value", async () => {
    const { model, plan } = await calibrateBolt(boltNetwork(), normalPictures(8), { ...INT8, method: "min-max" });
    const [conv2, conv3] = [boltOperator(model, "conv2"), boltOperator(model, "conv3")];
    const clipOf = (operator: string, made: boolean) =>
      plan.values.find((value) => value.operator === operator && value.made === made)!.high;
    expect(slotAt(conv2, 0)).toBe(Math.fround(127 / clipOf("conv2", false)));
    expect(slotAt(conv2, 1)).toBe(slotAt(conv3, 0));
    expect(slotAt(conv3, 0)).toBe(Math.fround(127 / clipOf("conv3", false)));
    expect(slotAt(conv3, 1)).toBe("int8-to-float");
    expect(slotAt(boltOperator(model, "conv1"), 0)).toBe("float");
  });

  it.each([
    ["multiplies", { scale: 3, shift: 0, power: 1 }],
    ["adds", { scale: 1, shift: 30, power: 1 }],
    ["divides", { scale: 1 / 6, shift: 0, power: 1 }],
  ])("is as good as dynamic int8 where an operator between %s", async (_, parameters) => {
    const between: BoltOperator[] = [["Power", ["conv2"], "between", parameters]];
    const { model } = await calibrateBolt(boltNetwork(between), normalPictures(8), { ...INT8, correctBiases: false });
    const { model: dynamic } = await quantizeBolt(boltNetwork(between), INT8);
    expect(await decibels(model, between)).toBeGreaterThan((await decibels(dynamic, between)) - 3);
  });

  it("hands levels on through what only moves numbers", async () => {
    const pooling = { mode: "MAX", kernel_t: 1, kernel_h: 2, kernel_w: 2, stride_t: 1, stride_h: 1, stride_w: 1 };
    const between: BoltOperator[] = [
      ["Pooling", ["conv2"], "between", { ...pooling, pad_bottom: 1, pad_right: 1, round_mode: "CEIL" }],
    ];
    const { plan } = await calibrateBolt(boltNetwork(between), normalPictures(4), INT8);
    const [made, read] = ["conv2", "conv3"].map(
      (operator) => plan.values.find((value) => value.operator === operator && value.made === (operator === "conv2"))!,
    );
    expect(read!.scale).toBe(made!.scale);
    expect(read!.reason).toBe('its levels are those of "conv2"');
  });

  it("biases without the rounding error of the weights are nearer to float", async () => {
    const { model: corrected } = await calibrateBolt(boltNetwork(), normalPictures(32), { inference: "INT4" });
    const { model: plain } = await calibrateBolt(boltNetwork(), normalPictures(32), {
      inference: "INT4",
      correctBiases: false,
    });
    expect(await decibels(corrected)).toBeGreaterThan((await decibels(plain)) + 0.2);
  });

  it("takes methods and operators from a recipe", async () => {
    const recipe = { activations: { method: "min-max" }, rules: [{ names: ["conv3"], precision: "float" }] } as const;
    const { model, plan } = await calibrateBolt(boltNetwork(), normalPictures(4), { ...INT8, recipe });
    expect(plan.values.map(({ operator, method }) => [operator, method])).toEqual([["conv2", "min-max"]]);
    expect(slotAt(boltOperator(model, "conv3"), 0)).toBe("float");
    expect(plan.warnings).toEqual([]);
  });

  it("says which rules and settings of a recipe do nothing", async () => {
    const rules = [
      { names: ["nothing"], precision: "float" },
      { names: ["conv1"], weights: { bits: 7 } },
      { operators: ["Relu"], names: ["conv*"], precision: "int8" },
    ] as const;
    const { plan } = await quantizeBolt(boltNetwork(), { ...INT8, recipe: { rules } });
    expect(plan.warnings.map(({ kind, subject }) => [kind, subject])).toEqual([
      ["rule-without-operator", "rule 1 of the recipe"],
      ["rule-without-operator", "rule 3 of the recipe"],
      ["rule-without-effect", "rule 3 of the recipe"],
      ["rule-without-effect", "rule 2 of the recipe"],
    ]);
  });
});

describe("storage", () => {
  it("is int8 for int8 operators; float on request, with a warning for each", async () => {
    const types = async (options: Parameters<typeof quantizeBolt>[1]) => {
      const { plan } = await quantizeBolt(boltNetwork(), options);
      return [plan.weights.map(({ type }) => type), plan.warnings.map(({ kind }) => kind)];
    };
    expect(await types(INT8)).toEqual([["float32", "int8", "int8"], []]);
    expect(await types({ ...INT8, storage: "NOQUANT" })).toEqual([
      ["float32", "float32", "float32"],
      ["float-weight-of-int8-operator", "float-weight-of-int8-operator"],
    ]);
    expect(await types({ ...INT8, asBolt: true })).toEqual([["float32", "float32", "float32"], []]);
  });
});
