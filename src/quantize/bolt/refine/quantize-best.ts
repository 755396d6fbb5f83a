import type { BoltModel } from "../../../bolt/model.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import type { Dataset, Sample } from "../../../data/dataset.ts";
import { BoltqError } from "../../../io/error.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import type { Plan } from "../../plan.ts";
import { type AccuracyStep, type Attempt, improve } from "../../refine/improve.ts";
import { splitExamples } from "../../refine/split-examples.ts";
import { applyBoltPlan } from "../apply-plan.ts";
import { type CalibrateBoltOptions, calibratedPlan } from "../calibrate.ts";
import { planBolt } from "../plan-bolt.ts";
import { type QuantizedBolt, suffixOf } from "../quantize.ts";
import { type BoltInference, isQuantizedInference } from "../recipe.ts";
import { type EqualizedBy, equalizeBolt, observeChannels } from "./equalize.ts";
import { fitBoltLayers } from "./fit-layers.ts";
import { prepareRepeatably } from "./prepared-copies.ts";

export interface QuantizeBestOptions extends CalibrateBoltOptions {
  /** Find fixed scales for activations too: static int8. Default false. */
  readonly static?: boolean;
  /** Called when layers are fitted, with how many of how many are done. */
  readonly onFit?: ((layers: number, all: number) => void) | undefined;
}

/** How channels are equalized: of what is computed in int8 activations matter too, where the weights have more than 4 bits. */
function equalizedBy(plan: Plan, inference: BoltInference | undefined): EqualizedBy {
  const fourBits = plan.weights.some(({ type }) => type === "int4");
  return isQuantizedInference(inference ?? "INT8_FP16") && !fourBits ? { filling: 0.75 } : "weights";
}

/**
 * Quantizes a model made with X2bolt -i PTQ, and does what examples allow for accuracy: weights and biases are fitted layer
 * by layer, with channels equalized before or not, as is better on examples held back. `model` is used up. Throws BoltqError `usage` with
 * clip values or `asBolt`, and what `quantizeBolt` and `calibrateBolt` throw.
 */
export async function quantizeBoltBest(
  model: BoltModel,
  dataset: Dataset,
  options: QuantizeBestOptions = {},
): Promise<QuantizedBolt & { readonly steps: readonly AccuracyStep[] }> {
  refuseGivenNumbers(options);
  const runtime = options.runtime ?? (await loadRuntime());
  const repeatable = await prepareRepeatably(model, options);
  const { prepared, quantized } = repeatable;
  const examples = await splitExamples(dataset);
  const planNow = () =>
    options.static ? calibratedPlan(prepared, examples.calibrated, options) : planBolt(prepared, options);
  const plan = await planNow();
  const { onProgress: _, ...quietly } = options;
  const magnitudes = await observeChannels(model, examples.calibrated, quietly);
  const fitPlan = (planned: Plan, fitted: readonly Sample[]) =>
    fitBoltLayers(repeatable, planned, fitted, {
      runtime,
      fitBiases: options.correctBiases ?? options.recipe?.biasCorrection,
      onProgress: options.onFit,
      signal: options.signal,
    });
  const fit: Attempt["make"] = async (planned, fitted) => ({ plan: await fitPlan(planned, fitted) });
  const equalizeAndFit: Attempt["make"] = async (_, fitted) => {
    const scaled = await equalizeBolt(model, magnitudes, equalizedBy(plan, options.inference));
    if (scaled === undefined) return undefined;
    const planned = { ...(await planNow()), channelScalings: scaled.scalings };
    return { plan: await fitPlan(planned, fitted), undo: scaled.undo };
  };
  const network = {
    plan,
    float: await raiseToOnnx(model),
    quantized,
    // What equalizing is worth shows only when the layers are fitted: rounding to the nearest code hides it.
    attempts: [
      { name: "fitted", make: fit },
      { name: "equalized", make: equalizeAndFit },
    ],
  } as const;
  const improved = await improve(network, examples, runtime);
  await applyBoltPlan(prepared, improved.plan, options);
  return { model, suffix: suffixOf(model, improved.plan), ...improved };
}

function refuseGivenNumbers({ asBolt = false, clip = 0, scaleTable }: QuantizeBestOptions): void {
  if (!asBolt && clip === 0 && scaleTable === undefined) return;
  throw new BoltqError("usage", "accuracy is not sought as Bolt does, nor with clip values that are given", {
    remedy: "Leave out --as-bolt, -c and -s",
  });
}
