import { Value } from "../../graph/graph.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { encodedTensor, floatTensor } from "../../onnx/tensor-data.ts";
import { FreshNames } from "../../transform/onnx/fresh-names.ts";
import { addInitializer } from "../../transform/onnx/initializers.ts";
import type { Plan, ValuePlan } from "../plan.ts";

/** Operators whose float weights ONNX Runtime makes int8 by itself. */
const REQUANTIZED: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm"]);

/** What may stand between such an operator and the QuantizeLinear that makes ONNX Runtime do it. */
const PASSED: ReadonlySet<string> = new Set(["Relu", "Clip"]);

/**
 * Keeps ONNX Runtime from quantizing what a plan leaves in float: where an operator stands between a DequantizeLinear with one scale and a
 * QuantizeLinear, it makes the float weights int8, with one scale for all channels (WeightBiasQuantization, from 1.20 on). Such an operator reads
 * from a DequantizeLinear of its own, with the same scale once for each channel: the same numbers, but not what ONNX Runtime looks for.
 */
export function keepFloatOperators(model: OnnxModel, plan: Plan): void {
  const names = new FreshNames(model);
  const values = new Map(plan.values.map((value) => [value.name, value]));
  for (const node of model.main.graph.nodes) {
    const value = node.inputs[0];
    const stored = values.get(value?.name ?? "");
    if (value === undefined || stored === undefined || !isRequantized(node, value)) continue;
    const channels = value.type?.shape?.[1];
    if (typeof channels === "number" && channels > 1) readByChannel(model, node, stored, channels, names);
  }
}

function isRequantized(node: OnnxNode, value: OnnxValue): boolean {
  if (node.data.domain !== "" || !REQUANTIZED.has(node.type)) return false;
  if (value.producer?.type !== "DequantizeLinear" || node.inputs[1]?.constant?.type !== "float32") return false;
  return leadsToQuantize(node.output());
}

function leadsToQuantize(value: OnnxValue): boolean {
  let current = value;
  for (;;) {
    const [reader, ...others] = current.users;
    if (reader === undefined || others.length > 0) return false;
    if (reader.type === "QuantizeLinear") return true;
    if (!PASSED.has(reader.type)) return false;
    current = reader.output();
  }
}

function readByChannel(
  model: OnnxModel,
  node: OnnxNode,
  { type, scale, zeroPoint }: ValuePlan,
  channels: number,
  names: FreshNames,
): void {
  const value = node.input(0);
  const dequantize = value.producer!;
  const read = new Value<OnnxNodeData>(names.next(`${value.name}/by_channel`), { type: value.type });
  const scales = floatTensor([channels], new Array<number>(channels).fill(scale));
  const zeros = encodedTensor(type, [channels], new Array<number>(channels).fill(zeroPoint));
  model.main.graph.insertBefore(node, {
    name: names.next(`${value.name}/DequantizeByChannel`),
    type: "DequantizeLinear",
    inputs: [
      dequantize.input(0),
      addInitializer(model, names.next(`${value.name}/scales`), scales),
      addInitializer(model, names.next(`${value.name}/zero_points`), zeros),
    ],
    outputs: [read],
    data: nodeData({ axis: 1 }),
  });
  node.setInput(0, read);
  if (!value.used && !model.main.graph.outputs.includes(value)) model.main.graph.remove(dequantize);
}
