import { findRange } from "../../calibrate/find-range.ts";
import type { Range } from "../../calibrate/range.ts";
import type { Statistics } from "../../calibrate/statistics.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import type { BiasPlan, OperatorPlan, Plan, PlanWarning, ValuePlan, WeightPlan } from "../plan.ts";
import { type Recipe, type StaticSettings, staticSettingsFor } from "../recipe.ts";
import { ruleWarnings } from "../rule-warnings.ts";
import { activationScale, rangeOfCodes } from "./activation-scale.ts";
import { checkStatistics } from "./check-statistics.ts";
import { dataInputs, weightOf } from "./operator-roles.ts";
import type { Placement } from "./placement.ts";
import { planTrainedWeight, trainedGrid } from "./plan-trained-weight.ts";
import { planWeight } from "./plan-weight.ts";
import { scaleGroups } from "./scale-groups.ts";
import type { ClipValues } from "./table-clips.ts";

export interface PlanOnnxOptions {
  /** Clip values that take the place of what was observed. */
  readonly clips?: ClipValues | undefined;
  /** What was changed about the model before. */
  readonly notes?: readonly string[];
  /** The opset that the model came with. Default 13. */
  readonly opset?: number;
}

type FoundRange = Omit<Range, "method"> & Pick<ValuePlan, "method">;

/**
 * Decides on all numbers of a quantization: the types, scales and zero points of values, weights and biases, with reasons
 * and warnings. Nothing is changed. Throws BoltqError `usage` when the statistics lack what a method needs, `mismatch` when
 * they lack a value.
 */
export async function planOnnx(
  model: OnnxModel,
  recipe: Recipe,
  placement: Placement,
  statistics: Statistics,
  { clips, notes = [], opset = PER_CHANNEL_OPSET }: PlanOnnxOptions = {},
): Promise<Plan> {
  const warnings: PlanWarning[] = [];
  const values = planValues(placement, statistics, clips, warnings);
  const weights: WeightPlan[] = [];
  const biases: BiasPlan[] = [];
  for (const node of model.main.graph.nodes) {
    const weight = weightOf(node);
    const operator = placement.quantized.get(node);
    if (weight === undefined) continue;
    const isTrained = clips?.trained === true && clips.weight(node, weight.value) !== undefined;
    if (operator?.role !== "matrix") {
      const isAlone = isTrained && operator === undefined && canBeStored(node, recipe);
      const alone = isAlone ? await planTrainedWeight(node, weight, model.opsets.get("")!) : undefined;
      if (alone !== undefined) weights.push(alone);
      continue;
    }
    const [input] = dataInputs(node);
    const planned = await planWeight({
      node,
      weight,
      settings: operator.settings.weights,
      input: values.get(input!.name)!,
      inputChannels: statistics.values.get(input!.name)?.channels,
      correctBias: recipe.biasCorrection !== false,
      clip: clips?.weight(node, weight.value),
      trained: clips?.trained ?? false,
      grid: isTrained && operator.settings.weights.bits !== 7 ? await trainedGrid(weight) : undefined,
    });
    weights.push(planned.weight);
    if (planned.bias !== undefined) biases.push(planned.bias);
    warnings.push(...planned.warnings);
  }
  const operators = model.main.graph.nodes.map((node) => operatorPlan(node, placement));
  return {
    format: "onnx",
    operators,
    values: [...values.values()],
    weights,
    biases,
    warnings: [
      ...warnings,
      ...ruleWarnings(recipe, model.main.graph.nodes),
      ...opsetWarnings(weights, opset),
      ...emptyWarnings(operators, weights),
    ],
    notes,
  };
}

