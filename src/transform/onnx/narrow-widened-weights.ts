import { Value } from "../../graph/graph.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { OnnxModel, OnnxNodeData } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { halfFloatsOf } from "./widen-half-floats.ts";

/** Fewer numbers are not worth an operator. */
const LEAST_ELEMENTS = 1024;

const FLOAT32 = 1;

/**
 * Stores weights as the half floats again that they came as, each with a Cast behind it, where they are still what was widened:
 * what quantization leaves in float would take twice the bytes. Runtimes calculate the Cast when they load the model.
 */
export function narrowWidenedWeights(model: OnnxModel): void {
  const names = new FreshNames(model);
  const { graph, initializers } = model.main;
  const [first] = graph.nodes;
  for (const value of initializers) {
    const half = value.constant === undefined ? undefined : halfFloatsOf(value.constant);
    if (half === undefined || elementCount(half.shape) < LEAST_ELEMENTS || graph.outputs.includes(value)) continue;
    const wide = new Value<OnnxNodeData>(names.next(`${value.name}/float32`), {
      type: { type: "float32", shape: half.shape },
    });
    graph.replaceUses(value, wide);
    value.constant = half;
    value.type = { type: half.type, shape: half.shape };
    const cast = { name: wide.name, type: "Cast", inputs: [value], outputs: [wide], data: nodeData({ to: FLOAT32 }) };
    graph.insertBefore(first!, cast);
  }
}
