import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

const SWAPPED = [1, 0, 2];

/**
 * Brings what stands around recurrent layers into the order of Bolt's, batch × time × units, as Bolt's tool does whatever
 * the order was (RNNOptimizer). Where its tool is not followed the order is right, and only a Reshape to the shape that
 * the layer gives is taken out.
 */
export async function simplifyRecurrent(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const layer of model.graph.nodes) {
    if (layer.type !== "RNN") continue;
    if (!asBolt) changed = dropOwnShape(model, layer) || changed;
    else changed = [swapBefore(model, layer), swapAfter(model, layer)].includes(true) || changed;
  }
  return changed;
}

function dropOwnShape(model: BoltModel, layer: BoltNode): boolean {
  const next = onlyReader(layer);
  if (next?.type !== "Reshape" || model.graph.outputs.includes(layer.output())) return false;
  const { parameters } = layer.data;
  const width = parameters.number("num_outputs") * (1 + parameters.number("bi_direction"));
  if (next.data.parameters.counted("shape", "num_shape").join() !== `0,0,${width}`) return false;
  retire(model, next, true);
  return true;
}

/** Takes the swap of batch and time into a Transpose or Reshape before the layer. */
function swapBefore(model: BoltModel, layer: BoltNode): boolean {
  const before = layer.input(0).producer;
  if (before?.type === "Transpose" && before.data.parameters.number("num_axes") === 3) {
    return swapTranspose(model, before, (axes) => SWAPPED.map((axis) => axes[axis]!));
  }
  if (before?.type !== "Reshape") return false;
  const shape = before.data.parameters.counted("shape", "num_shape");
  if (shape.length !== 3 || shape[0] === 1) return false;
  before.data.parameters.set(
    "shape",
    SWAPPED.map((axis) => shape[axis]!),
  );
  return true;
}

function swapTranspose(model: BoltModel, node: BoltNode, swap: (axes: readonly number[]) => number[]): boolean {
  const axes = swap(node.data.parameters.counted("axes", "num_axes"));
  node.data.parameters.set("axes", axes);
  if (axes.every((axis, place) => axis === place)) retire(model, node, true);
  return true;
}

/** Takes out what puts the directions side by side behind the layer, and the swap of the axes after that. */
function swapAfter(model: BoltModel, layer: BoltNode): boolean {
  const next = onlyReader(layer);
  const afterNext = next === undefined ? undefined : next.outputs[0]?.users[0];
  if (next === undefined || afterNext === undefined) return false;
  if (next.type === "Squeeze" || next.type === "Reshape") {
    retire(model, next, true);
    if (afterNext.type === "Transpose" && afterNext.data.parameters.number("num_axes") === 3)
      swapTranspose(model, afterNext, (axes) => axes.map((axis) => SWAPPED[axis]!));
    return true;
  }
  const joined = onlyReader(next);
  if (next.type !== "Transpose" || joined === undefined) return false;
  const axes = next.data.parameters.counted("axes", "num_axes").join();
  if (axes === "1,0,2") return giveInstead(model, layer, [next]);
  if (joined.type !== "Reshape") return false;
  if (axes === "2,0,1,3") return giveInstead(model, layer, [next, joined]);
  if (axes !== "0,2,1,3") return false;
  const last = onlyReader(joined);
  giveInstead(model, layer, [next, joined]);
  if (last?.type === "Transpose" && last.data.parameters.number("num_axes") === 3) {
    const swapped = last.data.parameters.counted("axes", "num_axes").map((axis) => SWAPPED[axis]!);
    if (swapped.every((axis, place) => axis === place)) giveInstead(model, layer, [last]);
    else last.data.parameters.set("axes", swapped);
  }
  return true;
}

/** The layer gives the output of the last of these itself. */
function giveInstead(model: BoltModel, layer: BoltNode, gone: readonly BoltNode[]): boolean {
  const output = gone.at(-1)!.output();
  for (const node of gone) retire(model, node, false);
  layer.setOutputs([output, ...layer.outputs.slice(1)]);
  return true;
}
