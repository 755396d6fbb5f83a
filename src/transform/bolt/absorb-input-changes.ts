import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { type PassOptions, retire } from "./pass.ts";

/**
 * What an operator does to a network's input first is done by the caller: a transpose to NCHW or of the last two axes, and
 * a cast to the type it has, go; indices come as integers (InputTransOptimizer).
 */
export async function absorbInputChanges(model: BoltModel, options: PassOptions): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    const place = node.type === "Gather" ? 1 : 0;
    const input = node.inputs[place];
    const index = input === undefined ? -1 : model.graph.inputs.indexOf(input);
    if (index < 0 || input?.users.length !== 1) continue;
    if (absorb(model, node, index, options)) changed = true;
  }
  return changed;
}

function absorb(model: BoltModel, node: BoltNode, index: number, options: PassOptions): boolean {
  const description = model.inputDescriptions[index]!;
  if (node.type === "Gather" || (node.type === "Embedding" && (model.weights.of(node)?.weight.length ?? 0) > 0)) {
    model.inputDescriptions[index] = { ...description, dataType: "U32" };
    return true;
  }
  if (node.type === "Cast" && node.data.parameters.name("dt") === description.dataType) {
    retire(model, node, true);
    return true;
  }
  if (node.type !== "Transpose" || options.keepLayout) return false;
  const axes = node.data.parameters.counted("axes", "num_axes");
  if (!FOLDED_TRANSPOSES.has(axes.join())) return false;
  const outermostFirst = description.dimensions.toReversed();
  const dimensions = axes.map((axis) => outermostFirst[axis]!).reverse();
  const { dataType, dataFormat } = description;
  model.inputDescriptions[index] = { dataType, dataFormat, dimensions };
  options.onFoldedTranspose?.(node.input(0), axes);
  retire(model, node, true);
  return true;
}

const FOLDED_TRANSPOSES: ReadonlySet<string> = new Set(["0,3,1,2", "0,2,1"]);
