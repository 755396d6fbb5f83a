import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { retire } from "./pass.ts";

/**
 * What an operator does to a network's input first is done by the caller: a transpose to NCHW or of the last two axes, and
 * a cast to the type it has, go; indices come as integers (InputTransOptimizer).
 */
export async function absorbInputChanges(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    const place = node.type === "Gather" ? 1 : 0;
    const input = node.inputs[place];
    const index = input === undefined ? -1 : model.graph.inputs.indexOf(input);
    if (index < 0 || input?.users.length !== 1) continue;
    if (absorb(model, node, index)) changed = true;
  }
  return changed;
}

function absorb(model: BoltModel, node: BoltNode, index: number): boolean {
  const description = model.inputDescriptions[index]!;
  if (node.type === "Gather" || (node.type === "Embedding" && (model.weights.of(node)?.weight.length ?? 0) > 0)) {
    model.inputDescriptions[index] = { ...description, dataType: "U32" };
    return true;
  }
  if (node.type === "Cast" && node.data.parameters.name("dt") === description.dataType) {
    retire(model, node, true);
    return true;
  }
  const axes = node.type === "Transpose" ? node.data.parameters.counted("axes", "num_axes").join() : "";
  if (axes !== "0,3,1,2" && axes !== "0,2,1") return false;
  const outermostFirst = description.dimensions.toReversed();
  const dimensions = axes.split(",").map((axis) => outermostFirst[Number(axis)]!);
  model.inputDescriptions[index] = {
    dataType: description.dataType,
    dataFormat: description.dataFormat,
    dimensions: dimensions.reverse(),
  };
  retire(model, node, true);
  return true;
}
