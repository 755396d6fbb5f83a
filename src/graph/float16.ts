const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Bits of the float16 nearest to `value` (ties to even; 65520 and above is infinite, subnormals are kept). */
export function float32ToFloat16(value: number): number {
  scratch[0] = value;
  return narrow(scratchBits[0]!);
}

/** The number that float16 `bits` stand for. */
export function float16ToFloat32(bits: number): number {
  return widened()[bits & 0xffff]!;
}

/** Converts all of `source`; `target` has the same length. */
export function narrowToFloat16(source: Float32Array, target: Uint16Array): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let index = 0; index < bits.length; index++) target[index] = narrow(bits[index]!);
}

/** Converts all of `source`; `target` has the same length. */
export function widenFromFloat16(source: Uint16Array, target: Float32Array): void {
  const table = widened();
  for (let index = 0; index < source.length; index++) target[index] = table[source[index]!]!;
}

/** Float32 bits of 65520 (what rounds to infinity), of 2^-14 (the least normal float16), and of 0.5. */
const OVERFLOW = 0x477ff000;
const LEAST_NORMAL = 0x38800000;
const HALF = 0x3f000000;

function narrow(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude < LEAST_NORMAL) return sign | narrowSubnormal(magnitude);
  if (magnitude >= OVERFLOW) return sign | (magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >> 13) & 0x3ff) : 0x7c00);
  const rebiased = magnitude - 0x38000000;
  return sign | ((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13);
}

/** The unit in the last place of 0.5 in float32 is the least float16: adding 0.5 rounds to it. */
function narrowSubnormal(magnitude: number): number {
  scratchBits[0] = magnitude;
  scratch[0] = scratch[0]! + 0.5;
  return scratchBits[0]! - HALF;
}

let table: Float32Array | undefined;

function widened(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, bits) => widen(bits));
  return table;
}

function widen(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
