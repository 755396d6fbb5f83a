import { elementCount } from "../../graph/tensor.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import type { WeightPlan } from "../plan.ts";
import { finiteValues } from "./finite-weights.ts";
import type { WeightPlace } from "./operator-roles.ts";
import { channelLayout, channelMagnitudes, codeOf, trainedSteps } from "./weight-scales.ts";

/** From this opset on a DequantizeLinear may have a scale for each block. */
const BLOCK_OPSET = 21;

const LARGEST = 127;

/** What float32 rounds off of products with codes; fewer weights than usual will do, since training is known to have rounded them. */
const EXACTLY = { tolerance: 2 ** -14, least: 1 };

/**
 * How a weight is stored that training rounded although its operator computes in float: as int8 on the trained grid, with one
 * scale, one for each channel, or one for each block of what is summed over. undefined where no such grid gives its numbers.
 */
export async function planTrainedWeight(
  node: OnnxNode,
  { value, axis }: WeightPlace,
  opset: number,
): Promise<WeightPlan | undefined> {
  const { shape, type } = value.constant!;
  if (type !== "float32" || shape.length < 2 || elementCount(shape) === 0) return undefined;
  const values = await finiteValues(value);
  const common = { operator: node.name, name: value.name, type: "int8", method: "table", largest: LARGEST } as const;
  const reason = "rounded in training, where what it multiplies was float";
  const whole = steps(values, [values.length], 0);
  if (whole !== undefined) return { ...common, reason, granularity: "per-tensor", scales: whole, axis };
  const channels = steps(values, shape, axis);
  if (channels !== undefined) return { ...common, reason, granularity: "per-channel", scales: channels, axis };
  if (opset < BLOCK_OPSET || shape.length > 2) return undefined;
  const along = 1 - axis;
  for (let block = shape[along]! >> 1; block > 1; block--) {
    const found = shape[along]! % block === 0 ? blockSteps(values, shape, along, block) : undefined;
    if (found !== undefined) return { ...common, ...found, reason, granularity: "per-channel", axis: along, block };
  }
  return undefined;
}

/** One step for each slice along `axis`; for a vector one alone. */
function steps(values: Float32Array, shape: readonly number[], axis: number): number[] | undefined {
  const layout = shape.length === 1 ? { channels: 1, inner: values.length } : channelLayout(shape, axis);
  const found = trainedSteps(values, layout, channelMagnitudes(values, layout), LARGEST, EXACTLY);
  return filled(found, channelMagnitudes(values, layout));
}

/** A slice of zeros may have any step. */
function filled(found: readonly (number | undefined)[], magnitudes: readonly number[]): number[] | undefined {
  if (found.some((step, place) => step === undefined && magnitudes[place]! > 0)) return undefined;
  const most = found.reduce<number>((largest, step) => Math.max(largest, step ?? 0), 0);
  return found.map((step) => step ?? (most || 1));
}

/** Steps of blocks along an axis of a matrix, which may lie in pieces, and the codes. */
function blockSteps(
  values: Float32Array,
  shape: readonly number[],
  axis: number,
  block: number,
): { scales: number[]; codes: Int8Array } | undefined {
  const { inner } = channelLayout(shape, axis);
  const scales: number[] = [];
  const codes = new Int8Array(values.length);
  for (let start = 0; start < values.length; start += block * inner) {
    const slab = values.subarray(start, start + block * inner);
    const found = steps(slab, [block, inner], 1);
    if (found === undefined) return undefined;
    slab.forEach((value, index) => {
      codes[start + index] = codeOf(value, found[index % inner]!, LARGEST);
    });
    for (const scale of found) scales.push(scale);
  }
  return { scales, codes };
}
