import type { LayerLoss } from "./layer-losses.ts";
import { rangeOf } from "./quantizer-noise.ts";

/** Operators that lose, the worst first. */
export function rankedLosses(losses: readonly LayerLoss[]): LayerLoss[] {
  return losses.filter(({ noise }) => noise > 0).toSorted((one, other) => costOf(other) - costOf(one));
}

/** The best that 8 bits give a weight of normally distributed numbers: about 40 dB. */
const WEIGHT_NOISE = 1e-4;

/**
 * What better numbers for this operator would win back: the share of the outputs' power that its error takes, without what every operator in
 * 8 bits takes. Of operators that cost alike the one whose own value errs more comes first.
 */
function costOf(loss: LayerLoss): number {
  const { effect, noise, output } = loss;
  const own = noise / Math.max(output.power, Number.MIN_VALUE);
  const carried = effect === undefined ? UNMEASURED * own : 10 ** (-effect / 10);
  return carried * Math.sqrt(own) * Math.max(LEAST_EXCESS, 1 - attainableNoise(loss) / noise) + Number.MIN_VALUE * own;
}

/** What counts of an error that 8 bits cannot do without. */
const LEAST_EXCESS = 0.01;

/** Operators whose effect is not measured err less than those for which it is: they come behind. */
const UNMEASURED = 1e-12;

/** Power of the error that an operator keeps however well 8 bits are used. */
function attainableNoise({ output, quantizer }: LayerLoss): number {
  if (quantizer === undefined) return WEIGHT_NOISE * output.power;
  const [low, high] = [Math.min(output.minimum, 0), Math.max(output.maximum, 0)];
  const [least, most] = rangeOf(quantizer);
  const step = Math.min(high - low, most - least) / (quantizer.most - quantizer.least);
  return (output.numbers * step * step) / 12 + WEIGHT_NOISE * output.power;
}
