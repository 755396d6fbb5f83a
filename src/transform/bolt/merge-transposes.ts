import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { onlyReader, retire } from "./pass.ts";

/** Activations that a transpose may be moved over. */
const TRANSPARENT = new Set(["Relu", "Relu6", "TanH"]);

/** Makes one Transpose of two in a row, with at most an activation between, or none where they cancel (TransposeOptimizer). */
export async function mergeTransposes(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type !== "Transpose" || node.inputs.length !== 1) continue;
    const next = nextTranspose(node, model);
    if (next === undefined) continue;
    const first = node.data.parameters.counted("axes", "num_axes");
    const axes = next.data.parameters.counted("axes", "num_axes").map((axis) => first[axis] ?? axis);
    next.data.parameters.set("axes", axes);
    if (axes.every((axis, index) => axis === index)) retire(model, next, true);
    retire(model, node, true);
    changed = true;
  }
  return changed;
}

function nextTranspose(node: BoltNode, model: BoltModel): BoltNode | undefined {
  const follow = (from: BoltNode) => (model.graph.outputs.includes(from.output()) ? undefined : onlyReader(from));
  const reader = follow(node);
  const next = reader !== undefined && TRANSPARENT.has(reader.type) ? follow(reader) : reader;
  const rank = (transpose: BoltNode) => transpose.data.parameters.number("num_axes");
  return next?.type === "Transpose" && rank(next) === rank(node) ? next : undefined;
}
