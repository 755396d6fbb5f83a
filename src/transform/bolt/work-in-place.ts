import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { RETIRED } from "./pass.ts";

const IN_PLACE = new Set(["Relu", "Relu6", "HSwish", "HSigmoid", "Sigmoid", "Gelu"]);

/** An activation that alone reads its input gives its result in the same tensor: both get one name (InPlaceOptimizer). */
export async function workInPlace(model: BoltModel): Promise<boolean> {
  let changed = false;
  const nodes = model.graph.nodes;
  for (const node of nodes.slice(1).reverse()) {
    if (node.type === RETIRED || !IN_PLACE.has(node.type) || !canWorkInPlace(model, node)) continue;
    node.input(0).name = node.output().name;
    changed = true;
  }
  return changed;
}

function canWorkInPlace({ graph }: BoltModel, node: BoltNode): boolean {
  const input = node.input(0);
  return input.users.length === 1 && !graph.inputs.includes(input) && !graph.outputs.includes(input);
}
