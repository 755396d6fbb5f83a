/** How a quotient on the middle of two integers is rounded: to the even one, or away from zero. */
export type TieRule = "half-even" | "half-away";

/** Bits of float32 infinity; a magnitude above it is no number. */
export const INFINITY_BITS = 0x7f800000;

/**
 * Adding 1.5 * 2^52 rounds a double to an integer, ties to even, and leaves the integer in the low bits. That is several
 * times faster than Math.round, and needs no branch on the sign, which random signs would make slow.
 */
const ROUNDER = 6755399441055744;

/** Moves a float32 number off the middle of two integers, away from zero, and past no other float32 number. */
const OFF_THE_MIDDLE = 1 + 2 ** -30;

const rounded = new Float64Array(4);
const integers = new Int32Array(rounded.buffer);

/** Largest magnitude; NaN is passed over. */
export function largestMagnitude(values: Float32Array): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const largest = largestMagnitudeBits(bits);
  if (largest > INFINITY_BITS) return largestNumber(values);
  return float32OfBits(largest);
}

/** The float32 number that these bits are. */
export function float32OfBits(bits: number): number {
  integers[0] = bits;
  return new Float32Array(rounded.buffer, 0, 1)[0]!;
}

/** Magnitudes of floats sort as their bits do. Four at a time, which V8 does at twice the speed. */
function largestMagnitudeBits(bits: Int32Array): number {
  let largest = 0;
  const whole = bits.length & ~3;
  for (let index = 0; index < whole; index += 4) {
    const first = bits[index]! & 0x7fffffff;
    const second = bits[index + 1]! & 0x7fffffff;
    const third = bits[index + 2]! & 0x7fffffff;
    const fourth = bits[index + 3]! & 0x7fffffff;
    if (first > largest) largest = first;
    if (second > largest) largest = second;
    if (third > largest) largest = third;
    if (fourth > largest) largest = fourth;
  }
  for (let index = whole; index < bits.length; index++) largest = Math.max(largest, bits[index]! & 0x7fffffff);
  return largest;
}

function largestNumber(values: Float32Array): number {
  return values.reduce((largest, value) => (Math.abs(value) > largest ? Math.abs(value) : largest), 0);
}

/**
 * q = round(float32(x * scale)); 0 for what is no number. Magnitudes are at most 127 / scale, as those of a tensor that
 * the scale was made for: see `clampForInt8`. `target` has the length of `values`.
 */
export function quantizeInt8(values: Float32Array, scale: number, ties: TieRule, target: Int8Array): void {
  const nudge = ties === "half-away" ? OFF_THE_MIDDLE : 1;
  const whole = values.length & ~3;
  for (let index = 0; index < whole; index += 4) {
    rounded[0] = Math.fround(values[index]! * scale) * nudge + ROUNDER;
    rounded[1] = Math.fround(values[index + 1]! * scale) * nudge + ROUNDER;
    rounded[2] = Math.fround(values[index + 2]! * scale) * nudge + ROUNDER;
    rounded[3] = Math.fround(values[index + 3]! * scale) * nudge + ROUNDER;
    target[index] = integers[0]!;
    target[index + 1] = integers[2]!;
    target[index + 2] = integers[4]!;
    target[index + 3] = integers[6]!;
  }
  for (let index = whole; index < values.length; index++) {
    rounded[0] = Math.fround(values[index]! * scale) * nudge + ROUNDER;
    target[index] = integers[0]!;
  }
}

/** Cuts values to what int8 can hold at `scale`, ±127 / scale. */
export function clampForInt8(values: Float32Array, scale: number): Float32Array {
  const limit = 127 / scale;
  return values.map((value) => Math.max(-limit, Math.min(limit, value)));
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
