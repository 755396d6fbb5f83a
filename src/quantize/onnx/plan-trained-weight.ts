import { elementCount } from "../../graph/tensor.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import type { WeightPlan } from "../plan.ts";
import { finiteValues } from "./finite-weights.ts";
import type { WeightPlace } from "./operator-roles.ts";
import { type ChannelLayout, channelLayout, channelMagnitudes, forEachRun, trainedSteps } from "./weight-scales.ts";

/** From this opset on a DequantizeLinear may have a scale for each block. */
const BLOCK_OPSET = 21;

const LARGEST = 127;
const LEAST = -128;

/** What float32 rounds off of products with codes; fewer weights than usual will do, since training is known to have rounded them. */
const EXACTLY = { tolerance: 2 ** -14, least: 1 };

/** The codes that training left a weight in. */
export interface TrainedGrid {
  readonly scales: number[];
  readonly codes: Int8Array;
}

/** The grid with one scale for all of a weight, or for each channel along its axis; undefined where there is none in int8. */
export async function trainedGrid({ value, axis }: WeightPlace): Promise<TrainedGrid | undefined> {
  const { shape, type } = value.constant!;
  if (type !== "float32" || shape.length < 2 || elementCount(shape) === 0) return undefined;
  const values = await finiteValues(value);
  return gridOf(values, { channels: 1, inner: values.length }) ?? gridOf(values, channelLayout(shape, axis));
}

/**
 * How a weight is stored that training rounded although its operator computes in float: as int8 on the trained grid, with one
 * scale, one for each channel, or one for each block of what is summed over. undefined where no such grid gives its numbers.
 */
export async function planTrainedWeight(
  node: OnnxNode,
  place: WeightPlace,
  opset: number,
): Promise<WeightPlan | undefined> {
  const { value, axis } = place;
  const grid = await trainedGrid(place);
  const blocks = (grid ?? opset < BLOCK_OPSET) ? undefined : await blockGrid(place);
  if (grid === undefined && blocks === undefined) return undefined;
  const stored = blocks ?? withCodes(grid!);
  return {
    operator: node.name,
    name: value.name,
    type: "int8",
    method: "table",
    largest: LARGEST,
    axis,
    granularity: grid?.scales.length === 1 ? "per-tensor" : "per-channel",
    reason: "rounded in training, where what it multiplies was float",
    ...stored,
  };
}

/** Codes are said where they are not the nearest ones up to ±127. */
export function withCodes({ scales, codes }: TrainedGrid): Pick<WeightPlan, "scales" | "codes"> {
  return codes.includes(LEAST) ? { scales, codes } : { scales };
}

function gridOf(values: Float32Array, layout: ChannelLayout): TrainedGrid | undefined {
  const magnitudes = channelMagnitudes(values, layout);
  const found = trainedSteps(values, layout, magnitudes, -LEAST, EXACTLY);
  if (found.some((step, channel) => step === undefined && magnitudes[channel]! > 0)) return undefined;
  const most = found.reduce<number>((largest, step) => Math.max(largest, step ?? 0), 0);
  // A slice of zeros may have any step.
  const scales = found.map((step) => step ?? (most || 1));
  const codes = new Int8Array(values.length);
  let fits = true;
  forEachRun(values.length, layout, (channel, start, end) => {
    for (let index = start; index < end; index++) {
      codes[index] = Math.round(values[index]! / scales[channel]!);
      if (values[index]! > (LARGEST + 0.5) * scales[channel]!) fits = false;
    }
  });
  return fits ? { scales, codes } : undefined;
}

/** The grid of a matrix in the largest blocks along what is summed over. */
async function blockGrid({
  value,
  axis,
}: WeightPlace): Promise<(TrainedGrid & Pick<WeightPlan, "axis" | "block">) | undefined> {
  const { shape, type } = value.constant!;
  if (type !== "float32" || shape.length !== 2) return undefined;
  const values = await finiteValues(value);
  const along = 1 - axis;
  const { inner } = channelLayout(shape, along);
  for (let block = shape[along]! >> 1; block > 1; block--) {
    const found = shape[along]! % block === 0 ? slabGrids(values, block, inner) : undefined;
    if (found !== undefined) return { ...found, axis: along, block };
  }
  return undefined;
}

/** Grids of blocks that lie in slabs of `block` × `inner` numbers, one after the other. */
function slabGrids(values: Float32Array, block: number, inner: number): TrainedGrid | undefined {
  const scales: number[] = [];
  const codes = new Int8Array(values.length);
  for (let start = 0; start < values.length; start += block * inner) {
    const found = gridOf(values.subarray(start, start + block * inner), { channels: inner, inner: 1 });
    if (found === undefined) return undefined;
    codes.set(found.codes, start);
    for (const scale of found.scales) scales.push(scale);
  }
  return { scales, codes };
}