/** One entry for each quantized value, in graph order; groups share scale and zero point. */
function planValues(
  placement: Placement,
  statistics: Statistics,
  clips: ClipValues | undefined,
  warnings: PlanWarning[],
): Map<string, ValuePlan> {
  const plans = new Map<OnnxValue, ValuePlan>();
  const groups = scaleGroups(placement);
  const observed = groups.map(({ leader }) => leader).filter((leader) => clips?.value(leader) === undefined);
  checkStatistics(
    observed.map(({ name }) => name),
    statistics,
    clips !== undefined,
  );
  for (const { values, leader } of groups) {
    const settings = placement.values.get(leader)!;
    const { type } = settings.activations;
    const range = rangeOf(leader, settings, statistics, clips, warnings);
    const { scale, zeroPoint } = activationScale(range, settings.activations);
    for (const value of values) {
      plans.set(value, {
        name: value.name,
        made: placement.made.has(value),
        type,
        scale,
        zeroPoint,
        granularity: "per-tensor",
        ...rangeOfCodes(type, scale, zeroPoint),
        method: range.method,
        clipped: range.clipped,
        zeroed: range.zeroed,
        reason: value === leader ? "" : `shares the scale of "${leader.name}"`,
      });
    }
  }
  return new Map([...placement.values.keys()].map((value) => [value.name, plans.get(value)!]));
}

function rangeOf(
  value: OnnxValue,
  { activations }: StaticSettings,
  { values }: Statistics,
  clips: ClipValues | undefined,
  warnings: PlanWarning[],
): FoundRange {
  const seen = values.get(value.name);
  const clip = clips?.value(value);
  const ends = clips?.range(value);
  if (ends !== undefined)
    return { low: ends[0], high: ends[1], method: "table", clipped: undefined, zeroed: undefined };
  if (clip !== undefined) {
    const low = seen === undefined ? (isNeverNegative(value) ? 0 : -clip) : Math.max(Math.min(seen.minimum, 0), -clip);
    const high = seen === undefined ? clip : Math.min(Math.max(seen.maximum, 0), clip);
    return {
      low,
      high: Math.max(high, low === 0 ? clip : high),
      method: "table",
      clipped: undefined,
      zeroed: undefined,
    };
  }
  const range = findRange(seen!, activations.method, { symmetric: activations.symmetric });
  if (range.low === 0 && range.high === 0) warnings.push(emptyRange(value));
  return range;
}

const NEVER_NEGATIVE: ReadonlySet<string> = new Set(["Relu", "Sigmoid", "Softmax", "Abs", "Exp", "Sqrt"]);

function isNeverNegative({ producer }: OnnxValue): boolean {
  return producer !== undefined && NEVER_NEGATIVE.has(producer.type);
}

function emptyRange(value: OnnxValue): PlanWarning {
  return {
    kind: "zero-range",
    subject: `value "${value.name}"`,
    problem: "it was zero in all examples, so its scale says nothing",
    remedy: "Calibrate with data that reaches it, or leave its operators in float",
  };
}

function operatorPlan(node: OnnxNode, { quantized, float }: Placement): OperatorPlan {
  const decision = quantized.get(node);
  return {
    name: node.name,
    type: node.type,
    precision: decision === undefined ? "float" : "int8",
    reason: decision?.reason ?? float.get(node) ?? "",
  };
}

/** Rules that name no operator of the model: most likely a misspelling. */
/** From this opset on a DequantizeLinear may have a scale for each channel. */
const PER_CHANNEL_OPSET = 13;

function opsetWarnings(weights: readonly WeightPlan[], opset: number): PlanWarning[] {
  if (opset >= PER_CHANNEL_OPSET || !weights.some(({ granularity }) => granularity === "per-channel")) return [];
  return [
    {
      kind: "per-channel-below-opset-13",
      subject: "the model",
      problem: `it has opset ${opset}, and a scale for each channel needs ${PER_CHANNEL_OPSET}: it was raised`,
      remedy: "Make sure that what runs it takes opset 13",
    },
  ];
}

/** Whether its weight may be int8 where it computes in float. */
function canBeStored(node: OnnxNode, recipe: Recipe): boolean {
  return WITH_WEIGHTS.has(node.type) && staticSettingsFor(recipe, node).precision !== "float";
}

const WITH_WEIGHTS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

function emptyWarnings(operators: readonly OperatorPlan[], weights: readonly WeightPlan[]): PlanWarning[] {
  if (weights.length > 0 || operators.some(({ precision }) => precision === "int8")) return [];
  return [
    {
      kind: "nothing-quantized",
      subject: "the model",
      problem: "no operator can be quantized, or the recipe leaves all in float",
      remedy: "See the reasons with --dry-run",
    },
  ];
}
