import { Value } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { floatTensor, integerTensor } from "../../onnx/tensor-data.ts";

/** From this version of the IR on, an initializer need not be a graph input. */
const FREE_INITIALIZERS_IR_VERSION = 4;

/** Adds a constant to the model; `name` must be new (see `FreshNames`). */
export function addInitializer(model: OnnxModel, name: string, constant: Tensor): OnnxValue {
  const value = new Value<OnnxNodeData>(name, { type: { type: constant.type, shape: constant.shape }, constant });
  model.main.initializers.push(value);
  return value;
}

/**
 * Takes initializers out of the graph's inputs, where old exporters list them: a runtime must expect other values for
 * those, so it neither folds nor packs them. Returns how many were taken out.
 */
export function freeInitializers(model: OnnxModel): number {
  const { graph } = model.main;
  const before = graph.inputs.length;
  graph.inputs = graph.inputs.filter(({ constant }) => constant === undefined);
  if (graph.inputs.length === before) return 0;
  model.irVersion = Math.max(model.irVersion, FREE_INITIALIZERS_IR_VERSION);
  return before - graph.inputs.length;
}

/**
 * Turns Constant operators of the main graph, and Identity operators over constants, into initializers. Constants that
 * are outputs of the graph or hold what no tensor can (sparse, strings) stay. Returns how many were turned.
 */
export function constantsToInitializers(model: OnnxModel): number {
  const { graph, initializers } = model.main;
  let count = 0;
  for (const node of graph.nodes) {
    const output = node.outputs[0];
    if (node.data.domain !== "" || output === undefined || graph.outputs.includes(output)) continue;
    const source = node.type === "Identity" ? node.inputs[0] : undefined;
    if (source?.constant !== undefined) {
      graph.replaceUses(output, source);
      graph.remove(node);
    } else {
      const constant = node.type === "Constant" ? constantOf(node) : undefined;
      if (constant === undefined) continue;
      graph.remove(node);
      output.constant = constant;
      output.type = { type: constant.type, shape: constant.shape };
      initializers.push(output);
    }
    count += 1;
  }
  return count;
}

/** Drops initializers that no operator reads and that are no outputs of the graph. Returns how many. */
export function dropUnusedInitializers(model: OnnxModel): number {
  const { main } = model;
  const before = main.initializers.length;
  const kept = new Set(main.graph.outputs);
  main.initializers = main.initializers.filter((value) => value.used || kept.has(value));
  return before - main.initializers.length;
}

function constantOf({ data }: OnnxNode): Tensor | undefined {
  for (const [name, attribute] of data.attributes) {
    if (name === "value" && attribute.kind === "tensor") return attribute.value;
    if (name === "value_float" && attribute.kind === "float") return floatTensor([], [attribute.value]);
    if (name === "value_floats" && attribute.kind === "floats")
      return floatTensor([attribute.value.length], attribute.value);
    if (name === "value_int" && attribute.kind === "int") return integerTensor([], [attribute.value]);
    if (name === "value_ints" && attribute.kind === "ints")
      return integerTensor([attribute.value.length], attribute.value);
  }
  return undefined;
}
