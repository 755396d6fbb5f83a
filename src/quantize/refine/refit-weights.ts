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
  const [one, other] = halves.map((moments) => errorsOf(weight, inputs, moments)) as [RowErrors, RowErrors];
  let best = { ridge: undefined as number | undefined, loss: 1 };
  for (const ridge of RIDGES) {
    const [fromOne, fromOther] = [steps(one, inputs, ridge), steps(other, inputs, ridge)];
    if (fromOne === undefined || fromOther === undefined) continue;
    const loss = (meanLoss(fromOne, inputs, other) + meanLoss(fromOther, inputs, one)) / 2;
    if (loss < best.loss) best = { ridge, loss };
  }
  const found = best.ridge === undefined ? undefined : steps(errorsOf(weight, inputs, whole), inputs, best.ridge);
  return found === undefined ? weight : weight.map((value, index) => value + found[index]!);
}

/** How a weight errs on samples. */
interface RowErrors {
  readonly xx: Float64Array;
  /** `outputs` × `inputs`: mean of (z − W x) x. */
  readonly products: Float64Array;
  /** By output: mean of (z − W x)². */
  readonly squares: Float64Array;
}

function errorsOf(weight: Float32Array, inputs: number, { xx, zx, zz }: LayerMoments): RowErrors {
  const products = zx.slice();
  const squares = zz.slice();
  const predicted = new Float64Array(inputs);
  for (let output = 0; output < squares.length; output++) {
    const start = output * inputs;
    product(xx, inputs, weight.subarray(start, start + inputs), predicted);
    for (let index = 0; index < inputs; index++) {
      squares[output]! += weight[start + index]! * (predicted[index]! - 2 * products[start + index]!);
      products[start + index]! -= predicted[index]!;
    }
  }
  return { xx, products, squares };
}

/** (H + ridge)⁻¹ (mean of residual · x), row by row; undefined when that cannot be solved. */
function steps({ xx, products }: RowErrors, inputs: number, ridge: number): Float64Array | undefined {
  const damped = xx.slice();
  const damping = ridge * meanDiagonal(damped, inputs);
  for (let index = 0; index < inputs; index++) damped[index * inputs + index]! += damping;
  const factor = choleskyFactor(damped, inputs);
  if (factor === undefined) return undefined;
  const found = products.slice();
  for (let start = 0; start < found.length; start += inputs)
    solveFactored(factor, inputs, found.subarray(start, start + inputs));
  return found;
}

/** Squared error after the steps by that before, mean over the rows. */
function meanLoss(step: Float64Array, inputs: number, { xx, products, squares }: RowErrors): number {
  const moved = new Float64Array(inputs);
  let sum = 0;
  for (let row = 0; row < squares.length; row++) {
    const start = row * inputs;
    const before = squares[row]!;
    product(xx, inputs, step.subarray(start, start + inputs), moved);
    let change = 0;
    for (let index = 0; index < inputs; index++)
      change += step[start + index]! * (moved[index]! - 2 * products[start + index]!);
    sum += before > 0 ? (before + change) / before : 1;
  }
  return sum / squares.length;
}
