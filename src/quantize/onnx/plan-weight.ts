import type { ChannelStatistics } from "../../calibrate/statistics.ts";
import { releaseBuffers, turnEventLoop } from "../../io/release-memory.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxValue } from "../../onnx/model.ts";
import type { BiasPlan, PlanWarning, ValuePlan, WeightPlan } from "../plan.ts";
import type { ScaleSettings } from "../recipe.ts";
import { finiteValues } from "./finite-weights.ts";
import { biasOf, type WeightPlace } from "./operator-roles.ts";
import { largestPairSums, MOST_PAIR_SUM } from "./pair-sums.ts";
import { type ChannelLayout, channelLayout, codeOf, forEachRun, weightScales } from "./weight-scales.ts";

/** Codes of a bias: the ends of int32, one less so that adding the first product cannot wrap. */
const MOST_BIAS = 2 ** 31 - 2;

export interface WeightTask {
  readonly node: OnnxNode;
  readonly weight: WeightPlace;
  readonly settings: ScaleSettings;
  /** How the activations that it multiplies are stored. */
  readonly input: Pick<ValuePlan, "type" | "scale" | "zeroPoint">;
  /** What was seen of the input's channels, where it was collected. */
  readonly inputChannels: ChannelStatistics | undefined;
  /** Whether the mean error that rounding makes is taken out of the bias. */
  readonly correctBias: boolean;
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
 * bias: Σ (w − rounded w) · mean of the input's channel. A bias too large for its scale widens the weight's, and so do
 * neighbours whose products with large activations would saturate. Throws BoltqError `invalid-data` for a weight that is
 * infinite or no number.
 */
export async function planWeight(task: WeightTask): Promise<PlannedWeight> {
  const { node, weight, settings, input } = task;
  const largest = settings.bits === 7 ? 63 : 127;
  const { shape } = weight.value.constant!;
  const layout = channelLayout(shape, weight.axis);
  const values = clipped(await finiteValues(weight.value), task.clip);
  const perChannel = settings.granularity === "per-channel" && (node.type !== "MatMul" || shape.length === 2);
  const granularity = perChannel ? "per-channel" : "per-tensor";
  const { scales, dead } = weightScales(values, layout, { ...settings, granularity }, largest);
  const source = biasOf(node);
  const stated = source?.constant === undefined ? undefined : await finiteValues(source);
  const crowded = widenForPairs(task, scales, values, layout);
  const overflowing = widenForBias(scales, stated, input.scale);
  const correction = node.type === "MatMul" ? undefined : meanErrors(task, values, layout, scales, largest);
  const bias = addBiases(stated, correction);
  releaseBuffers([values.buffer as ArrayBuffer]);
  await turnEventLoop();
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
    bias: bias === undefined ? undefined : biasPlan(node, source, bias, scales, input.scale),
    warnings: [
      ...deadChannels(dead, weight.value),
      ...saturations(crowded, weight.value),
      ...overflows(overflowing, source),
    ],
  };
}

function clipped(values: Float32Array, clip: number | undefined): Float32Array {
  return clip === undefined ? values : values.map((value) => Math.min(Math.max(value, -clip), clip));
}

/** Keeps sums of two products from saturating; returns the channels for which scales were widened. */
function widenForPairs(task: WeightTask, scales: number[], values: Float32Array, layout: ChannelLayout): number[] {
  const { node, input } = task;
  if (input.type !== "uint8") return [];
  const kernel =
    node.type === "Conv"
      ? node
          .input(1)
          .constant!.shape.slice(2)
          .reduce((one, size) => one * size, 1)
      : 1;
  if (values.length === layout.channels * kernel) return [];
  const widened: number[] = [];
  largestPairSums(values, { ...layout, kernel }, mostCode(task, values.length, layout)).forEach((sum, channel) => {
    const place = scales.length === 1 ? 0 : channel;
    const least = Math.fround(sum / MOST_PAIR_SUM);
    if (scales[place]! >= least) return;
    scales[place] = least;
    widened.push(channel);
  });
  return widened;
}

/** The largest code that was seen of the input channel that an element of the weight multiplies. */
function mostCode({ node, input, inputChannels }: WeightTask, length: number, layout: ChannelLayout): InputChannel {
  const magnitudes = inputChannels?.magnitudes ?? [];
  const inputChannel = inputChannelOf(node, length, layout, magnitudes.length);
  if (inputChannel === undefined) return () => LARGEST_CODE;
  const codes = magnitudes.map((most) => Math.min(input.zeroPoint + Math.ceil(most / input.scale), LARGEST_CODE));
  return (index, channel) => codes[inputChannel(index, channel)]!;
}

/** Of uint8. */
const LARGEST_CODE = 255;

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
  { node, inputChannels, correctBias }: WeightTask,
  values: Float32Array,
  layout: ChannelLayout,
  scales: readonly number[],
  largest: number,
): Float64Array | undefined {
  const means = correctBias ? inputChannels?.means : undefined;
  const inputChannel = means === undefined ? undefined : inputChannelOf(node, values.length, layout, means.length);
  if (means === undefined || inputChannel === undefined) return undefined;
  const errors = new Float64Array(layout.channels);
  forEachRun(values.length, layout, (channel, start, end) => {
    const scale = scales.length === 1 ? scales[0]! : scales[channel]!;
    for (let index = start; index < end; index++) {
      const value = values[index]!;
      errors[channel]! += (value - scale * codeOf(value, scale, largest)) * means[inputChannel(index, channel)]!;
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

function saturations(channels: readonly number[], value: OnnxValue): PlanWarning[] {
  if (channels.length === 0) return [];
  return [
    {
      kind: "saturation-without-vnni",
      subject: `weight "${value.name}"`,
      problem: `sums of two products would saturate in 16 bits on x86 processors without VNNI, for ${channels.length} channels (${listed(channels)}); their scales were widened`,
      remedy: "Leave the operator in float with a rule if that costs too much accuracy",
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
