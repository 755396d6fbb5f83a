import type { BoltModel } from "../../bolt/model.ts";
import { NAME_BYTES } from "../../bolt/name-field.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const counters = new WeakMap<BoltModel, number>();

/**
 * The name for a new operator and its output: the one suggested, or a short numbered one where that is too long for a
 * name field (OPOptimizer::allocName).
 */
export function newName(model: BoltModel, suggestion: string): string {
  if (new TextEncoder().encode(suggestion).byteLength < NAME_BYTES) return suggestion;
  const number = counters.get(model) ?? 0;
  counters.set(model, number + 1);
  return `_${inBase60(number)}`;
}

function inBase60(number: number): string {
  const rest = Math.floor(number / 60);
  return (rest > 0 ? inBase60(rest) : "") + DIGITS.charAt(number % 60);
}
