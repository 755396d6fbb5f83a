import { denseTensor } from "../../src/graph/dense-values.ts";
import type { DenseTensor, Tensor } from "../../src/graph/tensor.ts";
import { elementCount } from "../../src/graph/tensor.ts";
import { floatTensor } from "../../src/onnx/tensor-data.ts";

/** Normally distributed numbers, the same for the same seed. */
export function normalValues(count: number, seed = 1): Float32Array {
  let state = Math.imul(seed, 2654435761) >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(6.28 * uniform()));
}

/** A float32 constant of normally distributed numbers. */
export function normalTensor(shape: readonly number[], seed = 1): Tensor {
  return floatTensor(shape, normalValues(elementCount(shape), seed));
}

/** A float32 constant of numbers between 0.5 and 2: variances, divisors. */
export function positiveTensor(shape: readonly number[], seed = 1): Tensor {
  return floatTensor(
    shape,
    normalValues(elementCount(shape), seed).map((value) => 0.5 + 1.5 / (1 + value * value)),
  );
}

/** A float32 network input of normally distributed numbers. */
export function normalInput(shape: readonly number[], seed = 1): DenseTensor {
  return denseTensor("float32", shape, normalValues(elementCount(shape), seed));
}
