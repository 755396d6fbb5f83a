import type { ChannelLayout } from "./weight-scales.ts";

/** Sums of two products are kept below this: 2¹⁵, less what rounding two weights can add, 255 · ½ each. */
export const MOST_PAIR_SUM: number = 2 ** 15 - 1 - 255;

/**
 * How a matrix operator's weight lies, each channel in one piece; `kernel`: positions that lie inside the input channels, 1 but for
 * convolutions.
 */
export interface PairLayout extends ChannelLayout {
  readonly kernel: number;
}

/**
 * By output channel the largest sum of two products that x86 processors without VNNI add in 16 bits: of neighbours in the
 * order in which ONNX Runtime multiplies, kernel positions first, then input channels. `mostCode` tells the largest code
 * that an element of the weight is multiplied with. Products of unlike signs add up to less than one alone.
 */
export function largestPairSums(
  weight: Float32Array,
  { channels, kernel }: PairLayout,
  mostCode: (index: number, channel: number) => number,
): Float64Array {
  const depth = weight.length / channels;
  const inputs = depth / kernel;
  const placeOf = (channel: number, order: number) =>
    channel * depth + (kernel === 1 ? order : (order % inputs) * kernel + Math.floor(order / inputs));
  const sums = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let order = 0; order + 1 < depth; order += 2) {
      const [one, other] = [placeOf(channel, order), placeOf(channel, order + 1)];
      if (weight[one]! * weight[other]! <= 0) continue;
      const sum = Math.abs(weight[one]! * mostCode(one, channel) + weight[other]! * mostCode(other, channel));
      if (sum > sums[channel]!) sums[channel] = sum;
    }
  }
  return sums;
}
