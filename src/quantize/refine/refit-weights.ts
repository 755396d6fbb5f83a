import { type CentredSamples, meanByCount, type SampleHalf } from "./layer-samples.ts";
import { choleskyFactor, inverseFactor, meanDiagonal } from "./linear-algebra.ts";
import type { MatrixProducts } from "./matrix-products.ts";

/** Strengths of the ridge, in units of the mean variance of the inputs. */
const RIDGES = [3e-4, 3e-3, 3e-2, 0.3];

/**
 * Weights that give the float network's outputs from the inputs that the quantized network really has, by ridge regression
 * about `weight`. The ridge is the one that errs least on the half of the examples that it was not fitted on; the weights
 * stay when none helps there. `weight` is `outputs` × `inputs`; `covariances` are those of the halves.
 */
export async function refitWeights(
  weight: Float32Array,
  { inputs, halves }: CentredSamples,
  covariances: readonly [Float32Array, Float32Array],
  products: MatrixProducts,
): Promise<Float32Array> {
  const [one, other] = [
    await errorsOf(weight, inputs, halves[0], covariances[0], products),
    await errorsOf(weight, inputs, halves[1], covariances[1], products),
  ];
  let best = { ridge: undefined as number | undefined, loss: 1 };
  for (const ridge of RIDGES) {
    const fromOne = await steps(one.xx, one.rx, inputs, ridge, products);
    const fromOther = await steps(other.xx, other.rx, inputs, ridge, products);
    if (fromOne === undefined || fromOther === undefined) continue;
    const losses = [
      await meanLoss(fromOne, inputs, other, products),
      await meanLoss(fromOther, inputs, one, products),
    ] as const;
    const loss = (losses[0] + losses[1]) / 2;
    if (loss < best.loss) best = { ridge, loss };
  }
  if (best.ridge === undefined) return weight;
  const [xx, rx] = [meanByCount(covariances, halves), meanByCount([one.rx, other.rx], halves)];
  const found = await steps(xx, rx, inputs, best.ridge, products);
  return found === undefined ? weight : weight.map((value, index) => value + found[index]!);
}

/** How a weight errs on samples. */
interface RowErrors {
  readonly xx: Float32Array;
  /** `outputs` × `inputs`: mean of (z − W x) xᵀ. */
  readonly rx: Float32Array;
  /** By output: mean of (z − W x)². */
  readonly rr: Float64Array;
}

async function errorsOf(
  weight: Float32Array,
  inputs: number,
  { count, x, z }: SampleHalf,
  xx: Float32Array,
  products: MatrixProducts,
): Promise<RowErrors> {
  const residuals = await products.times(weight, x, inputs);
  for (let at = 0; at < residuals.length; at++) residuals[at] = z[at]! - residuals[at]!;
  const rx = await products.timesTransposed(residuals, x, count);
  for (let at = 0; at < rx.length; at++) rx[at]! /= count;
  const rr = new Float64Array(weight.length / inputs);
  for (let row = 0, at = 0; row < rr.length; row++) {
    let sum = 0;
    for (const end = at + count; at < end; at++) sum += residuals[at]! ** 2;
    rr[row] = sum / count;
  }
  return { xx, rx, rr };
}

/** (H + ridge)⁻¹ (mean of residual · x), row by row; undefined when that cannot be solved. */
async function steps(
  xx: Float32Array,
  rx: Float32Array,
  inputs: number,
  ridge: number,
  products: MatrixProducts,
): Promise<Float32Array | undefined> {
  const damped = Float64Array.from(xx);
  const damping = ridge * meanDiagonal(damped, inputs);
  for (let index = 0; index < inputs; index++) damped[index * inputs + index]! += damping;
  const factor = choleskyFactor(damped, inputs);
  if (factor === undefined) return undefined;
  const inverted = inverseFactor(factor, inputs);
  return products.times(await products.timesTransposed(rx, inverted, inputs), inverted, inputs);
}

/** Squared error after the steps by that before, mean over the rows. */
async function meanLoss(
  step: Float32Array,
  inputs: number,
  { xx, rx, rr }: RowErrors,
  products: MatrixProducts,
): Promise<number> {
  const moved = await products.times(step, xx, inputs);
  let sum = 0;
  for (let row = 0, at = 0; row < rr.length; row++) {
    const before = rr[row]!;
    let change = 0;
    for (const end = at + inputs; at < end; at++) change += step[at]! * (moved[at]! - 2 * rx[at]!);
    sum += before > 0 ? (before + change) / before : 1;
  }
  return sum / rr.length;
}
