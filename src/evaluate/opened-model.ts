import { Value } from "../graph/graph.ts";
import { memorySource } from "../io/bytes.ts";
import type { OnnxModel, OnnxNodeData, OnnxValue } from "../onnx/model.ts";
import { nodeData } from "../onnx/node-data.ts";
import { readOnnx } from "../onnx/read.ts";
import { FreshNames } from "../transform/onnx/fresh-names.ts";

/** Names of values, with their numbers of axes. */
export type Ranks = ReadonlyMap<string, number>;

/** A model with new inputs, and what each of these is called, by the value that it is for. */
export interface OpenedModel {
  readonly model: OnnxModel;
  readonly inputs: ReadonlyMap<string, string>;
}

/**
 * A copy of the model in which the readers of the named values get new inputs instead, and the values themselves are outputs: so each operator
 * can be run on given numbers, all in one run. Named values that are no float32 operator results are left out.
 */
export async function openedAt(bytes: Uint8Array, names: Ranks): Promise<OpenedModel> {
  return changedAt(bytes, names, (model, value, given) => {
    for (const user of value.users) replaceInput(user, value, given);
    if (!model.main.graph.outputs.includes(value)) model.main.graph.outputs.push(value);
  });
}

/** A copy of the model in which a new input is added to each of the named values: 0 leaves the model as it was. */
export async function disturbedAt(bytes: Uint8Array, names: Ranks): Promise<OpenedModel> {
  return changedAt(bytes, names, (model, value, given) => {
    const { graph } = model.main;
    const sum = new Value<OnnxNodeData>(`${given.name}/sum`, { type: value.type });
    graph.replaceUses(value, sum);
    graph.insertAfter(value.producer!, {
      name: sum.name,
      type: "Add",
      inputs: [value, given],
      outputs: [sum],
      data: nodeData(),
    });
  });
}

async function changedAt(
  bytes: Uint8Array,
  names: Ranks,
  change: (model: OnnxModel, value: OnnxValue, given: OnnxValue) => void,
): Promise<OpenedModel> {
  const model = await readOnnx(memorySource(bytes));
  const fresh = new FreshNames(model);
  const { graph } = model.main;
  const values = graph.nodes.flatMap(({ outputs }) => outputs).filter(({ name }) => names.has(name));
  const inputs = new Map<string, string>();
  for (const value of values) {
    const given = new Value<OnnxNodeData>(fresh.next(`${value.name}/given`), {
      type: { type: "float32", shape: new Array<undefined>(names.get(value.name)!).fill(undefined) },
    });
    change(model, value, given);
    graph.inputs.push(given);
    inputs.set(value.name, given.name);
  }
  return { model, inputs };
}

function replaceInput(user: OnnxValue["users"][number], value: OnnxValue, replacement: OnnxValue): void {
  user.inputs.forEach((input, index) => {
    if (input === value) user.setInput(index, replacement);
  });
}
