import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { type CollectOptions, collectObservations } from "../../calibrate/collect.ts";
import { findRange, METHOD_NEEDS } from "../../calibrate/find-range.ts";
import { statisticsOf } from "../../calibrate/observations.ts";
import type { Range, RangeMethod } from "../../calibrate/range.ts";
import type { Collected } from "../../calibrate/statistics.ts";
import { raisedNames, raiseToOnnx } from "../../convert/bolt-to-onnx/index.ts";
import type { Dataset } from "../../data/dataset.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { Plan, ValuePlan } from "../plan.ts";
import { settingsFor } from "../recipe.ts";
import { applyBoltPlan } from "./apply-plan.ts";
import { ALL_ZERO_CLIP } from "./clips-of-int8-tensors.ts";
import { correctedBiases, valuesToAverage } from "./correct-biases.ts";
import { int8Operators, int8Tensors } from "./int8-tensors.ts";
import { int8Value, type PlanBoltOptions, planBolt } from "./plan-bolt.ts";
import { type PreparedBolt, prepareBolt } from "./prepare.ts";
import { type QuantizeBoltOptions, type QuantizedBolt, suffixOf } from "./quantize.ts";
import { isQuantizedInference } from "./recipe.ts";

export interface CalibrateBoltOptions extends QuantizeBoltOptions, CollectOptions {
  /** How clip values are found. Default: as the recipe says, `mse` without one. */
  readonly method?: RangeMethod | undefined;
  /** Take the mean error that rounding the weights makes out of the biases. Default: as the recipe says, true without one. */
  readonly correctBiases?: boolean;
}

/**
 * Quantizes a model made with X2bolt -i PTQ and calibrates it on examples, so that it runs as static int8: every input and
 * int8 output of a quantized operator gets a scale. The float network is observed as it is after folding and fusion.
 * `model` is used up. Throws BoltqError `usage` when nothing is to compute in int8, and what `quantizeBolt` and
 * `collectObservations` throw.
 */
export async function calibrateBolt(
  model: BoltModel,
  dataset: Dataset,
  options: CalibrateBoltOptions = {},
): Promise<QuantizedBolt> {
  const prepared = await prepareBolt(model, options);
  const plan = await calibratedPlan(prepared, dataset, options);
  await applyBoltPlan(prepared, plan, options);
  return { model, suffix: suffixOf(model, plan), plan };
}

/** The plan for static int8 of a prepared model. */
export async function calibratedPlan(
  prepared: PreparedBolt,
  dataset: Dataset,
  options: CalibrateBoltOptions = {},
): Promise<Plan> {
  const { recipe = {}, method } = options;
  const methodOf = (node: BoltNode) => method ?? settingsFor(recipe, node).activations.method;
  const { plan, model, names, needs } = await planBoltObservation(
    prepared,
    (node) => METHOD_NEEDS[methodOf(node)],
    options,
  );
  if (needs.size === 0) return plan;
  const { values } = statisticsOf(await collectObservations(model, needs, dataset, options));
  const seen = (value: BoltValue) => values.get(names.get(value)!);
  const ranged = withRanges(prepared, plan, (value, node) =>
    findRange(seen(value)!, methodOf(node), { symmetric: true }),
  );
  if (!correctsBiases(options)) return ranged;
  return { ...ranged, biases: await correctedBiases(prepared.model, plan, (value) => seen(value)?.channels?.means) };
}

function correctsBiases({ correctBiases, recipe }: Pick<CalibrateBoltOptions, "correctBiases" | "recipe">): boolean {
  return correctBiases ?? recipe?.biasCorrection ?? true;
}

/** What is to be observed of a Bolt network. */
export interface BoltObservation {
  /** The plan, with labels for static int8 but without scales. */
  readonly plan: Plan;
  /** The float network as ONNX, to be run. */
  readonly model: OnnxModel;
  /** What each value is called in `model`. */
  readonly names: ReadonlyMap<BoltValue, string>;
  readonly needs: ReadonlyMap<string, ReadonlySet<Collected>>;
}

/** Decides what must be observed of a network; `kindOf` an operator is what is collected of its tensors that need a range. */
export async function planBoltObservation(
  prepared: PreparedBolt,
  kindOf: (node: BoltNode) => Collected,
  options: PlanBoltOptions & Pick<CalibrateBoltOptions, "correctBiases"> = {},
): Promise<BoltObservation> {
  const { inference = "INT8_FP16", clip = 0, scaleTable } = options;
  if (!isQuantizedInference(inference))
    throw unsuitable(`the inference precision ${inference} has no int8 to calibrate`);
  if (clip > 0 || scaleTable !== undefined) throw unsuitable("clip values are given already");
  const plan = await planBolt(prepared, { ...options, staticScales: true });
  const names = raisedNames(prepared.model);
  const needs = new Map<string, Set<Collected>>();
  const need = (value: BoltValue, collected: Collected) => {
    const name = names.get(value)!;
    needs.set(name, new Set([...(needs.get(name) ?? []), collected]));
  };
  for (const { node, levels } of int8Tensors(prepared.model, plan)) need(levels, kindOf(node));
  if (correctsBiases(options)) for (const value of valuesToAverage(prepared.model, plan)) need(value, "channels");
  return { plan, model: await raiseToOnnx(prepared.model, { layers: true }), names, needs };
}

/** The plan with a scale for every int8 tensor. */
export function withRanges(
  { model }: PreparedBolt,
  plan: Plan,
  rangeOf: (value: BoltValue, node: BoltNode) => Range,
): Plan {
  const ranges = new Map<BoltValue, Range>();
  const rangeOnce = (value: BoltValue, node: BoltNode) => {
    const range = ranges.get(value) ?? rangeOf(value, node);
    ranges.set(value, range);
    return range;
  };
  const values = int8Tensors(model, plan).map(({ node, value, made, levels }): ValuePlan => {
    const { high, method, clipped, zeroed } = rangeOnce(levels, node);
    const reason = levels === value ? "observed" : `its levels are those of "${levels.name}"`;
    return int8Value(node.name, value.name, made, { clip: high || ALL_ZERO_CLIP, method, clipped, zeroed, reason });
  });
  const computing = new Set(int8Operators(model, plan).map(({ name }) => name));
  const operators = plan.operators.map((operator) =>
    computing.has(operator.name) ? { ...operator, static: true } : operator,
  );
  return { ...plan, operators, values };
}

function unsuitable(problem: string): BoltqError {
  return new BoltqError("usage", problem, {
    remedy: "Calibrate with -i INT8_FP16, INT8_FP32 or INT8, without -c and -s",
  });
}
