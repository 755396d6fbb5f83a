import type { BoltModel } from "../../../bolt/model.ts";
import { readBolt } from "../../../bolt/read.ts";
import { writeBolt } from "../../../bolt/write.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import { memorySource } from "../../../io/bytes.ts";
import { memoryTarget } from "../../../io/target.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import type { Plan } from "../../plan.ts";
import { applyBoltPlan } from "../apply-plan.ts";
import { type PrepareBoltOptions, type PreparedBolt, prepareBolt } from "../prepare.ts";

/** A prepared model that can be quantized on trial, again and again. */
export interface RepeatablyPrepared {
  readonly prepared: PreparedBolt;
  /** A copy with the weights that `prepared` has now, quantized as planned and raised to ONNX. */
  readonly quantized: (plan: Plan) => Promise<OnnxModel>;
}

/** Prepares the model, and what it takes to do so again. The model's file is kept in memory. */
export async function prepareRepeatably(model: BoltModel, options: PrepareBoltOptions): Promise<RepeatablyPrepared> {
  const target = memoryTarget();
  await writeBolt(model, target);
  const source = memorySource(target.result());
  const prepared = await prepareBolt(model, options);
  const quantized = async (plan: Plan) => {
    const copy = await prepareBolt(await readBolt(source), options);
    for (const record of copy.model.weights) {
      const { weight, vector } = prepared.model.weights.of({ name: record.operator })!;
      Object.assign(record, { weight, vector });
    }
    await applyBoltPlan(copy, plan);
    return raiseToOnnx(copy.model);
  };
  return { prepared, quantized };
}
