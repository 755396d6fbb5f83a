import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import type { Bytes } from "../../io/bytes.ts";
import { type PassOptions, RETIRED, retire } from "./pass.ts";

/** Operators that give what they get, by their parameters (DeprecatedOPOptimizer). */
const USELESS: Readonly<Record<string, (node: BoltNode) => boolean>> = {
  Input: () => true,
  Dropout: () => true,
  Slice: (node) => node.inputs.length === 1 && node.outputs.length === 1,
  Concat: (node) => node.inputs.length === 1,
  Pad: (node) => zeros(node, "before", "after", "top", "bottom", "left", "right", "front", "back"),
  Expand: (node) => {
    const shape = node.data.parameters.counted("shape", "num_shape");
    return shape.length > 0 && shape.every((size) => size === 1);
  },
  Pooling: (node) =>
    ones(node, "kernel_t", "kernel_h", "kernel_w", "stride_t", "stride_h", "stride_w") &&
    zeros(node, "pad_before", "pad_after", "pad_top", "pad_bottom", "pad_left", "pad_right") &&
    node.outputs.length === 1,
};

function zeros(node: BoltNode, ...fields: ParameterName[]): boolean {
  return node.data.parameters.numbers(...fields).every((size) => size === 0);
}

function ones(node: BoltNode, ...fields: ParameterName[]): boolean {
  return node.data.parameters.numbers(...fields).every((size) => size === 1);
}

/** Takes out operators that change nothing, those that repeat an earlier one, and inputs that nothing reads. */
export async function removeRedundant(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  const before = model.graph.nodes.filter((node) => node.type === RETIRED).length;
  removeUseless(model, asBolt);
  await mergeRepeated(model);
  removeUnusedInputs(model, asBolt);
  return model.graph.nodes.filter((node) => node.type === RETIRED).length > before;
}

/** One that stands between two tensors of the network's interface is left, unless as Bolt: each keeps its name so. */
function removeUseless(model: BoltModel, asBolt: boolean): void {
  const { inputs, outputs } = model.graph;
  for (const node of model.graph.nodes) {
    const useless = Object.hasOwn(USELESS, node.type) ? USELESS[node.type] : undefined;
    const [input] = node.inputs;
    if (useless?.(node) !== true || input === undefined) continue;
    const joins = outputs.includes(node.output()) && (inputs.includes(input) || outputs.includes(input));
    if (asBolt || !joins) retire(model, node, true);
  }
}

/** Of operators with the same type, inputs, parameters and weights the first one serves all. */
async function mergeRepeated(model: BoltModel): Promise<void> {
  const seen = new Map<string, BoltNode[]>();
  const identities = new Map<object, number>();
  for (const node of model.graph.nodes) {
    if (node.type === RETIRED || node.type === "PreAllocatedMemory") continue;
    const key = keyOf(node, identities);
    const alike = seen.get(key) ?? [];
    const first =
      node.outputs.length === 1 && !model.graph.outputs.includes(node.output())
        ? await findEqual(model, node, alike)
        : undefined;
    if (first === undefined) {
      seen.set(key, [...alike, node]);
      continue;
    }
    model.graph.replaceUses(node.output(), first.output());
    retire(model, node, false);
  }
}

function keyOf(node: BoltNode, identities: Map<object, number>): string {
  const inputs = node.inputs.map((input) => (input === undefined ? "" : identityOf(input, identities)));
  return `${node.type}|${inputs.join()}|${node.data.parameters.bytes.join()}`;
}

function identityOf(value: object, identities: Map<object, number>): number {
  const known = identities.get(value) ?? identities.size;
  identities.set(value, known);
  return known;
}

async function findEqual(
  model: BoltModel,
  node: BoltNode,
  candidates: readonly BoltNode[],
): Promise<BoltNode | undefined> {
  const record = model.weights.of(node);
  for (const candidate of candidates) {
    const other = model.weights.of(candidate);
    if (record === undefined && other === undefined) return candidate;
    if (record === undefined || other === undefined) continue;
    if ((await equal(record.weight, other.weight)) && (await equal(record.vector, other.vector))) return candidate;
  }
  return undefined;
}

async function equal(one: Bytes, other: Bytes): Promise<boolean> {
  if (one.length !== other.length) return false;
  const [left, right] = [await one.read(), await other.read()];
  return left.every((byte, index) => byte === right[index]);
}

/** One that is an output all the same stays, unless as Bolt, which then has neither. */
function removeUnusedInputs({ graph, inputDescriptions }: BoltModel, asBolt: boolean): void {
  for (let index = graph.inputs.length - 1; index >= 0; index--) {
    const input = graph.inputs[index]!;
    if (input.used || (!asBolt && graph.outputs.includes(input))) continue;
    graph.inputs.splice(index, 1);
    inputDescriptions.splice(index, 1);
    graph.outputs = graph.outputs.filter((output) => output !== input);
  }
}
