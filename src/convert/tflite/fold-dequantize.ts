import type { TfliteGraph, TfliteTensor } from "./read.ts";

/** Weights that are stored narrow, each behind a DEQUANTIZE of its own, become constants where they are read. */
export function foldDequantize(graph: TfliteGraph): TfliteGraph {
  const tensors: TfliteTensor[] = [...graph.tensors];
  const operators = graph.operators.filter(({ type, inputs, outputs }) => {
    const [stored, result] = [tensors[inputs[0] ?? -1], outputs[0]];
    if (type !== "DEQUANTIZE" || stored?.data === undefined || result === undefined) return true;
    tensors[result] = { ...stored, name: tensors[result]!.name };
    return false;
  });
  return { ...graph, tensors, operators };
}
