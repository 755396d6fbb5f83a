import { descentOn } from "./descent-kernel.ts";
import { meanDiagonal } from "./linear-algebra.ts";
import type { MatrixProducts } from "./matrix-products.ts";

export interface RoundingOptions {
  /** What one code is worth, by row. */
  readonly scales: readonly number[];
  /** Codes reach from minus this to this. */
  readonly qmax: number;
  /** Times that every weight is looked at again. */
  readonly passes: number;
  /** Share of the covariances that is taken away, as they were seen in few samples; 0: none. */
  readonly shrinkage: number;
}

/** Share of the mean variance that is added to each input's: inputs that never change do not weigh nothing. */
const DAMPING = 0.01;

/**
 * Codes of a weight (`outputs` × `inputs`) whose errors cancel in the outputs: each code in turn takes the value that is best
 * given all others (coordinate descent on (sQ − W) H (sQ − W)ᵀ). `xx` is the covariance H of the inputs.
 */
export async function roundWeights(
  weight: Float32Array,
  inputs: number,
  xx: Float32Array,
  { scales, qmax, passes, shrinkage }: RoundingOptions,
  products: MatrixProducts,
): Promise<Int8Array> {
  const hessian = shrunk(xx, inputs, shrinkage);
  const nearest = nearestCodes(weight, inputs, scales, qmax);
  const errors = realOf(nearest, inputs, scales);
  for (let at = 0; at < errors.length; at++) errors[at]! -= weight[at]!;
  const gradients = await products.times(errors, hessian, inputs);
  const codes = Float32Array.from(nearest);
  const { descend } = descentOn(hessian, inputs);
  for (let start = 0, row = 0; start < codes.length; start += inputs, row++) {
    const [own, gradient] = [codes, gradients].map((all) => all.subarray(start, start + inputs)) as [
      Float32Array,
      Float32Array,
    ];
    descend(own, gradient, { scale: scales[scales.length === 1 ? 0 : row]!, most: qmax, passes });
  }
  return Int8Array.from(codes);
}

/** Each weight rounded for itself. */
export function nearestCodes(weight: Float32Array, inputs: number, scales: readonly number[], qmax: number): Int8Array {
  const codes = new Int8Array(weight.length);
  for (let at = 0, row = 0; at < codes.length; row++) {
    const scale = scales[scales.length === 1 ? 0 : row]!;
    for (const end = at + inputs; at < end; at++)
      codes[at] = Math.min(Math.max(Math.round(weight[at]! / scale), -qmax), qmax);
  }
  return codes;
}

/** The weights that codes stand for. */
export function realOf(codes: Int8Array, inputs: number, scales: readonly number[]): Float32Array {
  const weight = new Float32Array(codes.length);
  for (let at = 0, row = 0; at < codes.length; row++) {
    const scale = scales[scales.length === 1 ? 0 : row]!;
    for (const end = at + inputs; at < end; at++) weight[at] = codes[at]! * scale;
  }
  return weight;
}

function shrunk(xx: Float32Array, size: number, shrinkage: number): Float32Array {
  const damping = DAMPING * meanDiagonal(xx, size);
  const matrix = xx.map((value) => value * (1 - shrinkage));
  for (let index = 0; index < size; index++) matrix[index * size + index] = xx[index * size + index]! + damping;
  return matrix;
}
