import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import type { BiasPlan, PlanWarning, WeightPlan } from "../plan.ts";
import type { WeightSettings } from "../recipe.ts";
import { biasOf, type WeightPlace } from "./operator-roles.ts";
import { type ChannelLayout, channelLayout, codeOf, forEachRun, weightScales } from "./weight-scales.ts";

/** Codes of a bias: the ends of int32, one less so that adding the first product cannot wrap. */
const MOST_BIAS = 2 ** 31 - 2;

export interface WeightTask {
  readonly node: OnnxNode;
  readonly weight: WeightPlace;
  readonly settings: WeightSettings;
  /** Scale of the activations that it multiplies. */
  readonly inputScale: number;
  /** Means of the input's channels, to correct the bias by; undefined: no correction. */
  readonly inputMeans: readonly number[] | undefined;
  /** Clip value that a scale table gives. */
  readonly clip: number | undefined;
}

export interface PlannedWeight {
  readonly weight: WeightPlan;
  readonly bias: BiasPlan | undefined;
  readonly warnings: readonly PlanWarning[];
}

/**
 * Scales of a weight and codes of the bias behind it. The mean error that rounding the weight makes is taken out of the
 * bias: Σ (w − rounded w) · mean of the input's channel. A bias too large for its scale widens the weight's.
 */
export async function planWeight(task: WeightTask): Promise<PlannedWeight> {
  const { node, weight, settings, inputScale } = task;
  const largest = settings.bits === 7 ? 63 : 127;
  const { shape } = weight.value.constant!;
  const layout = channelLayout(shape, weight.axis);
  const values = clipped(await float32Of(weight.value.constant!), task.clip);
  const perChannel = settings.granularity === "per-channel" && (node.type !== "MatMul" || shape.length === 2);
  const granularity = perChannel ? "per-channel" : "per-tensor";
  const { scales, dead } = weightScales(values, layout, { ...settings, granularity }, largest);
  const source = biasOf(node);
  const stated = source?.constant === undefined ? undefined : await float32Of(source.constant);
  const widenedChannels = widenForBias(scales, stated, inputScale);
  const correction = node.type === "MatMul" ? undefined : meanErrors(task, values, layout, scales, largest);
  const bias = addBiases(stated, correction);
  return {
    weight: {
      operator: node.name,
      name: weight.value.name,
      type: "int8",
      scales,
      axis: weight.axis,
      granularity,
      method: task.clip === undefined ? settings.method : "table",
      largest,
      reason: perChannel || settings.granularity === "per-tensor" ? "" : "a batch of matrices has one scale",
    },
    bias: bias === undefined ? undefined : biasPlan(node, source, bias, scales, inputScale),
    warnings: [...deadChannels(dead, weight.value), ...overflows(widenedChannels, source)],
  };
}

function clipped(values: Float32Array, clip: number | undefined): Float32Array {
  return clip === undefined ? values : values.map((value) => Math.min(Math.max(value, -clip), clip));
}

/** Makes scales wide enough for the biases; returns the channels for which that was needed. */
function widenForBias(scales: number[], bias: Float32Array | undefined, inputScale: number): number[] {
  const widened: number[] = [];
  bias?.forEach((value, channel) => {
    const place = scales.length === 1 ? 0 : channel;
    const least = Math.abs(value) / inputScale / MOST_BIAS;
    if (scales[place]! >= least) return;
    scales[place] = Math.fround(least * (1 + 2 ** -20));
    widened.push(channel);
  });
  return widened;
}

/** By output channel; undefined where the means are not known. */
function meanErrors(
  { node, inputMeans }: WeightTask,
  values: Float32Array,
  layout: ChannelLayout,
  scales: readonly number[],
  largest: number,
): Float64Array | undefined {
  const inputChannel =
    inputMeans === undefined ? undefined : inputChannelOf(node, values.length, layout, inputMeans.length);
  if (inputMeans === undefined || inputChannel === undefined) return undefined;
  const errors = new Float64Array(layout.channels);
  forEachRun(values.length, layout, (channel, start, end) => {
    const scale = scales.length === 1 ? scales[0]! : scales[channel]!;
    for (let index = start; index < end; index++) {
      const value = values[index]!;
      errors[channel]! += (value - scale * codeOf(value, scale, largest)) * inputMeans[inputChannel(index, channel)]!;
    }
  });
  return errors;
}

type InputChannel = (index: number, outputChannel: number) => number;

/** Which channel of the input an element of the weight multiplies; undefined where `count` channels do not fit. */
function inputChannelOf(
  node: OnnxNode,
  length: number,
  { channels, inner }: ChannelLayout,
  count: number,
): InputChannel | undefined {
  const rows = length / channels;
  if (node.type !== "Conv") {
    if (count !== rows) return undefined;
    return inner === 1 ? (index) => Math.floor(index / channels) : (index) => index % inner;
  }
  const groups = intAttribute(node, "group", 1);
  const perGroup = node.input(1).constant!.shape[1]!;
  if (count !== groups * perGroup) return undefined;
  const kernel = inner / perGroup;
  return (index, channel) =>
    Math.floor(channel / (channels / groups)) * perGroup + Math.floor((index % inner) / kernel);
}

function addBiases(
  stated: Float32Array | undefined,
  correction: Float64Array | undefined,
): ArrayLike<number> | undefined {
  if (correction === undefined) return stated;
  return stated === undefined ? correction : correction.map((value, channel) => value + stated[channel]!);
}

function biasPlan(
  node: OnnxNode,
  source: OnnxValue | undefined,
  bias: ArrayLike<number>,
  weightScales: readonly number[],
  inputScale: number,
): BiasPlan {
  const scales = weightScales.map((scale) => Math.fround(scale * inputScale));
  const codes = Array.from(bias, (value, channel) => {
    const code = Math.round(value / (scales.length === 1 ? scales[0]! : scales[channel]!));
    return Math.min(Math.max(code, -MOST_BIAS), MOST_BIAS);
  });
  return {
    type: "int32",
    operator: node.name,
    name: source?.name,
    scales,
    codes,
  };
}

function deadChannels(dead: readonly number[], value: OnnxValue): PlanWarning[] {
  if (dead.length === 0) return [];
  return [
    {
      kind: "dead-channel",
      subject: `weight "${value.name}"`,
      problem: `${dead.length} channels are all zero (${listed(dead)}); they got the scale of the largest one`,
      remedy: "Prune them before, to make the model smaller",
    },
  ];
}

function overflows(channels: readonly number[], bias: OnnxValue | undefined): PlanWarning[] {
  if (channels.length === 0) return [];
  return [
    {
      kind: "bias-overflow",
      subject: `bias "${bias?.name}"`,
      problem: `it does not fit int32 for ${channels.length} channels (${listed(channels)}); their weights' scales were widened`,
      remedy: "Leave the operator in float with a rule if that costs too much accuracy",
    },
  ];
}

function listed(channels: readonly number[]): string {
  return channels.length > 4 ? `${channels.slice(0, 4).join(", ")}, …` : channels.join(", ");
}
