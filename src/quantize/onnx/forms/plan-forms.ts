import type { OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { subgraphsOf } from "../../../onnx/subgraphs.ts";
import type { OperatorPlan, Plan, PlanWarning, WeightPlan, WeightType } from "../../plan.ts";
import { type OperatorSettings, type Recipe, settingsFor } from "../../recipe.ts";
import { ruleWarnings } from "../../rule-warnings.ts";
import type { RuntimeTarget } from "../targets.ts";
import { inputFactors } from "./balance-inputs.ts";
import { chooseForm, type FormChoice, roundsInputs } from "./choose-form.ts";
import { chooseHalf, type HalfChoice } from "./half-precision.ts";
import { SharedWork } from "./shared-work.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

/**
 * Decides how each weight of a model is stored and read where no ranges of activations are needed. The scales are found when the
 * weights are written. Nothing is changed.
 */
export async function planForms(
  model: OnnxModel,
  recipe: Recipe,
  target: RuntimeTarget,
  notes: readonly string[] = [],
  shared: SharedWork = new SharedWork(),
  large: () => Promise<ReadonlyMap<string, number>> = async () => new Map(),
): Promise<Plan> {
  const choices = new Map<OnnxNode, FormChoice>();
  const places = weightPlaces(model);
  for (const place of places) choices.set(place.node, chooseForm(place, settingsFor(recipe, place.node), target));
  const rounding = places.filter(({ node }) => roundsInputs(choices.get(node)!));
  const factors = await shared.once(`balanced ${namesOf(rounding)}`, () => balancedInputs(rounding));
  const weights = places.map((place) => {
    const plan = weightPlan(place, settingsFor(recipe, place.node), choices.get(place.node)!);
    return { ...plan, inputFactors: factors.get(place.node.name) };
  });
  const nodes = allNodes(model.main.graph.nodes);
  const halves = nodes.some(asksForHalf(recipe))
    ? await chooseHalf(model, asksForHalf(recipe), await large())
    : undefined;
  const warnings = [...ruleWarnings(recipe, nodes), ...emptyWarnings(weights)];
  return {
    format: "onnx",
    operators: nodes.map((node) => operatorPlan(node, choices.get(node), halves?.get(node))),
    values: [],
    weights,
    biases: [],
    warnings,
    notes,
  };
}

function namesOf(places: readonly WeightPlace[]): string {
  return places.map(({ node }) => node.name).join(" ");
}

/** By operator what its input is divided by; those that read the same input divide it by the same. */
async function balancedInputs(places: readonly WeightPlace[]): Promise<Map<string, readonly number[]>> {
  const readers = new Map<OnnxValue | undefined, WeightPlace[]>();
  for (const place of places) {
    const input = place.node.inputs[0];
    readers.set(input, [...(readers.get(input) ?? []), place]);
  }
  const balanced = new Map<string, readonly number[]>();
  for (const together of readers.values()) {
    const factors = await inputFactors(together);
    if (factors !== undefined) for (const { node } of together) balanced.set(node.name, factors);
  }
  return balanced;
}

const LARGEST: Partial<Record<WeightType, number>> = { int4: 7, uint4: 7, nf4: 1 };

function weightPlan(
  { node, value, axis }: WeightPlace,
  { weights }: OperatorSettings,
  { form, type, block, symmetric, reason }: FormChoice,
): WeightPlan {
  return {
    operator: node.name,
    name: value.name,
    type,
    form,
    block,
    symmetric,
    scales: [],
    axis,
    granularity: form === "dynamic-int8" ? weights.granularity : "per-channel",
    method: weights.method,
    largest: LARGEST[type] ?? (form === "dynamic-int8" && weights.bits === 7 ? 63 : 127),
    reason,
  };
}

function asksForHalf(recipe: Recipe): (node: OnnxNode) => boolean {
  return (node) => {
    const { precision, activations } = settingsFor(recipe, node);
    return precision !== "float" && activations.type === "float16";
  };
}

function operatorPlan(
  { name, type }: OnnxNode,
  choice: FormChoice | undefined,
  half: HalfChoice | undefined,
): OperatorPlan {
  if (half !== undefined) return { name, type, precision: half.half ? "float16" : "float", reason: half.reason };
  const precision = choice?.form === "dynamic-int8" ? "int8" : "float";
  return { name, type, precision, reason: choice?.reason ?? "it has no constant matrix" };
}

function allNodes(nodes: readonly OnnxNode[]): OnnxNode[] {
  return nodes.flatMap((node) => [node, ...subgraphsOf(node).flatMap(({ graph }) => allNodes(graph.nodes))]);
}

function emptyWarnings(weights: readonly WeightPlan[]): PlanWarning[] {
  if (weights.some(({ form }) => form !== undefined)) return [];
  return [
    {
      kind: "nothing-quantized",
      subject: "the model",
      problem:
        "it has no matrices that its operators multiply with or look up rows in, or the recipe leaves them in float",
      remedy: "See the reasons with --dry-run; networks of convolutions are quantized with the recipe int8",
    },
  ];
}
