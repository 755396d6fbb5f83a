import type { BoltModel } from "../../bolt/model.ts";
import type { Plan } from "../plan.ts";
import { applyBoltPlan } from "./apply-plan.ts";
import { type PlanBoltOptions, planBolt } from "./plan-bolt.ts";
import { prepareBolt } from "./prepare.ts";
import { precisionFor } from "./recipe.ts";
import { scaleBoltChannels } from "./refine/scale-channels.ts";
import type { WeightWork } from "./weight-work.ts";

/** How to quantize a `.bolt` model; every setting has Bolt's default. */
export interface QuantizeBoltOptions extends PlanBoltOptions {
  /** Who does the work on the numbers of weights. Default: this thread alone. */
  readonly work?: WeightWork | undefined;
}

/** A quantized Bolt model and what was done to it. */
export interface QuantizedBolt {
  /** The quantized model. Its weights are converted while it is written. */
  readonly model: BoltModel;
  /** What takes the place of `ptq_input.bolt` in the file's name. */
  readonly suffix: string;
  /** What was done. */
  readonly plan: Plan;
}

/**
 * Quantizes a model made with X2bolt -i PTQ, as Bolt's post_training_quantization does. `model` is used up: do not go on
 * with it. Throws `unsupported` when it is no such model.
 */
export async function quantizeBolt(model: BoltModel, options: QuantizeBoltOptions = {}): Promise<QuantizedBolt> {
  const prepared = await prepareBolt(model, options);
  const plan = await planBolt(prepared, options);
  await applyBoltPlan(prepared, plan, options);
  return { model, suffix: suffixOf(model, plan), plan };
}

/**
 * Quantizes a model as a plan says that was made of it before. `model` is used up. Throws BoltqError `mismatch` when it was
 * made of another model.
 */
export async function quantizeAsPlanned(
  model: BoltModel,
  plan: Plan,
  options: Pick<QuantizeBoltOptions, "work"> = {},
): Promise<QuantizedBolt> {
  const prepared = await prepareBolt(model, plan.bolt);
  await scaleBoltChannels(model, plan.channelScalings ?? []);
  await applyBoltPlan(prepared, plan, options);
  return { model, suffix: suffixOf(model, plan), plan };
}

/** What takes the place of `ptq_input.bolt` in the name of the quantized file. */
export function suffixOf(model: BoltModel, { bolt }: Plan): string {
  return precisionFor(model.version, bolt?.inference, bolt?.storage).suffix;
}
