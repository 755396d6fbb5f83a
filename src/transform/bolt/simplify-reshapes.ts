import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { onlyReader, RETIRED, retire } from "./pass.ts";

/** Takes out a Reshape that only other Reshapes read (FuseReshapeOptimizer). */
export async function dropReshapesBeforeReshapes(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes.slice(0, -1)) {
    if (node.type !== "Reshape" || model.graph.outputs.includes(node.output())) continue;
    const readers = node.output().users;
    if (
      readers.length === 0 ||
      !readers.every((reader) => reader.type === "Reshape" && reader.inputs[0] === node.output())
    )
      continue;
    retire(model, node, true);
    changed = true;
  }
  return changed;
}

/** Takes out Squeeze and Unsqueeze before a Reshape, and puts those behind one into its shape (ReshapeOptimizer). */
export async function simplifyReshapes(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type === RETIRED || model.graph.outputs.some((output) => output.producer === node)) continue;
    const next = onlyReader(node);
    if (isSqueezing(node) && next?.type === "Reshape" && next.inputs[0] === node.output()) {
      retire(model, node, true);
      changed = true;
    } else if (node.type === "Reshape" && isWhole(node) && next !== undefined && isSqueezing(next)) {
      setShape(node, next.type === "Squeeze" ? squeezed(node, next) : unsqueezed(node, next));
      retire(model, next, true);
      changed = true;
    }
  }
  return changed;
}

function isSqueezing({ type }: BoltNode): boolean {
  return type === "Squeeze" || type === "Unsqueeze";
}

function isWhole(node: BoltNode): boolean {
  const { parameters } = node.data;
  return parameters.number("axis") === 0 && parameters.number("num_axes") === -1 && node.inputs.length === 1;
}

function shapeOf(node: BoltNode): number[] {
  return node.data.parameters.counted("shape", "num_shape");
}

function axesOf(node: BoltNode, rank: number): number[] {
  return node.data.parameters.counted("axes", "num_axes").map((axis) => (axis < 0 ? axis + rank : axis));
}

function squeezed(node: BoltNode, squeeze: BoltNode): number[] {
  const shape = shapeOf(node);
  const axes = axesOf(squeeze, shape.length);
  return shape.filter((size, axis) => Math.abs(size) > 1 || !axes.includes(axis));
}

function unsqueezed(node: BoltNode, unsqueeze: BoltNode): number[] {
  const shape = shapeOf(node);
  const rank = shape.length + unsqueeze.data.parameters.number("num_axes");
  for (const axis of axesOf(unsqueeze, rank).sort((one, other) => one - other)) shape.splice(axis, 0, 1);
  return shape;
}

function setShape(node: BoltNode, shape: readonly number[]): void {
  node.data.parameters.set("shape", shape);
  node.data.parameters.set("num_shape", shape.length);
}
