import { METHOD_NEEDS } from "../../calibrate/find-range.ts";
import type { Collected } from "../../calibrate/statistics.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { Recipe } from "../recipe.ts";
import { dataInputs, weightOf } from "./operator-roles.ts";
import type { Placement } from "./placement.ts";

/** What must be collected of which values for a plan to be made; only what will be quantized. By the value's name. */
export function neededStatistics(
  model: OnnxModel,
  recipe: Recipe,
  { values, quantized }: Placement,
): Map<string, Set<Collected>> {
  const needs = new Map<string, Set<Collected>>();
  for (const [value, { activations }] of values) needs.set(value.name, new Set([METHOD_NEEDS[activations.method]]));
  if (recipe.biasCorrection !== false) {
    for (const node of model.main.graph.nodes) {
      if (quantized.get(node)?.role !== "matrix" || weightOf(node) === undefined) continue;
      for (const input of dataInputs(node)) needs.get(input.name)?.add("channels");
    }
  }
  return needs;
}
