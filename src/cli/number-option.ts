import { InvalidArgumentError } from "commander";

/** A whole number of at least 1, for commander. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("Give a whole number of at least 1.");
}

/** A whole number of at least 0. */
export function parseNonNegative(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("Give a whole number of at least 0.");
}
