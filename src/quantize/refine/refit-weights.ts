import type { LayerMoments } from "./layer-samples.ts";
import { choleskyFactor, meanDiagonal, product, solveFactored } from "./linear-algebra.ts";

/** Strengths of the ridge, in units of the mean variance of the inputs. */
const RIDGES = [3e-4, 3e-3, 3e-2, 0.3];

/**
 * Weights that give the float network's outputs from the inputs that the quantized network really has, by ridge regression
 * about `weight`. The ridge is the one that errs least on the half of the samples it was not fitted on; the weights stay
 * when none helps there. `weight` is `outputs` × `inputs`; both halves are about the same means.
 */
export function refitWeights(
  weight: Float32Array,
  inputs: number,
  halves: readonly [LayerMoments, LayerMoments],
  whole: LayerMoments,
): Float32Array {
  let best = { ridge: undefined as number | undefined, loss: 1 };
  for (const ridge of RIDGES) {
    const [one, other] = halves;
    const [fromOne, fromOther] = [steps(weight, inputs, one, ridge), steps(weight, inputs, other, ridge)];
    if (fromOne === undefined || fromOther === undefined) continue;
    const loss = (meanLoss(fromOne, weight, inputs, other) + meanLoss(fromOther, weight, inputs, one)) / 2;
    if (loss < best.loss) best = { ridge, loss };
  }
  const found = best.ridge === undefined ? undefined : steps(weight, inputs, whole, best.ridge);
  return found === undefined ? weight : weight.map((value, index) => value + found[index]!);
}

/** (H + ridge)⁻¹ (mean of residual · x), row by row; undefined when that cannot be solved. */
function steps(weight: Float32Array, inputs: number, moments: LayerMoments, ridge: number): Float64Array | undefined {
  const damped = moments.xx.slice();
  const damping = ridge * meanDiagonal(damped, inputs);
  for (let index = 0; index < inputs; index++) damped[index * inputs + index]! += damping;
  const factor = choleskyFactor(damped, inputs);
  if (factor === undefined) return undefined;
  const found = residualProducts(weight, inputs, moments);
  for (let start = 0; start < found.length; start += inputs)
    solveFactored(factor, inputs, found.subarray(start, start + inputs));
  return found;
}

/** By row: mean of (z − W x) x. */
function residualProducts(weight: Float32Array, inputs: number, { xx, zx }: LayerMoments): Float64Array {
  const found = zx.slice();
  const predicted = new Float64Array(inputs);
  for (let start = 0; start < found.length; start += inputs) {
    product(xx, inputs, weight.subarray(start, start + inputs), predicted);
    for (let index = 0; index < inputs; index++) found[start + index]! -= predicted[index]!;
  }
  return found;
}

/** Squared error after the steps by that before, mean over the rows. */
function meanLoss(step: Float64Array, weight: Float32Array, inputs: number, moments: LayerMoments): number {
  const residuals = residualProducts(weight, inputs, moments);
  const moved = new Float64Array(inputs);
  let sum = 0;
  const rows = step.length / inputs;
  for (let row = 0; row < rows; row++) {
    const start = row * inputs;
    const before = rowError(weight.subarray(start, start + inputs), inputs, moments, row);
    const delta = step.subarray(start, start + inputs);
    product(moments.xx, inputs, delta, moved);
    let change = 0;
    for (let index = 0; index < inputs; index++)
      change += delta[index]! * (moved[index]! - 2 * residuals[start + index]!);
    sum += before > 0 ? (before + change) / before : 1;
  }
  return sum / rows;
}

/** Mean of (z − w x)². */
function rowError(row: Float32Array, inputs: number, { xx, zx, zz }: LayerMoments, output: number): number {
  const predicted = new Float64Array(inputs);
  product(xx, inputs, row, predicted);
  let error = zz[output]!;
  for (let index = 0; index < inputs; index++)
    error += row[index]! * (predicted[index]! - 2 * zx[output * inputs + index]!);
  return error;
}
