import type { Bytes } from "../io/bytes.ts";

/** Bits of one element, by element type. `string` has none: its elements are byte strings of any length. */
export const ELEMENT_BITS = {
  float32: 32,
  float16: 16,
  bfloat16: 16,
  float64: 64,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 8,
  int4: 4,
  uint4: 4,
  int2: 2,
  uint2: 2,
  float4e2m1: 4,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  complex64: 64,
  complex128: 128,
  string: 0,
} as const;

/** What the elements of a tensor are. */
export type ElementType = keyof typeof ELEMENT_BITS;

/**
 * Constant data: little-endian elements in row-major order, elements below 8 bits packed with the first in the low
 * bits. The bytes may still be in the file (see `Bytes`).
 */
export interface Tensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Bytes;
  /** The elements of a `string` tensor; `data` is then empty. */
  readonly strings?: readonly Uint8Array[];
}

/** A dimension: a size, a symbolic name, or unknown. */
export type Dimension = number | string | undefined;

/** What is known of a value's type. `shape` undefined: rank unknown. */
export interface TensorType {
  readonly type: ElementType;
  readonly shape: readonly Dimension[] | undefined;
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Distance in elements between neighbours along each axis, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** A shape as people write it: `1x3x224x224`, unknown sizes as their names or `?`. */
export function shapeText(shape: readonly Dimension[]): string {
  return shape.length === 0 ? "scalar" : shape.map((size) => size ?? "?").join("x");
}

/** A shape with leading dimensions of 1 added or dropped to have `rank` dimensions; as it is where that cannot be. */
export function fittedShape(shape: readonly number[], rank: number | undefined): readonly number[] {
  if (rank === undefined || shape.length === rank) return shape;
  if (shape.length < rank) return [...new Array<number>(rank - shape.length).fill(1), ...shape];
  return elementCount(shape.slice(0, shape.length - rank)) === 1 ? shape.slice(shape.length - rank) : shape;
}

/** Bytes that `count` elements of `type` occupy, the last one rounded up to a whole byte. */
export function byteLength(type: ElementType, count: number): number {
  return Math.ceil((count * ELEMENT_BITS[type]) / 8);
}

/** A tensor wholly in memory: what data sets give, the runtime takes and returns. Layout as in `Tensor`. */
export interface DenseTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}
