import type { ChannelStatistics } from "../../calibrate/statistics.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxValue } from "../../onnx/model.ts";
import type { BiasPlan, PlanWarning, ValuePlan, WeightPlan } from "../plan.ts";
import type { ScaleSettings } from "../recipe.ts";
import { type ChannelBlock, channelBlocks } from "./channel-blocks.ts";
import { finiteValues } from "./finite-weights.ts";
import { biasOf, type WeightPlace } from "./operator-roles.ts";
import { largestPairSums, MOST_PAIR_SUM } from "./pair-sums.ts";
import { type TrainedGrid, withCodes } from "./plan-trained-weight.ts";
import { codeOf, forEachRun, scaleReaching, weightScales } from "./weight-scales.ts";

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
  /** Whether the steps of training are kept although sums may saturate. Default false. */
  readonly trained?: boolean;
  /** What training left it in, where that is known. */
  readonly grid?: TrainedGrid | undefined;
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
  const largest = 2 ** (settings.bits - 1) - 1;
  const { shape } = weight.value.constant!;
  const perChannel = settings.granularity === "per-channel" && (node.type !== "MatMul" || shape.length === 2);
  const grid = perChannel || task.grid?.scales.length === 1 ? task.grid : undefined;
  const granularity = perChannel ? "per-channel" : "per-tensor";
  const source = biasOf(node);
  const stated = source?.constant === undefined ? undefined : await finiteValues(source);
  const blocks: PlannedBlock[] = [];
  for await (const block of channelBlocks(weight.value, weight.axis, { together: !perChannel })) {
    if (grid === undefined) clip(block.values, task.clip);
    blocks.push(planBlock({ ...task, grid }, block, { settings: { ...settings, granularity }, largest, bias: stated }));
  }
  const scales = blocks.flatMap((block) => block.scales);
  const most = scaleReaching(Math.max(...blocks.map((block) => block.most)), largest);
  const dead = blocks.flatMap((block) => block.dead);
  if (perChannel) for (const channel of dead) scales[channel] = Math.max(scales[channel]!, most);
  const corrections = blocks.flatMap(({ errors }) => (errors === undefined ? [] : [...errors]));
  const overflowing = blocks.flatMap((block) => block.overflowing);
  const bias = addBiases(stated, corrections.length === 0 ? undefined : corrections);
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
      ...(grid === undefined || overflowing.length > 0 ? {} : { ...withCodes(grid), scales }),
      reason: perChannel || settings.granularity === "per-tensor" ? "" : "a batch of matrices has one scale",
    },
    bias: bias === undefined ? undefined : biasPlan(node, source, bias, scales, input.scale),
    warnings: [
      ...deadChannels(dead, weight.value),
      ...saturations(
        blocks.flatMap(({ crowded }) => crowded),
        weight.value,
        task.trained ? "those of training were kept" : "their scales were widened",
      ),
      ...overflows(overflowing, source),
    ],
  };
}

/** What is decided for some channels; channels are numbered as in the whole weight. */
interface PlannedBlock {
  readonly scales: readonly number[];
  readonly dead: readonly number[];
  /** The largest magnitude. */
  readonly most: number;
  /** Channels whose scale was widened for neighbours, and for biases. */
  readonly crowded: readonly number[];
  readonly overflowing: readonly number[];
  /** The mean error of each channel, where it is known. */
  readonly errors: Float64Array | undefined;
}

interface BlockSettings {
  readonly settings: ScaleSettings;
  readonly largest: number;
  /** Of all channels. */
  readonly bias: Float32Array | undefined;
}

function planBlock(task: WeightTask, block: ChannelBlock, { settings, largest, bias }: BlockSettings): PlannedBlock {
  const { values, layout, first } = block;
  const found = weightScales(values, layout, settings, largest);
  const { dead, most } = found;
  const scales = trainedScales(task, first, found.scales.length) ?? found.scales;
  const crowded = widenForPairs(task, scales, block);
  const stated = bias?.subarray(first, first + layout.channels);
  const overflowing = widenForBias(scales, stated, task.input.scale);
  const errors = task.node.type === "MatMul" ? undefined : meanErrors(task, block, scales, largest);
  const numbered = (channels: readonly number[]) => channels.map((channel) => first + channel);
  return {
    scales,
    dead: numbered(dead),
    most,
    crowded: numbered(crowded),
    overflowing: numbered(overflowing),
    errors,
  };
}

/** Of `count` channels from `first` on, or one for all. */
function trainedScales({ grid }: WeightTask, first: number, count: number): number[] | undefined {
  if (grid?.scales.length === 1) return new Array<number>(count).fill(grid.scales[0]!);
  return grid?.scales.slice(first, first + count);
}

function clip(values: Float32Array, limit: number | undefined): void {
  if (limit === undefined) return;
  for (let index = 0; index < values.length; index++) values[index] = Math.min(Math.max(values[index]!, -limit), limit);
}

/** Keeps sums of two products from saturating; returns the channels for which scales were widened. */
function widenForPairs(task: WeightTask, scales: number[], block: ChannelBlock): number[] {
  const { values, layout } = block;
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
  largestPairSums(values, { ...layout, kernel }, mostCode(task, block)).forEach((sum, channel) => {
    const place = scales.length === 1 ? 0 : channel;
    const least = Math.fround(sum / MOST_PAIR_SUM);
    if (scales[place]! >= least) return;
    if (!task.trained) scales[place] = least;
    widened.push(channel);
  });
  return widened;
}

/** The largest code that was seen of the input channel that an element of the weight multiplies. */
function mostCode({ node, input, inputChannels }: WeightTask, block: ChannelBlock): InputChannel {
  const magnitudes = inputChannels?.magnitudes ?? [];
  const inputChannel = inputChannelOf(node, block, magnitudes.length);
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
  block: ChannelBlock,
  scales: readonly number[],
  largest: number,
): Float64Array | undefined {
  const { values, layout } = block;
  const means = correctBias ? inputChannels?.means : undefined;
  const inputChannel = means === undefined ? undefined : inputChannelOf(node, block, means.length);
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
  { values, layout: { channels, inner }, first }: ChannelBlock,
  count: number,
): InputChannel | undefined {
  if (node.type !== "Conv") return count === values.length / channels ? (index) => index % inner : undefined;
  const groups = intAttribute(node, "group", 1);
  const [outputs, perGroup] = node.input(1).constant!.shape as [number, number];
  if (count !== groups * perGroup) return undefined;
  const kernel = inner / perGroup;
  return (index, channel) =>
    Math.floor((first + channel) / (outputs / groups)) * perGroup + Math.floor((index % inner) / kernel);
}

function addBiases(
  stated: Float32Array | undefined,
  correction: readonly number[] | undefined,
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

function saturations(channels: readonly number[], value: OnnxValue, scales: string): PlanWarning[] {
  if (channels.length === 0) return [];
  return [
    {
      kind: "saturation-without-vnni",
      subject: `weight "${value.name}"`,
      problem: `sums of two products would saturate in 16 bits on x86 processors without VNNI, for ${channels.length} channels (${listed(channels)}); ${scales}`,
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
