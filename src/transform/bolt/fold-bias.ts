import type { BoltModel } from "../../bolt/model.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

/** A summand right behind an FC without bias becomes its bias (InnerProductOptimizer). */
export async function foldBias(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  const nodes = model.graph.nodes;
  for (const [place, node] of nodes.entries()) {
    const next = nodes[place + 1];
    if (node.type !== "FC" || next?.type !== "Scale" || next.inputs.length !== 1 || onlyReader(node) !== next) continue;
    if (!asBolt && model.graph.outputs.includes(node.output())) continue;
    const [record, summand] = [model.weights.of(node), model.weights.of(next)];
    if (record === undefined || summand === undefined) continue;
    if (record.weight.length === 0 || record.vector.length > 0 || summand.weight.length > 0) continue;
    if (summand.vector.length !== 4 * node.data.parameters.number("num_outputs")) continue;
    record.vector = summand.vector;
    node.output().name = next.output().name;
    retire(model, next, true);
    changed = true;
  }
  return changed;
}
