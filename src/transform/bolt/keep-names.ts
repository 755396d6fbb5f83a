import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { Value } from "../../graph/graph.ts";

/** The names of a model's inputs and outputs, to be kept over rewrites. */
export interface InterfaceNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export function interfaceNames({ graph }: BoltModel): InterfaceNames {
  return { inputs: graph.inputs.map((input) => input.name), outputs: graph.outputs.map((output) => output.name) };
}

/**
 * Inputs and outputs keep their names whatever was fused into what: a tensor that became an output takes the output's
 * name, everywhere. Bolt writes these names anew, without what stood behind their zeros. Nothing is done when the number
 * of inputs or outputs has changed. What became both takes the output's name; as Bolt it is the input, and nothing gives
 * the output.
 */
export function restoreNames(model: BoltModel, names: InterfaceNames, asBolt = false): void {
  const { inputs, outputs } = model.graph;
  if (inputs.length !== names.inputs.length || outputs.length !== names.outputs.length) return;
  const wanted = new Map<string, string>();
  outputs.forEach((output, index) => {
    wanted.set(output.name, names.outputs[index]!);
  });
  inputs.forEach((input, index) => {
    if (asBolt || !outputs.includes(input)) wanted.set(input.name, names.inputs[index]!);
  });
  const values = new Set<BoltValue | undefined>([...inputs, ...outputs]);
  for (const node of model.graph.nodes) {
    dropResidues(node, wanted);
    for (const value of [...node.inputs, ...node.outputs]) values.add(value);
  }
  for (const value of values) if (value !== undefined) value.name = wanted.get(value.name) ?? value.name;
  model.graph.outputs = outputs.map((output, index) => {
    const name = names.outputs[index]!;
    // Two outputs that became one tensor: Bolt lists both names although only the last one is still produced.
    return output.name === name ? output : new Value(name);
  });
  model.inputResidues = [];
  model.outputResidues = [];
}

function dropResidues({ inputs, outputs, data }: BoltNode, names: ReadonlyMap<string, string>): void {
  inputs.forEach((input, index) => {
    if (input !== undefined && names.has(input.name)) data.residues.delete(`input ${index}`);
  });
  outputs.forEach((output, index) => {
    if (names.has(output.name)) data.residues.delete(`output ${index}`);
  });
}
