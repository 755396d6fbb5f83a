import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

/**
 * A Transpose that exchanges the last two axes of a MatMul's operand becomes a flag of the MatMul; one that also moves
 * others leaves the exchange to it (TransposeMatMulToFCOptimizer).
 */
export async function foldTransposeIntoMatmul(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type !== "Transpose" || node.inputs.length !== 1 || model.weights.of(node) !== undefined) continue;
    const product = onlyReader(node);
    if (product?.type !== "MatMul" || (!asBolt && model.graph.outputs.includes(node.output()))) continue;
    changed = fold(model, node, product, asBolt) || changed;
  }
  return changed;
}

function fold(model: BoltModel, node: BoltNode, product: BoltNode, asBolt: boolean): boolean {
  const { parameters } = node.data;
  const axes = parameters.counted("axes", "num_axes");
  const rank = axes.length;
  if (rank < 2) return false;
  const movesOthers = axes.slice(0, -2).some((axis, place) => axis !== place);
  const exchanges = axes[rank - 2] === rank - 1;
  if (!exchanges && (movesOthers || !asBolt)) return false;
  const place = product.inputs.indexOf(node.output());
  const flag = place === 0 ? "transpose_a" : "transpose_b";
  product.data.parameters.set(flag, 1 - product.data.parameters.number(flag));
  if (!movesOthers) {
    product.setInput(place, node.input(0));
    retire(model, node, false);
  } else {
    parameters.set("axes", [...axes.slice(0, -2), axes[rank - 1]!, rank - 1]);
  }
  return true;
}
