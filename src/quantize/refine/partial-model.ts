import { Value } from "../../graph/graph.ts";
import type { TensorType } from "../../graph/tensor.ts";
import { memorySource } from "../../io/bytes.ts";
import { memoryTarget } from "../../io/target.ts";
import type { OnnxModel, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { readOnnx } from "../../onnx/read.ts";
import { writeOnnx } from "../../onnx/write.ts";
import { dropUnusedInitializers } from "../../transform/onnx/initializers.ts";

/** A model's file, in memory. */
export async function bytesOf(model: OnnxModel): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeOnnx(model, target);
  return target.result();
}

/** The part of a float model that gives these values, as a model of its own; from the value `start` on where that is given. */
export async function modelThatGives(
  bytes: Uint8Array,
  names: readonly string[],
  start?: StartValue,
): Promise<Uint8Array> {
  const model = await readOnnx(memorySource(bytes));
  const wanted = new Set(names);
  if (start !== undefined) startAt(model, start);
  const values = model.main.graph.nodes.flatMap(({ outputs }) => outputs.filter(({ name }) => wanted.has(name)));
  return bytesOf(cutTo(model, values));
}

/** A value whose numbers are known: what is before it need not run. */
export interface StartValue {
  readonly name: string;
  readonly type: TensorType;
}

/** Makes a value the model's only input. All that is wanted of the model must depend on it alone. */
export function startAt(model: OnnxModel, { name, type }: StartValue): void {
  const { graph } = model.main;
  const value = graph.nodes.flatMap(({ outputs }) => outputs).find((output) => output.name === name)!;
  const input = new Value<OnnxNodeData>(name, { type });
  graph.replaceUses(value, input);
  graph.inputs = [input];
}

/** Leaves of a model what gives these values, which become its outputs. */
export function cutTo(model: OnnxModel, values: readonly OnnxValue[]): OnnxModel {
  const { graph } = model.main;
  graph.outputs = [...values];
  const kept = new Set(values);
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.every((output) => !output.used && !kept.has(output))) graph.remove(node);
  }
  dropUnusedInitializers(model);
  return model;
}
