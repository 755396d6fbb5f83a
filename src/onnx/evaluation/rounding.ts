import { bfloat16ToFloat32, float32ToBfloat16 } from "../../graph/bfloat16.ts";
import { float16ToFloat32, float32ToFloat16 } from "../../graph/float16.ts";
import type { Dimension, ElementType } from "../../graph/tensor.ts";

/** Whole numbers between `least` and `most`; what is outside overflows in its own way on each machine: unknown. */
function within(least: number, most: number): (value: number) => Dimension {
  return (value) => {
    const whole = Math.trunc(value);
    return whole >= least && whole <= most ? whole + 0 : undefined;
  };
}

/** INT64_MAX and INT64_MIN, which mean "to the end", are kept though a number does not hold the former exactly. */
function int64(value: number): Dimension {
  const whole = Math.trunc(value) + 0;
  return Number.isSafeInteger(whole) || Math.abs(whole) === 2 ** 63 ? whole : undefined;
}

/** A result in the precision of its element type; undefined where the type cannot hold it or is not calculated with. */
export const ROUNDINGS: Readonly<Partial<Record<ElementType, (value: number) => Dimension>>> = {
  float32: Math.fround,
  float64: (value) => value,
  float16: (value) => float16ToFloat32(float32ToFloat16(value)),
  bfloat16: (value) => bfloat16ToFloat32(float32ToBfloat16(value)),
  int8: within(-128, 127),
  uint8: within(0, 255),
  int16: within(-32768, 32767),
  uint16: within(0, 65535),
  int32: within(-(2 ** 31), 2 ** 31 - 1),
  uint32: within(0, 2 ** 32 - 1),
  int64,
  uint64: (value) => (value >= 0 ? int64(value) : undefined),
  bool: (value) => (value === 0 ? 0 : 1),
};

/** Whether the type's elements are whole numbers. */
export function isInteger(type: ElementType): boolean {
  return /^u?int/.test(type);
}
