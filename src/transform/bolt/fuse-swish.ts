import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { changeType } from "./change-type.ts";
import { onlyReader, retire } from "./pass.ts";

/** x * sigmoid(x) becomes a Swish (SwishOptimizer). */
export async function fuseSwish(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type !== "Sigmoid" || model.graph.outputs.includes(node.output())) continue;
    const product = onlyReader(node);
    if (product === undefined || !multiplies(product, node.output(), node.input(0))) continue;
    const input = node.input(0);
    product.setInputs([input]);
    changeType(model, product, "Swish");
    retire(model, node, false);
    changed = true;
  }
  return changed;
}

/** Whether `node` is the product of just these two values, in either order. */
export function multiplies(node: BoltNode, one: unknown, other: unknown): boolean {
  if (node.type !== "Eltwise" || node.inputs.length !== 2 || node.data.parameters.name("mode") !== "PROD") return false;
  const [first, second] = node.inputs;
  return (first === one && second === other) || (first === other && second === one);
}
