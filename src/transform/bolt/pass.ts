import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";

export interface PassOptions {
  /** Do what Bolt's tool does also where that changes what the network computes. */
  readonly asBolt: boolean;
  /** Leave a Transpose of an input in the network. Default false. */
  readonly keepLayout?: boolean;
  /** Told of each Transpose of an input that is left to the caller: the input's axes in the order in which it is taken now. */
  readonly onFoldedTranspose?: (input: BoltValue, axes: readonly number[]) => void;
}

/** A rewrite of a Bolt graph; says whether it changed anything. */
export type BoltPass = (model: BoltModel, options: PassOptions) => Promise<boolean>;

/** The type of an operator that was taken out but still holds its place. */
export const RETIRED = "None";

/**
 * Takes an operator out of the network but leaves its place: Bolt's tools name new operators by the places of old ones.
 * `bypass` lets the readers of its first output, and the network's outputs, read its first input instead.
 */
export function retire(model: BoltModel, node: BoltNode, bypass: boolean): void {
  const record = model.weights.of(node);
  if (record !== undefined) model.weights.delete(record);
  const input = node.inputs[0];
  if (bypass && input !== undefined) for (const output of node.outputs) model.graph.replaceUses(output, input);
  node.type = RETIRED;
  node.setInputs([]);
  node.setOutputs([]);
}

/** Removes the places of retired operators. */
export function dropRetired(model: BoltModel): void {
  for (const node of model.graph.nodes) if (node.type === RETIRED) model.graph.remove(node);
}

/** The one operator that reads the output, if it does so with one input and nothing else reads it. */
export function onlyReader(node: BoltNode): BoltNode | undefined {
  const readers = node.outputs[0]?.users ?? [];
  const reader = readers.length === 1 ? readers[0] : undefined;
  return reader !== undefined && reader.inputs.filter((input) => input === node.outputs[0]).length === 1
    ? reader
    : undefined;
}

/** The operators that were not taken out. */
export function liveNodes(model: BoltModel): BoltNode[] {
  return model.graph.nodes.filter((node) => node.type !== RETIRED);
}
