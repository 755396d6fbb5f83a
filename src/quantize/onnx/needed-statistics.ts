import { METHOD_NEEDS } from "../../calibrate/find-range.ts";
import type { Collected } from "../../calibrate/statistics.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { dataInputs, weightOf } from "./operator-roles.ts";
import type { Placement } from "./placement.ts";
import { scaleGroups } from "./scale-groups.ts";

/** What must be collected of which values for a plan to be made; one value of those that share a scale. By the value's name. */
export function neededStatistics(model: OnnxModel, placement: Placement): Map<string, Set<Collected>> {
  const { values, quantized } = placement;
  const needs = new Map<string, Set<Collected>>();
  for (const { leader } of scaleGroups(placement)) {
    needs.set(leader.name, new Set([METHOD_NEEDS[values.get(leader)!.activations.method]]));
  }
  for (const node of model.main.graph.nodes) {
    if (quantized.get(node)?.role !== "matrix" || weightOf(node) === undefined) continue;
    for (const { name } of dataInputs(node)) needs.set(name, new Set([...(needs.get(name) ?? []), "channels"]));
  }
  return needs;
}
