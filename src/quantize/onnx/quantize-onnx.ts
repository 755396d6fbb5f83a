import { type CollectOptions, collectObservations } from "../../calibrate/collect.ts";
import { statisticsOf } from "../../calibrate/observations.ts";
import type { Statistics } from "../../calibrate/statistics.ts";
import type { Dataset } from "../../data/dataset.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { scaleChannels } from "../../transform/onnx/equalize-channels.ts";
import type { Plan } from "../plan.ts";
import { isStatic, type Recipe } from "../recipe.ts";
import type { AccuracyStep } from "../refine/improve.ts";
import { splitExamples } from "../refine/split-examples.ts";
import type { ScaleTable } from "../scale-table.ts";
import { refuseBrokenWeights } from "./finite-weights.ts";
import type { SharedWork } from "./forms/index.ts";
import { type OnnxObservation, observationAsTrained, observationNow, planObservation } from "./observation.ts";
import { type ClipValues, tableClips } from "./table-clips.ts";
import type { RuntimeTarget } from "./targets.ts";

/** How a model is quantized, and what says how large its numbers get. */
export interface QuantizeOnnxOptions extends CollectOptions {
  /** Default: int8, as RECIPES has it. */
  readonly recipe?: Recipe;
  /** What shall run the model, where the recipe asks for no static ranges. Default `ort`. */
  readonly target?: RuntimeTarget | undefined;
  /** Examples to calibrate with; or give `statistics`. */
  readonly dataset?: Dataset | undefined;
  /** What calibration saw of this model before. */
  readonly statistics?: Statistics | undefined;
  /** Clip values that take the place of what was observed. */
  readonly table?: ScaleTable | undefined;
  /** For messages about the table. */
  readonly tableFile?: string | undefined;
  /**
   * How much is done for accuracy. `fast`: nothing beyond one pass over the data. `default`: weights and biases are fitted
   * layer by layer, where there is example data. `max`: they are fitted with channels equalized in several ways, and the best is kept.
   * Default: as the recipe says.
   */
  readonly effort?: Effort | undefined;
  /** Steps for accuracy that are tried. Default: all. */
  readonly attempts?: readonly AccuracyStep["name"][] | undefined;
  /** Let weights change where layers are fitted, not only their rounding. Default true. */
  readonly refitWeights?: boolean | undefined;
  /** Called when layers are fitted, with how many of how many are done. */
  readonly onFit?: ((layers: number, all: number) => void) | undefined;
  /** Given to several quantizations of one float model: what more than one needs is done once. */
  readonly shared?: SharedWork | undefined;
  /** Only make the plan: no Q/DQ is put in. Default false. */
  readonly planOnly?: boolean;
}

/** How much is done for accuracy: see `QuantizeOnnxOptions.effort`. */
export type Effort = "fast" | "default" | "max";

/** A quantized model and what was done to it. */
export interface QuantizedOnnx {
  readonly model: OnnxModel;
  readonly plan: Plan;
  /** What each step for accuracy gave; undefined where none was taken. */
  readonly steps?: readonly AccuracyStep[];
  /** What was seen of the values that the plan speaks of; undefined where a plan was carried out. */
  readonly statistics?: Statistics;
}

/**
 * Quantizes an ONNX model to int8 with QuantizeLinear and DequantizeLinear as ONNX Runtime fuses them. `model` is used
 * up: do not go on with it. Its weights are converted while it is written. Throws BoltqError `usage` when there is
 * nothing to calibrate with, `unsupported` for models that cannot be brought to opset 13.
 */
export async function quantizeOnnx(model: OnnxModel, options: QuantizeOnnxOptions = {}): Promise<QuantizedOnnx> {
  const { recipe = {}, table, tableFile = "(scale table)", planOnly = false } = options;
  if (!isStatic(recipe)) return quantizeWithForms(model, recipe, options);
  const effort = options.effort ?? recipe.effort ?? "default";
  const prepared = await planObservation(model, recipe);
  const clips = table === undefined ? undefined : tableClips(table, model, tableFile);
  const observation = clips?.trained ? observationAsTrained(model, recipe, clips, prepared) : prepared;
  const examples =
    options.dataset === undefined || effort === "fast" || clips?.trained
      ? undefined
      : await splitExamples(options.dataset);
  // What steps are judged by must not be what ranges were found on: a channel is easily filled for the latter alone.
  const dataset = examples?.calibrated ?? options.dataset;
  const statistics = await statisticsFor(model, observation.needs, { ...options, dataset }, clips);
  const { notes, opset } = observation;
  const { planOnnx } = await import("./plan-onnx.ts");
  const planOf = (seen: Statistics, { placement } = observation) =>
    planOnnx(model, recipe, placement, seen, { notes, opset, clips });
  const planned = await planOf(statistics);
  if (examples === undefined || planned.weights.length === 0) {
    if (!planOnly) await carryOut(model, planned);
    return { model, plan: planned, statistics };
  }
  let last = statistics;
  const replan = async () => {
    const now = { ...observation, ...observationNow(model, recipe) };
    last = statisticsOf(await collectObservations(model, now.needs, examples.calibrated, options));
    return planOf(last, now);
  };
  const { improvePlan } = await import("./refine/improve-plan.ts");
  const fitted = await improvePlan(model, {
    plan: planned,
    statistics,
    examples,
    replan,
    thorough: effort === "max",
    options: { ...options, fitBiases: recipe.biasCorrection !== false },
  });
  const { channelScalings = [], inputScalings = [] } = fitted.plan;
  const isChanged = channelScalings.length + inputScalings.length > 0;
  // What was observed last may be of channels that were then scaled otherwise.
  if (isChanged && effort === "max") await replan();
  if (!planOnly) await carryOut(model, fitted.plan);
  return { model, ...fitted, statistics: isChanged ? last : statistics };
}

