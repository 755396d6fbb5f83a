import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { newNodeData } from "../../bolt/new-model.ts";
import { Value } from "../../graph/graph.ts";

/**
 * In residual networks, moves the stride of the 1x1 convolutions behind an addition to before it: the convolutions that
 * feed the addition take it over, and an identity branch gets a 1x1 pooling (ConvolutionStrideOptimizer). The sum is then
 * computed only where it is used.
 */
export async function moveStride(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes.slice(1)) {
    const move = node.type === "Eltwise" && node.inputs.length >= 2 ? findMove(node) : undefined;
    if (move === undefined) continue;
    applyMove(model, node, move);
    changed = true;
  }
  return changed;
}

interface Move {
  stride: readonly [number, number];
  /** Convolutions whose stride becomes 1. */
  released: BoltNode[];
  /** Convolutions that take the stride over. */
  taking: BoltNode[];
  /** The input of the addition that comes from a value with other readers, if any, and where that comes from. */
  identity: { readonly input: number; readonly producer: BoltNode } | undefined;
}

function findMove(sum: BoltNode): Move | undefined {
  const readers = sum.output().users;
  const [one, other] = [sum.inputs[0]?.producer, sum.inputs[1]?.producer];
  if (readers.length === 0 || one === undefined || other === undefined) return undefined;
  if (!readers.every((reader) => isStrided1x1(reader) && sameStride(reader, readers[0]!))) return undefined;
  const move: Move = { stride: strideOf(readers[0]!), released: [...readers], taking: [], identity: undefined };
  for (const [input, producer] of [one, other].entries()) {
    if (readCount(producer) > 1) move.identity = { input, producer };
    else if (!followBranch(producer, move)) return undefined;
  }
  return move;
}

/** Goes back over 1x1 convolutions to one that can take the stride. */
function followBranch(last: BoltNode, move: Move): boolean {
  if (!is1x1(last)) {
    if (!isConvolutionOfStride1(last)) return false;
    move.taking.push(last);
    return true;
  }
  for (let node: BoltNode | undefined = last; node !== undefined; node = node.inputs[0]?.producer) {
    if (isStrided1x1(node)) move.released.push(node);
    else if (!isConvolutionOfStride1(node)) return false;
    else if (kernelOf(node).every((size) => size > 1)) {
      move.taking.push(node);
      return true;
    }
  }
  return false;
}

function applyMove(model: BoltModel, sum: BoltNode, { stride, released, taking, identity }: Move): void {
  for (const node of taking) setStride(node, stride);
  for (const node of released) setStride(node, [1, 1]);
  if (identity === undefined) return;
  const place = model.graph.nodes.indexOf(identity.producer);
  const name = `Pooling_${place}${identity.input}`;
  // Bolt gives the pooling the stride that the other branch took over; where none did it is 0 there, and useless.
  const [height, width] = taking.length > 0 ? stride : [0, 0];
  const pooled = new Value<BoltNode["data"]>(name);
  model.graph.insertAfter(identity.producer, {
    name,
    type: "Pooling",
    inputs: [identity.producer.output()],
    outputs: [pooled],
    data: newNodeData("Pooling", model.version, {
      kernel_t: 1,
      kernel_h: 1,
      kernel_w: 1,
      stride_t: 1,
      stride_h: height,
      stride_w: width,
      round_mode: "FLOOR",
      mode: "MAX",
    }),
  });
  sum.setInput(identity.input, pooled);
}

function readCount(node: BoltNode): number {
  const value = node.output();
  return value.users.reduce((count, user) => count + user.inputs.filter((input) => input === value).length, 0);
}

function kernelOf(node: BoltNode): [number, number] {
  return [node.data.parameters.number("kernel_h"), node.data.parameters.number("kernel_w")];
}

function strideOf(node: BoltNode): [number, number] {
  return [node.data.parameters.number("stride_h"), node.data.parameters.number("stride_w")];
}

function setStride(node: BoltNode, [height, width]: readonly [number, number]): void {
  node.data.parameters.set("stride_h", height);
  node.data.parameters.set("stride_w", width);
}

function is1x1(node: BoltNode): boolean {
  return node.type === "Conv" && kernelOf(node).every((size) => size === 1);
}

function isStrided1x1(node: BoltNode): boolean {
  return is1x1(node) && strideOf(node).every((step) => step > 1);
}

function isConvolutionOfStride1(node: BoltNode): boolean {
  return node.type === "Conv" && strideOf(node).every((step) => step === 1);
}

function sameStride(one: BoltNode, other: BoltNode): boolean {
  return strideOf(one).join() === strideOf(other).join();
}
