import { descentOn } from "./descent-kernel.ts";
import { byDiagonal, meanDiagonal, orderedFactor } from "./linear-algebra.ts";
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

/** Longer rows start at the nearest codes: a Cholesky factor takes the cube of their length, and it gains little there. */
const MOST_FACTORED_INPUTS = 576;

/** Share of the mean variance that is added to each input's: inputs that never change do not weigh nothing. */
const DAMPING = 0.01;

/**
 * Codes of a weight (`outputs` × `inputs`) whose errors cancel in the outputs: first each makes up for the errors of those before it
 * (GPTQ: Frantar and others, 2023), then each in turn takes the value that is best given all others (coordinate descent on
 * (sQ − W) H (sQ − W)ᵀ). `xx` is the covariance H of the inputs.
 */
export async function roundWeights(
  weight: Float32Array,
  inputs: number,
  xx: Float32Array,
  { scales, qmax, passes, shrinkage }: RoundingOptions,
  products: MatrixProducts,
): Promise<Int8Array> {
  const hessian = shrunk(xx, inputs, shrinkage);
  const start = compensatedCodes(weight, hessian, { inputs, scales, qmax });
  const errors = realOf(start, inputs, scales);
  for (let at = 0; at < errors.length; at++) errors[at]! -= weight[at]!;
  const gradients = await products.times(errors, hessian, inputs);
  const codes = Float32Array.from(start);
  const { descend } = descentOn(hessian, inputs);
  for (let at = 0, row = 0; at < codes.length; at += inputs, row++) {
    const [own, gradient] = [codes, gradients].map((all) => all.subarray(at, at + inputs)) as [
      Float32Array,
      Float32Array,
    ];
    descend(own, gradient, { scale: scales[scales.length === 1 ? 0 : row]!, most: qmax, passes });
  }
  return Int8Array.from(codes);
}

/** Each weight rounded with what makes up for the errors of those before it, those of the largest inputs first. */
function compensatedCodes(
  weight: Float32Array,
  hessian: Float32Array,
  { inputs, scales, qmax }: Pick<RoundingOptions, "scales" | "qmax"> & { readonly inputs: number },
): Int8Array {
  const order = byDiagonal(hessian, inputs);
  const factor = inputs > MOST_FACTORED_INPUTS ? undefined : orderedFactor(hessian, order, 0);
  if (factor === undefined) return nearestCodes(weight, inputs, scales, qmax);
  const codes = new Int8Array(weight.length);
  const errors = new Float64Array(inputs);
  for (let start = 0, row = 0; start < weight.length; start += inputs, row++) {
    const scale = scales[scales.length === 1 ? 0 : row]!;
    for (let place = inputs - 1; place >= 0; place--) {
      const [value, own] = [weight[start + order[place]!]!, place * inputs];
      let sum = 0;
      for (let other = place + 1; other < inputs; other++) sum += factor[own + other]! * errors[other]!;
      const code = Math.min(Math.max(Math.round((value + sum / factor[own + place]!) / scale), -qmax), qmax);
      codes[start + order[place]!] = code;
      errors[place] = value - scale * code;
    }
  }
  return codes;
}

/** Squared error that codes bring to each row's outputs. */
export async function roundingErrors(
  weight: Float32Array,
  inputs: number,
  xx: Float32Array,
  { scales, shrinkage }: Pick<RoundingOptions, "scales" | "shrinkage">,
  codes: Int8Array,
  products: MatrixProducts,
): Promise<number[]> {
  const errors = realOf(codes, inputs, scales).map((value, at) => value - weight[at]!);
  const gradients = await products.times(errors, shrunk(xx, inputs, shrinkage), inputs);
  return Array.from({ length: weight.length / inputs }, (_, row) => {
    let sum = 0;
    for (let at = row * inputs; at < (row + 1) * inputs; at++) sum += errors[at]! * gradients[at]!;
    return sum;
  });
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
