import type { TfliteGraph, TfliteTensor } from "./read.ts";

/** Operators that give what a constant is, stored in another way: reading it does what they do. */
const READING: ReadonlySet<string> = new Set(["DEQUANTIZE", "DENSIFY"]);

/** Weights that are stored narrow or sparse, each behind operators of its own, become constants where they are read. */
export function foldDequantize(graph: TfliteGraph): TfliteGraph {
  const tensors: TfliteTensor[] = [...graph.tensors];
  const operators = graph.operators.filter(({ type, inputs, outputs }) => {
    const [stored, result] = [tensors[inputs[0] ?? -1], outputs[0]];
    if (!READING.has(type) || stored?.data === undefined || result === undefined) return true;
    tensors[result] = { ...stored, name: tensors[result]!.name };
    return false;
  });
  return { ...graph, tensors, operators };
}
