import { meanDiagonal, product } from "./linear-algebra.ts";

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
export function roundWeights(
  weight: Float32Array,
  inputs: number,
  xx: Float64Array,
  { scales, qmax, passes, shrinkage }: RoundingOptions,
): Int8Array {
  const hessian = shrunk(xx, inputs, shrinkage);
  const codes = new Int8Array(weight.length);
  const error = new Float64Array(inputs);
  const gradient = new Float64Array(inputs);
  for (let row = 0; row < weight.length / inputs; row++) {
    const start = row * inputs;
    const scale = scales[scales.length === 1 ? 0 : row]!;
    for (let index = 0; index < inputs; index++) {
      const code = within(Math.round(weight[start + index]! / scale), qmax);
      codes[start + index] = code;
      error[index] = scale * code - weight[start + index]!;
    }
    product(hessian, inputs, error, gradient);
    descend(codes.subarray(start, start + inputs), gradient, hessian, { scale, qmax, passes });
  }
  return codes;
}

function descend(
  codes: Int8Array,
  gradient: Float64Array,
  hessian: Float64Array,
  { scale, qmax, passes }: { readonly scale: number; readonly qmax: number; readonly passes: number },
): void {
  const inputs = codes.length;
  for (let pass = 0; pass < passes; pass++) {
    let moved = false;
    for (let index = 0; index < inputs; index++) {
      const curvature = hessian[index * inputs + index]!;
      if (!(curvature > 0)) continue;
      const step = within(Math.round(codes[index]! - gradient[index]! / (curvature * scale)), qmax) - codes[index]!;
      if (step === 0) continue;
      moved = true;
      codes[index]! += step;
      const start = index * inputs;
      for (let other = 0; other < inputs; other++) gradient[other]! += step * scale * hessian[start + other]!;
    }
    if (!moved) return;
  }
}

function within(code: number, qmax: number): number {
  return Math.min(Math.max(code, -qmax), qmax);
}

function shrunk(xx: Float64Array, size: number, shrinkage: number): Float64Array {
  const damping = DAMPING * meanDiagonal(xx, size);
  const matrix = xx.map((value) => value * (1 - shrinkage));
  for (let index = 0; index < size; index++) matrix[index * size + index] = xx[index * size + index]! + damping;
  return matrix;
}
