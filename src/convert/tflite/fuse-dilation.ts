import { numbersOf } from "../../onnx/tensor-data.ts";
import { storedTensor } from "./constants.ts";
import type { TfliteGraph, TfliteOperator } from "./read.ts";

const CONVOLUTIONS: ReadonlySet<string> = new Set(["CONV_2D", "DEPTHWISE_CONV_2D"]);

/**
 * SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND is how TensorFlow writes a dilated convolution: three operators
 * become one. Those that stand otherwise are left.
 */
export async function fuseDilation(graph: TfliteGraph): Promise<TfliteGraph> {
  const readers = readersOf(graph);
  const gone = new Set<TfliteOperator>();
  const fused = new Map<TfliteOperator, TfliteOperator>();
  for (const split of graph.operators) {
    if (split.type !== "SPACE_TO_BATCH_ND") continue;
    const convolution = onlyReader(graph, readers, split);
    const merge = convolution && onlyReader(graph, readers, convolution);
    if (merge?.type !== "BATCH_TO_SPACE_ND" || !CONVOLUTIONS.has(convolution!.type)) continue;
    const dilation = await dilationOf(graph, split, merge);
    if (dilation === undefined) continue;
    gone.add(split).add(convolution!);
    const inputs = [split.inputs[0]!, ...convolution!.inputs.slice(1)];
    fused.set(merge, { ...convolution!, inputs, outputs: merge.outputs, dilation });
  }
  const operators = graph.operators.flatMap((operator) =>
    gone.has(operator) ? [] : [fused.get(operator) ?? operator],
  );
  return { ...graph, operators };
}

function readersOf({ operators }: TfliteGraph): ReadonlyMap<number, readonly TfliteOperator[]> {
  const readers = new Map<number, TfliteOperator[]>();
  for (const operator of operators) {
    for (const input of operator.inputs) readers.set(input, [...(readers.get(input) ?? []), operator]);
  }
  return readers;
}

function onlyReader(
  { outputs }: TfliteGraph,
  readers: ReadonlyMap<number, readonly TfliteOperator[]>,
  operator: TfliteOperator,
): TfliteOperator | undefined {
  const result = operator.outputs[0];
  const found = result === undefined || outputs.includes(result) ? [] : (readers.get(result) ?? []);
  return found.length === 1 && found[0]!.inputs[0] === result ? found[0] : undefined;
}

/** Blocks are the dilation; what is padded before and cropped after is padding of the whole. */
async function dilationOf(
  graph: TfliteGraph,
  split: TfliteOperator,
  merge: TfliteOperator,
): Promise<TfliteOperator["dilation"]> {
  const lists = [];
  for (const index of [split.inputs[1], split.inputs[2], merge.inputs[1], merge.inputs[2]]) {
    const tensor = graph.tensors[index ?? -1];
    if (tensor?.data === undefined) return undefined;
    lists.push(Array.from(await numbersOf(storedTensor(tensor))));
  }
  const [blocks, padding, sameBlocks, crops] = lists as [number[], number[], number[], number[]];
  const [top, bottom, left, right] = padding.map((pad, index) => pad - crops[index]!);
  const pads = [top, left, bottom, right];
  const fits = blocks.length === 2 && blocks.join() === sameBlocks.join() && padding.length === 4 && crops.length === 4;
  if (!fits || pads.some((pad) => pad === undefined || pad < 0)) return undefined;
  return { factors: blocks as [number, number], pads: pads as number[] };
}
