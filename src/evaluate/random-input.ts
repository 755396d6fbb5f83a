import { denseTensor } from "../graph/dense-values.ts";
import { type DenseTensor, type ElementType, elementCount } from "../graph/tensor.ts";

const WHOLE_BYTES: ReadonlySet<ElementType> = new Set(["uint8", "int8"]);

/**
 * A network input of random numbers, the same for the same seed: normally distributed ones; whole ones from 0 to 127 for
 * bytes; 0 or 1 for other integers, which as indices or counts are right in any network.
 */
export function randomInput(type: ElementType, shape: readonly number[], seed: number): DenseTensor {
  const uniform = uniformNumbers(seed);
  const drawn: () => number = WHOLE_BYTES.has(type)
    ? () => Math.floor(128 * uniform())
    : type.startsWith("float") || type.startsWith("bfloat")
      ? () => normal(uniform)
      : () => Math.floor(2 * uniform());
  return denseTensor(type, shape, Float64Array.from({ length: elementCount(shape) }, drawn));
}

/** Box and Muller's transform of two uniform numbers. */
function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Numbers between 0 and 1, both excluded: Marsaglia's xorshift of 32 bits. */
function uniformNumbers(seed: number): () => number {
  let state = Math.imul(seed + 1, 2654435761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
}
