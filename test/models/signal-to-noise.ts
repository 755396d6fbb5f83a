import type { Outputs } from "./run.ts";

/** The ratio of signal and error over all outputs of two runs, in decibels. */
export function signalToNoise(exact: Outputs, other: Outputs): number {
  const [numbers, approximations] = [exact.values.flat(), other.values.flat()];
  const power = (values: readonly number[]) => values.reduce((total, value) => total + value * value, 0);
  return 10 * Math.log10(power(numbers) / power(numbers.map((number, place) => number - approximations[place]!)));
}
