import type { ScaleSettings } from "../recipe.ts";

/** A weight taken apart by its channels: element i belongs to channel ⌊i / inner⌋ mod channels. */
export interface ChannelLayout {
  readonly channels: number;
  readonly inner: number;
}

/** How a weight of that shape lies, with channels along `axis`. */
export function channelLayout(shape: readonly number[], axis: number): ChannelLayout {
  return { channels: shape[axis]!, inner: shape.slice(axis + 1).reduce((product, size) => product * size, 1) };
}

/** Smaller ones are no normal float32 numbers. */
const LEAST_SCALE = 2 ** -126;

/** Candidates for the scale with the least squared error, as shares of the largest magnitude's. */
const SHARES = Array.from({ length: 40 }, (_, step) => 1 - step / 80);

/**
 * Scales (float32 numbers) of symmetric codes up to ±`largest`: one a channel, or one alone. Where all weights of a scale
 * are whole multiples of a step, as training with quantization leaves them, that is the scale. A channel of zeros gets the
 * scale of the largest channel; its place is in `dead`.
 */
export function weightScales(
  weight: Float32Array,
  layout: ChannelLayout,
  { granularity, method }: ScaleSettings,
  largest: number,
): WeightScales {
  const magnitudes = channelMagnitudes(weight, layout);
  const most = magnitudes.reduce((most, magnitude) => Math.max(most, magnitude), 0);
  const dead = magnitudes.flatMap((magnitude, channel) => (magnitude === 0 ? [channel] : []));
  const limits = granularity === "per-tensor" ? [most] : magnitudes.map((magnitude) => magnitude || most);
  const scales = limits.map((limit) => scaleReaching(limit, largest));
  const chosen = method === "mse" ? leastErrors(weight, layout, scales, largest) : scales;
  const steps = trainedSteps(weight, layout, granularity === "per-tensor" ? [most] : magnitudes, largest);
  return { scales: chosen.map((scale, place) => steps[place] ?? scale), dead, most };
}

/** The largest magnitude of each channel. */
export function channelMagnitudes(weight: Float32Array, layout: ChannelLayout): number[] {
  const magnitudes = new Array<number>(layout.channels).fill(0);
  forEachRun(weight.length, layout, (channel, start, end) => {
    for (let index = start; index < end; index++) {
      magnitudes[channel] = Math.max(magnitudes[channel]!, Math.abs(weight[index]!));
    }
  });
  return magnitudes;
}

/** What `weightScales` finds. */
export interface WeightScales {
  readonly scales: number[];
  /** Channels of zeros. */
  readonly dead: readonly number[];
  /** The largest magnitude. */
  readonly most: number;
}

/** The scale at which codes up to ±`largest` reach this magnitude. */
export function scaleReaching(magnitude: number, largest: number): number {
  return Math.max(Math.fround((magnitude || 1) / largest), LEAST_SCALE);
}

/** Fewer weights than this can be multiples of a step by chance. */
const LEAST_WEIGHTS = 8;

/** How far from a whole multiple of the step a float32 weight may lie, in steps. */
const STEP_TOLERANCE = 2 ** -10;

/**
 * For each scale the largest step of which all its weights are multiples up to ±`largest`, to `tolerance` of the step; undefined
 * where there is none, or fewer weights than `least`.
 */
export function trainedSteps(
  weight: Float32Array,
  layout: ChannelLayout,
  magnitudes: readonly number[],
  largest: number,
  { tolerance = STEP_TOLERANCE, least = LEAST_WEIGHTS } = {},
): (number | undefined)[] {
  const isShared = magnitudes.length === 1;
  const run = isShared ? weight.length : layout.inner;
  const period = isShared ? run : layout.inner * layout.channels;
  const fits = (step: number, place: number) => {
    for (let start = place * run; start < weight.length; start += period) {
      for (let index = start; index < start + run; index++) {
        const ratio = weight[index]! / step;
        if (Math.abs(ratio - Math.round(ratio)) > tolerance) return false;
      }
    }
    return true;
  };
  const perScale = weight.length / magnitudes.length;
  return magnitudes.map((magnitude, place) => {
    if (perScale < least) return undefined;
    for (let count = 1; magnitude > 0 && count <= largest; count++) {
      const step = Math.fround(magnitude / count);
      if (step >= LEAST_SCALE && fits(step, place)) return step;
    }
    return undefined;
  });
}

/** For each scale the share of it that rounds and clips with the least squared error. */
function leastErrors(
  weight: Float32Array,
  layout: ChannelLayout,
  scales: readonly number[],
  largest: number,
): number[] {
  let best = [...scales];
  let least = new Array<number>(scales.length).fill(Number.POSITIVE_INFINITY);
  for (const share of SHARES) {
    const candidates = scales.map((scale) => Math.fround(scale * share));
    const errors = squaredErrors(weight, layout, candidates, largest);
    best = best.map((scale, index) => (errors[index]! < least[index]! ? candidates[index]! : scale));
    least = least.map((error, index) => Math.min(error, errors[index]!));
  }
  return best;
}

function squaredErrors(
  weight: Float32Array,
  layout: ChannelLayout,
  scales: readonly number[],
  largest: number,
): number[] {
  const errors = new Array<number>(scales.length).fill(0);
  forEachRun(weight.length, layout, (channel, start, end) => {
    const place = scales.length === 1 ? 0 : channel;
    const scale = scales[place]!;
    let sum = 0;
    for (let index = start; index < end; index++)
      sum += (weight[index]! - scale * codeOf(weight[index]!, scale, largest)) ** 2;
    errors[place]! += sum;
  });
  return errors;
}

/** The nearest code, ties to even as ONNX's QuantizeLinear rounds. */
export function codeOf(value: number, scale: number, largest: number): number {
  const ratio = Math.fround(value / scale);
  const even = ratio + EVEN - EVEN;
  return Math.min(Math.max(even, -largest), largest);
}

/** Adding and taking away this rounds a float64 number to a whole one, ties to even. */
const EVEN = 1.5 * 2 ** 52;

/** Calls back for each run of elements of one channel. */
export function forEachRun(
  length: number,
  { channels, inner }: ChannelLayout,
  visit: (channel: number, start: number, end: number) => void,
): void {
  for (let start = 0, channel = 0; start < length; start += inner, channel = (channel + 1) % channels) {
    visit(channel, start, Math.min(start + inner, length));
  }
}
