import { intAttribute, intsAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { isFusedActivation } from "./operator-roles.ts";

/** A picture has at most so many channels: too few for the integer kernels to be fast. */
const PICTURE_CHANNELS = 4;

/** A pointwise convolution that leaves at most this share of the numbers ends the stem: what is behind it is cheap to quantize. */
const REDUCTION = 0.5;

/**
 * The first convolutions, where float is faster: over the few channels of a picture, and depthwise or reducing ones right
 * behind. The stem ends behind a convolution, never behind a pooling: ONNX Runtime would then pool bytes in the slow
 * layout, which takes longer than all the rest.
 */
export function floatStem(model: OnnxModel): Set<OnnxNode> {
  const inputs = new Set(model.main.graph.inputs);
  const stem = new Set<OnnxNode>();
  for (const node of model.main.graph.nodes) {
    if (isFirst(node, inputs)) for (const member of stemFrom(node, model.main.graph.outputs)) stem.add(member);
  }
  return stem;
}

function isFirst(node: OnnxNode, inputs: ReadonlySet<OnnxValue>): boolean {
  const channels = node.type === "Conv" ? weightShape(node)?.[1] : undefined;
  if (channels === undefined || channels > PICTURE_CHANNELS || groups(node) !== 1) return false;
  const source = node.inputs[0];
  return (
    source !== undefined && (inputs.has(source) || source.producer?.type === "Sub" || source.producer?.type === "Mul")
  );
}

function stemFrom(first: OnnxNode, outputs: readonly OnnxValue[]): OnnxNode[] {
  const walked: OnnxNode[] = [first];
  let length = 1;
  for (let node = nextOf(first, outputs); node !== undefined; node = nextOf(node, outputs)) {
    const kind = kindOf(node);
    if (kind === "other") break;
    walked.push(node);
    if (kind !== "pool") length = walked.length;
    if (kind === "reducing") break;
  }
  const behind = walked[length];
  return behind !== undefined && kindOf(behind) === "pool" ? [] : walked.slice(0, length);
}

/** The one operator that reads the node's output, or that of the activation behind it. */
function nextOf(node: OnnxNode, outputs: readonly OnnxValue[]): OnnxNode | undefined {
  const output = node.outputs[0];
  const [reader, ...others] = output?.users ?? [];
  if (output === undefined || reader === undefined || others.length > 0 || outputs.includes(output)) return undefined;
  return isFusedActivation(reader) ? nextOf(reader, outputs) : reader;
}

function kindOf(node: OnnxNode): "depthwise" | "reducing" | "pool" | "other" {
  if (node.type === "MaxPool" || node.type === "AveragePool") return "pool";
  const shape = node.type === "Conv" ? weightShape(node) : undefined;
  if (shape === undefined) return "other";
  const [channels, perGroup, ...kernel] = shape as [number, number, ...number[]];
  if (perGroup === 1 && groups(node) === channels) return "depthwise";
  if (kernel.some((size) => size > 1)) return "other";
  const stride = (intsAttribute(node, "strides") ?? []).reduce((product, step) => product * step, 1);
  return channels / (perGroup * groups(node) * stride) <= REDUCTION ? "reducing" : "other";
}

function weightShape(node: OnnxNode): readonly number[] | undefined {
  const shape = node.inputs[1]?.constant?.shape;
  return shape !== undefined && shape.length >= 3 ? shape : undefined;
}

function groups(node: OnnxNode): number {
  return intAttribute(node, "group", 1);
}
