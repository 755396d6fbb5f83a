/** How a quotient on the middle of two integers is rounded: to the even one, or away from zero. */
export type TieRule = "half-even" | "half-away";

/** Adding and subtracting 1.5 * 2^52 rounds a double to an integer, ties to even. */
const ROUNDER = 6755399441055744;

/** Largest magnitude; NaN is passed over. */
export function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, Math.abs(values[index]!));
  return Number.isNaN(largest) ? largestOfNumbers(values) : largest;
}

function largestOfNumbers(values: Float32Array): number {
  return values.reduce((largest, value) => (Math.abs(value) > largest ? Math.abs(value) : largest), 0);
}

/**
 * q = round(float32(x * scale)), kept within ±127; 0 for what is no number. `target` has the length of `values`.
 */
export function quantizeInt8(values: Float32Array, scale: number, ties: TieRule, target: Int8Array): void {
  if (ties === "half-even") roundHalfEven(values, scale, target);
  else roundHalfAway(values, scale, target);
}

function roundHalfEven(values: Float32Array, scale: number, target: Int8Array): void {
  for (let index = 0; index < values.length; index++) {
    const rounded = Math.fround(values[index]! * scale) + ROUNDER - ROUNDER;
    target[index] = Math.max(-127, Math.min(127, rounded));
  }
}

/** The sign is taken off and put on again by its bit: a branch on random signs would cost five times as much. */
function roundHalfAway(values: Float32Array, scale: number, target: Int8Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < values.length; index++) {
    const magnitude = (Math.abs(Math.fround(values[index]! * scale)) + 0.5) | 0;
    const kept = magnitude < 127 ? magnitude : 127;
    const sign = bits[index]! >> 31;
    target[index] = (kept ^ sign) - sign;
  }
}

/** Largest |x - q / scale|, every step in float32. */
export function largestInt8Error(values: Float32Array, scale: number, ties: TieRule): number {
  const quantized = new Int8Array(values.length);
  quantizeInt8(values, scale, ties, quantized);
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const error = Math.abs(Math.fround(values[index]! - Math.fround(quantized[index]! / scale)));
    largest = error > largest ? error : largest;
  }
  return largest;
}
