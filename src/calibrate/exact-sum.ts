/** Every finite float32 number is a whole multiple of this: the least subnormal. */
const UNIT = 2 ** -149;

/**
 * A sum of float32 numbers without rounding, in units of 2^-149: the same in any order. Add what `exactly` gives.
 */
export type ExactSum = bigint;

/** A finite float32 number in units of 2^-149. The product is exact in float64. */
export function exactly(value: number): ExactSum {
  return BigInt(value / UNIT);
}

/** The mean of `count` numbers with this sum, rounded to float64. */
export function meanOf(sum: ExactSum, count: number): number {
  return (Number(sum) * UNIT) / count;
}
