import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import type { ScaleTable } from "../scale-table.ts";

/** Clip values by what they are for. */
export interface ClipValues {
  value(value: OnnxValue): number | undefined;
  /** Where the table gives both ends; then `value` is defined too. */
  range(value: OnnxValue): readonly [low: number, high: number] | undefined;
  weight(node: OnnxNode, weight: OnnxValue): number | undefined;
  /** Whether all that the table does not name was float in training, and stays so. */
  readonly trained: boolean;
}

/**
 * The clip values of a scale table for an ONNX model: layers are operators, tensors are values. Throws BoltqError
 * `mismatch` when a layer or tensor is not the model's, `unsupported` for a table of dynamic choices. `file` is for
 * messages.
 */
export function tableClips(table: ScaleTable, model: OnnxModel, file: string): ClipValues {
  if (table.kind === "dynamic") {
    throw new BoltqError("unsupported", "a table that chooses layers for dynamic quantization is Bolt's alone", {
      file,
      remedy: "Give a table with clip values",
    });
  }
  const nodes = new Map(model.main.graph.nodes.map((node) => [node.name, node]));
  const values = new Map<string, number>();
  const ranges = new Map<string, readonly [number, number]>();
  for (const [layer, { inputs, weights, outputs, ranges: ends = new Map() }] of table.layers) {
    const node = nodes.get(layer);
    if (node === undefined) throw unknownName(`the model has no operator "${layer}"`, file);
    const known = new Set([...node.inputs, ...node.outputs].map((value) => value?.name));
    for (const [name, clip] of [...inputs, ...outputs]) {
      if (!known.has(name)) throw unknownName(`the operator "${layer}" has no tensor "${name}"`, file);
      values.set(name, clip);
    }
    for (const [name, range] of ends) {
      if (!known.has(name)) throw unknownName(`the operator "${layer}" has no tensor "${name}"`, file);
      ranges.set(name, range);
      values.set(name, Math.max(-range[0], range[1]));
    }
    const stranger = [...weights.keys()].find((name) => !known.has(name));
    if (stranger !== undefined) throw unknownName(`the operator "${layer}" has no weight "${stranger}"`, file);
  }
  return {
    trained: table.trained ?? false,
    value: ({ name }) => values.get(name),
    range: ({ name }) => ranges.get(name),
    weight: (node, weight) => table.layers.get(node.name)?.weights.get(weight.name),
  };
}

function unknownName(problem: string, file: string): BoltqError {
  return new BoltqError("mismatch", problem, { file, remedy: "See the names with boltq inspect" });
}