/** Weights one by one, activations in the range of each run or in float: nothing is calibrated. */
async function quantizeWithForms(
  model: OnnxModel,
  recipe: Recipe,
  options: QuantizeOnnxOptions,
): Promise<QuantizedOnnx> {
  const { prepareForQuantization } = await import("./prepare.ts");
  const { applyForms, fitToInputs, largeValues, planForms, SharedWork } = await import("./forms/index.ts");
  const { notes } = await prepareForQuantization(model);
  const { target = "ort", planOnly = false, effort = recipe.effort, shared = new SharedWork() } = options;
  const dataset = effort === "fast" ? undefined : options.dataset;
  const large = async () =>
    dataset === undefined ? new Map() : shared.once("large", () => largeValues(model, dataset, options));
  const planned = await planForms(model, recipe, target, notes, shared, large);
  const plan = dataset === undefined ? planned : await fitToInputs(model, planned, dataset, options, shared);
  if (!planOnly) {
    applyForms(model, plan, shared);
    await narrowAgain(model);
  }
  return { model, plan };
}

/**
 * Quantizes an ONNX model as a plan says that was made of it before. `model` is used up. Throws BoltqError `mismatch` when it
 * was made of another model.
 */
export async function quantizeOnnxAsPlanned(model: OnnxModel, plan: Plan): Promise<QuantizedOnnx> {
  if (plan.format !== "onnx") {
    throw new BoltqError("mismatch", "the plan is for a .bolt model", {
      remedy: "Give it to post_training_quantization --plan",
    });
  }
  const { prepareForQuantization } = await import("./prepare.ts");
  await prepareForQuantization(model);
  if (plan.inputScalings !== undefined) {
    const { scaleInputs } = await import("../../transform/onnx/scale-inputs.ts");
    await scaleInputs(model, plan.inputScalings);
  }
  await scaleChannels(model, plan.channelScalings ?? []);
  const { applyForms, hasForms } = await import("./forms/index.ts");
  if (hasForms(plan)) {
    applyForms(model, plan);
    await narrowAgain(model);
  } else await carryOut(model, plan);
  return { model, plan };
}

/** Loaded when there is a plan to carry out: a page need not have it before. */
async function carryOut(model: OnnxModel, plan: Plan): Promise<void> {
  const { applyPlan } = await import("./apply-plan.ts");
  applyPlan(model, plan);
  await narrowAgain(model);
}

/** What stays float in a model of half floats takes no more bytes than before. */
async function narrowAgain(model: OnnxModel): Promise<void> {
  const { narrowWidenedWeights } = await import("../../transform/onnx/narrow-widened-weights.ts");
  narrowWidenedWeights(model);
}

/** Where numbers are not finite a broken weight is to blame before the data is. */
async function collected(...subject: Parameters<typeof collectObservations>): ReturnType<typeof collectObservations> {
  try {
    return await collectObservations(...subject);
  } catch (error) {
    if (error instanceof BoltqError && error.code === "invalid-data") await refuseBrokenWeights(subject[0]);
    throw error;
  }
}

async function statisticsFor(
  model: OnnxModel,
  needs: OnnxObservation["needs"],
  options: QuantizeOnnxOptions,
  clips: ClipValues | undefined,
): Promise<Statistics> {
  if (options.statistics !== undefined) return options.statistics;
  if (needs.size === 0) return { examples: [], skipped: [], values: new Map() };
  if (options.dataset !== undefined) return statisticsOf(await collected(model, needs, options.dataset, options));
  if (clips !== undefined) return { examples: [], skipped: [], values: new Map() };
  throw new BoltqError("usage", "there is nothing to calibrate with", {
    remedy: "Give example data, statistics, or a scale table",
  });
}
