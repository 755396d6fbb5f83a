/** float32(a * b + c) with a single rounding, as a CPU's fused multiply-add gives it; all three are float32 numbers. */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b; // exact: 24 + 24 bits fit in a double
  const sum = product + c;
  const summand = sum - product;
  const lost = product - (sum - summand) + (c - summand);
  return Math.fround(lost === 0 ? sum : offTie(sum, lost));
}

const scratch = new DataView(new ArrayBuffer(8));

/** A sum that was rounded to the middle of two float32 numbers is moved to the side where it truly lies. */
function offTie(sum: number, lost: number): number {
  scratch.setFloat64(0, sum);
  const bits = scratch.getBigInt64(0);
  if ((bits & 0x1fffffffn) !== 0x10000000n) return sum;
  scratch.setBigInt64(0, bits + (lost > 0 === sum > 0 ? 1n : -1n));
  return scratch.getFloat64(0);
}
