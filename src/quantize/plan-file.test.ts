import { describe, expect, it } from "vitest";
import { modelBytes } from "../../test/models/model-bytes.ts";
import { boltNetwork, normalPictures, onnxNetwork } from "../../test/models/networks.ts";
import { applyBoltPlan } from "./bolt/apply-plan.ts";
import { calibrateBolt } from "./bolt/calibrate.ts";
import { prepareBolt } from "./bolt/prepare.ts";
import { quantizeAsPlanned, quantizeBolt } from "./bolt/quantize.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "./onnx/quantize-onnx.ts";
import type { Plan } from "./plan.ts";
import { parsePlan, printPlanFile } from "./plan-file.ts";

const reread = (plan: Plan) => parsePlan(printPlanFile(plan), "plan.json");

describe("a plan that was written and read again", () => {
  it("gives the same .bolt file, dynamic and static", async () => {
    for (const made of [
      await quantizeBolt(boltNetwork(), { inference: "INT8_FP32" }),
      await calibrateBolt(boltNetwork(), normalPictures(4), { inference: "INT8", storage: "INT8" }),
    ]) {
      const again = await quantizeAsPlanned(boltNetwork(), reread(made.plan));
      expect(await modelBytes(again.model)).toEqual(await modelBytes(made.model));
      expect(again.suffix).toBe("int8_q.bolt");
    }
  });

  it("gives the same ONNX file", async () => {
    const made = await quantizeOnnx(onnxNetwork(), { dataset: normalPictures(4), effort: "fast" });
    const again = await quantizeOnnxAsPlanned(onnxNetwork(), reread(made.plan));
    expect(await modelBytes(again.model)).toEqual(await modelBytes(made.model));
  });

  it("is refused for another model, or of the other kind", async () => {
    const { plan } = await quantizeBolt(boltNetwork(), { inference: "INT8_FP32" });
    const other = boltNetwork([["Sigmoid", ["conv2"], "between"]]);
    await expect(quantizeAsPlanned(other, plan)).rejects.toMatchObject({ code: "mismatch" });
    await expect(quantizeOnnxAsPlanned(onnxNetwork(), plan)).rejects.toMatchObject({ code: "mismatch" });
    const { plan: onnxPlan } = await quantizeOnnx(onnxNetwork(), { dataset: normalPictures(2), effort: "fast" });
    await expect(quantizeAsPlanned(boltNetwork(), onnxPlan)).rejects.toMatchObject({ code: "mismatch" });
  });
});

describe("an edited plan", () => {
  it("keeps an operator in float, and a weight in float16", async () => {
    const prepared = await prepareBolt(boltNetwork());
    const { plan } = await quantizeBolt(boltNetwork(), { inference: "INT8_FP32" });
    const edited: Plan = {
      ...plan,
      operators: plan.operators.map((operator) =>
        operator.name === "conv3" ? { ...operator, precision: "float", label: "float" } : operator,
      ),
      weights: plan.weights.map((weight) => (weight.operator === "conv3" ? { ...weight, type: "float16" } : weight)),
    };
    await applyBoltPlan(prepared, edited);
    const { model } = prepared;
    expect(model.weights.of({ name: "conv3" })?.dataType).toBe("F16");
    expect(model.weights.of({ name: "conv2" })?.dataType).toBe("I8");
    const reader = model.graph.nodes.find(({ name }) => name === "conv3");
    expect(reader?.input(0).producer?.type).toBe("Conv");
  });

  it.each([
    ["operators[0].precision", (plan: string) => plan.replace('"precision": "float"', '"precision": "half"')],
    ["weights[0].type", (plan: string) => plan.replace(/"type": "(float32|int8)",(\s+"scales")/, '"type": "int5",$2')],
    ["format", (plan: string) => plan.replace('"format": "bolt"', '"format": "tflite"')],
  ])("is refused with the place that is wrong: %s", async (place, edit) => {
    const { plan } = await quantizeBolt(boltNetwork(), { inference: "INT8_FP32" });
    expect(() => parsePlan(edit(printPlanFile(plan)), "plan.json")).toThrow(`"${place}" must be`);
  });
});
